/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A VM's cloud-init seed (NoCloud): what its files say now, and what its seed disk holds. */

#include <gio/gio.h>
#include <scl/scl-vm-spec.h>

#define SCL_SEED_FILE "seed.iso"
/* More than that is no cloud-init text, but a file named by mistake. */
#define SCL_SEED_INPUT_MAX (1024u * 1024)

typedef GHashTable SclSeed; /* file name to GBytes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclSeed, g_hash_table_unref)

/* Reads the VM's cloud-init files. */
SclSeed *_scl_seed_new (SclVmSpec *vm, const char *instance_id, GError **error);

/* One cloud-init file. SCL_ERROR_INVALID for links, special files and more than SCL_SEED_INPUT_MAX.
 */
GBytes *_scl_seed_read_input (const char *path, GError **error);

/* The seed disk in FOLDER; NULL if there is none or it cannot be read. */
SclSeed *_scl_seed_load (int folder);

/* Replaces the seed disk in FOLDER in one step. */
gboolean _scl_seed_save (SclSeed *self, int folder, GError **error);

/* NULL and a NULL seed are equal. */
gboolean _scl_seed_equal (SclSeed *self, SclSeed *other);

/* As its meta-data says; NULL if it does not. SELF may be NULL. (transfer full) */
char *_scl_seed_get_instance_id (SclSeed *self);
