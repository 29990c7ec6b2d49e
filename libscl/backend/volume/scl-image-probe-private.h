/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tells raw disk images from all others. Asked once, on the pristine image: a guest can write
 * whatever header it likes into its volume, so volumes are never probed and always raw. */

#include <gio/gio.h>

/* FALSE if FD does not hold a raw disk image of SIZE bytes: SCL_ERROR_UNSUPPORTED with the command
 * that makes one of it, or SCL_ERROR_INVALID. PATH is for the message. */
gboolean _scl_image_probe (int fd, guint64 size, const char *path, GError **error);
