/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The folder of libvirt's QEMU driver when it runs inside this process
 * (qemu:///embed). It lives as long as the state folder: it holds the
 * definitions, QEMU's probed capabilities and what is needed to find the
 * running QEMUs of a killed process again. */

#include <glib.h>

/* Makes STATE_DIR/embed with its configuration (QEMU is not root, no virtlogd).
 * (transfer full) */
char *_scl_embed_root_prepare (const char *state_dir, GError **error);
char *_scl_embed_root_to_uri (const char *root_dir);

/* Sends libvirt's log to a file in ROOT_DIR. Once per process, before the first
 * open. */
void _scl_embed_root_begin (const char *root_dir);

/* 0, or the process that has the embedded hypervisor of ROOT_DIR open. */
int _scl_embed_root_find_owner (const char *root_dir);

/* The user that libvirt's packages make for QEMU, static; NULL if there is
 * none. */
const char *_scl_embed_root_find_user (void);
