/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/volume/scl-volume-store-private.h"

#include "backend/volume/scl-copy-private.h"
#include "backend/volume/scl-image-probe-private.h"
#include "backend/volume/scl-part-file-private.h"
#include "backend/volume/scl-sidecar-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-list-private.h"
#include "model/scl-names-private.h"
#include "plan/scl-observation-private.h"
#include <dirent.h>
#include <fcntl.h>
#include <scl/scl-disk-spec.h>
#include <stdio.h>
#include <string.h>

#define VOLUME_MODE 0600
#define SIDECAR_MODE 0600
#define MIB (G_GUINT64_CONSTANT (1) << 20)

#define BLOCK 512
#define ASIDE_MAX 99
#define MANY 50 /* volumes: below, one thread is as fast */

char *
_scl_volume_store_file (const char *name)
{
  return g_strconcat (name, SCL_VOLUME_SUFFIX, NULL);
}

char *
_scl_volume_store_note (const char *name)
{
  return g_strconcat (name, SCL_SIDECAR_SUFFIX, NULL);
}

char *
_scl_volume_store_format_size (guint64 bytes)
{
  return g_format_size_full (bytes, G_FORMAT_SIZE_IEC_UNITS);
}

gboolean
_scl_volume_store_size (guint64 image_size, guint64 size_mib, guint64 *out_size, GError **error)
{
  guint64 image_mib = image_size / MIB + (image_size % MIB != 0);

  if (size_mib > G_MAXINT64 / MIB)
    return scl_throw (error, SCL_ERROR_INVALID,
                      "%" G_GUINT64_FORMAT " MiB is more than a file can be", size_mib);
  if (size_mib != 0 && size_mib < image_mib)
    return scl_throw (error, SCL_ERROR_INVALID,
                      "%" G_GUINT64_FORMAT
                      " MiB is smaller than the image; the smallest possible is "
                      "%" G_GUINT64_FORMAT,
                      size_mib, image_mib);
  *out_size = (size_mib != 0 ? size_mib : image_mib) * MIB;
  return TRUE;
}

gboolean
_scl_volume_store_lookup (int folder, const char *name, gboolean *out_present,
                          struct stat *out_stat, GError **error)
{
  g_autofree char *file = _scl_volume_store_file (name);

  *out_present = fstatat (folder, file, out_stat, AT_SYMLINK_NOFOLLOW) == 0;
  if (!*out_present && errno != ENOENT)
    return scl_throw_errno (error, errno, "volume \"%s\": cannot look at %s", name, file);
  if (!*out_present || S_ISREG (out_stat->st_mode))
    return TRUE;
  return scl_throw (error, SCL_ERROR_EXISTS,
                    "volume \"%s\": %s is %s that somebody else made; it was not touched, move it "
                    "away",
                    name, file,
                    S_ISLNK (out_stat->st_mode)   ? "a symbolic link"
                    : S_ISDIR (out_stat->st_mode) ? "a folder"
                                                  : "a special file");
}

gboolean
_scl_volume_store_sync (int folder, GError **error)
{
  if (fsync (folder) != 0)
    return scl_throw_errno (error, errno, "cannot write the volume folder to the disk");
  return TRUE;
}

static gboolean
store_check_existing (int folder, const SclVolumeRequest *request, const struct stat *info,
                      GError **error)
{
  g_autoptr (SclSidecar) sidecar = _scl_sidecar_read (folder, request->name, NULL);

  if (sidecar != NULL && sidecar->instance != NULL
      && g_strcmp0 (sidecar->instance, request->instance) != 0)
    return scl_throw (error, SCL_ERROR_EXISTS,
                      "volume \"%s\" belongs to instance \"%s\"; it was not touched, choose another "
                      "name",
                      request->name, sidecar->instance);
  if (request->size_mib <= (guint64) info->st_size / MIB)
    return TRUE;
  return scl_throw (error, SCL_ERROR_EXISTS,
                    "volume \"%s\" exists with %" G_GUINT64_FORMAT
                    " MiB, less than the %" G_GUINT64_FORMAT " MiB wanted; grow it",
                    request->name, (guint64) info->st_size / MIB, request->size_mib);
}

static gboolean
image_is_unchanged (int fd, const struct stat *before)
{
  struct stat now;

  return fstat (fd, &now) == 0 && now.st_size == before->st_size
         && _scl_sidecar_mtime (&now) == _scl_sidecar_mtime (before);
}

/* The whole content, at its final size, on the disk. */
static gboolean
store_fill (int image, const struct stat *info, SclPartFile *part, const SclVolumeRequest *request,
            const SclProgress *progress, GError **error)
{
  int out = _scl_part_file_get_fd (part);
  guint64 size;

  if (!_scl_volume_store_size ((guint64) info->st_size, request->size_mib, &size, error))
    return FALSE;
  if (!_scl_copy (image, out, (guint64) info->st_size, SCL_COPY_REFLINK, request->image, progress,
                  NULL, error))
    return FALSE;
  if (ftruncate (out, (off_t) size) != 0)
    return scl_throw_errno (error, errno, "cannot make it %" G_GUINT64_FORMAT " MiB large",
                            size / MIB);
  if (!image_is_unchanged (image, info))
    return scl_throw (error, SCL_ERROR_IN_USE,
                      "%s: was changed while it was copied; try again when nobody writes it",
                      request->image);
  return _scl_part_file_sync (part, error) && !_scl_progress_is_cancelled (progress, error);
}

gboolean
_scl_volume_store_read_note (int folder, const char *name, SclSidecar **out_note, GError **error)
{
  g_autofree char *file = _scl_volume_store_note (name);
  struct stat info;

  *out_note = _scl_sidecar_read (folder, name, NULL);
  if (*out_note != NULL || (fstatat (folder, file, &info, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT))
    return TRUE;
  return scl_throw (error, SCL_ERROR_EXISTS,
                    "%s is not the note of a volume that SCL made: it was not touched, move it away", file);
}

gboolean
_scl_volume_store_write_note (int folder, const char *name, SclSidecar *sidecar, GError **error)
{
  g_autofree char *file = _scl_volume_store_note (name);
  g_autoptr (GBytes) bytes = _scl_sidecar_to_bytes (sidecar);
  g_autoptr (SclPartFile) part = NULL;

  part = _scl_part_file_new (folder, file, SIDECAR_MODE, SCL_PART_FILE_NAMED, error);
  if (part == NULL
      || !_scl_fd_write_all (_scl_part_file_get_fd (part), g_bytes_get_data (bytes, NULL),
                             g_bytes_get_size (bytes), file, error))
    return FALSE;
  return _scl_part_file_sync (part, error) && _scl_part_file_commit (part, TRUE, error);
}

gboolean
_scl_volume_store_mark (int folder, const char *name, SclSidecar *note, GError **error)
{
  g_autofree char *file = _scl_volume_store_file (name);
  g_auto (SclFd) fd = openat (folder, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

  if (fd < 0)
    return scl_throw_errno (error, errno, "cannot open %s", file);
  _scl_sidecar_set_pending (note, fd);
  return _scl_volume_store_write_note (folder, name, note, error)
         && _scl_volume_store_sync (folder, error);
}

gboolean
_scl_volume_store_check_note (int folder, const char *name, const char *instance, GError **error)
{
  g_autoptr (SclSidecar) there = NULL;

  if (!_scl_volume_store_read_note (folder, name, &there, error))
    return FALSE;
  if (there == NULL || there->pending || there->instance == NULL
      || g_strcmp0 (there->instance, instance) == 0)
    return TRUE;
  return scl_throw (error, SCL_ERROR_EXISTS,
                    "instance \"%s\" has a volume of that name, which is gone: choose another name, or delete "
                    "it there (volume delete %s, connected with prefix=%s)",
                    there->instance, name, there->instance);
}

/* Killed between the two, the note is of this file alone. */
static gboolean
store_publish (int folder, SclPartFile *part, const SclVolumeRequest *request,
               const struct stat *info, GError **error)
{
  g_autoptr (SclSidecar) sidecar
      = _scl_sidecar_new (request->instance, request->vm, request->image, info);
  g_autofree char *file = NULL;

  _scl_sidecar_set_pending (sidecar, _scl_part_file_get_fd (part));
  if (!_scl_volume_store_write_note (folder, request->name, sidecar, error))
    return FALSE;
  if (_scl_part_file_commit (part, FALSE, error))
    {
      sidecar->pending = FALSE;
      return _scl_volume_store_sync (folder, error)
             && _scl_volume_store_write_note (folder, request->name, sidecar, error)
             && _scl_volume_store_sync (folder, error);
    }
  file = _scl_volume_store_note (request->name);
  (void) unlinkat (folder, file, 0);
  return FALSE;
}

void
_scl_volume_store_sweep (int folder, const char *name)
{
  g_autofree char *file = _scl_volume_store_file (name);
  g_autofree char *sidecar = _scl_volume_store_note (name);

  _scl_part_file_sweep (folder, file);
  _scl_part_file_sweep (folder, sidecar);
}

static gboolean
store_create_new (int folder, const SclVolumeRequest *request, const SclProgress *progress,
                  GError **error)
{
  struct stat info;
  g_auto (SclFd) image = _scl_fd_open_named (request->image, &info, error);
  g_autofree char *file = _scl_volume_store_file (request->name);
  g_autoptr (SclPartFile) part = NULL;

  if (image < 0 || !_scl_image_probe (image, (guint64) info.st_size, request->image, error)
      || !_scl_volume_store_check_note (folder, request->name, request->instance, error))
    return FALSE;
  _scl_volume_store_sweep (folder, request->name);
  part = _scl_part_file_new (folder, file, VOLUME_MODE, SCL_PART_FILE_NONE, error);
  return part != NULL && store_fill (image, &info, part, request, progress, error)
         && store_publish (folder, part, request, &info, error);
}

gboolean
_scl_volume_store_create (int folder, const SclVolumeRequest *request, const SclProgress *progress,
                          GError **error)
{
  gboolean present;
  struct stat info;

  if (!_scl_volume_store_lookup (folder, request->name, &present, &info, error))
    return FALSE;
  if (present)
    return store_check_existing (folder, request, &info, error);
  if (!store_create_new (folder, request, progress, error))
    return scl_prefix (error, "volume \"%s\"", request->name);
  return TRUE;
}

gboolean
_scl_volume_store_claim (int folder, const char *name, const char *instance, GError **error)
{
  g_autoptr (SclSidecar) sidecar = _scl_sidecar_read (folder, name, error);

  if (sidecar == NULL || (sidecar->instance != NULL && !sidecar->pending))
    return sidecar != NULL;
  if (sidecar->instance == NULL)
    sidecar->instance = g_strdup (instance);
  sidecar->pending = FALSE;
  return _scl_volume_store_write_note (folder, name, sidecar, error) && _scl_volume_store_sync (folder, error);
}

/* What is there under the note's name is kept under another one: it may be somebody's. */
static gboolean
put_aside (int folder, const char *file, GError **error)
{
  for (guint i = 1; i <= ASIDE_MAX; i++)
    {
      g_autofree char *aside = g_strdup_printf ("%s.damaged-%u", file, i);

      if (renameat2 (folder, file, folder, aside, RENAME_NOREPLACE) == 0 || errno == ENOENT)
        return TRUE;
      if (errno != EEXIST)
        return scl_throw_errno (error, errno, "%s: cannot put it aside as %s", file, aside);
    }
  return scl_throw (error, SCL_ERROR_EXISTS, "%s: there are %d damaged ones of it already: move them away", file,
                    ASIDE_MAX);
}

gboolean
_scl_volume_store_note_again (int folder, const char *name, SclSidecar *note, GError **error)
{
  g_autofree char *file = _scl_volume_store_note (name);
  g_autoptr (GError) none = NULL;
  g_autoptr (SclSidecar) there = _scl_sidecar_read (folder, name, &none);

  if (there != NULL)
    return TRUE;
  if (!_scl_sidecar_is_lost (none))
    {
      g_propagate_error (error, g_steal_pointer (&none));
      return FALSE;
    }
  if (!g_error_matches (none, SCL_ERROR, SCL_ERROR_NOT_FOUND) && !put_aside (folder, file, error))
    return FALSE;
  return _scl_volume_store_write_note (folder, name, note, error)
         && _scl_volume_store_sync (folder, error);
}

static int
store_open (int folder, const char *name, struct stat *out_stat, GError **error)
{
  g_autofree char *file = _scl_volume_store_file (name);
  gboolean present;
  int fd;

  if (!_scl_volume_store_lookup (folder, name, &present, out_stat, error))
    return -1;
  fd = present ? openat (folder, file, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
               : -1;
  if (fd < 0)
    (void) scl_throw_errno (error, present ? errno : ENOENT, "volume \"%s\"", name);
  return fd;
}

gboolean
_scl_volume_store_grow (int folder, const char *name, guint64 size_mib, GError **error)
{
  struct stat info;
  guint64 size;
  g_auto (SclFd) fd = store_open (folder, name, &info, error);

  if (fd < 0)
    return FALSE;
  if (!_scl_volume_store_size (0, size_mib, &size, error))
    return scl_prefix (error, "volume \"%s\"", name);
  if (fstat (fd, &info) != 0 || !S_ISREG (info.st_mode))
    return scl_throw (error, SCL_ERROR_EXISTS, "volume \"%s\" is no longer a regular file", name);
  if (size < (guint64) info.st_size)
    return scl_throw (error, SCL_ERROR_WOULD_LOSE_DATA,
                      "volume \"%s\" has %" G_GUINT64_FORMAT
                      " MiB; volumes never shrink to %" G_GUINT64_FORMAT,
                      name, (guint64) info.st_size / MIB, size_mib);
  if (size == (guint64) info.st_size)
    return TRUE;
  if (ftruncate (fd, (off_t) size) != 0 || fsync (fd) != 0)
    return scl_throw_errno (error, errno,
                            "volume \"%s\": cannot grow it to %" G_GUINT64_FORMAT " MiB", name,
                            size_mib);
  return TRUE;
}

/* A note of another file says nothing of this one. */
static gboolean
speaks_of (const SclSidecar *sidecar, const SclObservedVolume *volume, int folder)
{
  g_autofree char *file = _scl_volume_store_file (volume->name);

  return volume->leftover || _scl_sidecar_is_of (sidecar, folder, file);
}

static void
observed_set_sidecar (gpointer data, gpointer user_data)
{
  SclObservedVolume *volume = data;
  int folder = GPOINTER_TO_INT (user_data);
  g_autoptr (GError) none = NULL;
  g_autoptr (SclSidecar) sidecar = _scl_sidecar_read (folder, volume->name, &none);

  volume->note_lost = sidecar == NULL && _scl_sidecar_is_lost (none);
  if (sidecar == NULL || !speaks_of (sidecar, volume, folder))
    return;
  volume->image = g_steal_pointer (&sidecar->image);
  volume->image_size = sidecar->image_size;
  volume->image_mtime = sidecar->image_mtime;
  volume->image_inode = sidecar->image_inode;
  volume->created = sidecar->created;
  volume->vm = g_steal_pointer (&sidecar->vm);
  volume->instance = g_steal_pointer (&sidecar->instance);
  volume->unclaimed = volume->instance == NULL || sidecar->pending;
}

/* NULL: FILE is not NAME and SUFFIX. */
static SclObservedVolume *
observed_new (const char *path, const char *file, const char *suffix)
{
  g_autofree char *name = NULL;
  g_autofree char *raw = NULL;
  SclObservedVolume *volume;

  if (!g_str_has_suffix (file, suffix))
    return NULL;
  name = g_strndup (file, strlen (file) - strlen (suffix));
  if (_scl_names_check_label (name) != NULL)
    return NULL;
  raw = _scl_volume_store_file (name);
  volume = _scl_observed_volume_new (name);
  volume->path = g_build_filename (path, raw, NULL);
  return volume;
}

static SclObservedVolume *
store_observe (int folder, const char *path, const char *file)
{
  SclObservedVolume *volume = observed_new (path, file, SCL_VOLUME_SUFFIX);
  struct stat info;

  if (volume == NULL)
    return NULL;
  if (fstatat (folder, file, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG (info.st_mode))
    {
      _scl_observed_volume_free (volume);
      return NULL;
    }
  volume->size = (guint64) info.st_size;
  volume->allocated = (guint64) info.st_blocks * BLOCK;
  return volume;
}

/* A note whose volume is not there: who made or deleted it was killed, or somebody has taken the file
 * away. */
static SclObservedVolume *
store_observe_leftover (int folder, const char *path, const char *file)
{
  SclObservedVolume *volume = observed_new (path, file, SCL_SIDECAR_SUFFIX);
  g_autofree char *raw = volume == NULL ? NULL : _scl_volume_store_file (volume->name);

  if (volume == NULL)
    return NULL;
  volume->leftover = faccessat (folder, raw, F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
  if (volume->leftover)
    return volume;
  _scl_observed_volume_free (volume);
  return NULL;
}

/* Files of other kinds are called NAME.json, too. */
static void
drop_other_notes (GPtrArray *volumes)
{
  for (guint i = volumes->len; i > 0; i--)
    {
      const SclObservedVolume *volume = g_ptr_array_index (volumes, i - 1);

      if (volume->leftover && volume->image == NULL)
        g_ptr_array_remove_index_fast (volumes, i - 1);
    }
}

/* Opening and parsing many small files is most of the work, and each is for itself. */
static void
read_sidecars (GPtrArray *volumes, int folder)
{
  GThreadPool *readers
      = volumes->len < MANY ? NULL
                            : g_thread_pool_new (observed_set_sidecar, GINT_TO_POINTER (folder),
                                                 (int) g_get_num_processors (), FALSE, NULL);

  for (guint i = 0; i < volumes->len; i++)
    if (readers == NULL)
      observed_set_sidecar (g_ptr_array_index (volumes, i), GINT_TO_POINTER (folder));
    else
      g_thread_pool_push (readers, g_ptr_array_index (volumes, i), NULL);
  if (readers != NULL)
    g_thread_pool_free (readers, FALSE, TRUE);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  const SclObservedVolume *const *left = a;
  const SclObservedVolume *const *right = b;

  return strcmp ((*left)->name, (*right)->name);
}

GPtrArray *
_scl_volume_store_list (int folder, const char *path, GError **error)
{
  g_autoptr (GPtrArray) volumes
      = g_ptr_array_new_with_free_func ((GDestroyNotify) _scl_observed_volume_free);
  int fd = openat (folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *stream = fd < 0 ? NULL : fdopendir (fd);
  struct dirent *entry;

  if (stream == NULL)
    {
      int saved = errno;

      scl_fd_clear (&fd);
      return scl_null_throw_errno (error, saved, "%s: cannot read the folder", path);
    }
  while ((entry = readdir (stream)) != NULL)
    {
      SclObservedVolume *volume = store_observe (folder, path, entry->d_name);

      if (volume == NULL)
        volume = store_observe_leftover (folder, path, entry->d_name);
      if (volume != NULL)
        g_ptr_array_add (volumes, volume);
    }
  (void) closedir (stream);
  read_sidecars (volumes, folder);
  drop_other_notes (volumes);
  _scl_part_file_sweep (folder, NULL);
  g_ptr_array_sort (volumes, compare_names);
  return g_steal_pointer (&volumes);
}

void
_scl_volume_store_compare_images (SclManifest *desired, SclObservation *out)
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

          if (volume != NULL && volume->image != NULL && volume->image_inode != 0)
            volume->image_differs
                = _scl_sidecar_image_differs (volume->image, volume->image_size,
                                              volume->image_mtime, scl_disk_spec_get_image (disk));
        }
    }
}
