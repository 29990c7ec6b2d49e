/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-console-link.h"
#include "sclctl-input.h"
#include "sclctl-interrupt.h"
#include "sclctl-json.h"
#include "sclctl-objects.h"
#include "sclctl-plan-view.h"
#include "sclctl-run-address.h"
#include "sclctl-run-view.h"
#include "sclctl-status.h"
#include "sclctl-text.h"
#include "sclctl-uri.h"
#include "sclctl-verbs.h"
#include "sclctl-wait.h"
#include "sclctl-watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define DEFAULT_HYPERVISOR "qemu:///embed"
#define DEFAULT_PREFIX "run"
/* Of run itself, too, in its first release. */
#define OLDER_PREFIX SCLCTL_FIRST_PREFIX
#define NVRAM_FILE "nvram.fd"
/* For which the operations of one run wait for each other. */
#define OWN_SECONDS 60

typedef struct
{
  SclctlContext *context;
  SclManifest *manifest;
  SclctlRunView *view;
  SclctlLink *link; /* NULL: the terminal is not on a console */
  gboolean confirmed; /* the removals of the plan that was shown */
  int ready_fd;     /* -1: none */
  int status;       /* of the whole run, as far as it is known */
} Run;

static void
run_clear (Run *self)
{
  g_clear_object (&self->manifest);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

/* Of its own unless said otherwise: what is applied must not be touched. */
static char *
make_uri (SclctlContext *context)
{
  const char *given = sclctl_get_uri (context);
  g_autofree char *hypervisor = sclctl_uri_get (given, "hypervisor");
  g_autofree char *prefix = sclctl_uri_get (given, "prefix");
  g_autofree char *stated = sclctl_uri_with (given, "state", sclctl_value (context, "state"));
  g_autofree char *base
      = sclctl_uri_with (stated, "prefix", prefix == NULL ? DEFAULT_PREFIX : NULL);

  if (sclctl_has (context, "hypervisor"))
    return sclctl_uri_with (base, "hypervisor", sclctl_value (context, "hypervisor"));
  return sclctl_uri_with (base, "hypervisor", hypervisor == NULL ? DEFAULT_HYPERVISOR : NULL);
}

static gboolean
parse_ready_fd (SclctlContext *context, int *out_fd)
{
  const char *text = sclctl_value (context, "ready-fd");
  guint64 number = 0;

  *out_fd = -1;
  if (text == NULL)
    return TRUE;
  if (!g_ascii_string_to_unsigned (text, 10, 1, 65535, &number, NULL)
      || fcntl ((int)number, F_GETFD) < 0)
    {
      sclctl_complain ("--ready-fd %s: not an open file descriptor", text);
      return FALSE;
    }
  *out_fd = (int)number;
  fcntl (*out_fd, F_SETFD, FD_CLOEXEC);
  return TRUE;
}

static gboolean
check_console (Run *self)
{
  const char *name = sclctl_value (self->context, "console");

  if (name == NULL || scl_manifest_lookup_vm (self->manifest, name) != NULL)
    return TRUE;
  sclctl_complain ("--console %s: the manifest has no such VM", name);
  return FALSE;
}

/* What is there already is taken down at the end, too. In an embedded hypervisor it can only be
 * what a run that was killed left behind; elsewhere somebody may want to keep it. */
static gboolean
confirm_takeover (Run *self)
{
  SclctlContext *context = self->context;
  g_autofree char *hypervisor
      = sclctl_uri_get (scl_connection_get_uri (context->connection), "hypervisor");
  guint count = g_list_model_get_n_items (scl_connection_get_vms (context->connection));
  g_autofree char *what = NULL;

  if (count == 0 || g_strcmp0 (hypervisor, DEFAULT_HYPERVISOR) == 0)
    return TRUE;
  what = g_strdup_printf (
      "take over %u VM%s that instance \"%s\" has already, and remove them at the "
      "end (volumes are kept)",
      count, count == 1 ? "" : "s", scl_connection_get_prefix (context->connection));
  return sclctl_confirm (context, what);
}

static gboolean
confirm_removals (Run *self, SclPlan *plan, SclApplyFlags flags)
{
  g_autofree char *removals = sclctl_list_removals (plan);
  g_autofree char *what = g_strdup_printf ("remove %s (volumes are kept)", removals);

  if (!scl_plan_has_removals (plan) || (flags & SCL_APPLY_PRUNE))
    return TRUE;
  self->confirmed = sclctl_confirm (self->context, what);
  return self->confirmed;
}

static void
on_refreshed (gpointer user_data)
{
  sclctl_run_view_update (((Run *)user_data)->view);
}

static void
report_applied (Run *self, SclPlan *plan, GListModel *results, const GError *error)
{
  JsonNode *node = sclctl_json_report (sclctl_report_status (error), plan, results, error);

  sclctl_run_event (self->context, "applied", json_node_dup_object (node));
  json_node_unref (node);
}

/* What a question confirmed, or all that is declared. */
static SclOperation *
begin_apply (Run *self, SclPlan *plan, SclApplyFlags flags)
{
  if (self->confirmed)
    return scl_connection_apply_plan (self->context->connection, plan);
  return scl_connection_apply (self->context->connection, self->manifest, flags);
}

/* TRUE: VMs may run now, though perhaps not all. */
static gboolean
bring_up (Run *self, SclPlan *plan, SclApplyFlags flags)
{
  g_autoptr (SclOperation) operation = begin_apply (self, plan, flags);
  g_autoptr (GError) error = NULL;

  sclctl_operate_one (self->context, operation, &error);
  sclctl_show_results (self->context, scl_operation_get_results (operation));
  report_applied (self, plan, scl_operation_get_results (operation), error);
  if (error == NULL)
    return TRUE;
  if (!g_error_matches (error, SCL_ERROR, SCL_ERROR_PARTIAL))
    sclctl_complain ("%s", error->message);
  self->status = sclctl_error_status (error);
  return self->status == SCLCTL_EXIT_PARTIAL;
}

static gboolean
any_vm_is_on (Run *self)
{
  GListModel *vms = scl_connection_get_vms (self->context->connection);

  for (guint i = 0; i < g_list_model_get_n_items (vms); i++)
    {
      g_autoptr (SclVm) vm = g_list_model_get_item (vms, i);

      if (sclctl_vm_is_on (vm))
        return TRUE;
    }
  return FALSE;
}

static void
tell_ready (Run *self)
{
  JsonNode *node = sclctl_status_to_json (self->context->connection);

  sclctl_run_event (self->context, "ready", json_node_dup_object (node));
  json_node_unref (node);
  if (!sclctl_is_json (self->context) && !sclctl_is_quiet (self->context))
    {
      g_autoptr (SclctlTable) table
          = sclctl_table_of_vms (scl_connection_get_vms (self->context->connection));

      sclctl_table_print (table);
    }
  sclctl_say (self->context, "ready; Ctrl-C shuts everything down");
  fflush (stdout);
  if (self->ready_fd < 0)
    return;
  if (write (self->ready_fd, "ready\n", 6) != 6)
    sclctl_complain ("--ready-fd %d: %s", self->ready_fd, g_strerror (errno));
  close (self->ready_fd);
  self->ready_fd = -1;
}

static void
on_link_end (SclctlLink *link, gpointer user_data)
{
  Run *self = user_data;

  sclctl_run_view_set_silent (self->view, FALSE);
  sclctl_tell (self->context, "%s; Ctrl-C shuts everything down",
               sclctl_link_get_state (link) == SCLCTL_LINK_ESCAPED ? "left the console"
                                                                   : "the console was closed");
}

static void
begin_console (Run *self)
{
  const char *name = sclctl_value (self->context, "console");
  SclVm *vm = name == NULL ? NULL : scl_connection_lookup_vm (self->context->connection, name);
  g_autoptr (GIOStream) stream = NULL;
  GError *error = NULL;

  if (vm == NULL)
    return;
  stream = sclctl_open_console (vm, &error);
  if (stream == NULL)
    {
      sclctl_fail (error);
      return;
    }
  sclctl_tell (self->context, "console of VM \"%s\"; Ctrl-] leaves it", name);
  sclctl_run_view_set_silent (self->view, TRUE);
  self->link = sclctl_link_new (stream, on_link_end, self);
}

static void
stay (Run *self)
{
  GCancellable *cancellable = sclctl_interrupt_get_cancellable ();
  gboolean until_off = sclctl_has (self->context, "until-off");

  tell_ready (self);
  begin_console (self);
  while (!g_cancellable_is_cancelled (cancellable) && !(until_off && !any_vm_is_on (self)))
    g_main_context_iteration (NULL, TRUE);
  g_clear_pointer (&self->link, sclctl_link_free);
  sclctl_run_view_set_silent (self->view, FALSE);
}

/* Whoever ends it cannot be asked: nobody reads on that gives a signal. */
static gboolean
loses_data (Run *self)
{
  GListModel *vms = scl_connection_get_vms (self->context->connection);
  const char *uri = scl_connection_get_uri (self->context->connection);
  gboolean loses = FALSE;

  for (guint i = 0; i < g_list_model_get_n_items (vms); i++)
    {
      g_autoptr (SclVm) vm = g_list_model_get_item (vms, i);
      const char *name = scl_vm_get_name (vm);
      const char *lost = scl_vm_get_lost_at_stop (vm);

      if (lost == NULL)
        continue;
      loses = TRUE;
      sclctl_complain ("VM \"%s\": %s", name, lost);
      sclctl_complain ("nothing was taken down: VMs and networks go on; with that disk copied, or given up, "
                       "\"sclctl -c '%s' vm stop --force --yes %s\", then run and end it once more",
                       uri, name);
    }
  return loses;
}

/* Ctrl-C does not stop this: what is left would be in the way. */
static void
take_down (Run *self)
{
  GListModel *vms = scl_connection_get_vms (self->context->connection);
  g_autofree char *guests = sclctl_describe_shutdown (vms);
  g_autoptr (SclOperation) operation = NULL;
  g_autoptr (GError) error = NULL;

  sclctl_interrupt_forget ();
  sclctl_run_event (self->context, "stopping", json_object_new ());
  sclctl_tell (self->context, "finishing: %s%sremoving networks; volumes are kept%s", guests,
                   *guests == '\0' ? "" : ", then ",
                   *guests == '\0' ? "" : "; Ctrl-C twice more switches off");
  operation = scl_connection_tear_down (self->context->connection);
  sclctl_operate_to_end (self->context, operation, vms, &error);
  sclctl_show_results (self->context, scl_operation_get_results (operation));
  if (error != NULL)
    {
      sclctl_complain ("not everything was taken down: %s", error->message);
      self->status = SCLCTL_EXIT_PARTIAL;
    }
}

static void
tell_end (Run *self)
{
  JsonObject *object = json_object_new ();

  json_object_set_int_member (object, "exitStatus", self->status);
  sclctl_run_event (self->context, "ended", object);
}

/* From the first change to the host until everything is gone again. */
static void
live (Run *self, SclPlan *plan, SclApplyFlags flags)
{
  SclctlContext *context = self->context;
  g_autoptr (SclctlRunView) view = sclctl_run_view_new (context);
  g_autoptr (SclctlWatch) watch = NULL;
  gboolean is_up;

  sclctl_interrupt_hold ();
  self->view = view;
  watch = sclctl_watch_new (context->connection, on_refreshed, self);
  is_up = scl_plan_is_empty (plan) || bring_up (self, plan, flags);
  sclctl_watch_settle (watch);
  if (is_up && g_cancellable_is_cancelled (sclctl_interrupt_get_cancellable ()))
    self->status = SCLCTL_EXIT_INTERRUPTED;
  else if (is_up && (self->status == SCLCTL_EXIT_DONE || any_vm_is_on (self)))
    stay (self);
  sclctl_watch_settle (watch);
  if (loses_data (self))
    self->status = SCLCTL_EXIT_PARTIAL;
  else
    take_down (self);
  g_clear_pointer (&watch, sclctl_watch_free);
}

/* Another run holds the lock until somebody ends it, so that is not waited for; own operations wait
 * for each other. */
static gboolean
lock (SclctlContext *context, GError **error)
{
  gboolean locked;

  if (sclctl_has (context, "timeout"))
    return sclctl_lock (context, error);
  scl_connection_set_lock_timeout (context->connection, 0);
  locked = sclctl_lock (context, error);
  scl_connection_set_lock_timeout (context->connection, OWN_SECONDS);
  return locked;
}

static SclPlan *
prepare (Run *self, SclApplyFlags flags, GError **error)
{
  SclctlContext *context = self->context;

  if (!sclctl_open (context, error))
    return NULL;
  if (!lock (context, error) || !sclctl_refresh (context, error))
    return NULL;
  return sclctl_plan_with_free_addresses (context, &self->manifest, flags, error);
}

/* A VM that is applied has a folder, with its log in it once it was started; of one that was removed only the
 * firmware's variables may be left there, and that is all that an earlier run leaves. */
static gboolean
has_vm (const char *state, const char *name)
{
  g_autofree char *folder = g_build_filename (state, "vms", name, NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  gboolean is_empty = TRUE;
  const char *entry;

  while (dir != NULL && (entry = g_dir_read_name (dir)) != NULL)
    {
      if (!g_str_equal (entry, NVRAM_FILE))
        return TRUE;
      is_empty = FALSE;
    }
  return dir != NULL && is_empty;
}

/* SCL has made it, and no VM that is applied has it. */
static gboolean
may_be_of_older_run (const char *state, const char *name, const char *path)
{
  g_autofree char *file = g_strconcat (name, ".json", NULL);
  g_autofree char *note = g_build_filename (state, "volumes", file, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS) && g_file_test (note, G_FILE_TEST_EXISTS)
         && !has_vm (state, name);
}

/* A new one has its name by the time that somebody reads this. */
static void
tell_older_volume (SclctlContext *context, const char *state, const char *name)
{
  const char *uri = scl_connection_get_uri (context->connection);
  g_autofree char *file = g_strconcat (name, ".raw", NULL);
  g_autofree char *path = g_build_filename (state, "volumes", file, NULL);

  if (may_be_of_older_run (state, name, path))
    sclctl_tell (context,
                 "volume \"%s\": a new one is made; %s belongs to instance \"%s\". If no VM of that has "
                 "it and an earlier release's run made it, go on with it: end this, then \"sclctl -c '%s' "
                 "volume delete %s\" and \"sclctl -c '%s' volume adopt %s --from %s\"",
                 name, path, OLDER_PREFIX, uri, name, uri, name, OLDER_PREFIX);
}

/* Never taken over without being told to: it may be the disk of a VM that is applied. */
static void
tell_older_volumes (Run *self, SclPlan *plan)
{
  GListModel *steps = scl_plan_get_steps (plan);
  const char *uri = scl_connection_get_uri (self->context->connection);
  g_autofree char *state = sclctl_uri_get (uri, "state");

  if (!g_str_equal (scl_connection_get_prefix (self->context->connection), DEFAULT_PREFIX))
    return;
  for (guint i = 0; i < g_list_model_get_n_items (steps); i++)
    {
      g_autoptr (SclStep) step = g_list_model_get_item (steps, i);

      if (scl_step_get_kind (step) == SCL_OBJECT_KIND_VOLUME
          && scl_step_get_action (step) == SCL_ACTION_CREATE)
        tell_older_volume (self->context, state == NULL ? SCLCTL_DEFAULT_STATE : state,
                           scl_step_get_name (step));
    }
}

static int
run (Run *self)
{
  SclctlContext *context = self->context;
  SclApplyFlags flags = sclctl_apply_flags (context);
  g_autoptr (SclPlan) plan = NULL;
  GError *error = NULL;

  plan = prepare (self, flags, &error);
  if (plan == NULL || !sclctl_check_plan (context, plan, &error))
    return sclctl_fail (error);
  sclctl_show_plan (context, plan);
  tell_older_volumes (self, plan);
  if (!confirm_takeover (self) || !confirm_removals (self, plan, flags))
    return sclctl_refusal_status ();
  live (self, plan, flags);
  tell_end (self);
  return self->status;
}

int
sclctl_run (SclctlContext *context)
{
  g_auto (Run) self = { .context = context };
  g_autofree char *uri = NULL;
  GError *error = NULL;

  if (!sclctl_has_input (context) || !parse_ready_fd (context, &self.ready_fd))
    return SCLCTL_EXIT_USAGE;
  if (!sclctl_uri_is_local (sclctl_get_uri (context)))
    {
      sclctl_complain (
          "run works on this host only: leave --connect and SCL_URI away, or give local:…");
      return SCLCTL_EXIT_USAGE;
    }
  uri = make_uri (context);
  sclctl_set_uri (context, uri);
  self.manifest = sclctl_load (context, NULL, &error);
  if (self.manifest == NULL)
    return sclctl_fail (error);
  return check_console (&self) ? run (&self) : SCLCTL_EXIT_USAGE;
}
