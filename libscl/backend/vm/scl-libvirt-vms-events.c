/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-libvirt-vms-parts-private.h"
#include "model/scl-names-private.h"
#include <string.h>

/* Between attempts to reach a daemon that went away, µs. */
#define FIRST_PAUSE (G_USEC_PER_SEC / 4)
#define LONGEST_PAUSE (10 * G_USEC_PER_SEC)
/* For what is under way in libvirt. */
#define CLOSE_SECONDS 5

typedef struct
{
  char *domain_name; /* NULL: the connection broke */
  int event;
  int detail;
} Event;

struct SclVmEvents
{
  gatomicrefcount refs;
  GMutex lock;
  GCond idle;
  GQueue queue;          /* Event */
  gboolean draining;     /* a thread works on them */
  SclLibvirtVms *vms;    /* borrowed; NULL: closed */
  SclLibvirtVms *hanging; /* owned: closed while the thread hangs in libvirt with it */
};

static void
event_free (gpointer data)
{
  Event *event = data;

  g_free (event->domain_name);
  g_free (event);
}

static void
tell (SclLibvirtVms *self, const char *vm, SclVmState state)
{
  g_rec_mutex_lock (&self->watch_lock);
  if (self->watch_func != NULL)
    self->watch_func (vm, state, self->watch_data);
  g_rec_mutex_unlock (&self->watch_lock);
}

/* The domain is gone, and with it the mark that said whose it was: its name has
 * to do. */
static void
tell_gone (SclLibvirtVms *self, const char *domain_name)
{
  g_autofree char *start = _scl_names_domain (self->prefix, "");

  if (g_str_has_prefix (domain_name, start))
    tell (self, domain_name + strlen (start), SCL_VM_STATE_UNKNOWN);
}

/* The domain has changed somehow: looks what has become of it. */
static void
look_again (SclLibvirtVms *self, virDomainPtr domain)
{
  g_autoptr (SclDomainDef) config = NULL;
  g_autoptr (SclDomainDef) live = NULL;
  const char *why;
  int state, reason;

  if (virDomainGetState (domain, &state, &reason, 0) < 0)
    return;
  if (state != VIR_DOMAIN_SHUTOFF && state != VIR_DOMAIN_CRASHED)
    live = _scl_libvirt_vms_read_live (domain, NULL);
  config = _scl_libvirt_vms_read_config (domain, NULL);
  if (config == NULL || !_scl_domain_def_is_ours (config, self->prefix))
    return;
  if (live != NULL && self->logs != NULL && live->log != NULL)
    _scl_console_logs_add (self->logs, live->log);
  _scl_libvirt_vms_settle (self, domain, state, reason, config, live);
  tell (self, config->vm_name, _scl_libvirt_vms_map_state (state, reason, &why));
}

static GCancellable *
get_watching (SclLibvirtVms *self)
{
  GCancellable *watching;

  g_rec_mutex_lock (&self->watch_lock);
  watching = self->watching != NULL ? g_object_ref (self->watching) : NULL;
  g_rec_mutex_unlock (&self->watch_lock);
  return watching;
}

/* NULL: nobody listens. The daemon may be away for long, so the pauses grow; whoever opens the
 * connection meanwhile ends them. */
static virConnectPtr
reconnect (SclLibvirtVms *self)
{
  g_autoptr (GCancellable) watching = get_watching (self);
  g_autoptr (SclVirtWait) wait = _scl_virt_wait_begin (self->connection, "", watching);
  gint64 pause = FIRST_PAUSE;

  while (watching != NULL && !g_cancellable_is_cancelled (watching))
    {
      virConnectPtr handle = _scl_virt_connection_get (self->connection, NULL);

      if (handle != NULL)
        return handle;
      (void) _scl_virt_wait_next (wait, g_get_monotonic_time () + pause);
      pause = MIN (2 * pause, LONGEST_PAUSE);
    }
  return NULL;
}

/* Nobody has told what happened while the daemon was away. */
static void
catch_up (SclLibvirtVms *self)
{
  g_autoptr (virConnect) handle = reconnect (self);
  g_autofree char *start = _scl_names_domain (self->prefix, "");
  virDomainPtr *domains = NULL;
  int n = handle != NULL ? virConnectListAllDomains (handle, &domains, 0) : 0;

  for (int i = 0; i < n; i++)
    {
      g_autoptr (virDomain) domain = domains[i];

      if (g_str_has_prefix (virDomainGetName (domain), start))
        look_again (self, domain);
    }
  free (domains);
  /* One may be gone. */
  if (handle != NULL)
    tell (self, "", SCL_VM_STATE_UNKNOWN);
}

/* Of an end that is called a shutdown, only the event says who wanted it. */
static void
note_who_ended_it (SclLibvirtVms *self, const Event *event)
{
  if (event->event == VIR_DOMAIN_EVENT_SHUTDOWN)
    _scl_libvirt_vms_note_host_end (self, event->domain_name,
                                    event->detail == VIR_DOMAIN_EVENT_SHUTDOWN_HOST);
  else if (event->event == VIR_DOMAIN_EVENT_STARTED || event->event == VIR_DOMAIN_EVENT_UNDEFINED)
    _scl_libvirt_vms_note_host_end (self, event->domain_name, FALSE);
}

static void
handle_event (SclLibvirtVms *self, const Event *event)
{
  g_autoptr (virConnect) handle = NULL;
  g_autoptr (virDomain) domain = NULL;

  if (event->domain_name == NULL)
    {
      catch_up (self);
      return;
    }
  note_who_ended_it (self, event);
  handle = _scl_virt_connection_get (self->connection, NULL);
  if (handle == NULL)
    return;
  domain = virDomainLookupByName (handle, event->domain_name);
  if (domain != NULL)
    look_again (self, domain);
  /* One whose definition was removed before goes with its QEMU. */
  else if (event->event == VIR_DOMAIN_EVENT_UNDEFINED || event->event == VIR_DOMAIN_EVENT_STOPPED)
    tell_gone (self, event->domain_name);
}

/* NULL: there is nothing more to do, and who waits for that is told. */
static Event *
next_event (SclVmEvents *self, SclLibvirtVms **out_vms)
{
  g_autoptr (SclLibvirtVms) hanging = NULL;
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Event *event = g_queue_pop_head (&self->queue);

  *out_vms = self->vms;
  if (event != NULL)
    return event;
  self->draining = FALSE;
  hanging = g_steal_pointer (&self->hanging);
  g_cond_broadcast (&self->idle);
  return NULL;
}

/* In a thread that may hang in libvirt: nobody waits long for it. */
static void
drain (gpointer data, gpointer user_data)
{
  SclVmEvents *self = data;
  SclLibvirtVms *vms;
  Event *event;

  while ((event = next_event (self, &vms)) != NULL)
    {
      handle_event (vms, event);
      event_free (event);
    }
}

SclVmEvents *
_scl_vm_events_new (SclLibvirtVms *vms)
{
  SclVmEvents *self = g_new0 (SclVmEvents, 1);

  g_atomic_ref_count_init (&self->refs);
  g_mutex_init (&self->lock);
  g_cond_init (&self->idle);
  g_queue_init (&self->queue);
  self->vms = vms;
  return self;
}

void
_scl_vm_events_unref (SclVmEvents *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_cond_clear (&self->idle);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* From VMS' dispose: it lives on if the thread hangs with it. */
void
_scl_vm_events_close (SclVmEvents *self)
{
  gint64 deadline = g_get_monotonic_time () + CLOSE_SECONDS * G_USEC_PER_SEC;
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  SclLibvirtVms *vms = g_steal_pointer (&self->vms);

  g_queue_clear_full (&self->queue, event_free);
  while (self->draining)
    if (!g_cond_wait_until (&self->idle, &self->lock, deadline) && self->draining)
      {
        if (vms != NULL)
          self->hanging = g_object_ref (vms);
        return;
      }
}

void
_scl_vm_events_take (const char *domain_name, int event, int detail, gpointer data)
{
  SclVmEvents *self = data;
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Event *item = g_new0 (Event, 1);

  if (self->vms == NULL)
    {
      event_free (item);
      return;
    }
  item->domain_name = g_strdup (domain_name);
  item->event = event;
  item->detail = detail;
  g_queue_push_tail (&self->queue, item);
  if (self->draining)
    return;
  self->draining = TRUE;
  g_atomic_ref_count_inc (&self->refs);
  _scl_virt_call_unref (_scl_virt_call_start (
      drain, self, (GDestroyNotify) _scl_vm_events_unref, "looking at what has changed"));
}

void
_scl_libvirt_vms_watch (SclVmBackend *backend, SclVmEventFunc func, gpointer user_data)
{
  SclLibvirtVms *self = SCL_LIBVIRT_VMS (backend);
  g_autoptr (GCancellable) old = NULL;

  g_rec_mutex_lock (&self->watch_lock);
  old = g_steal_pointer (&self->watching);
  self->watching = func != NULL ? g_cancellable_new () : NULL;
  self->watch_func = func;
  self->watch_data = user_data;
  g_rec_mutex_unlock (&self->watch_lock);
  g_cancellable_cancel (old);
  /* It broke while nobody listened, so nobody has opened it again. */
  if (func != NULL && _scl_virt_hub_is_broken (_scl_virt_connection_get_hub (self->connection)))
    _scl_vm_events_take (NULL, 0, 0, self->events);
}
