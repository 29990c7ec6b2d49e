/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/volume/scl-image-lock-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include <fcntl.h>

/* QEMU's bytes: 100 + n while it needs permission n, 200 + n while others may not have it. */
#define FIRST_BYTE 100
#define N_BYTES 164

static gboolean
throw_held (const char *file, pid_t pid, GError **error)
{
  g_autofree char *who = pid > 0 ? g_strdup_printf ("process %d", (int) pid) : g_strdup ("a QEMU");

  return scl_throw (error, SCL_ERROR_IN_USE,
                    "%s has %s open, perhaps for a VM of another hypervisor: it is kept; end that one first",
                    who, file);
}

gboolean
_scl_image_lock_check_free (int folder, const char *file, GError **error)
{
  g_auto (SclFd) fd = openat (folder, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  struct flock lock = {
    .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = FIRST_BYTE, .l_len = N_BYTES
  };

  if (fd < 0)
    return errno == ENOENT || scl_throw_errno (error, errno, "%s: cannot look who uses it", file);
  /* Where there are no locks QEMU has none either. */
  if (fcntl (fd, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
    return TRUE;
  return throw_held (file, lock.l_pid, error);
}
