/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/volume/scl-file-volumes-private.h"

#include "backend/volume/scl-part-file-private.h"
#include "backend/volume/scl-seed-private.h"
#include "backend/volume/scl-sidecar-private.h"
#include "backend/volume/scl-volume-owner-private.h"
#include "backend/volume/scl-volume-preflight-private.h"
#include "backend/volume/scl-volume-store-private.h"
#include "base/scl-digest-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-diagnostic-private.h"
#include "model/scl-list-private.h"
#include "model/scl-names-private.h"
#include <dirent.h>
#include <fcntl.h>

#define FOLDER_MODE 0711
#define SEED_MODE 0600

struct _SclFileVolumes
{
  GObject parent_instance;
  char *state;   /* the instance's folder */
  char *volumes; /* in it */
  char *shared;  /* NULL: the same folder */
  char *prefix;
  char *qemu_user;
  GMutex mutex;    /* over what follows */
  GHashTable *old; /* names of volumes, and so of VMs, that are in SHARED and ours */
};

static void scl_file_volumes_backend_init (SclVolumeBackendInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SclFileVolumes, _scl_file_volumes, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SCL_TYPE_VOLUME_BACKEND,
                                                      scl_file_volumes_backend_init))

/* Every name becomes part of a path. */
static gboolean
check_name (const char *name, GError **error)
{
  const char *problem = _scl_names_check_label (name);

  return problem == NULL || scl_throw (error, SCL_ERROR_INVALID, "\"%s\": %s", name, problem);
}

/* The folder that holds PART ("volumes", "vms") of NAME. (transfer full) */
static char *
place_of (SclFileVolumes *self, const char *part, const char *name)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return g_build_filename (g_hash_table_contains (self->old, name) ? self->shared : self->state,
                           part, NULL);
}

static char *
vm_path (SclFileVolumes *self, const char *vm)
{
  g_autofree char *vms = place_of (self, "vms", vm);

  return g_build_filename (vms, vm, NULL);
}

/* -1 if it does not exist (no error) or cannot be opened (error). */
static int
open_existing (const char *path, GError **error)
{
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0 && errno != ENOENT)
    (void) scl_throw_errno (error, errno, "%s: cannot open the folder", path);
  return fd;
}

/* Its mode will be set: not that of /tmp, named by mistake. */
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
  shared = _scl_fd_open_folder (self->shared, FOLDER_MODE, error);
  if (shared < 0)
    return FALSE;
  above = _scl_fd_open_folder (instances, FOLDER_MODE, error);
  return above >= 0;
}

static int
make_folder (SclFileVolumes *self, const char *path, GError **error)
{
  g_auto (SclFd) state = -1;

  if (!check_state (self, error) || !make_way (self, error))
    return -1;
  state = _scl_fd_open_folder (self->state, FOLDER_MODE, error);
  return state < 0 ? -1 : _scl_fd_open_folder (path, FOLDER_MODE, error);
}

static int
make_vm_folder (SclFileVolumes *self, const char *vm, GError **error)
{
  g_autofree char *place = place_of (self, "vms", vm);
  g_autofree char *path = g_build_filename (place, vm, NULL);
  g_auto (SclFd) vms = make_folder (self, place, error);

  return vms < 0 ? -1 : _scl_fd_open_folder (path, FOLDER_MODE, error);
}

static int
open_vm_folder (SclFileVolumes *self, const char *vm, GError **error)
{
  g_autofree char *path = vm_path (self, vm);

  return open_existing (path, error);
}

/* The volume's own identity makes it: so it stays over applies, moves of the state folder and a
 * removal of the VM, and changes when the volume is made anew. If that is not known (the sidecar is
 * lost), what the seed says stays: a new one would make the guest set itself up once more. */
static char *
instance_id (SclFileVolumes *self, const char *vm, SclSeed *present)
{
  g_autofree char *place = place_of (self, "volumes", vm);
  g_auto (SclFd) volumes = open_existing (place, NULL);
  g_autoptr (SclSidecar) sidecar = volumes >= 0 ? _scl_sidecar_read (volumes, vm, NULL) : NULL;
  g_autofree char *old = sidecar == NULL ? _scl_seed_get_instance_id (present) : NULL;
  g_autofree char *text = NULL;
  g_autofree char *digest = NULL;

  if (old != NULL)
    return g_steal_pointer (&old);
  text = g_strjoin ("\n", self->prefix, vm, sidecar != NULL ? sidecar->id : "", NULL);
  digest = _scl_digest_short (text);
  return g_strjoin ("-", self->prefix, vm, digest, NULL);
}

static SclSeed *
desired_seed (SclFileVolumes *self, SclVmSpec *vm, SclSeed *present, GError **error)
{
  g_autofree char *id = instance_id (self, scl_vm_spec_get_name (vm), present);

  return _scl_seed_new (vm, id, error);
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

static void
observe_images (SclManifest *desired, SclObservation *out)
{
  GListModel *vms = scl_manifest_get_vms (desired);

  for (guint i = 0; i < g_list_model_get_n_items (vms); i++)
    {
      GListModel *disks = scl_vm_spec_get_disks (_scl_list_peek (vms, i));

      for (guint j = 0; j < g_list_model_get_n_items (disks); j++)
        {
          SclDiskSpec *disk = _scl_list_peek (disks, j);
          SclObservedVolume *volume
              = _scl_observation_lookup_volume (out, scl_disk_spec_get_volume (disk));

          if (volume != NULL && volume->image != NULL)
            volume->image_differs
                = _scl_sidecar_image_differs (volume->image, volume->image_size,
                                              volume->image_mtime, scl_disk_spec_get_image (disk));
        }
    }
}

static gboolean
seed_differs (SclFileVolumes *self, SclVmSpec *vm, SclObservation *out)
{
  g_auto (SclFd) folder = open_vm_folder (self, scl_vm_spec_get_name (vm), NULL);
  g_autoptr (SclSeed) present = folder >= 0 ? _scl_seed_load (folder) : NULL;
  g_autoptr (SclSeed) desired = NULL;

  if (!scl_vm_spec_has_seed (vm))
    return folder >= 0 && faccessat (folder, SCL_SEED_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
  /* A volume that is yet to be made brings a new instance-id. */
  if (_scl_observation_lookup_volume (out, scl_vm_spec_get_name (vm)) == NULL)
    return TRUE;
  desired = desired_seed (self, vm, present, NULL);
  /* Files that cannot be read are preflight's to report. */
  return desired != NULL && !_scl_seed_equal (desired, present);
}

static gboolean
observe_seeds (SclFileVolumes *self, SclManifest *desired, SclObservation *out,
               GCancellable *cancellable, GError **error)
{
  for (guint i = 0; i < out->vms->len; i++)
    {
      SclObservedVm *observed = g_ptr_array_index (out->vms, i);
      SclVmSpec *vm = scl_manifest_lookup_vm (desired, observed->name);

      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      observed->seed_differs = vm != NULL && !observed->foreign && seed_differs (self, vm, out);
    }
  return TRUE;
}

/* NULL with an error; empty if the folder is not there. */
static GPtrArray *
list_folder (SclFileVolumes *self, const char *path, SclVolumesKind kind, SclObservation *out,
             GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_auto (SclFd) folder = open_existing (path, &local_error);
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
  if (desired == NULL)
    return TRUE;
  observe_images (desired, out);
  return observe_seeds (self, desired, out, cancellable, error);
}

static gboolean
scl_file_volumes_claim (SclVolumeBackend *backend, SclObservation *observed, GError **error)
{
  SclFileVolumes *self = SCL_FILE_VOLUMES (backend);

  for (guint i = 0; i < observed->volumes->len; i++)
    {
      const SclObservedVolume *volume = g_ptr_array_index (observed->volumes, i);
      g_autofree char *place = NULL;
      g_auto (SclFd) folder = -1;

      if (volume->foreign || !volume->unclaimed)
        continue;
      place = place_of (self, "volumes", volume->name);
      folder = open_existing (place, error);
      if (folder < 0 || !_scl_volume_store_claim (folder, volume->name, self->prefix, error))
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

  if (!check_name (request.name, error))
    return FALSE;
  place = place_of (self, "volumes", request.name);
  folder = make_folder (self, place, error);
  return folder >= 0 && _scl_volume_store_create (folder, &request, progress, error);
}

/* The volumes' folder for a volume that should be there. */
static int
open_for_volume (SclFileVolumes *self, const char *name, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autofree char *place = NULL;
  int folder;

  if (!check_name (name, error))
    return -1;
  place = place_of (self, "volumes", name);
  folder = open_existing (place, &local_error);
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

/* Whether another domain than that of VM names it. */
static gboolean
is_named (SclFileVolumes *self, SclSources *sources, const char *vm, const char *path)
{
  SclSourceUser user;

  return sources != NULL && _scl_sources_find (sources, path, self->prefix, vm, &user);
}

/* FILE and what log rotation makes of it (FILE.0, FILE.1 …), as far as no other domain names it. */
static gboolean
remove_files (SclFileVolumes *self, const char *vm, const char *file, SclSources *sources,
              GError **error)
{
  g_autofree char *rotated = g_strconcat (file, ".", NULL);
  g_autofree char *path = vm_path (self, vm);
  g_autoptr (GDir) stream = g_dir_open (path, 0, NULL);
  const char *entry;

  while (stream != NULL && (entry = g_dir_read_name (stream)) != NULL)
    {
      g_autofree char *full = g_build_filename (path, entry, NULL);

      if ((g_str_equal (entry, file) || g_str_has_prefix (entry, rotated))
          && !is_named (self, sources, vm, full) && unlink (full) != 0 && errno != ENOENT)
        return scl_throw_errno (error, errno, "%s: cannot remove", full);
    }
  return TRUE;
}

static gboolean
remove_seed (SclFileVolumes *self, const char *vm, SclSources *sources, gboolean with_log,
             GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autofree char *path = vm_path (self, vm);
  g_auto (SclFd) folder = open_existing (path, &local_error);

  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  if (folder < 0)
    return TRUE;
  _scl_part_file_sweep (folder, NULL);
  if (!remove_files (self, vm, SCL_SEED_FILE, sources, error)
      || (with_log && !remove_files (self, vm, SCL_CONSOLE_LOG_FILE, sources, error)))
    return FALSE;
  /* Stays if NVRAM is in it. */
  if (with_log)
    (void) rmdir (path);
  return fsync (folder) == 0
         || scl_throw_errno (error, errno, "%s: cannot write to the disk", path);
}

/* libvirt leaves it to the QEMU user; a running QEMU has it open and does not mind. */
static gboolean
give_seed_back (int folder, GError **error)
{
  struct stat info;
  g_auto (SclFd) fd = _scl_fd_open_regular (folder, SCL_SEED_FILE, &info, error);

  if (fd < 0)
    return FALSE;
  if ((info.st_uid != geteuid () || info.st_gid != getegid ())
      && fchown (fd, geteuid (), getegid ()) != 0)
    return scl_throw_errno (error, errno, "%s: cannot take it back", SCL_SEED_FILE);
  if ((info.st_mode & 07777) != SEED_MODE && fchmod (fd, SEED_MODE) != 0)
    return scl_throw_errno (error, errno, "%s: cannot set its mode", SCL_SEED_FILE);
  return TRUE;
}

static gboolean
scl_file_volumes_reclaim (SclVolumeBackend *backend, const char *vm, GError **error)
{
  g_autofree char *path = vm_path (SCL_FILE_VOLUMES (backend), vm);
  g_autoptr (GError) local_error = NULL;
  g_auto (SclFd) folder = open_existing (path, &local_error);

  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  return folder < 0 || faccessat (folder, SCL_SEED_FILE, F_OK, AT_SYMLINK_NOFOLLOW) != 0
         || give_seed_back (folder, error);
}

/* NVRAM is kept with the boot volume, so it goes with it. */
static gboolean
remove_nvram (SclFileVolumes *self, const char *vm, SclSources *sources, GError **error)
{
  g_autofree char *path = vm_path (self, vm);
  g_autofree char *file = g_build_filename (path, SCL_NVRAM_FILE, NULL);

  if (is_named (self, sources, vm, file))
    return TRUE;
  if (unlink (file) != 0 && errno != ENOENT)
    return scl_throw_errno (error, errno, "%s: cannot remove", file);
  (void) rmdir (path);
  return TRUE;
}

static gboolean
scl_file_volumes_remove (SclVolumeBackend *backend, const char *name, SclSources *sources,
                         const SclProgress *progress, GError **error)
{
  SclFileVolumes *self = SCL_FILE_VOLUMES (backend);
  g_auto (SclFd) folder = open_for_volume (self, name, error);

  return folder >= 0 && _scl_volume_store_remove (folder, name, error)
         && remove_nvram (self, name, sources, error);
}

static gboolean
scl_file_volumes_ensure_seed (SclVolumeBackend *backend, SclVmSpec *vm, const SclProgress *progress,
                              GError **error)
{
  SclFileVolumes *self = SCL_FILE_VOLUMES (backend);
  const char *name = scl_vm_spec_get_name (vm);
  g_auto (SclFd) folder = -1;
  g_autoptr (SclSeed) present = NULL;
  g_autoptr (SclSeed) desired = NULL;

  if (!check_name (name, error))
    return FALSE;
  if (!scl_vm_spec_has_seed (vm))
    return remove_seed (self, name, NULL, FALSE, error);
  folder = make_vm_folder (self, name, error);
  if (folder < 0)
    return FALSE;
  present = _scl_seed_load (folder);
  desired = desired_seed (self, vm, present, error);
  if (desired == NULL)
    return scl_prefix (error, "VM \"%s\": cloud-init", name);
  if (_scl_seed_equal (desired, present))
    return give_seed_back (folder, error);
  return _scl_seed_save (desired, folder, error) || scl_prefix (error, "VM \"%s\"", name);
}

static gboolean
scl_file_volumes_release (SclVolumeBackend *backend, const char *vm, SclSources *sources,
                          const SclProgress *progress, GError **error)
{
  return check_name (vm, error)
         && remove_seed (SCL_FILE_VOLUMES (backend), vm, sources, TRUE, error);
}

static char *
scl_file_volumes_volume_path (SclVolumeBackend *backend, const char *name)
{
  g_autofree char *file = g_strconcat (name, ".raw", NULL);
  g_autofree char *place = place_of (SCL_FILE_VOLUMES (backend), "volumes", name);

  return g_build_filename (place, file, NULL);
}

static char *
scl_file_volumes_seed_path (SclVolumeBackend *backend, const char *vm)
{
  g_autofree char *path = vm_path (SCL_FILE_VOLUMES (backend), vm);

  return g_build_filename (path, SCL_SEED_FILE, NULL);
}

static char *
scl_file_volumes_vm_folder (SclVolumeBackend *backend, const char *vm, GError **error)
{
  SclFileVolumes *self = SCL_FILE_VOLUMES (backend);
  g_auto (SclFd) folder = check_name (vm, error) ? make_vm_folder (self, vm, error) : -1;

  return folder < 0 ? NULL : vm_path (self, vm);
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
  iface->ensure_seed = scl_file_volumes_ensure_seed;
  iface->reclaim = scl_file_volumes_reclaim;
  iface->release = scl_file_volumes_release;
  iface->volume_path = scl_file_volumes_volume_path;
  iface->seed_path = scl_file_volumes_seed_path;
  iface->vm_folder = scl_file_volumes_vm_folder;
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
