/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/scl-diagnostic-private.h"
#include "base/scl-throw-private.h"
#include <scl/scl-enum-types.h>

/**
 * SclDiagnostic:
 *
 * One thing that is wrong with a manifest, or worth knowing about it on this host: what it
 * is about (the path of a key, as `virtualMachines.demo.imageSize`), a message that says what
 * would be right, and the place in the file if it came from one.
 *
 * Since: 0.1
 */
struct _SclDiagnostic
{
  GObject parent_instance;
  SclSeverity severity;
  char *path;
  char *message;
  char *file;
  guint line;
  guint column;
};

G_DEFINE_FINAL_TYPE (SclDiagnostic, scl_diagnostic, G_TYPE_OBJECT)

static void
scl_diagnostic_finalize (GObject *object)
{
  SclDiagnostic *self = SCL_DIAGNOSTIC (object);

  g_free (self->path);
  g_free (self->message);
  g_free (self->file);
  G_OBJECT_CLASS (scl_diagnostic_parent_class)->finalize (object);
}

static void
scl_diagnostic_class_init (SclDiagnosticClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = scl_diagnostic_finalize;
}

static void
scl_diagnostic_init (SclDiagnostic *self)
{
}

SclDiagnostic *
_scl_diagnostic_new_located (SclSeverity severity, const char *path, const char *message,
                             const char *file, guint line, guint column)
{
  SclDiagnostic *self = g_object_new (SCL_TYPE_DIAGNOSTIC, NULL);

  self->severity = severity;
  self->path = g_strdup (path);
  self->message = g_strdup (message);
  self->file = g_strdup (file);
  self->line = line;
  self->column = column;
  return self;
}

/**
 * scl_diagnostic_new:
 * @severity: how grave it is
 * @path: what it is about, e.g. `networks.default.externalIP`; "" for the whole
 * @message: what is wrong and what would be right; lower case, no full stop
 *
 * Makes a diagnostic without a place in a file.
 *
 * Returns: (transfer full): a new diagnostic
 *
 * Since: 0.1
 */
SclDiagnostic *
scl_diagnostic_new (SclSeverity severity, const char *path, const char *message)
{
  g_return_val_if_fail (path != NULL && message != NULL, NULL);

  return _scl_diagnostic_new_located (severity, path, message, NULL, 0, 0);
}

/**
 * scl_diagnostic_get_severity:
 * @self: a #SclDiagnostic
 *
 * How grave it is.
 *
 * Returns: the severity
 *
 * Since: 0.1
 */
SclSeverity
scl_diagnostic_get_severity (SclDiagnostic *self)
{
  g_return_val_if_fail (SCL_IS_DIAGNOSTIC (self), SCL_SEVERITY_ERROR);

  return self->severity;
}

/**
 * scl_diagnostic_get_path:
 * @self: a #SclDiagnostic
 *
 * What it is about.
 *
 * Returns: the path of a key, e.g. `networks.default.externalIP`; may be empty
 *
 * Since: 0.1
 */
const char *
scl_diagnostic_get_path (SclDiagnostic *self)
{
  g_return_val_if_fail (SCL_IS_DIAGNOSTIC (self), NULL);

  return self->path;
}

/**
 * scl_diagnostic_get_message:
 * @self: a #SclDiagnostic
 *
 * What is wrong and what would be right.
 *
 * Returns: a message for people
 *
 * Since: 0.1
 */
const char *
scl_diagnostic_get_message (SclDiagnostic *self)
{
  g_return_val_if_fail (SCL_IS_DIAGNOSTIC (self), NULL);

  return self->message;
}

/**
 * scl_diagnostic_get_file:
 * @self: a #SclDiagnostic
 *
 * The file that it was found in.
 *
 * Returns: (nullable): the name as it was given to the loader, or %NULL
 *
 * Since: 0.1
 */
const char *
scl_diagnostic_get_file (SclDiagnostic *self)
{
  g_return_val_if_fail (SCL_IS_DIAGNOSTIC (self), NULL);

  return self->file;
}

/**
 * scl_diagnostic_get_line:
 * @self: a #SclDiagnostic
 *
 * The line in the file.
 *
 * Returns: counted from 1; 0 if unknown
 *
 * Since: 0.1
 */
guint
scl_diagnostic_get_line (SclDiagnostic *self)
{
  g_return_val_if_fail (SCL_IS_DIAGNOSTIC (self), 0);

  return self->line;
}

/**
 * scl_diagnostic_get_column:
 * @self: a #SclDiagnostic
 *
 * The column in the line.
 *
 * Returns: counted from 1; 0 if unknown
 *
 * Since: 0.1
 */
guint
scl_diagnostic_get_column (SclDiagnostic *self)
{
  g_return_val_if_fail (SCL_IS_DIAGNOSTIC (self), 0);

  return self->column;
}

/**
 * scl_diagnostic_to_string:
 * @self: a #SclDiagnostic
 *
 * One line for people: `file:line:column: path: message`, without the parts that are unknown.
 *
 * Returns: (transfer full): the line, without a newline
 *
 * Since: 0.1
 */
char *
scl_diagnostic_to_string (SclDiagnostic *self)
{
  GString *text = g_string_new (NULL);

  g_return_val_if_fail (SCL_IS_DIAGNOSTIC (self), NULL);

  if (self->file != NULL)
    g_string_append_printf (text, "%s:", self->file);
  if (self->file != NULL && self->line > 0)
    g_string_append_printf (text, "%u:%u:", self->line, self->column);
  if (text->len > 0)
    g_string_append_c (text, ' ');
  if (self->path[0] != '\0')
    g_string_append_printf (text, "%s: ", self->path);
  g_string_append (text, self->message);
  return g_string_free (text, FALSE);
}

void
_scl_diagnostic_add (GPtrArray *diagnostics, SclSeverity severity, const char *path,
                     const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  g_ptr_array_add (diagnostics, scl_diagnostic_new (severity, path, message));
}

gboolean
_scl_diagnostic_has_error (GPtrArray *diagnostics)
{
  for (guint i = 0; i < diagnostics->len; i++)
    if (SCL_DIAGNOSTIC (diagnostics->pdata[i])->severity == SCL_SEVERITY_ERROR)
      return TRUE;
  return FALSE;
}

gboolean
_scl_diagnostic_throw (GPtrArray *diagnostics, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < diagnostics->len; i++)
    {
      SclDiagnostic *diagnostic = diagnostics->pdata[i];
      g_autofree char *line = NULL;

      if (diagnostic->severity != SCL_SEVERITY_ERROR)
        continue;
      line = scl_diagnostic_to_string (diagnostic);
      g_string_append_printf (text, "%s%s", text->len > 0 ? "\n" : "", line);
    }
  return text->len == 0 || scl_throw (error, SCL_ERROR_INVALID, "%s", text->str);
}
