/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether cloud-init will make something of user-data. It ends with success and one line in the guest's
 * log when it does not, and the guest comes up without users. Pure. */

#include <glib.h>

/* Judges only what cloud-init reads as #cloud-config; scripts, MIME messages, archives, templates and what
 * is compressed pass. FALSE: TEXT can be nothing that cloud-init reads. *OUT_WARNING: it is ignored as a
 * whole, and why, with line and column; NULL: nothing is wrong with it. (transfer full) (nullable) */
gboolean _scl_user_data_check (GBytes *text, const char *path, char **out_warning, GError **error);
