/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether a QEMU, of whatever hypervisor or of none, has a file open: it holds locks on it as long as it
 * does. One that was told not to (file.locking=off), or that runs on another host over a file system
 * without locks, cannot be seen. */

#include <gio/gio.h>

/* SCL_ERROR_IN_USE if one has; what is not there is free. */
gboolean _scl_image_lock_check_free (int folder, const char *file, GError **error);
