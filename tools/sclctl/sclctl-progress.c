/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-progress.h"

#include "sclctl-table.h"
#include "sclctl-terminal.h"
#include "sclctl-text.h"

#include <string.h>
#include <unistd.h>

#define BAR_WIDTH 20
#define REDRAW_MS 100
#define DESCRIBED_MAX 8

typedef struct
{
  SclctlProgress *progress; /* borrowed */
  SclOperation *operation;
  SclStepResult *result; /* NULL: the row of an operation without steps */
  SclStepStatus status;
  gint64 began; /* monotonic */
} Row;

struct _SclctlProgress
{
  SclctlContext *context; /* borrowed */
  GPtrArray *rows;
  gboolean draws;
  guint drawn; /* lines on the screen */
  guint redraw_source;
  guint clock_source;
};

/* The block on the screen, of which there is one. */
static SclctlProgress *shown;

static void
row_free (gpointer data)
{
  Row *row = data;

  g_signal_handlers_disconnect_by_data (row->operation, row);
  if (row->result != NULL)
    g_signal_handlers_disconnect_by_data (row->result, row);
  if (row->result == NULL)
    g_signal_handlers_disconnect_by_data (scl_operation_get_results (row->operation), row);
  g_clear_object (&row->operation);
  g_clear_object (&row->result);
  g_free (row);
}

static char *
row_title (Row *row)
{
  SclStep *step;
  g_autofree char *object = NULL;

  if (row->result == NULL)
    return sclctl_text_harmless (scl_operation_get_description (row->operation));
  step = scl_step_result_get_step (row->result);
  object = sclctl_text_step_object (step);
  return g_strdup_printf ("%s %s", sclctl_text_action (scl_step_get_action (step)), object);
}

static char *
row_message (Row *row)
{
  g_autofree char *message = NULL;

  if (row->result == NULL)
    message = g_strdup (scl_operation_get_message (row->operation));
  else
    g_object_get (row->result, "message", &message, NULL);
  return message == NULL ? g_strdup ("") : sclctl_text_harmless (message);
}

static double
row_fraction (Row *row)
{
  double fraction = 0;

  if (row->result == NULL)
    return scl_operation_get_fraction (row->operation);
  g_object_get (row->result, "fraction", &fraction, NULL);
  return fraction;
}

static gint64
row_seconds (Row *row)
{
  return (g_get_monotonic_time () - row->began) / G_USEC_PER_SEC;
}

static gboolean
has_steps (Row *row)
{
  return row->result != NULL
         || g_list_model_get_n_items (scl_operation_get_results (row->operation)) > 0;
}

static gboolean
is_running (Row *row)
{
  if (row->result != NULL)
    return scl_step_result_get_status (row->result) == SCL_STEP_STATUS_RUNNING;
  return !has_steps (row) && !scl_operation_is_done (row->operation);
}

char *
sclctl_progress_bar (double fraction, guint width)
{
  guint full = (guint)(CLAMP (fraction, 0, 1) * width);
  GString *text = g_string_new ("[");

  for (guint i = 0; i < width; i++)
    g_string_append_c (text, i < full ? '=' : i == full ? '>' : ' ');
  g_string_append_c (text, ']');
  return g_string_free (text, FALSE);
}

/* A line that wrapped would break the count of lines. */
static void
cut_to_width (GString *line, guint columns)
{
  while (sclctl_text_width (line->str) >= columns && line->len > 0)
    {
      char *last = g_utf8_find_prev_char (line->str, line->str + line->len);

      g_string_truncate (line, last - line->str);
    }
}

static char *
row_line (Row *row, guint columns)
{
  g_autofree char *title = row_title (row);
  g_autofree char *message = row_message (row);
  g_autofree char *seconds = sclctl_text_seconds (row_seconds (row));
  double fraction = row_fraction (row);
  GString *line = g_string_new ("  ");

  g_string_append (line, title);
  if (fraction > 0)
    {
      g_autofree char *bar = sclctl_progress_bar (fraction, BAR_WIDTH);

      g_string_append_printf (line, "  %s %3d %%", bar, (int)(fraction * 100));
    }
  g_string_append_printf (line, "  %s", seconds);
  if (*message != '\0')
    g_string_append_printf (line, "  %s", message);
  cut_to_width (line, columns);
  return g_string_free (line, FALSE);
}

static void
erase (SclctlProgress *self)
{
  for (; self->drawn > 0; self->drawn--)
    g_printerr ("\033[A\r\033[2K");
}

static void
draw (SclctlProgress *self)
{
  guint columns;
  guint rows;
  guint hidden = 0;

  sclctl_terminal_get_size (&columns, &rows);
  erase (self);
  for (guint i = 0; i < self->rows->len; i++)
    {
      Row *row = g_ptr_array_index (self->rows, i);
      g_autofree char *line = NULL;

      if (!is_running (row))
        continue;
      if (self->drawn + 3 > rows && ++hidden > 0)
        continue;
      line = row_line (row, columns);
      g_printerr ("%s\n", line);
      self->drawn++;
    }
  if (hidden > 0)
    {
      g_printerr ("  … and %u more\n", hidden);
      self->drawn++;
    }
}

static gboolean
on_redraw (gpointer data)
{
  SclctlProgress *self = data;

  self->redraw_source = 0;
  draw (self);
  return G_SOURCE_REMOVE;
}

static gboolean
on_clock (gpointer data)
{
  draw (data);
  return G_SOURCE_CONTINUE;
}

static void
queue_redraw (SclctlProgress *self)
{
  if (self->draws && self->redraw_source == 0)
    self->redraw_source = g_timeout_add (REDRAW_MS, on_redraw, self);
}

void
sclctl_progress_hide (void)
{
  if (shown == NULL)
    return;
  erase (shown);
  queue_redraw (shown);
}

/* A line that stays. */
static void
put_line (SclctlProgress *self, Row *row, const char *what)
{
  g_autofree char *title = row_title (row);
  g_autofree char *seconds = NULL;
  gint64 took = row_seconds (row);

  if (sclctl_is_quiet (self->context) || (!self->draws && sclctl_is_json (self->context)))
    return;
  if (took > 0 && g_str_equal (what, "done"))
    seconds = sclctl_text_seconds (took);
  erase (self);
  g_printerr ("%s: %s%s%s%s\n", title, what, seconds ? " (" : "", seconds ? seconds : "",
              seconds ? ")" : "");
}

/* Nothing was begun, and why is told among the errors. */
static gboolean
is_blocked (Row *row)
{
  return scl_step_get_action (scl_step_result_get_step (row->result)) == SCL_ACTION_BLOCKED;
}

/* What is to be known about a success. */
static void
tell_remark (Row *row)
{
  g_autofree char *remark = row_message (row);

  if (*remark != '\0')
    sclctl_tell (row->progress->context, "warning: %s", remark);
}

static void
row_begin (Row *row)
{
  row->began = g_get_monotonic_time ();
  if (sclctl_is_verbose (row->progress->context))
    put_line (row->progress, row, "begins");
}

static void
row_changed (Row *row)
{
  SclStepStatus status = scl_step_result_get_status (row->result);

  queue_redraw (row->progress);
  if (status == row->status || is_blocked (row))
    return;
  row->status = status;
  if (status == SCL_STEP_STATUS_RUNNING)
    row_begin (row);
  else if (status == SCL_STEP_STATUS_DONE || status == SCL_STEP_STATUS_FAILED)
    put_line (row->progress, row, sclctl_text_step_status (status));
  if (status == SCL_STEP_STATUS_DONE)
    tell_remark (row);
}

static void
on_result_notify (GObject *result G_GNUC_UNUSED, GParamSpec *spec G_GNUC_UNUSED, gpointer data)
{
  row_changed (data);
}

static void
on_operation_notify (GObject *operation G_GNUC_UNUSED, GParamSpec *spec G_GNUC_UNUSED,
                     gpointer data)
{
  queue_redraw (((Row *)data)->progress);
}

static void
add_result (SclctlProgress *self, SclOperation *operation, SclStepResult *result)
{
  Row *row = g_new0 (Row, 1);

  row->progress = self;
  row->operation = g_object_ref (operation);
  row->result = g_object_ref (result);
  row->began = g_get_monotonic_time ();
  row->status = SCL_STEP_STATUS_WAITING;
  g_ptr_array_add (self->rows, row);
  g_signal_connect (result, "notify", G_CALLBACK (on_result_notify), row);
  row_changed (row);
}

static void
on_items_changed (GListModel *results, guint position, guint removed G_GNUC_UNUSED, guint added,
                  gpointer data)
{
  Row *row = data;

  for (guint i = position; i < position + added; i++)
    {
      g_autoptr (SclStepResult) result = g_list_model_get_item (results, i);

      add_result (row->progress, row->operation, result);
    }
}

SclctlProgress *
sclctl_progress_new (SclctlContext *context)
{
  SclctlProgress *self = g_new0 (SclctlProgress, 1);
  const char *terminal = g_getenv ("TERM");

  self->context = context;
  self->rows = g_ptr_array_new_with_free_func (row_free);
  self->draws = !sclctl_is_quiet (context) && isatty (STDERR_FILENO) && terminal != NULL
                && !g_str_equal (terminal, "dumb");
  if (self->draws)
    self->clock_source = g_timeout_add_seconds (1, on_clock, self);
  shown = self;
  return self;
}

void
sclctl_progress_free (SclctlProgress *self)
{
  erase (self);
  shown = NULL;
  g_clear_handle_id (&self->redraw_source, g_source_remove);
  g_clear_handle_id (&self->clock_source, g_source_remove);
  g_ptr_array_unref (self->rows);
  g_free (self);
}

void
sclctl_progress_watch (SclctlProgress *self, SclOperation *operation)
{
  GListModel *results = scl_operation_get_results (operation);
  Row *row = g_new0 (Row, 1);

  row->progress = self;
  row->operation = g_object_ref (operation);
  row->began = g_get_monotonic_time ();
  g_ptr_array_add (self->rows, row);
  g_signal_connect (operation, "notify", G_CALLBACK (on_operation_notify), row);
  g_signal_connect (results, "items-changed", G_CALLBACK (on_items_changed), row);
  on_items_changed (results, 0, 0, g_list_model_get_n_items (results), row);
  queue_redraw (self);
}

void
sclctl_progress_finish (SclctlProgress *self, SclOperation *operation, gboolean success)
{
  for (guint i = 0; i < self->rows->len; i++)
    {
      Row *row = g_ptr_array_index (self->rows, i);

      if (row->operation != operation || has_steps (row))
        continue;
      put_line (self, row, success ? "done" : "failed");
      if (success)
        tell_remark (row);
    }
}

char *
sclctl_progress_describe (SclctlProgress *self)
{
  GString *text = g_string_new (NULL);
  guint count = 0;

  for (guint i = 0; i < self->rows->len; i++)
    {
      Row *row = g_ptr_array_index (self->rows, i);
      g_autofree char *title = row_title (row);
      g_autofree char *seconds = sclctl_text_seconds (row_seconds (row));

      if (is_running (row) && ++count <= DESCRIBED_MAX)
        g_string_append_printf (text, "%s%s (%s so far)", count > 1 ? ", " : "", title, seconds);
    }
  if (count > DESCRIBED_MAX)
    g_string_append_printf (text, " and %u more", count - DESCRIBED_MAX);
  if (count == 0)
    g_string_append (text, "what is under way");
  return g_string_free (text, FALSE);
}
