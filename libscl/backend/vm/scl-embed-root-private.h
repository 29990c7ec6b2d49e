/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The folder of libvirt's QEMU driver when it runs inside this process
 * (qemu:///embed). It lives as long as the state folder: it holds the
 * definitions, QEMU's probed capabilities and what is needed to find the
 * running QEMUs of a killed process again. */

#include <glib.h>

/* Makes STATE_DIR/embed. (transfer full) */
char *_scl_embed_root_prepare (const char *state_dir, GError **error);
char *_scl_embed_root_to_uri (const char *root_dir);

/* Writes the configuration (QEMU is not root, no virtlogd) and sends libvirt's log to a file in
 * ROOT_DIR. Before each open; one thread at a time. */
gboolean _scl_embed_root_begin (const char *root_dir, GError **error);

/* SCL_ERROR_IN_USE if another process has the embedded hypervisor of ROOT_DIR (whose URI is for the
 * message) open, or keeps libvirt from locking it. */
gboolean _scl_embed_root_check_free (const char *root_dir, const char *uri, GError **error);

/* The user that libvirt's packages make for QEMU, static; NULL if there is
 * none. */
const char *_scl_embed_root_find_user (void);
