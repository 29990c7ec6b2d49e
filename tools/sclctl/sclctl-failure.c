/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-failure.h"

#include "sclctl-json.h"

#include <stdio.h>

static SclctlContext *begun;
static GError *noted;
static char *noted_text;
static gboolean answered;

void
sclctl_failure_begin (SclctlContext *context)
{
  begun = context;
}

void
sclctl_failure_note (const GError *error)
{
  g_clear_error (&noted);
  noted = g_error_copy (error);
}

void
sclctl_failure_note_text (const char *text)
{
  if (noted_text == NULL)
    noted_text = g_strdup (text);
}

void
sclctl_failure_set_answered (void)
{
  answered = TRUE;
}

/* Where only words were said, the status says which kind of failure it is. */
static GError *
error_of_status (int status)
{
  const char *text = noted_text != NULL ? noted_text : "nothing was said about it";

  switch (status)
    {
    case SCLCTL_EXIT_INTERRUPTED:
      return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, text);
    case SCLCTL_EXIT_USAGE:
      return g_error_new_literal (SCL_ERROR, SCL_ERROR_INVALID, text);
    case SCLCTL_EXIT_PARTIAL:
      return g_error_new_literal (SCL_ERROR, SCL_ERROR_PARTIAL, text);
    default:
      return g_error_new_literal (SCL_ERROR, SCL_ERROR_FAILED, text);
    }
}

void
sclctl_failure_print (int status)
{
  JsonObject *object;

  if (answered || status == SCLCTL_EXIT_DONE || !sclctl_is_json (begun))
    return;
  if (noted == NULL)
    noted = error_of_status (status);
  object = json_object_new ();
  sclctl_json_set (object, "error", sclctl_json_error (noted));
  sclctl_json_print (sclctl_json_node (object));
  fflush (stdout);
}
