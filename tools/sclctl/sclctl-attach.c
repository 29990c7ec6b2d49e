/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-failure.h"
#include "sclctl-feed.h"
#include "sclctl-interrupt.h"
#include "sclctl-objects.h"
#include "sclctl-text.h"
#include "sclctl-verbs.h"
#include "sclctl-wait.h"
#include "sclctl-watch.h"

#include <stdio.h>

/* Services of many VMs start and stop at the same time; each waits for its turn. */
#define LOCK_SECONDS 300
/* Between the halves of a restart: a new definition, seed and disk size, of many VMs maybe. */
#define RETURN_SECONDS 60

static void
copy_out (const char *text, gsize length, gpointer user_data G_GNUC_UNUSED)
{
  fwrite (text, 1, length, stdout);
  fflush (stdout);
}

static void
on_refreshed (gpointer user_data G_GNUC_UNUSED)
{
}

static gboolean
begin (SclctlContext *context, SclVm *vm, GError **error)
{
  g_autoptr (SclOperation) operation = NULL;

  if (sclctl_vm_is_on (vm))
    return TRUE;
  if (!sclctl_has (context, "start"))
    {
      g_set_error (error, SCL_ERROR, SCL_ERROR_NOT_FOUND,
                   "VM \"%s\": it does not run; --start starts it", scl_vm_get_name (vm));
      return FALSE;
    }
  operation = scl_vm_start (vm);
  return sclctl_operate_one (context, operation, error);
}

static int
stop (SclctlContext *context, SclVm *vm)
{
  g_autoptr (GListStore) only = g_list_store_new (SCL_TYPE_VM);
  g_autofree char *guests = NULL;
  g_autoptr (SclOperation) operation = NULL;
  GError *error = NULL;

  g_list_store_append (only, vm);
  guests = sclctl_describe_shutdown (G_LIST_MODEL (only));
  sclctl_tell (context, "finishing: %s", guests);
  sclctl_interrupt_forget ();
  operation = scl_vm_stop (vm, FALSE);
  if (!sclctl_operate_to_end (context, operation, G_LIST_MODEL (only), &error))
    return sclctl_fail (error);
  return SCLCTL_EXIT_DONE;
}

/* The VM may have been removed from the list, too: then it is off. */
static gboolean
is_over (SclctlContext *context, SclVm *vm)
{
  return scl_connection_lookup_vm (context->connection, scl_vm_get_name (vm)) != vm
         || !sclctl_vm_is_on (vm);
}

/* Off, but nobody wants it off: the first half of a restart. */
static gboolean
may_come_back (SclctlContext *context, SclVm *vm)
{
  return scl_connection_lookup_vm (context->connection, scl_vm_get_name (vm)) == vm
         && scl_vm_get_state (vm) == SCL_VM_STATE_STOPPED
         && scl_vm_get_stopped_by (vm) == SCL_STOPPED_BY_NOBODY;
}

static gboolean
on_late (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_REMOVE;
}

static gboolean
comes_back (SclctlContext *context, SclVm *vm)
{
  GCancellable *cancellable = sclctl_interrupt_get_cancellable ();
  gboolean late = FALSE;
  guint timer;

  if (g_cancellable_is_cancelled (cancellable) || !may_come_back (context, vm))
    return FALSE;
  sclctl_tell (context, "VM \"%s\" is off; if it is being restarted, this goes on with it",
               scl_vm_get_name (vm));
  timer = g_timeout_add_seconds (RETURN_SECONDS, on_late, &late);
  while (!late && may_come_back (context, vm) && !g_cancellable_is_cancelled (cancellable))
    g_main_context_iteration (NULL, TRUE);
  if (!late)
    g_source_remove (timer);
  return !is_over (context, vm);
}

/* Until it is off for good, or a signal comes. */
static void
await_end (SclctlContext *context, SclVm *vm)
{
  GCancellable *cancellable = sclctl_interrupt_get_cancellable ();

  while (!g_cancellable_is_cancelled (cancellable)
         && (!is_over (context, vm) || comes_back (context, vm)))
    if (!is_over (context, vm))
      g_main_context_iteration (NULL, TRUE);
}

static int
report_end (SclctlContext *context, SclVm *vm)
{
  const char *reason = scl_vm_get_state_reason (vm);

  if (scl_vm_get_state (vm) == SCL_VM_STATE_CRASHED)
    {
      sclctl_complain ("VM \"%s\": crashed%s%s", scl_vm_get_name (vm), reason ? ": " : "",
                       reason ? reason : "");
      return SCLCTL_EXIT_ERROR;
    }
  sclctl_tell (context, "VM \"%s\" is off", scl_vm_get_name (vm));
  return SCLCTL_EXIT_DONE;
}

/* Whoever sends the signal cannot be asked. */
static gboolean
may_stop (SclctlContext *context, SclVm *vm, SclctlWatch *watch)
{
  sclctl_watch_settle (watch);
  return is_over (context, vm) || sclctl_confirm_stop (context, vm);
}

static int
leave (SclctlContext *context, SclVm *vm, SclctlWatch *watch)
{
  gboolean stops = sclctl_has (context, "stop-on-term");

  if (stops && may_stop (context, vm, watch))
    return stop (context, vm);
  sclctl_tell (context, "left VM \"%s\", which goes on", scl_vm_get_name (vm));
  return stops ? SCLCTL_EXIT_ERROR : SCLCTL_EXIT_INTERRUPTED;
}

/* A start that was interrupted may have been done nevertheless. */
static int
fail_to_begin (SclctlContext *context, SclVm *vm, GError *error)
{
  if (sclctl_has (context, "stop-on-term") && sclctl_interrupt_get_signal () != 0)
    (void) stop (context, vm);
  return sclctl_fail (error);
}

/* The events are watched before the state is looked at, so that no end is missed. */
static int
stay (SclctlContext *context, SclVm *vm)
{
  const char *log = scl_vm_get_log_path (vm);
  g_autoptr (SclctlFeed) feed = NULL;
  g_autoptr (SclctlWatch) watch = sclctl_watch_new (context->connection, on_refreshed, NULL);
  GError *error = NULL;
  int status;

  /* What the guest prints is the output. */
  sclctl_failure_set_answered ();
  if (log != NULL)
    feed = sclctl_feed_new (log, copy_out, NULL);
  if (sclctl_has (context, "stop-on-term"))
    sclctl_interrupt_hold ();
  if (!begin (context, vm, &error))
    return fail_to_begin (context, vm, error);
  sclctl_watch_settle (watch);
  sclctl_tell (context, "VM \"%s\" runs", scl_vm_get_name (vm));
  await_end (context, vm);
  status = is_over (context, vm) ? report_end (context, vm) : leave (context, vm, watch);
  if (feed != NULL)
    sclctl_feed_drain (feed);
  return status;
}

int
sclctl_vm_attach (SclctlContext *context)
{
  g_autoptr (GObject) vm = NULL;
  GError *error = NULL;

  if (!sclctl_look (context, &error))
    return sclctl_fail (error);
  if (!sclctl_has (context, "timeout"))
    scl_connection_set_lock_timeout (context->connection, LOCK_SECONDS);
  vm = sclctl_find_object (context, SCL_OBJECT_KIND_VM, sclctl_argument (context, 0), &error);
  if (vm == NULL)
    return sclctl_fail (error);
  return stay (context, SCL_VM (vm));
}
