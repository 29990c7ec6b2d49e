/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/memory/scl-memory-host-private.h"
#include "base/scl-throw-private.h"
#include <string.h>

#define SCL_TYPE_MEMORY_VOLUMES (_scl_memory_volumes_get_type ())
G_DECLARE_FINAL_TYPE (SclMemoryVolumes, _scl_memory_volumes, SCL, MEMORY_VOLUMES, GObject)

struct _SclMemoryVolumes
{
  GObject parent_instance;
  SclMemoryHost *host;
};

/* Images are not read: one without a size counts as 1024 MiB. */
#define DEFAULT_SIZE_MIB 1024

#define SCHEME "memory:"

static char *
seed_content (SclVmSpec *vm)
{
  return g_strdup_printf ("%s\n%s",
                          scl_vm_spec_get_user_config_file (vm) == NULL
                              ? ""
                              : scl_vm_spec_get_user_config_file (vm),
                          scl_vm_spec_get_network_config_file (vm) == NULL
                              ? ""
                              : scl_vm_spec_get_network_config_file (vm));
}

static void
observe_seeds (SclMemoryHost *host, SclManifest *desired, SclObservation *out)
{
  for (guint i = 0; i < out->vms->len; i++)
    {
      SclObservedVm *is = out->vms->pdata[i];
      SclVmSpec *vm = scl_manifest_lookup_vm (desired, is->name);
      g_autofree char *content = vm == NULL || !scl_vm_spec_has_seed (vm) ? NULL : seed_content (vm);

      is->seed_differs
          = vm != NULL && g_strcmp0 (content, g_hash_table_lookup (host->seeds, is->name)) != 0;
    }
}

static SclObservedVolume *
copy_volume (const SclObservedVolume *from)
{
  SclObservedVolume *copy = _scl_observed_volume_new (from->name);

  copy->path = g_strdup (from->path);
  copy->size = from->size;
  copy->image = g_strdup (from->image);
  copy->vm = g_strdup (from->vm);
  copy->created = from->created;
  copy->foreign = from->foreign;
  copy->instance = g_strdup (from->instance);
  return copy;
}

static void
compare_images (SclManifest *desired, SclObservation *out)
{
  GListModel *vms = scl_manifest_get_vms (desired);

  _scl_observation_sort (out);
  for (guint i = 0; i < g_list_model_get_n_items (vms); i++)
    {
      g_autoptr (SclVmSpec) vm = g_list_model_get_item (vms, i);
      g_autoptr (SclDiskSpec) disk = g_list_model_get_item (scl_vm_spec_get_disks (vm), 0);
      SclObservedVolume *volume
          = disk == NULL ? NULL
                         : _scl_observation_lookup_volume (out, scl_disk_spec_get_volume (disk));

      if (volume != NULL)
        volume->image_differs = g_strcmp0 (volume->image, scl_disk_spec_get_image (disk)) != 0;
    }
}

/* libvirt's test driver can know domains that were made on a real host. */
static void
note_unseen (SclObservation *out)
{
  for (guint i = 0; i < out->vms->len; i++)
    {
      SclObservedVm *vm = out->vms->pdata[i];

      for (guint k = 0; k < vm->disk_paths->len; k++)
        vm->disks_unseen = vm->disks_unseen
                           || (vm->disk_paths->pdata[k] != NULL
                               && !g_str_has_prefix (vm->disk_paths->pdata[k], SCHEME));
    }
}

static gboolean
memory_volumes_observe (SclVolumeBackend *backend, SclManifest *desired, SclObservation *out,
                        GCancellable *cancellable, GError **error)
{
  SclMemoryHost *host = SCL_MEMORY_VOLUMES (backend)->host;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&host->mutex);
  GHashTableIter iter;
  gpointer volume;

  g_hash_table_iter_init (&iter, host->volumes);
  while (g_hash_table_iter_next (&iter, NULL, &volume))
    g_ptr_array_add (out->volumes, copy_volume (volume));
  note_unseen (out);
  if (desired == NULL)
    return TRUE;
  compare_images (desired, out);
  observe_seeds (host, desired, out);
  return TRUE;
}

static gboolean
memory_volumes_create (SclVolumeBackend *backend, SclDiskSpec *disk, const char *vm,
                       const SclProgress *progress, GError **error)
{
  SclMemoryHost *host = SCL_MEMORY_VOLUMES (backend)->host;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&host->mutex);
  const char *name = scl_disk_spec_get_volume (disk);
  guint64 size = scl_disk_spec_get_size_mib (disk);
  SclObservedVolume *volume;

  if (g_hash_table_contains (host->volumes, name))
    return TRUE;
  if (!_scl_memory_host_may_change (host, error))
    return FALSE;
  volume = _scl_observed_volume_new (name);
  volume->path = g_strdup_printf (SCHEME "%s", name);
  volume->size = (size == 0 ? DEFAULT_SIZE_MIB : size) << 20;
  volume->image = g_strdup (scl_disk_spec_get_image (disk));
  volume->vm = g_strdup (vm);
  volume->created = g_get_real_time () / G_USEC_PER_SEC;
  g_hash_table_insert (host->volumes, g_strdup (name), volume);
  return TRUE;
}

static gboolean
memory_volumes_grow (SclVolumeBackend *backend, const char *name, guint64 size_mib,
                     const SclProgress *progress, GError **error)
{
  SclMemoryHost *host = SCL_MEMORY_VOLUMES (backend)->host;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&host->mutex);
  SclObservedVolume *volume = g_hash_table_lookup (host->volumes, name);

  if (volume == NULL)
    return scl_throw (error, SCL_ERROR_NOT_FOUND, "volume \"%s\" does not exist", name);
  if (size_mib << 20 < volume->size)
    return scl_throw (error, SCL_ERROR_WOULD_LOSE_DATA, "volume \"%s\" cannot shrink", name);
  if (!_scl_memory_host_may_change (host, error))
    return FALSE;
  volume->size = size_mib << 20;
  return TRUE;
}

static gboolean
memory_volumes_remove (SclVolumeBackend *backend, const char *name, SclSources *sources,
                       const SclProgress *progress, GError **error)
{
  SclMemoryHost *host = SCL_MEMORY_VOLUMES (backend)->host;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&host->mutex);

  if (!_scl_memory_host_may_change (host, error))
    return FALSE;
  if (!g_hash_table_remove (host->volumes, name))
    return scl_throw (error, SCL_ERROR_NOT_FOUND, "volume \"%s\" does not exist", name);
  return TRUE;
}

/* With the mutex held; NULL: OTHER has none of that name. */
static SclObservedVolume *
find_others (SclMemoryHost *host, const char *name, const SclOtherInstance *other, GError **error)
{
  SclObservedVolume *volume = g_hash_table_lookup (host->volumes, name);

  if (volume != NULL && volume->foreign && g_strcmp0 (volume->instance, other->prefix) == 0)
    return volume;
  return scl_null_throw (error, SCL_ERROR_NOT_FOUND, "instance \"%s\" has no volume \"%s\"",
                         other->prefix, name);
}

static gboolean
memory_volumes_find_other (SclVolumeBackend *backend, const char *name, const SclOtherInstance *other,
                           char **out_path, char **out_nvram, GError **error)
{
  SclMemoryHost *host = SCL_MEMORY_VOLUMES (backend)->host;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&host->mutex);
  SclObservedVolume *volume = find_others (host, name, other, error);

  *out_path = volume == NULL ? NULL : g_strdup (volume->path);
  *out_nvram = NULL;
  return volume != NULL;
}

static char **
memory_volumes_list_owners (SclVolumeBackend *backend, const char *name)
{
  SclMemoryHost *host = SCL_MEMORY_VOLUMES (backend)->host;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&host->mutex);
  const SclObservedVolume *volume = g_hash_table_lookup (host->volumes, name);
  char **owners = g_new0 (char *, 2);

  if (volume != NULL && volume->foreign)
    owners[0] = g_strdup (volume->instance);
  return owners;
}

static gboolean
memory_volumes_adopt (SclVolumeBackend *backend, const char *name, const SclOtherInstance *other,
                      GError **error)
{
  SclMemoryHost *host = SCL_MEMORY_VOLUMES (backend)->host;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&host->mutex);
  SclObservedVolume *volume = find_others (host, name, other, error);

  if (volume == NULL || !_scl_memory_host_may_change (host, error))
    return FALSE;
  volume->foreign = FALSE;
  g_clear_pointer (&volume->instance, g_free);
  return TRUE;
}

static gboolean
memory_volumes_ensure_seed (SclVolumeBackend *backend, SclVmSpec *vm, const SclSourcesAsk *domains,
                            const SclProgress *progress, GError **error)
{
  SclMemoryHost *host = SCL_MEMORY_VOLUMES (backend)->host;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&host->mutex);
  const char *name = scl_vm_spec_get_name (vm);

  if (!_scl_memory_host_may_change (host, error))
    return FALSE;
  if (scl_vm_spec_has_seed (vm))
    g_hash_table_replace (host->seeds, g_strdup (name), seed_content (vm));
  else
    g_hash_table_remove (host->seeds, name);
  return TRUE;
}

static gboolean
memory_volumes_release (SclVolumeBackend *backend, const char *vm, SclSources *sources,
                        const SclProgress *progress, GError **error)
{
  SclMemoryHost *host = SCL_MEMORY_VOLUMES (backend)->host;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&host->mutex);

  g_hash_table_remove (host->seeds, vm);
  return TRUE;
}

static char *
memory_volumes_volume_path (SclVolumeBackend *backend, const char *name)
{
  return g_strdup_printf (SCHEME "%s", name);
}

static char *
memory_volumes_seed_path (SclVolumeBackend *backend, const char *vm)
{
  return g_strdup_printf (SCHEME "%s/seed", vm);
}

static char *
memory_volumes_vm_folder (SclVolumeBackend *backend, const char *vm, GError **error)
{
  return g_strdup_printf (SCHEME "%s", vm);
}

static void
memory_volumes_backend_init (SclVolumeBackendInterface *iface)
{
  iface->observe = memory_volumes_observe;
  iface->create = memory_volumes_create;
  iface->grow = memory_volumes_grow;
  iface->remove = memory_volumes_remove;
  iface->find_other = memory_volumes_find_other;
  iface->list_owners = memory_volumes_list_owners;
  iface->adopt = memory_volumes_adopt;
  iface->ensure_seed = memory_volumes_ensure_seed;
  iface->release = memory_volumes_release;
  iface->volume_path = memory_volumes_volume_path;
  iface->seed_path = memory_volumes_seed_path;
  iface->vm_folder = memory_volumes_vm_folder;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (SclMemoryVolumes, _scl_memory_volumes, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SCL_TYPE_VOLUME_BACKEND,
                                                      memory_volumes_backend_init))

static void
scl_memory_volumes_finalize (GObject *object)
{
  g_object_unref (SCL_MEMORY_VOLUMES (object)->host);
  G_OBJECT_CLASS (_scl_memory_volumes_parent_class)->finalize (object);
}

static void
_scl_memory_volumes_class_init (SclMemoryVolumesClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = scl_memory_volumes_finalize;
}

static void
_scl_memory_volumes_init (SclMemoryVolumes *self)
{
}

SclVolumeBackend *
_scl_memory_volumes_new (SclMemoryHost *host)
{
  SclMemoryVolumes *self = g_object_new (SCL_TYPE_MEMORY_VOLUMES, NULL);

  self->host = g_object_ref (host);
  return SCL_VOLUME_BACKEND (self);
}
