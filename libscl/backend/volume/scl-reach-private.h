/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether QEMU's user can get to a folder: QEMU itself says only "Permission denied". */

#include <gio/gio.h>

/* Walks all folders above PATH and PATH itself, as written and with links resolved. Folders that do
 * not exist yet are not looked at. SCL_ERROR_PERMISSION names the folder that lacks `x` for USER
 * and the command that gives it; SCL_ERROR_NOT_FOUND if there is no such user. */
gboolean _scl_reach_check (const char *path, const char *user, GCancellable *cancellable,
                           GError **error);
