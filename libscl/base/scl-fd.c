/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define STATE_MODE 0711
/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
#define READ_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

gboolean
_scl_fd_write_all (int fd, const void *data, gsize size, const char *name, GError **error)
{
  const guint8 *at = data;

  while (size > 0)
    {
      gssize n = TEMP_FAILURE_RETRY (write (fd, at, size));

      if (n < 0)
        return scl_throw_errno (error, errno, "%s: cannot write", name);
      at += n;
      size -= (gsize) n;
    }
  return TRUE;
}

GBytes *
_scl_fd_read_all (int fd, gsize max, const char *name, GError **error)
{
  g_autoptr (GByteArray) all = g_byte_array_new ();
  guint8 chunk[16384];

  for (;;)
    {
      gssize n = TEMP_FAILURE_RETRY (read (fd, chunk, sizeof chunk));

      if (n < 0)
        return scl_null_throw_errno (error, errno, "%s: cannot read", name);
      if (n == 0)
        return g_byte_array_free_to_bytes (g_steal_pointer (&all));
      if (all->len + (gsize) n > max)
        return scl_null_throw (error, SCL_ERROR_INVALID,
                               "%s: larger than the limit of %" G_GSIZE_FORMAT " bytes", name, max);
      g_byte_array_append (all, chunk, (guint) n);
    }
}

static int
throw_open (const char *path, int errno_value, GError **error)
{
  if (errno_value == ELOOP)
    {
      g_autofree char *target = g_file_read_link (path, NULL);

      scl_throw (error, SCL_ERROR_INVALID, "%s: is a symbolic link (to %s); name the file itself",
                 path, target == NULL ? "somewhere else" : target);
    }
  else
    scl_throw_errno (error, errno_value, "%s: cannot open", path);
  return -1;
}

/* Judges what was opened, takes FD if it is no regular file; ERRNO_VALUE is the open's. */
static int
take_regular (int fd, int errno_value, const char *path, struct stat *out_stat, GError **error)
{
  g_auto (SclFd) own = fd;
  struct stat st;

  if (own < 0)
    return throw_open (path, errno_value, error);
  if (fstat (own, &st) < 0)
    return throw_open (path, errno, error);
  if (!S_ISREG (st.st_mode))
    {
      scl_throw (error, SCL_ERROR_INVALID, "%s: is %s, not a regular file", path,
                 S_ISDIR (st.st_mode) ? "a folder" : "a special file");
      return -1;
    }
  if (out_stat != NULL)
    *out_stat = st;
  return scl_fd_steal (&own);
}

int
_scl_fd_open_regular (int dirfd, const char *path, struct stat *out_stat, GError **error)
{
  int fd = openat (dirfd, path, READ_FLAGS | O_NOFOLLOW);

  return take_regular (fd, errno, path, out_stat, error);
}

int
_scl_fd_open_named (const char *path, struct stat *out_stat, GError **error)
{
  int fd = open (path, READ_FLAGS);
  int errno_value = errno;
  g_autofree char *target = fd < 0 ? g_file_read_link (path, NULL) : NULL;

  if (target == NULL)
    return take_regular (fd, errno_value, path, out_stat, error);
  scl_throw_errno (error, errno_value, "%s: is a symbolic link to %s, which cannot be opened", path,
                   target);
  return -1;
}

static gboolean
make_folder (const char *path, mode_t mode, GError **error)
{
  g_auto (SclFd) fd = -1;

  if (mkdir (path, mode) < 0)
    return errno == EEXIST || scl_throw_errno (error, errno, "%s: cannot make the folder", path);
  fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  return (fd >= 0 && fchmod (fd, mode) == 0)
         || scl_throw_errno (error, errno, "%s: cannot set mode %04o", path, (unsigned) mode);
}

/* Of those above it, too, the umask decides nothing: who may not pass them does not reach it. */
static gboolean
make_folders (const char *path, mode_t mode, GError **error)
{
  g_autofree char *above = g_path_get_dirname (path);

  if (access (path, F_OK) == 0)
    return TRUE;
  return (strcmp (above, path) == 0 || make_folders (above, mode, error))
         && make_folder (path, mode, error);
}

int
_scl_fd_open_folder (const char *path, mode_t mode, GError **error)
{
  g_auto (SclFd) fd = -1;
  struct stat st;

  if (!make_folders (path, mode, error))
    return -1;
  fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 || fstat (fd, &st) < 0)
    {
      scl_throw_errno (error, errno, "%s: cannot open the folder", path);
      return -1;
    }
  if ((st.st_mode & 07777) != mode && fchmod (fd, mode) < 0)
    {
      scl_throw_errno (error, errno, "%s: cannot set mode %04o", path, (unsigned) mode);
      return -1;
    }
  return scl_fd_steal (&fd);
}

int
_scl_fd_ensure_folder (const char *path, mode_t mode, GError **error)
{
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int errno_value = errno;
  g_autofree char *target = NULL;

  if (fd >= 0)
    return fd;
  target = g_file_read_link (path, NULL);
  if (errno_value == ENOENT && target == NULL)
    return _scl_fd_open_folder (path, mode, error);
  if (target != NULL)
    scl_throw_errno (error, errno_value, "%s: is a symbolic link to %s, which cannot be opened", path, target);
  else
    scl_throw_errno (error, errno_value, "%s: cannot open the folder", path);
  return -1;
}

/* lost+found: the folder is a file system's root. Locks and files that are yet to be put in place are hidden. */
static gboolean
is_of_state (const char *entry)
{
  static const char *const names[] = { ".",     "..",       "volumes",    "vms",        "instances",
                                       "embed", "instance", "machine-id", "lost+found", NULL };

  return g_strv_contains (names, entry)
         || (entry[0] == '.' && (g_str_has_suffix (entry, ".lock") || g_str_has_suffix (entry, ".new")));
}

static gboolean
has_others_files (int folder)
{
  int fd = openat (folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *stream = fd < 0 ? NULL : fdopendir (fd);
  const struct dirent *entry = NULL;

  if (stream == NULL)
    {
      scl_fd_clear (&fd);
      return TRUE;
    }
  do
    entry = readdir (stream);
  while (entry != NULL && is_of_state (entry->d_name));
  (void) closedir (stream);
  return entry != NULL;
}

/* FALSE with an error: nobody could pass through it. */
static gboolean
keep_mode (const char *path, mode_t mode, GError **error)
{
  g_autofree char *quoted = g_shell_quote (path);

  return (mode & S_IXOTH) != 0
         || scl_throw (error, SCL_ERROR_INVALID,
                       "%s: holds files of others, so that its mode %04o is left as it is, which does not let "
                       "QEMU's user pass: allow it (chmod o+x %s), or name a folder of its own with state=",
                       path, (unsigned) mode, quoted);
}

int
_scl_fd_open_state_folder (const char *path, GError **error)
{
  g_auto (SclFd) fd = _scl_fd_ensure_folder (path, STATE_MODE, error);
  struct stat info;
  gboolean ok;

  if (fd < 0)
    return -1;
  if (fstat (fd, &info) < 0)
    return throw_open (path, errno, error);
  if ((info.st_mode & 07777) == STATE_MODE)
    return scl_fd_steal (&fd);
  ok = has_others_files (fd)
           ? keep_mode (path, info.st_mode & 07777, error)
           : fchmod (fd, STATE_MODE) == 0
                 || scl_throw_errno (error, errno, "%s: cannot set mode %04o", path, STATE_MODE);
  return ok ? scl_fd_steal (&fd) : -1;
}

static gboolean
write_and_sync (int fd, const void *data, gsize size, mode_t mode, const char *name, GError **error)
{
  if (!_scl_fd_write_all (fd, data, size, name, error))
    return FALSE;
  if (fchmod (fd, mode) < 0 || fsync (fd) < 0)
    return scl_throw_errno (error, errno, "%s: cannot write", name);
  return TRUE;
}

gboolean
_scl_fd_replace (int dirfd, const char *name, const void *data, gsize size, mode_t mode,
                 GError **error)
{
  /* One name, not a random one: a killed writer leaves at most one file, and the next one takes it. */
  g_autofree char *temporary = g_strdup_printf (".%s.new", name);
  g_auto (SclFd) fd = -1;

  if (unlinkat (dirfd, temporary, 0) < 0 && errno != ENOENT)
    return scl_throw_errno (error, errno, "%s: cannot remove an old temporary file", temporary);
  fd = openat (dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return scl_throw_errno (error, errno, "%s: cannot create", name);
  if (!write_and_sync (fd, data, size, mode, name, error))
    {
      (void) unlinkat (dirfd, temporary, 0);
      return FALSE;
    }
  if (renameat (dirfd, temporary, dirfd, name) < 0 || fsync (dirfd == AT_FDCWD ? fd : dirfd) < 0)
    return scl_throw_errno (error, errno, "%s: cannot put in place", name);
  return TRUE;
}

char *
_scl_fd_identify (const char *path)
{
  struct stat info;

  return stat (path, &info) != 0
             ? g_strdup (path)
             : g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT, (guint64) info.st_dev,
                                (guint64) info.st_ino);
}
