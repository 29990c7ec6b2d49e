/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-context.h"

#include "sclctl-failure.h"
#include "sclctl-progress.h"
#include "sclctl-text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

SclctlContext *
sclctl_context_new (void)
{
  SclctlContext *self = g_new0 (SclctlContext, 1);

  self->options
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
  self->arguments = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
sclctl_context_free (SclctlContext *self)
{
  if (self->connection != NULL)
    scl_connection_close (self->connection);
  g_clear_object (&self->connection);
  g_hash_table_unref (self->options);
  g_ptr_array_unref (self->arguments);
  g_free (self);
}

gboolean
sclctl_has (SclctlContext *self, const char *option)
{
  return g_hash_table_contains (self->options, option);
}

GPtrArray *
sclctl_values (SclctlContext *self, const char *option)
{
  return g_hash_table_lookup (self->options, option);
}

const char *
sclctl_value (SclctlContext *self, const char *option)
{
  GPtrArray *values = sclctl_values (self, option);

  return values == NULL ? NULL : g_ptr_array_index (values, values->len - 1);
}

const char *
sclctl_argument (SclctlContext *self, guint index)
{
  return index < self->arguments->len ? g_ptr_array_index (self->arguments, index) : NULL;
}

gboolean
sclctl_is_json (SclctlContext *self)
{
  return g_strcmp0 (sclctl_value (self, "output"), "json") == 0;
}

gboolean
sclctl_is_names (SclctlContext *self)
{
  return g_strcmp0 (sclctl_value (self, "output"), "name") == 0;
}

gboolean
sclctl_is_quiet (SclctlContext *self)
{
  return sclctl_has (self, "quiet");
}

gboolean
sclctl_is_verbose (SclctlContext *self)
{
  return sclctl_has (self, "verbose");
}

const char *
sclctl_get_uri (SclctlContext *self)
{
  const char *uri = sclctl_value (self, "connect");

  if (uri == NULL)
    uri = g_getenv ("SCL_URI");
  return uri == NULL || *uri == '\0' ? NULL : uri;
}

void
sclctl_set_uri (SclctlContext *self, const char *uri)
{
  GPtrArray *values = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (values, g_strdup (uri));
  g_hash_table_replace (self->options, g_strdup ("connect"), values);
  sclctl_text_set_connection (uri);
}

static void
write_lines (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  sclctl_progress_hide ();
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_autofree char *line = sclctl_text_harmless (lines[i]);

      if (*line != '\0')
        g_printerr ("sclctl: %s\n", line);
    }
}

void
sclctl_complain (const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  sclctl_failure_note_text (text);
  write_lines (text);
}

void
sclctl_tell (SclctlContext *self, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  if (sclctl_is_quiet (self))
    return;
  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  write_lines (text);
}

void
sclctl_say (SclctlContext *self, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  if (sclctl_is_quiet (self) || sclctl_is_json (self))
    return;
  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  sclctl_progress_hide ();
  g_print ("%s\n", text);
  fflush (stdout);
}

int
sclctl_error_status (const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return SCLCTL_EXIT_INTERRUPTED;
  if (g_error_matches (error, SCL_ERROR, SCL_ERROR_BUSY))
    return SCLCTL_EXIT_LOCKED;
  if (g_error_matches (error, SCL_ERROR, SCL_ERROR_PARTIAL)
      || g_error_matches (error, SCL_ERROR, SCL_ERROR_CONFIRM))
    return SCLCTL_EXIT_PARTIAL;
  return SCLCTL_EXIT_ERROR;
}

int
sclctl_fail (GError *error)
{
  g_autoptr (GError) owned = error;

  sclctl_failure_note (owned);
  if (g_error_matches (owned, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    sclctl_complain ("interrupted");
  else
    sclctl_complain ("%s", owned->message);
  return sclctl_error_status (owned);
}

void
sclctl_tell_severity (SclctlContext *self, GListModel *list, SclSeverity severity)
{
  for (guint i = 0; list != NULL && i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (SclDiagnostic) diagnostic = g_list_model_get_item (list, i);
      g_autofree char *text = scl_diagnostic_to_string (diagnostic);

      if (scl_diagnostic_get_severity (diagnostic) == severity)
        sclctl_tell (self, "%s: %s", sclctl_text_severity (severity), text);
    }
}

void
sclctl_tell_diagnostics (SclctlContext *self, GListModel *diagnostics)
{
  sclctl_tell_severity (self, diagnostics, SCL_SEVERITY_WARNING);
  if (sclctl_is_verbose (self))
    sclctl_tell_severity (self, diagnostics, SCL_SEVERITY_NOTE);
}

gboolean
sclctl_can_ask (SclctlContext *self)
{
  return !sclctl_is_json (self) && isatty (STDIN_FILENO) && isatty (STDERR_FILENO);
}
