/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/volume/scl-volume-store-private.h"

#include "backend/volume/scl-copy-private.h"
#include "backend/volume/scl-image-probe-private.h"
#include "backend/volume/scl-part-file-private.h"
#include "backend/volume/scl-sidecar-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-names-private.h"
#include "plan/scl-observation-private.h"
#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#define VOLUME_SUFFIX ".raw"
#define VOLUME_MODE 0600
#define SIDECAR_MODE 0600
#define MIB (G_GUINT64_CONSTANT (1) << 20)

#define BLOCK 512
#define MANY 50 /* volumes: below, one thread is as fast */

static char *
volume_file (const char *name)
{
  return g_strconcat (name, VOLUME_SUFFIX, NULL);
}

static char *
sidecar_file (const char *name)
{
  return g_strconcat (name, ".json", NULL);
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
  g_autofree char *file = volume_file (name);

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

static gboolean
store_sync (int folder, GError **error)
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
    return scl_throw (error, SCL_ERROR_BUSY,
                      "%s: was changed while it was copied; try again when nobody writes it",
                      request->image);
  return _scl_part_file_sync (part, error) && !_scl_progress_is_cancelled (progress, error);
}

static gboolean
store_write_sidecar (int folder, const char *name, SclSidecar *sidecar, GError **error)
{
  g_autofree char *file = sidecar_file (name);
  g_autoptr (GBytes) bytes = _scl_sidecar_to_bytes (sidecar);
  g_autoptr (SclPartFile) part = NULL;

  part = _scl_part_file_new (folder, file, SIDECAR_MODE, SCL_PART_FILE_NAMED, error);
  if (part == NULL
      || !_scl_fd_write_all (_scl_part_file_get_fd (part), g_bytes_get_data (bytes, NULL),
                             g_bytes_get_size (bytes), file, error))
    return FALSE;
  return _scl_part_file_sync (part, error) && _scl_part_file_commit (part, TRUE, error);
}

static gboolean
store_publish (int folder, SclPartFile *part, const SclVolumeRequest *request,
               const struct stat *info, GError **error)
{
  g_autoptr (SclSidecar) sidecar
      = _scl_sidecar_new (request->instance, request->vm, request->image, info);
  g_autofree char *file = NULL;

  if (!store_write_sidecar (folder, request->name, sidecar, error))
    return FALSE;
  if (_scl_part_file_commit (part, FALSE, error))
    return store_sync (folder, error);
  file = sidecar_file (request->name);
  (void) unlinkat (folder, file, 0);
  return FALSE;
}

static void
store_sweep (int folder, const char *name)
{
  g_autofree char *file = volume_file (name);
  g_autofree char *sidecar = sidecar_file (name);

  _scl_part_file_sweep (folder, file);
  _scl_part_file_sweep (folder, sidecar);
}

static gboolean
store_create_new (int folder, const SclVolumeRequest *request, const SclProgress *progress,
                  GError **error)
{
  struct stat info;
  g_auto (SclFd) image = _scl_fd_open_regular (AT_FDCWD, request->image, &info, error);
  g_autofree char *file = volume_file (request->name);
  g_autoptr (SclPartFile) part = NULL;

  if (image < 0 || !_scl_image_probe (image, (guint64) info.st_size, request->image, error))
    return FALSE;
  store_sweep (folder, request->name);
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

  if (sidecar == NULL || sidecar->instance != NULL)
    return sidecar != NULL;
  sidecar->instance = g_strdup (instance);
  return store_write_sidecar (folder, name, sidecar, error) && store_sync (folder, error);
}

static int
store_open (int folder, const char *name, struct stat *out_stat, GError **error)
{
  g_autofree char *file = volume_file (name);
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

/* FALSE only if it is there and cannot be removed. */
static gboolean
store_unlink (int folder, const char *file, gboolean *out_was_there, GError **error)
{
  *out_was_there = unlinkat (folder, file, 0) == 0;
  if (!*out_was_there && errno != ENOENT)
    return scl_throw_errno (error, errno, "%s: cannot remove", file);
  return TRUE;
}

gboolean
_scl_volume_store_remove (int folder, const char *name, GError **error)
{
  g_autofree char *file = volume_file (name);
  g_autofree char *sidecar = sidecar_file (name);
  gboolean present;
  gboolean had_sidecar;
  struct stat info;

  if (!_scl_volume_store_lookup (folder, name, &present, &info, error))
    return FALSE;
  store_sweep (folder, name);
  if (!store_unlink (folder, file, &present, error)
      || !store_unlink (folder, sidecar, &had_sidecar, error))
    return scl_prefix (error, "volume \"%s\"", name);
  /* A sidecar alone: an earlier call was killed between the two. */
  if (!present && !had_sidecar)
    return scl_throw (error, SCL_ERROR_NOT_FOUND, "volume \"%s\" does not exist", name);
  return store_sync (folder, error);
}

static void
observed_set_sidecar (gpointer data, gpointer user_data)
{
  SclObservedVolume *volume = data;
  int folder = GPOINTER_TO_INT (user_data);
  g_autoptr (SclSidecar) sidecar = _scl_sidecar_read (folder, volume->name, NULL);

  if (sidecar == NULL)
    return;
  volume->image = g_steal_pointer (&sidecar->image);
  volume->image_size = sidecar->image_size;
  volume->image_mtime = sidecar->image_mtime;
  volume->image_inode = sidecar->image_inode;
  volume->created = sidecar->created;
  volume->vm = g_steal_pointer (&sidecar->vm);
  volume->instance = g_steal_pointer (&sidecar->instance);
  volume->unclaimed = volume->instance == NULL;
}

static SclObservedVolume *
store_observe (int folder, const char *path, const char *file)
{
  g_autofree char *name = NULL;
  SclObservedVolume *volume;
  struct stat info;

  if (!g_str_has_suffix (file, VOLUME_SUFFIX))
    return NULL;
  name = g_strndup (file, strlen (file) - strlen (VOLUME_SUFFIX));
  if (_scl_names_check_label (name) != NULL
      || fstatat (folder, file, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG (info.st_mode))
    return NULL;
  volume = _scl_observed_volume_new (name);
  volume->path = g_build_filename (path, file, NULL);
  volume->size = (guint64) info.st_size;
  volume->allocated = (guint64) info.st_blocks * BLOCK;
  return volume;
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

      if (volume != NULL)
        g_ptr_array_add (volumes, volume);
    }
  (void) closedir (stream);
  read_sidecars (volumes, folder);
  _scl_part_file_sweep (folder, NULL);
  g_ptr_array_sort (volumes, compare_names);
  return g_steal_pointer (&volumes);
}
