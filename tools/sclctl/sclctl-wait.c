/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-wait.h"

#include "sclctl-interrupt.h"
#include "sclctl-progress.h"
#include "sclctl-text.h"
#include "sclctl-uri.h"

#include <glib-unix.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
keep_result (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

static void
iterate_until (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
}

static void
set_lock_timeout (SclctlContext *context)
{
  const char *seconds = sclctl_value (context, "timeout");

  if (seconds != NULL)
    scl_connection_set_lock_timeout (context->connection, (guint)strtoul (seconds, NULL, 10));
}

static gboolean
check_root (const char *uri, GError **error)
{
  if (geteuid () == 0 || !sclctl_uri_needs_root (uri))
    return TRUE;
  g_set_error (
      error, SCL_ERROR, SCL_ERROR_PERMISSION,
      "this needs root, because it works on the networks and VMs of the host: put \"sudo\" "
      "in front, or try it on --connect 'local:?hypervisor=memory'");
  return FALSE;
}

gboolean
sclctl_open_uri (SclctlContext *context, const char *uri, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  if (!check_root (uri, error))
    return FALSE;
  scl_connection_open_async (uri, sclctl_interrupt_get_cancellable (), keep_result, &result);
  iterate_until (&result);
  context->connection = scl_connection_open_finish (result, error);
  if (context->connection == NULL)
    return FALSE;
  set_lock_timeout (context);
  return TRUE;
}

gboolean
sclctl_open (SclctlContext *context, GError **error)
{
  return sclctl_open_uri (context, sclctl_get_uri (context), error);
}

gboolean
sclctl_check_volume (SclctlContext *context, const char *name, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  scl_connection_check_volume_async (context->connection, name, sclctl_interrupt_get_cancellable (),
                                     keep_result, &result);
  iterate_until (&result);
  return scl_connection_check_volume_finish (context->connection, result, error);
}

gboolean
sclctl_refresh (SclctlContext *context, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  scl_connection_refresh_async (context->connection, sclctl_interrupt_get_cancellable (),
                                keep_result, &result);
  iterate_until (&result);
  return scl_connection_refresh_finish (context->connection, result, error);
}

gboolean
sclctl_look (SclctlContext *context, GError **error)
{
  return sclctl_look_for (context, SCL_OBJECT_KIND_HOST, error);
}

gboolean
sclctl_look_for (SclctlContext *context, SclObjectKind kind, GError **error)
{
  if (!sclctl_open (context, error))
    return FALSE;
  scl_connection_set_kind (context->connection, kind);
  if (!sclctl_refresh (context, error))
    return FALSE;
  sclctl_tell_diagnostics (context, scl_connection_get_diagnostics (context->connection));
  return TRUE;
}

static void
lock_in_thread (GTask *task, gpointer source, gpointer data G_GNUC_UNUSED,
                GCancellable *cancellable)
{
  GError *error = NULL;

  if (scl_connection_lock (SCL_CONNECTION (source), cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static gboolean
on_lock_is_slow (gpointer user_data)
{
  sclctl_tell (user_data, "somebody else is changing this instance; waiting until they are done");
  return G_SOURCE_REMOVE;
}

gboolean
sclctl_lock (SclctlContext *context, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GTask) task
      = g_task_new (context->connection, sclctl_interrupt_get_cancellable (), keep_result, &result);
  g_autoptr (GSource) notice = g_timeout_source_new_seconds (1);

  g_source_set_callback (notice, on_lock_is_slow, context, NULL);
  g_source_attach (notice, NULL);
  g_task_run_in_thread (task, lock_in_thread);
  iterate_until (&result);
  g_source_destroy (notice);
  return g_task_propagate_boolean (G_TASK (result), error);
}

SclPlan *
sclctl_make_plan (SclctlContext *context, SclManifest *manifest, SclApplyFlags flags,
                  GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  scl_connection_plan_async (context->connection, manifest, flags,
                             sclctl_interrupt_get_cancellable (), keep_result, &result);
  iterate_until (&result);
  return scl_connection_plan_finish (context->connection, result, error);
}

gboolean
sclctl_check_plan (SclctlContext *context, SclPlan *plan, GError **error)
{
  GListModel *diagnostics = scl_plan_get_diagnostics (plan);
  g_autoptr (GString) errors = g_string_new (NULL);

  sclctl_tell_severity (context, diagnostics, SCL_SEVERITY_WARNING);
  for (guint i = 0; i < g_list_model_get_n_items (diagnostics); i++)
    {
      g_autoptr (SclDiagnostic) diagnostic = g_list_model_get_item (diagnostics, i);
      g_autofree char *text = scl_diagnostic_to_string (diagnostic);

      if (scl_diagnostic_get_severity (diagnostic) == SCL_SEVERITY_ERROR)
        g_string_append_printf (errors, "%s%s", errors->len > 0 ? "\n" : "", text);
    }
  if (errors->len > 0)
    g_set_error_literal (error, SCL_ERROR, SCL_ERROR_INVALID, errors->str);
  return errors->len == 0;
}

typedef struct
{
  GPtrArray *operations; /* borrowed */
  SclctlProgress *progress;
  GListModel *vms; /* (nullable) (borrowed): shut down; NULL: the operations can be cancelled */
  guint left;
  GError *error;
} Operate;

/* Of several errors the gravest decides the exit status: one that is more than "interrupted". */
static void
keep_error (Operate *self, GError *error)
{
  if (self->error == NULL)
    {
      self->error = error;
      return;
    }
  if (g_error_matches (self->error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_error_free (self->error);
      self->error = error;
      return;
    }
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    sclctl_complain ("%s", error->message);
  g_error_free (error);
}

static void
on_operation_end (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Operate *self = user_data;
  GError *error = NULL;
  gboolean success = scl_operation_wait_finish (SCL_OPERATION (source), result, &error);

  self->left--;
  sclctl_progress_finish (self->progress, SCL_OPERATION (source), success);
  if (!success)
    keep_error (self, error);
}

static const char *
again (int signal_number)
{
  return signal_number == SIGINT ? "Ctrl-C again" : "another signal";
}

/* Also what would come after them: a step that is under way may still succeed. */
static void
cancel_operations (Operate *self, int signal_number)
{
  g_autofree char *what = sclctl_progress_describe (self->progress);

  if (sclctl_interrupt_is_held ())
    sclctl_complain ("interrupted: finishing or undoing %s; no other step begins, and what runs is "
                     "ended after that",
                     what);
  else
    sclctl_complain ("interrupted: finishing or undoing %s; no other step begins; %s leaves at once",
                     what, again (signal_number));
  for (guint i = 0; i < self->operations->len; i++)
    scl_operation_cancel (g_ptr_array_index (self->operations, i));
  g_cancellable_cancel (sclctl_interrupt_get_cancellable ());
}

/* "shutting down VM "a" (up to 90 s), …": those of VMS that are on; empty: none is. */
char *
sclctl_describe_shutdown (GListModel *vms)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (vms); i++)
    {
      g_autoptr (SclVm) vm = g_list_model_get_item (vms, i);
      SclVmSpec *spec = scl_vm_get_spec (vm);

      if (!sclctl_vm_is_on (vm))
        continue;
      g_string_append_printf (text, "%s VM \"%s\"", text->len == 0 ? "shutting down" : ",",
                              scl_vm_get_name (vm));
      if (spec != NULL)
        g_string_append_printf (text, " (up to %u s)", scl_vm_spec_get_shutdown_timeout (spec));
    }
  return g_string_free (text, FALSE);
}

static void
tell_shutdown (Operate *self, int signal_number)
{
  g_autofree char *guests = sclctl_describe_shutdown (self->vms);
  g_autofree char *steps = sclctl_progress_describe (self->progress);

  if (*guests == '\0')
    sclctl_complain ("finishing: %s", steps);
  else
    sclctl_complain ("finishing: %s; %s switches off what is still on", guests,
                     again (signal_number));
}

static void
on_switched_off (GObject *source, GAsyncResult *result, gpointer user_data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;

  if (!scl_operation_wait_finish (SCL_OPERATION (source), result, &error)
      && !g_error_matches (error, SCL_ERROR, SCL_ERROR_NOT_FOUND))
    sclctl_complain ("%s", error->message);
}

static void
switch_off (Operate *self)
{
  for (guint i = 0; i < g_list_model_get_n_items (self->vms); i++)
    {
      g_autoptr (SclVm) vm = g_list_model_get_item (self->vms, i);
      g_autoptr (SclOperation) operation = NULL;

      if (!sclctl_vm_is_on (vm))
        continue;
      sclctl_complain ("switching VM \"%s\" off", scl_vm_get_name (vm));
      /* The operation that waits for the VM's end may be over before this one. */
      operation = scl_vm_stop (vm, TRUE);
      scl_operation_wait_async (operation, NULL, on_switched_off, NULL);
    }
}

static void
on_interrupt (int signal_number, guint count, gpointer user_data)
{
  Operate *self = user_data;

  if (self->vms == NULL && (count == 1 || sclctl_interrupt_is_held ()))
    cancel_operations (self, signal_number);
  else if (self->vms == NULL)
    sclctl_interrupt_leave_unfinished ();
  else if (count > 1)
    switch_off (self);
  else
    tell_shutdown (self, signal_number);
}

static gboolean
operate (SclctlContext *context, GPtrArray *operations, GListModel *vms, GError **error)
{
  g_autoptr (SclctlProgress) progress = sclctl_progress_new (context);
  Operate self = { .operations = operations, .progress = progress, .vms = vms };

  sclctl_interrupt_install ();
  sclctl_interrupt_set_handler (on_interrupt, &self);
  self.left = operations->len;
  for (guint i = 0; i < operations->len; i++)
    {
      SclOperation *operation = g_ptr_array_index (operations, i);

      sclctl_progress_watch (progress, operation);
      scl_operation_wait_async (operation, NULL, on_operation_end, &self);
    }
  /* A signal that came between planning and now was meant for this. */
  if (vms == NULL && g_cancellable_is_cancelled (sclctl_interrupt_get_cancellable ()))
    cancel_operations (&self, sclctl_interrupt_get_signal ());
  while (self.left > 0)
    g_main_context_iteration (NULL, TRUE);
  sclctl_interrupt_set_handler (NULL, NULL);
  if (self.error == NULL)
    return TRUE;
  g_propagate_error (error, self.error);
  return FALSE;
}

gboolean
sclctl_operate (SclctlContext *context, GPtrArray *operations, GError **error)
{
  return operate (context, operations, NULL, error);
}

gboolean
sclctl_operate_one (SclctlContext *context, SclOperation *operation, GError **error)
{
  g_autoptr (GPtrArray) operations = g_ptr_array_new ();

  g_ptr_array_add (operations, operation);
  return operate (context, operations, NULL, error);
}

gboolean
sclctl_operate_to_end (SclctlContext *context, SclOperation *operation, GListModel *vms,
                       GError **error)
{
  g_autoptr (GPtrArray) operations = g_ptr_array_new ();

  g_ptr_array_add (operations, operation);
  return operate (context, operations, vms, error);
}

static gboolean
on_readable (gint fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer user_data)
{
  *(gboolean *)user_data = TRUE;
  return G_SOURCE_REMOVE;
}

static gboolean
wait_for_input (void)
{
  GCancellable *cancellable = sclctl_interrupt_get_cancellable ();
  gboolean readable = FALSE;
  guint source = g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP, on_readable, &readable);

  while (!readable && !g_cancellable_is_cancelled (cancellable))
    g_main_context_iteration (NULL, TRUE);
  if (!readable)
    g_source_remove (source);
  return readable;
}

char
sclctl_ask (const char *question, char fallback)
{
  char answer[256];
  gssize length;

  sclctl_progress_hide ();
  g_printerr ("%s ", question);
  if (!wait_for_input ())
    {
      if (sclctl_interrupt_get_signal () != SIGINT)
        g_printerr ("\n");
      return 0;
    }
  length = read (STDIN_FILENO, answer, sizeof answer - 1);
  if (length <= 0)
    return 0;
  answer[length] = '\0';
  g_strstrip (answer);
  return *answer == '\0' ? fallback : g_ascii_tolower (*answer);
}

int
sclctl_refusal_status (void)
{
  return sclctl_interrupt_get_signal () == 0 ? SCLCTL_EXIT_ERROR : SCLCTL_EXIT_INTERRUPTED;
}
