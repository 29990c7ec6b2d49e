/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a VM has beside its volumes: its seed, and the files in its folder that go with it. */
#include "backend/volume/scl-file-volumes-parts-private.h"

#include "backend/volume/scl-image-lock-private.h"
#include "backend/volume/scl-part-file-private.h"
#include "backend/volume/scl-seed-private.h"
#include "backend/volume/scl-sidecar-private.h"
#include "base/scl-digest-private.h"
#include "base/scl-throw-private.h"
#include <fcntl.h>

#define SEED_MODE 0600

static char *
vm_path (SclFileVolumes *self, const char *vm)
{
  g_autofree char *vms = _scl_file_volumes_place_of (self, "vms", vm);

  return g_build_filename (vms, vm, NULL);
}

static int
make_vm_folder (SclFileVolumes *self, const char *vm, GError **error)
{
  g_autofree char *place = _scl_file_volumes_place_of (self, "vms", vm);
  g_autofree char *path = g_build_filename (place, vm, NULL);
  g_auto (SclFd) vms = _scl_file_volumes_make_folder (self, place, error);

  return vms < 0 ? -1 : _scl_fd_open_folder (path, FOLDER_MODE, error);
}

static int
open_vm_folder (SclFileVolumes *self, const char *vm, GError **error)
{
  g_autofree char *path = vm_path (self, vm);

  return _scl_file_volumes_open_existing (path, error);
}

/* The volume's own identity makes it: so it stays over applies, moves of the state folder and a
 * removal of the VM, and changes when the volume is made anew. If that is not known (the sidecar is
 * lost), what the seed says stays: a new one would make the guest set itself up once more. */
static char *
instance_id (SclFileVolumes *self, const char *vm, SclSeed *present)
{
  g_autofree char *place = _scl_file_volumes_place_of (self, "volumes", vm);
  g_auto (SclFd) volumes = _scl_file_volumes_open_existing (place, NULL);
  g_autoptr (SclSidecar) sidecar = volumes >= 0 ? _scl_sidecar_read (volumes, vm, NULL) : NULL;
  g_autofree char *old = sidecar == NULL ? _scl_seed_get_instance_id (present) : NULL;
  g_autofree char *text = NULL;
  g_autofree char *digest = NULL;

  if (old != NULL)
    return g_steal_pointer (&old);
  if (sidecar != NULL && sidecar->instance_id != NULL)
    return g_strdup (sidecar->instance_id);
  text = g_strjoin ("\n", self->prefix, vm, sidecar != NULL ? sidecar->id : "", NULL);
  digest = _scl_digest_short (text);
  return g_strjoin ("-", self->prefix, vm, digest, NULL);
}

char *
_scl_file_volumes_find_instance_id (SclFileVolumes *self, const char *vm)
{
  g_auto (SclFd) folder = open_vm_folder (self, vm, NULL);
  g_autoptr (SclSeed) present = folder >= 0 ? _scl_seed_load (folder) : NULL;

  return _scl_seed_get_instance_id (present);
}

static SclSeed *
desired_seed (SclFileVolumes *self, SclVmSpec *vm, SclSeed *present, GError **error)
{
  g_autofree char *id = instance_id (self, scl_vm_spec_get_name (vm), present);

  return _scl_seed_new (vm, id, error);
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

gboolean
_scl_file_volumes_observe_seeds (SclFileVolumes *self, SclManifest *desired, SclObservation *out,
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
  g_auto (SclFd) folder = _scl_file_volumes_open_existing (path, &local_error);

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

gboolean
_scl_file_volumes_reclaim (SclVolumeBackend *backend, const char *vm, GError **error)
{
  g_autofree char *path = vm_path (SCL_FILE_VOLUMES (backend), vm);
  g_autoptr (GError) local_error = NULL;
  g_auto (SclFd) folder = _scl_file_volumes_open_existing (path, &local_error);

  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  return folder < 0 || faccessat (folder, SCL_SEED_FILE, F_OK, AT_SYMLINK_NOFOLLOW) != 0
         || give_seed_back (folder, error);
}

static gboolean
is_regular (const char *path)
{
  struct stat info;

  return lstat (path, &info) == 0 && S_ISREG (info.st_mode);
}

gboolean
_scl_file_volumes_remove_nvram (SclFileVolumes *self, const char *vm, SclSources *sources,
                                gboolean *out_found, GError **error)
{
  g_autofree char *path = vm_path (self, vm);
  g_autofree char *file = g_build_filename (path, SCL_NVRAM_FILE, NULL);

  *out_found = FALSE;
  if (is_named (self, sources, vm, file))
    return TRUE;
  if (is_regular (file) && !_scl_image_lock_check_free (AT_FDCWD, file, error))
    return FALSE;
  *out_found = unlink (file) == 0;
  if (!*out_found && errno != ENOENT)
    return scl_throw_errno (error, errno, "%s: cannot remove", file);
  (void) rmdir (path);
  return TRUE;
}

/* NULL: VM has none. */
static SclObservedVolume *
see_nvram (const char *vms, const char *vm)
{
  SclObservedVolume *nvram;
  g_autofree char *path = g_build_filename (vms, vm, SCL_NVRAM_FILE, NULL);
  struct stat info;

  if (lstat (path, &info) != 0 || !S_ISREG (info.st_mode))
    return NULL;
  nvram = _scl_observed_volume_new (vm);
  nvram->path = g_steal_pointer (&path);
  nvram->vm = g_strdup (vm);
  nvram->size = (guint64) info.st_size;
  nvram->allocated = (guint64) info.st_blocks * 512;
  nvram->leftover = nvram->nvram = TRUE;
  return nvram;
}

gboolean
_scl_file_volumes_observe_nvrams (SclFileVolumes *self, SclObservation *out, GError **error)
{
  g_autofree char *vms = g_build_filename (self->state, "vms", NULL);
  g_autoptr (GPtrArray) found = g_ptr_array_new ();
  g_autoptr (GError) why = NULL;
  g_autoptr (GDir) stream = g_dir_open (vms, 0, &why);
  const char *vm;

  if (stream == NULL)
    return g_error_matches (why, G_FILE_ERROR, G_FILE_ERROR_NOENT)
           || scl_throw (error, SCL_ERROR_BACKEND, "%s", why->message);
  while ((vm = g_dir_read_name (stream)) != NULL)
    {
      SclObservedVolume *nvram = _scl_observation_lookup_vm (out, vm) == NULL
                                         && _scl_observation_lookup_remains (out, vm) == NULL
                                         && _scl_file_volumes_check_name (vm, NULL)
                                     ? see_nvram (vms, vm)
                                     : NULL;

      if (nvram != NULL)
        g_ptr_array_add (found, nvram);
    }
  g_ptr_array_extend_and_steal (out->volumes, g_steal_pointer (&found));
  _scl_observation_sort (out);
  return TRUE;
}

/* A seed is put into its place as a new file, and whoever names the place has that one from then on. */
static gboolean
check_seed_unused (SclFileVolumes *self, const char *vm, SclSources *sources, GError **error)
{
  g_autofree char *folder = vm_path (self, vm);
  g_autofree char *path = g_build_filename (folder, SCL_SEED_FILE, NULL);
  SclSourceUser user;

  return !_scl_sources_find (sources, path, self->prefix, vm, &user)
         || scl_throw (error, SCL_ERROR_IN_USE,
                       "VM \"%s\": domain \"%s\" uses its seed %s, which is left as it is: give that "
                       "domain a copy first (virsh edit %s)",
                       vm, user.domain, path, user.domain);
}

/* NULL with an error: not known. DOMAINS NULL: there are no others. */
static SclSources *
ask_others (const SclSourcesAsk *domains, const SclProgress *progress, GError **error)
{
  if (domains == NULL)
    return _scl_sources_new ();
  return domains->ask (domains->data, progress != NULL ? progress->cancellable : NULL, error);
}

static gboolean
has_seed (SclFileVolumes *self, const char *vm)
{
  g_autofree char *folder = vm_path (self, vm);
  g_autofree char *path = g_build_filename (folder, SCL_SEED_FILE, NULL);

  return access (path, F_OK) == 0;
}

static gboolean
drop_seed (SclFileVolumes *self, const char *vm, const SclSourcesAsk *domains,
           const SclProgress *progress, GError **error)
{
  g_autoptr (SclSources) sources = NULL;

  if (!has_seed (self, vm))
    return remove_seed (self, vm, NULL, FALSE, error);
  sources = ask_others (domains, progress, error);
  return sources != NULL && remove_seed (self, vm, sources, FALSE, error);
}

static gboolean
replace_seed (SclFileVolumes *self, const char *vm, SclSeed *seed, int folder,
              const SclSourcesAsk *domains, const SclProgress *progress, GError **error)
{
  if (has_seed (self, vm))
    {
      g_autoptr (SclSources) sources = ask_others (domains, progress, error);

      if (sources == NULL || !check_seed_unused (self, vm, sources, error))
        return FALSE;
    }
  return _scl_seed_save (seed, folder, error) || scl_prefix (error, "VM \"%s\"", vm);
}

gboolean
_scl_file_volumes_ensure_seed (SclVolumeBackend *backend, SclVmSpec *vm,
                               const SclSourcesAsk *domains, const SclProgress *progress,
                               GError **error)
{
  SclFileVolumes *self = SCL_FILE_VOLUMES (backend);
  const char *name = scl_vm_spec_get_name (vm);
  g_auto (SclFd) folder = -1;
  g_autoptr (SclSeed) present = NULL;
  g_autoptr (SclSeed) desired = NULL;

  if (!_scl_file_volumes_check_name (name, error))
    return FALSE;
  if (!scl_vm_spec_has_seed (vm))
    return drop_seed (self, name, domains, progress, error);
  folder = make_vm_folder (self, name, error);
  if (folder < 0)
    return FALSE;
  present = _scl_seed_load (folder);
  desired = desired_seed (self, vm, present, error);
  if (desired == NULL)
    return scl_prefix (error, "VM \"%s\": cloud-init", name);
  if (_scl_seed_equal (desired, present))
    return give_seed_back (folder, error);
  return replace_seed (self, name, desired, folder, domains, progress, error);
}

gboolean
_scl_file_volumes_release (SclVolumeBackend *backend, const char *vm, SclSources *sources,
                           const SclProgress *progress, GError **error)
{
  return _scl_file_volumes_check_name (vm, error)
         && remove_seed (SCL_FILE_VOLUMES (backend), vm, sources, TRUE, error);
}

char *
_scl_file_volumes_seed_path (SclVolumeBackend *backend, const char *vm)
{
  g_autofree char *path = vm_path (SCL_FILE_VOLUMES (backend), vm);

  return g_build_filename (path, SCL_SEED_FILE, NULL);
}

char *
_scl_file_volumes_vm_folder (SclVolumeBackend *backend, const char *vm, GError **error)
{
  SclFileVolumes *self = SCL_FILE_VOLUMES (backend);
  g_auto (SclFd) folder
      = _scl_file_volumes_check_name (vm, error) ? make_vm_folder (self, vm, error) : -1;

  return folder < 0 ? NULL : vm_path (self, vm);
}
