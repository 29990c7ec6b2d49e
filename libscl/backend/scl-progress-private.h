/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How a backend says how far it is, and learns that it shall stop. */

#include <gio/gio.h>

typedef struct
{
  GCancellable *cancellable; /* may be NULL */
  /* DONE of TOTAL in any unit (TOTAL 0: unknown); MESSAGE may be NULL. Called in the thread that
   * does the work. May be NULL. */
  void (*report) (guint64 done, guint64 total, const char *message, gpointer user_data);
  /* What is to be known about how it went, though it went well; as REPORT. May be NULL. */
  void (*remark) (const char *message, gpointer user_data);
  gpointer user_data;
} SclProgress;

void _scl_progress_report (const SclProgress *progress, guint64 done, guint64 total,
                           const char *message);
void _scl_progress_remark (const SclProgress *progress, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* TRUE and G_IO_ERROR_CANCELLED if it was cancelled. PROGRESS may be NULL. */
gboolean _scl_progress_is_cancelled (const SclProgress *progress, GError **error);
