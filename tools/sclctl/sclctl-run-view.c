/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-run-view.h"

#include "sclctl-feed.h"
#include "sclctl-json.h"
#include "sclctl-lines.h"
#include "sclctl-progress.h"
#include "sclctl-table.h"
#include "sclctl-text.h"

#include <stdio.h>

struct _SclctlRunView
{
  SclctlContext *context; /* borrowed */
  GHashTable *vms;        /* name -> Followed */
  gboolean shows_console;
  gboolean silent;
};

typedef struct
{
  SclctlRunView *view; /* borrowed */
  char *name;
  SclVmState state;
  SclctlFeed *feed; /* NULL: there is no log, or it is not shown */
  SclctlLines *lines;
} Followed;

static void
followed_free (gpointer data)
{
  Followed *self = data;

  if (self->feed != NULL)
    sclctl_feed_drain (self->feed);
  sclctl_lines_flush (self->lines);
  g_clear_pointer (&self->feed, sclctl_feed_free);
  sclctl_lines_free (self->lines);
  g_free (self->name);
  g_free (self);
}

static void
copy_member (JsonObject *object G_GNUC_UNUSED, const char *key, JsonNode *node, gpointer user_data)
{
  json_object_set_member (user_data, key, json_node_copy (node));
}

void
sclctl_run_event (SclctlContext *context, const char *name, JsonObject *object)
{
  JsonObject *event = json_object_new ();

  json_object_set_string_member (event, "event", name);
  json_object_foreach_member (object, copy_member, event);
  json_object_unref (object);
  if (sclctl_is_json (context))
    sclctl_json_print_line (sclctl_json_node (event));
  else
    json_object_unref (event);
}

static void
tell_line (Followed *self, const char *line)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "vm", self->name);
  sclctl_json_set_text (object, "text", line);
  sclctl_run_event (self->view->context, "console", object);
}

/* The name stands before the line as soon as there are several. */
static void
on_line (const char *line, gpointer user_data)
{
  Followed *self = user_data;
  gboolean several = g_hash_table_size (self->view->vms) > 1;
  gboolean coloured = sclctl_shows_colour (stdout);

  if (self->view->silent)
    return;
  tell_line (self, line);
  if (sclctl_is_json (self->view->context) || sclctl_is_quiet (self->view->context))
    return;
  sclctl_progress_hide ();
  if (several)
    g_print ("%s%s |%s ", sclctl_colour_on (SCLCTL_COLOUR_FAINT, coloured), self->name,
             sclctl_colour_off (coloured));
  g_print ("%s\n", line);
  fflush (stdout);
}

static void
on_text (const char *text, gsize length, gpointer user_data)
{
  sclctl_lines_push (((Followed *)user_data)->lines, text, length);
}

SclctlRunView *
sclctl_run_view_new (SclctlContext *context)
{
  SclctlRunView *self = g_new0 (SclctlRunView, 1);

  self->context = context;
  self->shows_console = !sclctl_has (context, "no-console");
  self->vms = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, followed_free);
  return self;
}

void
sclctl_run_view_free (SclctlRunView *self)
{
  g_hash_table_unref (self->vms);
  g_free (self);
}

static Followed *
follow (SclctlRunView *self, SclVm *vm)
{
  Followed *followed = g_new0 (Followed, 1);

  followed->view = self;
  followed->name = g_strdup (scl_vm_get_name (vm));
  followed->state = SCL_VM_STATE_STOPPED;
  followed->lines = sclctl_lines_new (on_line, followed);
  g_hash_table_insert (self->vms, followed->name, followed);
  return followed;
}

static void
tell_state (Followed *self, SclVm *vm)
{
  SclctlContext *context = self->view->context;
  const char *state = sclctl_text_vm_state (scl_vm_get_state (vm));
  const char *reason = scl_vm_get_state_reason (vm);
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "vm", self->name);
  json_object_set_string_member (object, "state", state);
  sclctl_json_set_text (object, "stateReason", reason);
  sclctl_run_event (context, "state", object);
  if (!self->view->silent && !sclctl_is_json (context))
    sclctl_tell (context, "VM \"%s\": %s%s%s%s", self->name, state, reason && *reason ? " (" : "",
                 reason ? reason : "", reason && *reason ? ")" : "");
}

static void
update_vm (SclctlRunView *self, SclVm *vm)
{
  Followed *followed = g_hash_table_lookup (self->vms, scl_vm_get_name (vm));
  const char *log = scl_vm_get_log_path (vm);

  if (followed == NULL)
    followed = follow (self, vm);
  if (followed->feed == NULL && log != NULL && self->shows_console)
    followed->feed = sclctl_feed_new (log, on_text, followed);
  if (followed->state == scl_vm_get_state (vm))
    return;
  followed->state = scl_vm_get_state (vm);
  tell_state (followed, vm);
}

void
sclctl_run_view_update (SclctlRunView *self)
{
  GListModel *vms = scl_connection_get_vms (self->context->connection);

  for (guint i = 0; i < g_list_model_get_n_items (vms); i++)
    {
      g_autoptr (SclVm) vm = g_list_model_get_item (vms, i);

      update_vm (self, vm);
    }
}

void
sclctl_run_view_set_silent (SclctlRunView *self, gboolean silent)
{
  self->silent = silent;
}
