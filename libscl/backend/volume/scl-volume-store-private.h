/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The folder with NAME.raw and NAME.json. A volume appears complete or not at all, and after its
 * sidecar, so that one without a sidecar is one that somebody put there. Names were checked. */

#include "backend/scl-progress-private.h"
#include <sys/stat.h>

typedef struct
{
  const char *name;
  const char *image;
  guint64 size_mib; /* 0: the image's, rounded up */
  const char *instance; /* whose it is */
  const char *vm;   /* owner; may be NULL */
} SclVolumeRequest;

/* In bytes; FALSE if the image is larger than that (SCL_ERROR_INVALID, says what would do) or the
 * number is too large. */
gboolean _scl_volume_store_size (guint64 image_size, guint64 size_mib, guint64 *out_size,
                                 GError **error);

/* FALSE if something that is not a regular file has the volume's name (SCL_ERROR_EXISTS). */
gboolean _scl_volume_store_lookup (int folder, const char *name, gboolean *out_present,
                                   struct stat *out_stat, GError **error);

gboolean _scl_volume_store_create (int folder, const SclVolumeRequest *request,
                                   const SclProgress *progress, GError **error);
gboolean _scl_volume_store_grow (int folder, const char *name, guint64 size_mib, GError **error);
gboolean _scl_volume_store_remove (int folder, const char *name, GError **error);

/* Writes into the sidecar of a volume that was made before instances were noted whose it is. */
gboolean _scl_volume_store_claim (int folder, const char *name, const char *instance,
                                  GError **error);

/* SclObservedVolume, sorted by name. PATH is FOLDER's. Sweeps. */
GPtrArray *_scl_volume_store_list (int folder, const char *path, GError **error);

/* "3.5 GiB", as people say it. (transfer full) */
char *_scl_volume_store_format_size (guint64 bytes);
