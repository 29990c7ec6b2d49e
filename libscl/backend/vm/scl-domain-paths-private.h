/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Every file that a domain's definition names, and what disks of a format with a chain stand on. Not
 * only what SCL writes: the definition may be anybody's. */

#include "backend/vm/scl-backing-chain-private.h"

/* A disk of FORMAT that is named by a storage pool. */
typedef gboolean (*SclPoolFunc) (const char *pool, const char *volume, const char *format,
                                 gpointer user_data, GError **error);

/* All absolute paths in XML outside of its metadata, also those of backing chains: of the live
 * definition's, and of the files' own headers. FOLDER_FUNC: for those that the guest has as folders, with all that
 * is in them. A chain that is not known is an error. */
gboolean _scl_domain_paths_foreach (const char *xml, SclPathFunc func, SclPathFunc folder_func,
                                    SclPoolFunc pool_func, gpointer user_data, GCancellable *cancellable, GError **error);

/* The folder of a storage pool by its XML; NULL: it has its volumes elsewhere. (transfer full) */
gboolean _scl_domain_paths_read_pool (const char *xml, char **out_folder, GError **error);
