/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/volume/scl-part-file-private.h"

#include "base/scl-own-fd-private.h"
#include "base/scl-throw-private.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#define PART_SUFFIX ".part"
#define PART_RANDOM_DIGITS 8
#define PART_ATTEMPTS 100

struct _SclPartFile
{
  int folder;
  char *name;
  char *temporary; /* NULL: the file has no name */
  SclOwnFd fd;
};

static char *
part_file_temporary_name (const char *name)
{
  return g_strdup_printf (".%s.%08x" PART_SUFFIX, name, g_random_int ());
}

/* A sweeper may have taken the file between its creation and the lock: then it has no name left. */
static gboolean
part_file_lock (int fd)
{
  struct stat info;

  while (flock (fd, LOCK_EX) != 0)
    if (errno != EINTR)
      return FALSE;
  return fstat (fd, &info) == 0 && info.st_nlink > 0;
}

static gboolean
part_file_open_named (SclPartFile *self, mode_t mode, GError **error)
{
  for (guint attempt = 0; attempt < PART_ATTEMPTS; attempt++)
    {
      g_autofree char *temporary = part_file_temporary_name (self->name);
      g_auto (SclOwnFd) fd = _scl_own_fd_open (self->folder, temporary,
                                               O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, mode);

      if (fd < 0 && errno != EEXIST)
        return scl_throw_errno (error, errno, "%s: cannot create a temporary file", self->name);
      if (fd < 0 || !part_file_lock (fd))
        continue;
      self->temporary = g_steal_pointer (&temporary);
      self->fd = scl_own_fd_steal (&fd);
      return TRUE;
    }
  return scl_throw (error, SCL_ERROR_FAILED, "%s: cannot create a temporary file", self->name);
}

static gboolean
part_file_open (SclPartFile *self, mode_t mode, SclPartFileFlags flags, GError **error)
{
  if ((flags & SCL_PART_FILE_NAMED) == 0)
    {
      self->fd = _scl_own_fd_open (self->folder, ".", O_TMPFILE | O_RDWR, mode);
      if (self->fd >= 0)
        return TRUE;
      if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT)
        return scl_throw_errno (error, errno, "%s: cannot create a temporary file", self->name);
    }
  return part_file_open_named (self, mode, error);
}

SclPartFile *
_scl_part_file_new (int folder, const char *name, mode_t mode, SclPartFileFlags flags,
                    GError **error)
{
  g_autoptr (SclPartFile) self = g_new0 (SclPartFile, 1);

  self->folder = folder;
  self->name = g_strdup (name);
  self->fd = -1;
  if (!part_file_open (self, mode, flags, error))
    return NULL;
  if (fchmod (self->fd, mode) != 0)
    return scl_null_throw_errno (error, errno, "%s: cannot set the mode", name);
  return g_steal_pointer (&self);
}

void
_scl_part_file_free (SclPartFile *self)
{
  if (self->temporary != NULL)
    (void) unlinkat (self->folder, self->temporary, 0);
  _scl_own_fd_clear (&self->fd);
  g_free (self->temporary);
  g_free (self->name);
  g_free (self);
}

int
_scl_part_file_get_fd (SclPartFile *self)
{
  return self->fd;
}

gboolean
_scl_part_file_sync (SclPartFile *self, GError **error)
{
  if (fsync (self->fd) != 0)
    return scl_throw_errno (error, errno, "%s: cannot write to the disk", self->name);
  return TRUE;
}

static int
part_file_link (SclPartFile *self)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", self->fd);

  return linkat (AT_FDCWD, path, self->folder, self->name, AT_SYMLINK_FOLLOW);
}

static int
part_file_rename_new (SclPartFile *self)
{
  int rc = renameat2 (self->folder, self->temporary, self->folder, self->name, RENAME_NOREPLACE);

  if (rc == 0 || (errno != EINVAL && errno != ENOSYS))
    return rc;
  rc = linkat (self->folder, self->temporary, self->folder, self->name, 0);
  return rc != 0 ? rc : unlinkat (self->folder, self->temporary, 0);
}

/* A network file system may lose the answer to what it has done. */
static gboolean
part_file_is_in_place (SclPartFile *self)
{
  struct stat own, there;

  return fstat (self->fd, &own) == 0
         && fstatat (self->folder, self->name, &there, AT_SYMLINK_NOFOLLOW) == 0
         && own.st_dev == there.st_dev && own.st_ino == there.st_ino;
}

gboolean
_scl_part_file_commit (SclPartFile *self, gboolean replace, GError **error)
{
  int rc, number;

  g_return_val_if_fail (!replace || self->temporary != NULL, FALSE);

  if (replace)
    rc = renameat (self->folder, self->temporary, self->folder, self->name);
  else if (self->temporary != NULL)
    rc = part_file_rename_new (self);
  else
    rc = part_file_link (self);
  number = errno;
  if (rc != 0 && !part_file_is_in_place (self))
    return scl_throw_errno (error, number, "%s: cannot put the complete file in place", self->name);
  g_clear_pointer (&self->temporary, g_free);
  return TRUE;
}

/* ".NAME.xxxxxxxx.part" */
static gboolean
part_file_is_temporary (const char *entry, const char *name)
{
  gsize length = strlen (entry);
  gsize tail = 1 + PART_RANDOM_DIGITS + strlen (PART_SUFFIX);
  const char *random;

  if (entry[0] != '.' || length < tail + 2 || !g_str_has_suffix (entry, PART_SUFFIX))
    return FALSE;
  random = entry + length - tail;
  if (random[0] != '.' || strspn (random + 1, "0123456789abcdef") != PART_RANDOM_DIGITS)
    return FALSE;
  return name == NULL
         || (strlen (name) == length - tail - 1 && strncmp (entry + 1, name, strlen (name)) == 0);
}

static void
part_file_remove_leftover (int folder, const char *entry)
{
  struct stat info;
  g_auto (SclOwnFd) fd = _scl_own_fd_open (folder, entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);

  if (fd < 0 || fstat (fd, &info) != 0 || !S_ISREG (info.st_mode))
    return;
  if (flock (fd, LOCK_EX | LOCK_NB) == 0)
    (void) unlinkat (folder, entry, 0);
}

void
_scl_part_file_sweep (int folder, const char *name)
{
  int fd = openat (folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *stream = fd < 0 ? NULL : fdopendir (fd);
  struct dirent *entry;

  if (stream == NULL)
    {
      scl_fd_clear (&fd);
      return;
    }
  while ((entry = readdir (stream)) != NULL)
    if (part_file_is_temporary (entry->d_name, name))
      part_file_remove_leftover (folder, entry->d_name);
  (void) closedir (stream);
}
