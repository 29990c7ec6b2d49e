/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-domain-paths-private.h"
#include "backend/vm/scl-libvirt-vms-parts-private.h"
#include "model/scl-names-private.h"
#include <libvirt/virterror.h>

typedef struct
{
  SclSources *sources; /* NULL: they go to FILES */
  GPtrArray *files;
  virConnectPtr handle;
  const char *domain;
  const char *instance;
  const char *vm;
  gboolean runs; /* what is read is what runs */
  GCancellable *cancellable;
} Naming;

static void
add_path (const char *path, gpointer user_data)
{
  Naming *naming = user_data;

  if (naming->sources != NULL)
    _scl_sources_add (naming->sources, naming->domain, naming->instance, naming->vm, path);
  else
    g_ptr_array_add (naming->files, g_strdup (path));
}

static void
add_folder (const char *path, gpointer user_data)
{
  Naming *naming = user_data;

  if (naming->sources != NULL)
    _scl_sources_add_folder (naming->sources, naming->domain, naming->instance, naming->vm, path);
}

/* A pool that is gone gives a domain nothing that does not run from it. */
static gboolean
pool_fails (const Naming *naming, const char *pool, const char *volume, GError **error)
{
  if (!_scl_virt_error_is (VIR_ERR_NO_STORAGE_POOL))
    return scl_throw_virt (error, "its disk is volume \"%s\" of storage pool \"%s\", which cannot be looked at",
                           volume, pool);
  return !naming->runs
         || scl_throw (error, SCL_ERROR_IN_USE,
                       "it runs from volume \"%s\" of storage pool \"%s\", which is gone, so nobody can tell "
                       "which file that is: stop it, or define the pool again",
                       volume, pool);
}

/* OUT_FOLDER: where a pool of files has them, also one that is not active: it is when somebody starts it.
 * NULL: elsewhere. */
static gboolean
find_folder (const Naming *naming, const char *name, const char *volume, char **out_folder,
             GError **error)
{
  virStoragePoolPtr pool = virStoragePoolLookupByName (naming->handle, name);
  char *xml = pool != NULL ? virStoragePoolGetXMLDesc (pool, 0) : NULL;
  gboolean ok = xml != NULL ? _scl_domain_paths_read_pool (xml, out_folder, error)
                            : pool_fails (naming, name, volume, error);

  if (pool != NULL)
    virStoragePoolFree (pool);
  free (xml);
  return ok;
}

static gboolean
add_pool_volume (const char *pool, const char *volume, const char *format, gpointer user_data,
                 GError **error)
{
  Naming *naming = user_data;
  g_autofree char *folder = NULL;
  g_autofree char *path = NULL;

  if (!find_folder (naming, pool, volume, &folder, error))
    return FALSE;
  if (folder == NULL)
    return TRUE;
  path = g_build_filename (folder, volume, NULL);
  add_path (path, naming);
  return _scl_backing_chain_foreach (path, format, add_path, naming, naming->cancellable, error);
}

static gboolean
add_paths_of (Naming *naming, const char *xml, GError **error)
{
  return _scl_domain_paths_foreach (xml, add_path, add_folder, add_pool_volume, naming,
                                    naming->cancellable, error);
}

/* Takes XML. A domain that vanishes meanwhile names nothing. */
static gboolean
add_paths (Naming *naming, char *xml, GError **error)
{
  gboolean ok;

  if (xml == NULL)
    return _scl_virt_error_is (VIR_ERR_NO_DOMAIN)
           || scl_throw_virt (error, "domain \"%s\"", naming->domain);
  ok = add_paths_of (naming, xml, error);
  free (xml);
  return ok
         || scl_prefix (error,
                        "domain \"%s\": nothing is removed while it is not known which files it uses; "
                        "repair its disks (virsh edit %s) or undefine it",
                        naming->domain, naming->domain);
}

/* DEF: its definition, NULL if it cannot be read; it has to stay. */
static Naming
begin_naming (SclSources *sources, virDomainPtr domain, const SclDomainDef *def, GCancellable *cancellable)
{
  gboolean ours = def != NULL && def->instance != NULL && _scl_domain_def_is_ours (def, def->instance);

  return (Naming){ .sources = sources,
                   .handle = virDomainGetConnect (domain),
                   .domain = virDomainGetName (domain),
                   .instance = ours ? def->instance : NULL,
                   .vm = ours ? def->vm_name : NULL,
                   .cancellable = cancellable };
}

static gboolean
add_domain (SclSources *sources, virDomainPtr domain, GCancellable *cancellable, GError **error)
{
  g_autoptr (SclDomainDef) def = _scl_libvirt_vms_read_config (domain, NULL);
  Naming naming = begin_naming (sources, domain, def, cancellable);

  /* What runs, with the chains that libvirt knows of, what the next boot will use, and what it would go on
   * with that is saved. */
  naming.runs = virDomainIsActive (domain) != 0;
  if (!add_paths (&naming, virDomainGetXMLDesc (domain, 0), error))
    return FALSE;
  naming.runs = FALSE;
  return add_paths (&naming, virDomainGetXMLDesc (domain, VIR_DOMAIN_XML_INACTIVE), error)
         && (virDomainHasManagedSaveImage (domain, 0) != 1
             || add_paths (&naming, virDomainManagedSaveGetXMLDesc (domain, 0), error));
}

/* What a saved domain would go on with may name others than its definition. */
static gboolean
add_saved (Naming *naming, virDomainPtr domain)
{
  char *xml = virDomainManagedSaveGetXMLDesc (domain, 0);
  gboolean ok = xml != NULL && add_paths_of (naming, xml, NULL);

  free (xml);
  return ok;
}

GPtrArray *
_scl_libvirt_vms_list_files (virDomainPtr domain, const char *config_xml, const char *live_xml,
                             gboolean is_saved, GCancellable *cancellable)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);
  Naming naming = { .files = files,
                    .handle = virDomainGetConnect (domain),
                    .domain = virDomainGetName (domain),
                    .runs = live_xml != NULL,
                    .cancellable = cancellable };

  if (live_xml != NULL && !add_paths_of (&naming, live_xml, NULL))
    return NULL;
  naming.runs = FALSE;
  return add_paths_of (&naming, config_xml, NULL) && (!is_saved || add_saved (&naming, domain))
             ? g_steal_pointer (&files)
             : NULL;
}

/* Takes XML. */
static gboolean
add_snapshot (Naming *naming, const char *name, char *xml, GError **error)
{
  gboolean ok;

  if (xml == NULL)
    return _scl_virt_error_is (VIR_ERR_NO_DOMAIN) || _scl_virt_error_is (VIR_ERR_NO_DOMAIN_SNAPSHOT)
           || scl_throw_virt (error, "domain \"%s\": snapshot \"%s\"", naming->domain, name);
  _scl_sources_set_snapshot (naming->sources, name);
  ok = add_paths_of (naming, xml, error);
  _scl_sources_set_snapshot (naming->sources, NULL);
  free (xml);
  return ok
         || scl_prefix (error,
                        "domain \"%s\", snapshot \"%s\": nothing is removed while it is not known which files it "
                        "needs; repair them or forget it (virsh snapshot-delete --metadata %s %s)",
                        naming->domain, name, naming->domain, name);
}

/* A snapshot goes back to the definition of its time, with the files of that. */
static gboolean
add_snapshots (SclSources *sources, virDomainPtr domain, GCancellable *cancellable, GError **error)
{
  g_autoptr (SclDomainDef) def = _scl_libvirt_vms_read_config (domain, NULL);
  Naming naming = begin_naming (sources, domain, def, cancellable);
  virDomainSnapshotPtr *snapshots = NULL;
  int n = virDomainListAllSnapshots (domain, &snapshots, 0);
  gboolean ok = n >= 0 || _scl_virt_error_is (VIR_ERR_NO_DOMAIN)
                || scl_throw_virt (error, "domain \"%s\": cannot list its snapshots", naming.domain);

  for (int i = 0; i < n; i++)
    {
      ok = ok
           && add_snapshot (&naming, virDomainSnapshotGetName (snapshots[i]),
                            virDomainSnapshotGetXMLDesc (snapshots[i], 0), error);
      virDomainSnapshotFree (snapshots[i]);
    }
  free (snapshots);
  return ok;
}

/* One question for all that have none. Checkpoints are never gone back to, and need no file. */
static gboolean
add_all_snapshots (SclSources *sources, virConnectPtr handle, GCancellable *cancellable,
                   GError **error)
{
  virDomainPtr *domains = NULL;
  int n = virConnectListAllDomains (handle, &domains, VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT);
  gboolean ok = n >= 0 || scl_throw_virt (error, "cannot list domains that have snapshots");

  for (int i = 0; i < n; i++)
    {
      _scl_virt_call_note ("reading snapshots");
      ok = ok && !g_cancellable_set_error_if_cancelled (cancellable, error)
           && add_snapshots (sources, domains[i], cancellable, error);
      virDomainFree (domains[i]);
    }
  free (domains);
  return ok;
}

/* (transfer full): names of domains */
static GHashTable *
take_known (SclLibvirtVms *self, SclObservation *known, SclSources *sources)
{
  GHashTable *names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; known != NULL && i < known->vms->len; i++)
    {
      const SclObservedVm *vm = known->vms->pdata[i];
      char *domain;

      if (vm->foreign || vm->files == NULL)
        continue;
      domain = _scl_names_domain (self->prefix, vm->name);
      for (guint n = 0; n < vm->files->len; n++)
        _scl_sources_add (sources, domain, self->prefix, vm->name, vm->files->pdata[n]);
      g_hash_table_add (names, domain);
    }
  return names;
}

SclSources *
_scl_libvirt_vms_list_sources (SclVmBackend *backend, SclObservation *known,
                               GCancellable *cancellable, GError **error)
{
  SclLibvirtVms *self = SCL_LIBVIRT_VMS (backend);
  g_autoptr (virConnect) handle = _scl_virt_connection_get (self->connection, error);
  g_autoptr (SclSources) sources = _scl_sources_new ();
  g_autoptr (GHashTable) asked = take_known (self, known, sources);
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
           && (g_hash_table_contains (asked, virDomainGetName (domains[i]))
               || add_domain (sources, domains[i], cancellable, error));
      virDomainFree (domains[i]);
    }
  free (domains);
  ok = ok && add_all_snapshots (sources, handle, cancellable, error);
  return ok ? g_steal_pointer (&sources) : NULL;
}

static gboolean
uses_disk_of (virDomainPtr domain, const SclDomainDef *def)
{
  g_autoptr (SclSources) sources = _scl_sources_new ();
  SclSourceUser user;

  if (strcmp (virDomainGetName (domain), def->domain_name) == 0
      || !add_domain (sources, domain, NULL, NULL))
    return FALSE;
  for (guint i = 0; i < def->disks->len; i++)
    {
      const SclDomainDisk *disk = g_ptr_array_index (def->disks, i);

      if (disk != NULL && disk->path != NULL
          && _scl_sources_find (sources, disk->path, NULL, NULL, &user))
        return TRUE;
    }
  return FALSE;
}

char *
_scl_libvirt_vms_find_rival (virConnectPtr handle, const SclDomainDef *def)
{
  virDomainPtr *domains = NULL;
  int n = virConnectListAllDomains (handle, &domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
  char *found = NULL;

  for (int i = 0; i < n; i++)
    {
      if (found == NULL && uses_disk_of (domains[i], def))
        found = g_strdup (virDomainGetName (domains[i]));
      virDomainFree (domains[i]);
    }
  free (domains);
  return found;
}
