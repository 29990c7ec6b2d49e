/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Realises what the manifest needs from the Nix store, and keeps it from being collected as long as
 * the folder of generated files is there. */

#include <gio/gio.h>

/* REFERENCES: set of STOREPATH or DERIVATION!OUTPUT. */
gboolean nix_build (GHashTable *references, const char *folder, GError **error);
