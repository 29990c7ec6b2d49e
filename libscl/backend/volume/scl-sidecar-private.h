/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* NAME.json beside NAME.raw: where the volume came from. A lost or damaged one costs only that
 * knowledge, never the volume. */

#include <gio/gio.h>
#include <sys/stat.h>

typedef struct
{
  char *id;       /* UUID: this volume and no later one of the same name */
  char *instance; /* whose it is; NULL: written by 0.1, which did not say */
  char *vm;       /* owner; may be NULL */
  gint64 created; /* seconds since the epoch */
  char *image;    /* path it was made from */
  guint64 image_size;
  gint64 image_mtime; /* ns */
  guint64 image_inode; /* 0: only the path is known */
  char *instance_id;   /* that the guest knows itself by, where it does not come from ID; else NULL */
  gboolean pending;   /* its volume is being made or deleted just now, or that was cut short */
  guint64 file_inode; /* the volume's then; a file that somebody puts there later has another, or was */
  gint64 file_born;   /* born at another time (ns; 0: the file system does not say) */
} SclSidecar;

SclSidecar *_scl_sidecar_new (const char *instance, const char *vm, const char *image,
                              const struct stat *info);
/* In place of one that is lost. Nobody knows what IMAGE was then. */
SclSidecar *_scl_sidecar_new_again (const char *instance, const char *vm, const char *image, const char *instance_id);
void _scl_sidecar_free (SclSidecar *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclSidecar, _scl_sidecar_free)

GBytes *_scl_sidecar_to_bytes (SclSidecar *self);
SclSidecar *_scl_sidecar_from_bytes (GBytes *bytes, GError **error);

/* The sidecar of volume NAME in FOLDER. SCL_ERROR_NOT_FOUND if there is none. */
SclSidecar *_scl_sidecar_read (int folder, const char *name, GError **error);

/* Of an error of it: there is none, or what is there is no sidecar; not that it could not be read. */
gboolean _scl_sidecar_is_lost (const GError *error);

/* From now on it speaks of the file FD alone; nothing of a copy, as a backup makes it. So only for as long
 * as a kill could leave it without that file. */
void _scl_sidecar_set_pending (SclSidecar *self, int fd);
/* Whether it may speak of FILE in FOLDER. */
gboolean _scl_sidecar_is_of (const SclSidecar *self, int folder, const char *file);

/* TRUE if IMAGE, as it is now, is not what the volume was made from. A file that cannot be looked
 * at differs only by its path. */
gboolean _scl_sidecar_image_differs (const char *made_from, guint64 size, gint64 mtime,
                                     const char *image);

gint64 _scl_sidecar_mtime (const struct stat *info);
