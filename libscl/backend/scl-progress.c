/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/scl-progress-private.h"

void
_scl_progress_report (const SclProgress *progress, guint64 done, guint64 total, const char *message)
{
  if (progress != NULL && progress->report != NULL)
    progress->report (done, total, message, progress->user_data);
}

void
_scl_progress_remark (const SclProgress *progress, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list args;

  if (progress == NULL || progress->remark == NULL)
    return;
  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  progress->remark (message, progress->user_data);
}

gboolean
_scl_progress_is_cancelled (const SclProgress *progress, GError **error)
{
  return progress != NULL && g_cancellable_set_error_if_cancelled (progress->cancellable, error);
}
