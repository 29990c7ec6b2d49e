/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How tests with guests look at a VM and at its domain. */

#include "vm-guest.h"

static inline SclObservedVm *
look (SclObservation *seen, const char *name)
{
  SclObservedVm *vm = _scl_observation_lookup_vm (seen, name);

  assert_non_null (vm);
  return vm;
}

static inline void
define_guest (GuestHost *host, const VmPlan *plan)
{
  g_autoptr (GError) error = NULL;

  guest_must (guest_define (host, plan, &error), &error);
}

static inline char *
domain_xml (GuestHost *host, const char *name, guint flags)
{
  g_autofree char *domain_name = _scl_names_domain (GUEST_PREFIX, name);
  g_autofree char *uri = strcmp (host->uri, "qemu:///embed") == 0
                             ? g_strdup_printf ("qemu:///embed?root=%s/embed", host->state_dir)
                             : g_strdup (host->uri);
  virConnectPtr handle = virConnectOpen (uri);
  virDomainPtr domain = handle != NULL ? virDomainLookupByName (handle, domain_name) : NULL;
  char *text = domain != NULL ? virDomainGetXMLDesc (domain, flags) : NULL;
  char *copy = g_strdup (text);

  free (text);
  if (domain != NULL)
    virDomainFree (domain);
  if (handle != NULL)
    virConnectClose (handle);
  assert_non_null (copy);
  return copy;
}

/* The lines of XML with one of MARKERS in them. */
static inline char *
grep (const char *xml, const char *const *markers)
{
  g_auto (GStrv) lines = g_strsplit (xml, "\n", -1);
  GString *found = g_string_new (NULL);

  for (char **line = lines; *line != NULL; line++)
    for (const char *const *marker = markers; *marker != NULL; marker++)
      if (strstr (*line, *marker) != NULL)
        g_string_append_printf (found, "%s\n", *line);
  return g_string_free (found, FALSE);
}
