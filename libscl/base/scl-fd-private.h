/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* File descriptors that close themselves, and the few file operations that must be
 * atomic or must not follow a link. Everything is relative to a folder's descriptor
 * (AT_FDCWD works too). No policy about what is stored where. */

#include <errno.h>
#include <gio/gio.h>
#include <sys/stat.h>
#include <unistd.h>

typedef int SclFd;

static inline void
scl_fd_clear (SclFd *fd)
{
  int saved = errno;

  if (*fd >= 0)
    (void) close (*fd);
  *fd = -1;
  errno = saved;
}

static inline int
scl_fd_steal (SclFd *fd)
{
  int taken = *fd;

  *fd = -1;
  return taken;
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SclFd, scl_fd_clear)

/* All of BYTES or an error; NAME is for the message. */
gboolean _scl_fd_write_all (int fd, const void *data, gsize size, const char *name, GError **error);

/* At most MAX bytes (more is SCL_ERROR_INVALID); (transfer full). */
GBytes *_scl_fd_read_all (int fd, gsize max, const char *name, GError **error);

/* Opens a regular file for reading, never through a link in the last component; checked after the
 * open. -1 on error (SCL_ERROR_NOT_FOUND, _PERMISSION, _INVALID if it is not a regular file). */
int _scl_fd_open_regular (int dirfd, const char *path, struct stat *out_stat, GError **error);

/* Opens for reading what a person has named: links are followed (environment.etc, secret managers and
 * `nix build` make them); judged after the open. Errors as above, _INVALID also where links form a circle. */
int _scl_fd_open_named (const char *path, struct stat *out_stat, GError **error);

/* Makes the folder (and its parents, those that are missing) with exactly MODE, whatever the umask, and opens it. */
int _scl_fd_open_folder (const char *path, mode_t mode, GError **error);

/* The same of STATE, which may be a link, and which others may pass through and not list. One that has files of somebody else
 * in it keeps its mode, and is refused (SCL_ERROR_INVALID) if that lets nobody pass. */
int _scl_fd_open_state_folder (const char *path, GError **error);

/* As _scl_fd_open_folder, but one that is there keeps its mode, and may be a link to where it is: for a folder
 * that the user names, who may have named /tmp by mistake. */
int _scl_fd_ensure_folder (const char *path, mode_t mode, GError **error);

/* Temporary file, fsync, rename over NAME, fsync of the folder. */
gboolean _scl_fd_replace (int dirfd, const char *name, const void *data, gsize size, mode_t mode,
                          GError **error);

/* The same text for two paths that lead to one file; of what is not there, the path. (transfer full) */
char *_scl_fd_identify (const char *path);
