/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What kind of user-data a text is, as cloud-init sees it. Pure. */

#include <glib.h>

/* TRUE if cloud-init knows what to do with TEXT: it carries one of its headers, or is a MIME
 * message or compressed. */
gboolean _scl_cloud_config_has_header (const void *text, gsize size);

/* TEXT (may be NULL) as user-data: with "#cloud-config" in front if it has no header; an empty one
 * says nothing, validly. (transfer full) */
GBytes *_scl_cloud_config_complete (GBytes *text);
