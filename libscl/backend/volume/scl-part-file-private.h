/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A file that appears under its name only when it is complete. It has no name until then
 * (O_TMPFILE); where the file system cannot do that, it has a name that no object of SCL can have,
 * and is locked as long as its writer lives, so that a leftover is told from work in progress. */

#include "base/scl-fd-private.h"

typedef enum
{
  SCL_PART_FILE_NONE = 0,
  SCL_PART_FILE_NAMED = 1 << 0, /* with a temporary name at once: needed to replace a file */
} SclPartFileFlags;

typedef struct _SclPartFile SclPartFile;

/* FOLDER is borrowed and must outlive the object. NAME is what the file will be called. */
SclPartFile *_scl_part_file_new (int folder, const char *name, mode_t mode, SclPartFileFlags flags,
                                 GError **error);
/* Not committed: nothing is left. */
void _scl_part_file_free (SclPartFile *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclPartFile, _scl_part_file_free)

int _scl_part_file_get_fd (SclPartFile *self);

gboolean _scl_part_file_sync (SclPartFile *self, GError **error);
/* Gives the file its name. REPLACE (only if it was made NAMED) an existing file, else that is
 * SCL_ERROR_EXISTS. The caller syncs the folder. */
gboolean _scl_part_file_commit (SclPartFile *self, gboolean replace, GError **error);

/* Removes what dead writers of NAME (NULL: of any file) left in FOLDER. */
void _scl_part_file_sweep (int folder, const char *name);
