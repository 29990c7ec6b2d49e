/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/volume/scl-file-volumes-parts-private.h"

#include "backend/volume/scl-sidecar-private.h"
#include "backend/volume/scl-volume-owner-private.h"
#include "backend/volume/scl-volume-place-private.h"
#include "backend/volume/scl-volume-preflight-private.h"
#include "backend/volume/scl-volume-removal-private.h"
#include "backend/volume/scl-volume-store-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-diagnostic-private.h"
#include "model/scl-list-private.h"
#include "model/scl-names-private.h"
#include <dirent.h>
#include <fcntl.h>

static void scl_file_volumes_backend_init (SclVolumeBackendInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SclFileVolumes, _scl_file_volumes, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SCL_TYPE_VOLUME_BACKEND,
                                                      scl_file_volumes_backend_init))

gboolean
_scl_file_volumes_check_name (const char *name, GError **error)
{
  const char *problem = _scl_names_check_label (name);

  return problem == NULL || scl_throw (error, SCL_ERROR_INVALID, "\"%s\": %s", name, problem);
}

char *
_scl_file_volumes_place_of (SclFileVolumes *self, const char *part, const char *name)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return g_build_filename (g_hash_table_contains (self->old, name) ? self->shared : self->state,
                           part, NULL);
}

int
_scl_file_volumes_open_existing (const char *path, GError **error)
{
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0 && errno != ENOENT)
    (void) scl_throw_errno (error, errno, "%s: cannot open the folder", path);
  return fd;
}

/* What is in it is run, and its mode may be set: not /tmp, named by mistake. */
static gboolean
check_state (SclFileVolumes *self, GError **error)
{
  struct stat info;

  if (stat (self->state, &info) != 0)
    return TRUE;
  if (info.st_uid == geteuid () && (info.st_mode & (S_ISVTX | S_IWGRP | S_IWOTH)) == 0)
    return TRUE;
  return scl_throw (error, SCL_ERROR_INVALID,
                    "%s: cannot be the state folder, because others own it or can write into it; "
                    "name a folder of its own",
                    self->state);
}

/* The folders above, which would else get their mode from the umask. */
static gboolean
make_way (SclFileVolumes *self, GError **error)
{
  g_autofree char *instances = g_path_get_dirname (self->state);
  g_auto (SclFd) shared = -1;
  g_auto (SclFd) above = -1;

  if (self->shared == NULL)
    return TRUE;
  shared = _scl_fd_open_state_folder (self->shared, error);
  if (shared < 0)
    return FALSE;
  above = _scl_fd_open_folder (instances, FOLDER_MODE, error);
  return above >= 0;
}

int
_scl_file_volumes_make_folder (SclFileVolumes *self, const char *path, GError **error)
{
  g_auto (SclFd) state = -1;

  if (!check_state (self, error) || !make_way (self, error))
    return -1;
  state = self->shared == NULL ? _scl_fd_open_state_folder (self->state, error)
                               : _scl_fd_open_folder (self->state, FOLDER_MODE, error);
  return state < 0 ? -1 : _scl_fd_open_folder (path, FOLDER_MODE, error);
}

static gboolean
scl_file_volumes_preflight (SclVolumeBackend *backend, SclManifest *manifest,
                            SclObservation *observed, GPtrArray *diagnostics,
                            GCancellable *cancellable, GError **error)
{
  SclFileVolumes *self = SCL_FILE_VOLUMES (backend);
  g_autoptr (GError) local_error = NULL;

  if (!check_state (self, &local_error))
    _scl_diagnostic_add (diagnostics, SCL_SEVERITY_ERROR, "", "%s", local_error->message);
  return _scl_volume_preflight (self->volumes, self->qemu_user, manifest, observed, diagnostics,
                                cancellable, error);
}

/* NULL with an error; empty if the folder is not there. */
static GPtrArray *
list_folder (SclFileVolumes *self, const char *path, SclVolumesKind kind, SclObservation *out,
             GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_auto (SclFd) folder = _scl_file_volumes_open_existing (path, &local_error);
  GPtrArray *volumes;

  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
  if (folder < 0)
    return g_ptr_array_new_with_free_func ((GDestroyNotify) _scl_observed_volume_free);
  volumes = _scl_volume_store_list (folder, path, error);
  if (volumes != NULL)
    _scl_volume_owner_judge (volumes, self->prefix, kind, out);
  return volumes;
}

static gboolean
take_old (SclFileVolumes *self, GPtrArray *volumes, SclObservation *out, GError **error)
{
  g_autofree char *path = g_build_filename (self->shared, "volumes", NULL);
  g_autoptr (GPtrArray) old = list_folder (self, path, SCL_VOLUMES_OLD, out, error);
  GHashTable *names;

  if (old == NULL)
    return FALSE;
  names = _scl_volume_owner_take_old (volumes, old, out);
  g_mutex_lock (&self->mutex);
  g_hash_table_unref (self->old);
  self->old = names;
  g_mutex_unlock (&self->mutex);
  return TRUE;
}

static gboolean
scl_file_volumes_observe (SclVolumeBackend *backend, SclManifest *desired, SclObservation *out,
                          GCancellable *cancellable, GError **error)
{
  SclFileVolumes *self = SCL_FILE_VOLUMES (backend);
  SclVolumesKind kind
      = g_str_equal (self->prefix, SCL_PREFIX_DEFAULT) ? SCL_VOLUMES_SHARED : SCL_VOLUMES_OWN;
  g_autoptr (GPtrArray) volumes = list_folder (self, self->volumes, kind, out, error);

  if (volumes == NULL || (self->shared != NULL && !take_old (self, volumes, out, error)))
    return FALSE;
  g_ptr_array_extend_and_steal (out->volumes, g_steal_pointer (&volumes));
  _scl_observation_sort (out);
  _scl_volume_place_judge (out);
  if (desired == NULL)
    return _scl_file_volumes_observe_nvrams (self, out, error);
  _scl_volume_store_compare_images (desired, out);
  return _scl_file_volumes_observe_seeds (self, desired, out, cancellable, error);
}

/* The image is what its VM was declared with, and the guest goes on as who it is. */
static gboolean
note_again (SclFileVolumes *self, int folder, const SclObservedVolume *volume, SclObservation *observed, GError **error)
{
  SclObservedVm *vm = _scl_observation_lookup_vm (observed, volume->vm);
  g_autofree char *id = g_str_equal (volume->name, vm->name) ? _scl_file_volumes_find_instance_id (self, vm->name) : NULL;
  g_autoptr (SclSidecar) note = NULL;
  SclDiskSpec *disk;

  for (guint i = 0; note == NULL && (disk = _scl_list_peek (scl_vm_spec_get_disks (vm->spec), i)) != NULL; i++)
    if (g_str_equal (scl_disk_spec_get_volume (disk), volume->name))
      note = _scl_sidecar_new_again (self->prefix, vm->name, scl_disk_spec_get_image (disk), id);
  return _scl_volume_store_note_again (folder, volume->name, note, error);
}

/* On a full disk the next change notes it: this one may be what makes room. */
static gboolean
claim_volume (SclFileVolumes *self, const SclObservedVolume *volume, SclObservation *observed, GError **error)
{
  g_autofree char *place = _scl_file_volumes_place_of (self, "volumes", volume->name);
  g_auto (SclFd) folder = _scl_file_volumes_open_existing (place, error);
  g_autoptr (GError) why = NULL;

  if (folder < 0)
    return FALSE;
  if ((volume->noteless != NULL ? note_again (self, folder, volume, observed, &why)
                                : _scl_volume_store_claim (folder, volume->name, self->prefix, &why))
      || g_error_matches (why, SCL_ERROR, SCL_ERROR_NO_SPACE))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&why));
  return FALSE;
}

static gboolean
scl_file_volumes_claim (SclVolumeBackend *backend, SclObservation *observed, GError **error)
{
  SclFileVolumes *self = SCL_FILE_VOLUMES (backend);

  for (guint i = 0; i < observed->volumes->len; i++)
    {
      const SclObservedVolume *volume = g_ptr_array_index (observed->volumes, i);

      if (!volume->foreign && !volume->leftover && (volume->unclaimed || volume->noteless != NULL)
          && !claim_volume (self, volume, observed, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
scl_file_volumes_create (SclVolumeBackend *backend, SclDiskSpec *disk, const char *vm,
                         const SclProgress *progress, GError **error)
{
  SclFileVolumes *self = SCL_FILE_VOLUMES (backend);
  SclVolumeRequest request = { scl_disk_spec_get_volume (disk), scl_disk_spec_get_image (disk),
                               scl_disk_spec_get_size_mib (disk), self->prefix, vm };
  g_autofree char *place = NULL;
  g_auto (SclFd) folder = -1;

  if (!_scl_file_volumes_check_name (request.name, error))
    return FALSE;
  place = _scl_file_volumes_place_of (self, "volumes", request.name);
  folder = _scl_file_volumes_make_folder (self, place, error);
  return folder >= 0 && _scl_volume_store_create (folder, &request, progress, error);
}

/* The volumes' folder for a volume that should be there. */
static int
open_for_volume (SclFileVolumes *self, const char *name, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autofree char *place = NULL;
  int folder;

  if (!_scl_file_volumes_check_name (name, error))
    return -1;
  place = _scl_file_volumes_place_of (self, "volumes", name);
  folder = _scl_file_volumes_open_existing (place, &local_error);
  if (folder < 0 && local_error == NULL)
    (void) scl_throw (error, SCL_ERROR_NOT_FOUND, "volume \"%s\" does not exist", name);
  else if (folder < 0)
    g_propagate_error (error, g_steal_pointer (&local_error));
  return folder;
}

static gboolean
scl_file_volumes_grow (SclVolumeBackend *backend, const char *name, guint64 size_mib,
                       const SclProgress *progress, GError **error)
{
  g_auto (SclFd) folder = open_for_volume (SCL_FILE_VOLUMES (backend), name, error);

  return folder >= 0 && _scl_volume_store_grow (folder, name, size_mib, error);
}

static gboolean
scl_file_volumes_remove (SclVolumeBackend *backend, const char *name, SclSources *sources,
                         const SclProgress *progress, GError **error)
{
  SclFileVolumes *self = SCL_FILE_VOLUMES (backend);
  g_autoptr (GError) none = NULL;
  g_auto (SclFd) folder = open_for_volume (self, name, &none);
  gboolean had_nvram, had_volume = FALSE;

  if (none != NULL && !g_error_matches (none, SCL_ERROR, SCL_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&none));
      return FALSE;
    }
  if ((folder >= 0 && !_scl_volume_removal_begin (folder, name, self->prefix, error))
      || !_scl_file_volumes_remove_nvram (self, name, sources, &had_nvram, error)
      || (folder >= 0 && !_scl_volume_removal_end (folder, name, &had_volume, error)))
    return FALSE;
  return had_nvram || had_volume
         || scl_throw (error, SCL_ERROR_NOT_FOUND, "volume \"%s\" does not exist", name);
}

static char *
scl_file_volumes_volume_path (SclVolumeBackend *backend, const char *name)
{
  g_autofree char *file = g_strconcat (name, ".raw", NULL);
  g_autofree char *place = _scl_file_volumes_place_of (SCL_FILE_VOLUMES (backend), "volumes", name);

  return g_build_filename (place, file, NULL);
}

static void
scl_file_volumes_finalize (GObject *object)
{
  SclFileVolumes *self = SCL_FILE_VOLUMES (object);

  g_free (self->state);
  g_free (self->volumes);
  g_free (self->shared);
  g_free (self->prefix);
  g_free (self->qemu_user);
  g_hash_table_unref (self->old);
  g_mutex_clear (&self->mutex);
  G_OBJECT_CLASS (_scl_file_volumes_parent_class)->finalize (object);
}

static void
_scl_file_volumes_class_init (SclFileVolumesClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = scl_file_volumes_finalize;
}

static void
_scl_file_volumes_init (SclFileVolumes *self)
{
  g_mutex_init (&self->mutex);
  self->old = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

static void
scl_file_volumes_backend_init (SclVolumeBackendInterface *iface)
{
  iface->preflight = scl_file_volumes_preflight;
  iface->observe = scl_file_volumes_observe;
  iface->claim = scl_file_volumes_claim;
  iface->create = scl_file_volumes_create;
  iface->grow = scl_file_volumes_grow;
  iface->remove = scl_file_volumes_remove;
  iface->find_other = _scl_file_volumes_find_other;
  iface->list_owners = _scl_file_volumes_list_owners;
  iface->adopt = _scl_file_volumes_adopt;
  iface->ensure_seed = _scl_file_volumes_ensure_seed;
  iface->reclaim = _scl_file_volumes_reclaim;
  iface->release = _scl_file_volumes_release;
  iface->volume_path = scl_file_volumes_volume_path;
  iface->seed_path = _scl_file_volumes_seed_path;
  iface->vm_folder = _scl_file_volumes_vm_folder;
}

SclVolumeBackend *
_scl_file_volumes_new (const char *home, const char *shared, const char *prefix,
                       const char *qemu_user, GError **error)
{
  const char *problem = _scl_names_check_prefix (prefix);
  SclFileVolumes *self;

  if (!g_path_is_absolute (home))
    return scl_null_throw (error, SCL_ERROR_INVALID, "%s: the state folder needs an absolute path",
                           home);
  if (problem != NULL)
    return scl_null_throw (error, SCL_ERROR_INVALID, "prefix \"%s\": %s", prefix, problem);
  self = g_object_new (SCL_TYPE_FILE_VOLUMES, NULL);
  self->state = g_canonicalize_filename (home, "/");
  self->volumes = g_build_filename (self->state, "volumes", NULL);
  self->shared = shared == NULL ? NULL : g_canonicalize_filename (shared, "/");
  self->prefix = g_strdup (prefix);
  self->qemu_user = g_strdup (qemu_user);
  return SCL_VOLUME_BACKEND (self);
}
