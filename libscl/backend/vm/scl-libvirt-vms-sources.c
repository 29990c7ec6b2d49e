/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-domain-paths-private.h"
#include "backend/vm/scl-libvirt-vms-parts-private.h"
#include <libvirt/virterror.h>

typedef struct
{
  SclSources *sources;
  const char *domain;
  const char *instance;
  const char *vm;
} Naming;

static void
add_path (const char *path, gpointer user_data)
{
  Naming *naming = user_data;

  _scl_sources_add (naming->sources, naming->domain, naming->instance, naming->vm, path);
}

/* A domain that vanishes meanwhile names nothing. */
static gboolean
add_paths (Naming *naming, virDomainPtr domain, guint flags, GError **error)
{
  char *xml = virDomainGetXMLDesc (domain, flags);
  gboolean ok;

  if (xml == NULL)
    return _scl_virt_error_is (VIR_ERR_NO_DOMAIN)
           || scl_throw_virt (error, "domain \"%s\"", naming->domain);
  ok = _scl_domain_paths_foreach (xml, add_path, naming, error);
  free (xml);
  return ok || scl_prefix (error, "domain \"%s\"", naming->domain);
}

static gboolean
add_domain (SclSources *sources, virDomainPtr domain, GError **error)
{
  g_autoptr (SclDomainDef) def = _scl_libvirt_vms_read_config (domain, NULL);
  gboolean ours = def != NULL && def->instance != NULL
                  && _scl_domain_def_is_ours (def, def->instance);
  Naming naming = { .sources = sources,
                    .domain = virDomainGetName (domain),
                    .instance = ours ? def->instance : NULL,
                    .vm = ours ? def->vm_name : NULL };

  /* What runs, with the chains that libvirt knows of, and what the next boot will use. */
  return add_paths (&naming, domain, 0, error)
         && add_paths (&naming, domain, VIR_DOMAIN_XML_INACTIVE, error);
}

SclSources *
_scl_libvirt_vms_list_sources (SclVmBackend *backend, GCancellable *cancellable, GError **error)
{
  SclLibvirtVms *self = SCL_LIBVIRT_VMS (backend);
  g_autoptr (virConnect) handle = _scl_virt_connection_get (self->connection, error);
  g_autoptr (SclSources) sources = _scl_sources_new ();
  virDomainPtr *domains = NULL;
  gboolean ok = TRUE;
  int n = handle != NULL ? virConnectListAllDomains (handle, &domains, 0) : -1;

  if (handle == NULL)
    return NULL;
  if (n < 0)
    return scl_null_throw_virt (error, "cannot list domains");
  for (int i = 0; i < n; i++)
    {
      _scl_virt_call_note ("reading domains");
      ok = ok && !g_cancellable_set_error_if_cancelled (cancellable, error)
           && add_domain (sources, domains[i], error);
      virDomainFree (domains[i]);
    }
  free (domains);
  return ok ? g_steal_pointer (&sources) : NULL;
}
