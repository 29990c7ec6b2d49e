/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Every file that a domain's definition names, and what disks of a format with a chain stand on. Not
 * only what SCL writes: the definition may be anybody's. */

#include <gio/gio.h>

typedef void (*SclPathFunc) (const char *path, gpointer user_data);

/* A disk that is named by a storage pool; HAS_CHAIN: its format may stand on other files. */
typedef void (*SclPoolFunc) (const char *pool, const char *volume, gboolean has_chain,
                             gpointer user_data);

/* All absolute paths in XML outside of its metadata, also those of backing chains: of the live
 * definition's, and of the files' own headers. */
gboolean _scl_domain_paths_foreach (const char *xml, SclPathFunc func, SclPoolFunc pool_func,
                                    gpointer user_data, GError **error);

/* The folder of a storage pool by its XML; NULL: it has its volumes elsewhere. (transfer full) */
gboolean _scl_domain_paths_read_pool (const char *xml, char **out_folder, GError **error);

/* The files below the qcow2 file PATH, by the headers; nothing if it is none. */
void _scl_backing_chain_foreach (const char *path, SclPathFunc func, gpointer user_data);
