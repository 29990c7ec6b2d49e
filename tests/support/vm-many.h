/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reading many domains: bare libvirt against the VM backend, µs. */

#include "backend/vm/scl-vm-backend-private.h"
#include <libvirt/libvirt.h>
#include <stdlib.h>

#define MANY 1000

/* What libvirt needs to list them with XML. */
static inline gint64
many_time_bare (virConnectPtr handle)
{
  gint64 begin = g_get_monotonic_time ();
  virDomainPtr *domains = NULL;
  int n = virConnectListAllDomains (handle, &domains, 0);

  for (int i = 0; i < n; i++)
    {
      free (virDomainGetXMLDesc (domains[i], VIR_DOMAIN_XML_INACTIVE));
      virDomainFree (domains[i]);
    }
  free (domains);
  assert_true (n >= MANY);
  return g_get_monotonic_time () - begin;
}

static inline gint64
many_time_observe (SclVmBackend *vms)
{
  gint64 begin = g_get_monotonic_time ();
  g_autoptr (SclObservation) seen = _scl_observation_new ();

  assert_true (_scl_vm_backend_observe (vms, NULL, seen, NULL, NULL));
  assert_true (seen->vms->len >= MANY);
  return g_get_monotonic_time () - begin;
}
