/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Copies the content of a file into an empty one: shared extents where the file system can, else
 * inside the kernel, else by read and write. Holes stay holes. */

#include "backend/scl-progress-private.h"

/* From best to plainest. */
typedef enum
{
  SCL_COPY_REFLINK,
  SCL_COPY_RANGE,
  SCL_COPY_READ_WRITE,
} SclCopyMethod;

/* The first SIZE bytes of IN to OUT, which must be empty, in steps that report and can be
 * cancelled. BEST is the first method to try; OUT_METHOD (may be NULL) what did it. NAME is IN's,
 * for messages. OUT may end early if IN ends in a hole: the caller sets its size. */
gboolean _scl_copy (int in, int out, guint64 size, SclCopyMethod best, const char *name,
                    const SclProgress *progress, SclCopyMethod *out_method, GError **error);

/* TRUE if IN can be copied into FOLDER by sharing its extents. Leaves nothing. */
gboolean _scl_copy_can_reflink (int in, int folder);
