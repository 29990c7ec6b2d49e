/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The folder with NAME.raw and NAME.json. A volume appears complete or not at all, and after its
 * sidecar, so that one without a sidecar is one that somebody put there. Names were checked. */

#include "backend/scl-progress-private.h"
#include "backend/volume/scl-sidecar-private.h"
#include "plan/scl-observation-private.h"
#include <scl/scl-manifest.h>
#include <sys/stat.h>

#define SCL_VOLUME_SUFFIX ".raw"
#define SCL_SIDECAR_SUFFIX ".json"

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
/* Writes into the sidecar of a volume that was made before instances were noted whose it is. */
gboolean _scl_volume_store_claim (int folder, const char *name, const char *instance,
                                  GError **error);

/* NOTE in place of one that is lost or damaged; that one is kept beside it. One that is whole by now stays. */
gboolean _scl_volume_store_note_again (int folder, const char *name, SclSidecar *note, GError **error);

/* SclObservedVolume, sorted by name; leftovers, too. PATH is FOLDER's. Sweeps. */
GPtrArray *_scl_volume_store_list (int folder, const char *path, GError **error);

/* Which volumes of OUT were made from another image than DESIRED says. */
void _scl_volume_store_compare_images (SclManifest *desired, SclObservation *out);

/* "3.5 GiB", as people say it. (transfer full) */
char *_scl_volume_store_format_size (guint64 bytes);

/* For scl-volume-removal.c and scl-volume-adoption.c, which are the other half. */
char *_scl_volume_store_file (const char *name);
char *_scl_volume_store_note (const char *name);
/* *OUT_NOTE is NULL if there is none. SCL_ERROR_EXISTS if something else has its name. */
gboolean _scl_volume_store_read_note (int folder, const char *name, SclSidecar **out_note,
                                      GError **error);
gboolean _scl_volume_store_write_note (int folder, const char *name, SclSidecar *note, GError **error);
/* NOTE speaks of the volume as it is now alone, on the disk, too. */
gboolean _scl_volume_store_mark (int folder, const char *name, SclSidecar *note, GError **error);
/* What is there under the note's name may be replaced: nothing, or INSTANCE's note of what is not there. */
gboolean _scl_volume_store_check_note (int folder, const char *name, const char *instance,
                                       GError **error);
gboolean _scl_volume_store_sync (int folder, GError **error);
void _scl_volume_store_sweep (int folder, const char *name);
