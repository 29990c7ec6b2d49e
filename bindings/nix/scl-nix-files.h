/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Generated files, such as cloud-init's user data. The name has the content's hash, so the same
 * content is the same path, and what a VM was made from does not change. They may hold secrets:
 * only we can read them. */

#include <gio/gio.h>

typedef struct _NixFiles NixFiles;

/* FOLDER NULL: the usual place of this user. Touches nothing yet. */
NixFiles *nix_files_new (const char *folder);
void nix_files_free (NixFiles *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NixFiles, nix_files_free)

const char *nix_files_get_folder (NixFiles *self);

/* The absolute path that the file is going to have. */
char *nix_files_add (NixFiles *self, const char *name, const char *content);

/* Makes the folder, or refuses one that others can change or read. */
gboolean nix_files_prepare (NixFiles *self, GError **error);

/* Writes what was added and is not there. */
gboolean nix_files_write (NixFiles *self, GError **error);
