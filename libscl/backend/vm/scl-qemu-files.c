/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-qemu-files-private.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

guint64
_scl_qemu_files_read_pid (const char *pid_file)
{
  g_autofree char *text = NULL;

  return g_file_get_contents (pid_file, &text, NULL, NULL) ? g_ascii_strtoull (text, NULL, 10) : 0;
}

char *
_scl_qemu_files_find (guint64 pid, SclQemuFileFunc matches, gconstpointer data, gboolean *out_seen)
{
  g_autofree char *folder = g_strdup_printf ("/proc/%" G_GUINT64_FORMAT "/fd", pid);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *fd;

  if (out_seen != NULL)
    *out_seen = dir != NULL;
  while (dir != NULL && (fd = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, fd, NULL);

      if (matches (path, data))
        return g_steal_pointer (&path);
    }
  return NULL;
}

/* As the kernel names what was deleted; other names may still lead to it. */
static gboolean
is_deleted (const char *fd_path, gconstpointer link)
{
  g_autofree char *target = g_file_read_link (fd_path, NULL);
  struct stat info;

  return g_strcmp0 (target, link) == 0 && stat (fd_path, &info) == 0 && info.st_nlink == 0;
}

static char *
find_in_all (const char *link)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc", 0, NULL);
  const char *name;
  char *found = NULL;

  while (found == NULL && dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (g_ascii_isdigit (*name))
      found = _scl_qemu_files_find (g_ascii_strtoull (name, NULL, 10), is_deleted, link, NULL);
  return found;
}

/* Links of the kernel name folders by no symbolic link. (transfer full) */
static char *
deleted_link (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *text = g_strconcat (name, " (deleted)", NULL);
  char *real = realpath (folder, NULL);
  char *link = g_build_filename (real != NULL ? real : folder, text, NULL);

  free (real);
  return link;
}

/* What QEMU has opened is older than its pid file. */
static gboolean
came_later (const char *path, const char *pid_file)
{
  struct statx file;
  struct stat start;

  return statx (AT_FDCWD, path, 0, STATX_BTIME, &file) == 0 && (file.stx_mask & STATX_BTIME) != 0
         && stat (pid_file, &start) == 0
         && (file.stx_btime.tv_sec > start.st_mtim.tv_sec
             || (file.stx_btime.tv_sec == start.st_mtim.tv_sec
                 && file.stx_btime.tv_nsec > start.st_mtim.tv_nsec));
}

char *
_scl_qemu_files_find_deleted (const char *path, const char *pid_file)
{
  struct stat info;
  gboolean gone = stat (path, &info) < 0 && errno == ENOENT;
  guint64 pid = gone || came_later (path, pid_file) ? _scl_qemu_files_read_pid (pid_file) : 0;
  g_autofree char *link = gone || pid != 0 ? deleted_link (path) : NULL;

  if (pid != 0)
    return _scl_qemu_files_find (pid, is_deleted, link, NULL);
  return gone ? find_in_all (link) : NULL;
}
