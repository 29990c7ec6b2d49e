/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Small ISO 9660 images (Joliet and Rock Ridge) of a few files in the root folder, in memory.
 * The only user of libarchive. */

#include <gio/gio.h>

/* FILES: name (char*) to content (GBytes*). The label is written in lower case in the Joliet
 * descriptor. The image depends on the time of day, so compare contents, not images. */
GBytes *_scl_iso_write (const char *label, GHashTable *files, GError **error);

/* The regular files in the image at FD, as _scl_iso_write takes them; more than MAX bytes in all is
 * SCL_ERROR_INVALID. */
GHashTable *_scl_iso_read (int fd, gsize max, GError **error);

/* An empty table for _scl_iso_write. */
GHashTable *_scl_iso_files_new (void);
