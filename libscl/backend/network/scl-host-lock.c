/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-host-lock-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-file-lock-private.h"
#include "base/scl-throw-private.h"
#include <fcntl.h>
#include <sys/file.h>

/* The lock is held for some writes of a few bytes each. */
#define SHARED_SECONDS 10

SclOwnFd
_scl_host_lock (const char *run_dir, GCancellable *cancellable, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + SHARED_SECONDS * G_USEC_PER_SEC;
  g_auto (SclFd) folder = _scl_fd_ensure_folder (run_dir, 0700, error);
  g_auto (SclOwnFd) fd = folder < 0 ? -1 : _scl_own_fd_open (folder, ".", O_RDONLY | O_DIRECTORY, 0);

  if (folder >= 0 && fd < 0)
    (void) scl_throw_errno (error, errno, "%s: cannot open the folder", run_dir);
  if (fd < 0 || !_scl_file_lock (fd, LOCK_EX, run_dir, deadline, cancellable, error))
    return -1;
  return scl_own_fd_steal (&fd);
}
