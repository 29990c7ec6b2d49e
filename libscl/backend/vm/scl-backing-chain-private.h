/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What an image of a disk stands on: its backing files, and theirs, and the files that hold its content.
 * What is not known is an error, never "nothing": whoever asks wants to remove something. */

#include <gio/gio.h>

typedef void (*SclPathFunc) (const char *path, gpointer user_data);

/* The files below PATH, which is FORMAT (NULL: not said). Nothing below a raw file, whose content is
 * a guest's, and below one that is not there. qcow2 is read here; qemu-img is asked about anything
 * else, a file at a time, without opening what is below. SCL_ERROR_BACKEND names the file. */
gboolean _scl_backing_chain_foreach (const char *path, const char *format, SclPathFunc func,
                                     gpointer user_data, GCancellable *cancellable, GError **error);

/* One file below another. */
typedef struct
{
  char *name;   /* as it is written there; NULL: none */
  char *format; /* NULL: not said */
} SclBackingFile;

void _scl_backing_file_clear (SclBackingFile *file);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SclBackingFile, _scl_backing_file_clear)

/* qemu-img's answer about PATH: FUNC for each file that it names. */
gboolean _scl_image_info_read (const char *path, const char *format, SclPathFunc func,
                               gpointer user_data, SclBackingFile *out_backing,
                               GCancellable *cancellable, GError **error);
