/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A descriptor that a fork does not get: for files that are locked. flock() belongs to the open file that
 * a process and its forks share, so a fork that lives on would keep the lock of a process that was killed, or
 * that has closed the file. Never closed by close() or scl_fd_clear(): a fork would then close whatever has
 * its number. */

#include <gio/gio.h>
#include <sys/types.h>

typedef int SclOwnFd;

/* As openat(), with O_CLOEXEC. -1 with errno. */
SclOwnFd _scl_own_fd_open (int dir, const char *name, int flags, mode_t mode);
/* In a fork it has been closed already. */
void _scl_own_fd_clear (SclOwnFd *fd);

static inline SclOwnFd
scl_own_fd_steal (SclOwnFd *fd)
{
  SclOwnFd taken = *fd;

  *fd = -1;
  return taken;
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SclOwnFd, _scl_own_fd_clear)
