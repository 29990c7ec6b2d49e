/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/scl-report-private.h"
#include "model/scl-diagnostic-private.h"
#include <string.h>

typedef struct
{
  SclSeverity severity;
  SclPlace place;
  char *path;
  char *message;
  guint number; /* keeps the order of equal places */
} Entry;

struct _SclReport
{
  GPtrArray *entries;
  GHashTable *paths; /* of errors */
  gboolean errors;
  GHashTable *broken; /* set of sources with syntax errors */
};

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_free (entry->path);
  g_free (entry->message);
  g_free (entry);
}

SclReport *
_scl_report_new (void)
{
  SclReport *self = g_new0 (SclReport, 1);

  self->entries = g_ptr_array_new_with_free_func (entry_free);
  self->paths = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->broken = g_hash_table_new (NULL, NULL);
  return self;
}

void
_scl_report_free (SclReport *self)
{
  g_ptr_array_unref (self->entries);
  g_hash_table_unref (self->paths);
  g_hash_table_unref (self->broken);
  g_free (self);
}

static void
add_entry (SclReport *self, SclSeverity severity, SclPlace place, const char *path, char *message)
{
  Entry *entry;

  self->errors = self->errors || severity == SCL_SEVERITY_ERROR;
  if (self->entries->len >= SCL_REPORT_MAX)
    {
      g_free (message);
      return;
    }
  entry = g_new0 (Entry, 1);
  entry->severity = severity;
  entry->place = place;
  entry->path = g_strdup (path == NULL ? "" : path);
  entry->message = message;
  entry->number = self->entries->len;
  g_ptr_array_add (self->entries, entry);
}

void
_scl_report_add (SclReport *self, SclSeverity severity, SclPlace place, const char *path,
                 const char *suggestion, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list args;

  if (severity == SCL_SEVERITY_ERROR && path != NULL)
    g_hash_table_add (self->paths, g_strdup (path));
  self->errors = self->errors || severity == SCL_SEVERITY_ERROR;
  if (self->entries->len >= SCL_REPORT_MAX)
    return;
  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  if (suggestion != NULL)
    add_entry (self, severity, place, path,
               g_strdup_printf ("%s (did you mean \"%s\"?)", message, suggestion));
  else
    add_entry (self, severity, place, path, g_steal_pointer (&message));
}

void
_scl_report_add_at (SclReport *self, SclPlace place, const char *path, const char *message)
{
  add_entry (self, SCL_SEVERITY_ERROR, place, path, g_strdup (message));
}

void
_scl_report_syntax (SclReport *self, SclPlace place, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  add_entry (self, SCL_SEVERITY_ERROR, place, NULL, g_strdup_vprintf (format, args));
  va_end (args);
  g_hash_table_add (self->broken, (gpointer) place.source);
}

gboolean
_scl_report_has_errors (SclReport *self)
{
  return self->errors;
}

gboolean
_scl_report_has_syntax_errors (SclReport *self)
{
  return g_hash_table_size (self->broken) > 0;
}

gboolean
_scl_report_has_syntax_errors_in (SclReport *self, const SclSource *source)
{
  return g_hash_table_contains (self->broken, source);
}

gboolean
_scl_report_knows (SclReport *self, const char *path)
{
  g_autofree char *around = g_strdup (path);

  for (gsize i = strlen (around); i > 0; i--)
    {
      if (i < strlen (path) && path[i] != '.' && path[i] != '[')
        continue;
      around[i] = '\0';
      if (g_hash_table_contains (self->paths, around))
        return TRUE;
    }
  return g_hash_table_contains (self->paths, "");
}

static int
compare_entries (gconstpointer a, gconstpointer b)
{
  const Entry *x = *(const Entry *const *) a;
  const Entry *y = *(const Entry *const *) b;
  SclOrigin here = _scl_place_origin (x->place);
  SclOrigin there = _scl_place_origin (y->place);
  guint left[] = { x->place.source == NULL ? 0 : x->place.source->number, 0, here.line, here.column,
                   x->number };
  guint right[] = { y->place.source == NULL ? 0 : y->place.source->number, 0, there.line,
                    there.column, y->number };
  int files = g_strcmp0 (here.file, there.file);

  /* Several files can be behind one input. */
  left[1] = files > 0;
  right[1] = files < 0;
  for (guint i = 0; i < G_N_ELEMENTS (left); i++)
    if (left[i] != right[i])
      return left[i] < right[i] ? -1 : 1;
  return 0;
}

GPtrArray *
_scl_report_list (SclReport *self)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (g_object_unref);

  g_ptr_array_sort (self->entries, compare_entries);
  for (guint i = 0; i < self->entries->len; i++)
    {
      Entry *entry = self->entries->pdata[i];
      SclOrigin origin = _scl_place_origin (entry->place);

      g_ptr_array_add (list,
                       _scl_diagnostic_new_located (entry->severity, entry->path, entry->message,
                                                    origin.file, origin.line, origin.column));
    }
  if (self->entries->len >= SCL_REPORT_MAX)
    g_ptr_array_add (list, scl_diagnostic_new (SCL_SEVERITY_ERROR, "",
                                               "there may be more errors; correct these first"));
  return list;
}
