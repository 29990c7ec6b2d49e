/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-domain-paths-private.h"
#include "backend/vm/scl-libvirt-vms-parts-private.h"
#include <libvirt/virterror.h>
#include <string.h>

typedef struct
{
  SclSources *sources;
  virConnectPtr handle;
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

/* Where a pool of files has them; NULL: elsewhere. */
static char *
find_folder (virStoragePoolPtr pool)
{
  char *xml = virStoragePoolGetXMLDesc (pool, 0);
  const char *target = xml != NULL ? strstr (xml, "<target>") : NULL;
  const char *start = target != NULL ? strstr (target, "<path>") : NULL;
  const char *end = start != NULL ? strstr (start, "</path>") : NULL;
  char *folder = end != NULL ? g_strndup (start + strlen ("<path>"), end - start - strlen ("<path>"))
                             : NULL;

  free (xml);
  return folder;
}

/* A pool that is gone gives a domain nothing. One that is not active does when somebody starts it. */
static char *
find_in_pool (virConnectPtr handle, const char *pool_name, const char *volume)
{
  virStoragePoolPtr pool = virStoragePoolLookupByName (handle, pool_name);
  g_autofree char *folder = pool != NULL ? find_folder (pool) : NULL;

  if (pool != NULL)
    virStoragePoolFree (pool);
  return folder != NULL ? g_build_filename (folder, volume, NULL) : NULL;
}

static void
add_pool_volume (const char *pool, const char *volume, gboolean has_chain, gpointer user_data)
{
  Naming *naming = user_data;
  g_autofree char *path = find_in_pool (naming->handle, pool, volume);

  if (path == NULL)
    return;
  add_path (path, naming);
  if (has_chain)
    _scl_backing_chain_foreach (path, add_path, naming);
}

/* Takes XML. A domain that vanishes meanwhile names nothing. */
static gboolean
add_paths (Naming *naming, char *xml, GError **error)
{
  gboolean ok;

  if (xml == NULL)
    return _scl_virt_error_is (VIR_ERR_NO_DOMAIN)
           || scl_throw_virt (error, "domain \"%s\"", naming->domain);
  ok = _scl_domain_paths_foreach (xml, add_path, add_pool_volume, naming, error);
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
                    .handle = virDomainGetConnect (domain),
                    .domain = virDomainGetName (domain),
                    .instance = ours ? def->instance : NULL,
                    .vm = ours ? def->vm_name : NULL };

  /* What runs, with the chains that libvirt knows of, what the next boot will use, and what it would go on
   * with that is saved. */
  return add_paths (&naming, virDomainGetXMLDesc (domain, 0), error)
         && add_paths (&naming, virDomainGetXMLDesc (domain, VIR_DOMAIN_XML_INACTIVE), error)
         && (virDomainHasManagedSaveImage (domain, 0) != 1
             || add_paths (&naming, virDomainManagedSaveGetXMLDesc (domain, 0), error));
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
