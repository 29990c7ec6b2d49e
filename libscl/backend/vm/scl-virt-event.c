/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-virt-event-private.h"
#include "base/scl-fd-private.h"
#include <glib-unix.h>
#include <libvirt/libvirt.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

/* A handle or a timeout. In the table until it is removed; freed from an idle
 * source of the loop, so that its callback, which runs without the lock, never
 * outlives it. */
typedef struct
{
  int id;
  int fd;        /* -1: a timeout */
  SclFd wake;    /* what the loop waits for: an epoll descriptor on fd, or a timer */
  int events;    /* of a handle: VIR_EVENT_HANDLE_* */
  gboolean is_watched;
  int frequency; /* of a timeout: ms, -1 is disabled */
  gint64 due;    /* of a timeout: when it is to be called, us; 0: never */
  gint64 rings;  /* when the loop looks at it next: not later, 0: never */
  GSource *source;
  gboolean removed;
  virEventHandleCallback handle_func;
  virEventTimeoutCallback timeout_func;
  virFreeCallback free_func;
  void *opaque;
} Entry;

static GMutex entries_lock;
static GHashTable *entries; /* id → Entry */
static GMainContext *loop_context;
static int last_id;
static guint added; /* how often libvirt has called us */

static GIOCondition
condition_of (int events)
{
  GIOCondition condition = 0;

  if (events & VIR_EVENT_HANDLE_READABLE)
    condition |= G_IO_IN;
  if (events & VIR_EVENT_HANDLE_WRITABLE)
    condition |= G_IO_OUT;
  if (events & VIR_EVENT_HANDLE_ERROR)
    condition |= G_IO_ERR;
  if (events & VIR_EVENT_HANDLE_HANGUP)
    condition |= G_IO_HUP;
  return condition;
}

static int
events_of (GIOCondition condition)
{
  int events = 0;

  if (condition & G_IO_IN)
    events |= VIR_EVENT_HANDLE_READABLE;
  if (condition & G_IO_OUT)
    events |= VIR_EVENT_HANDLE_WRITABLE;
  if (condition & (G_IO_ERR | G_IO_NVAL))
    events |= VIR_EVENT_HANDLE_ERROR;
  if (condition & G_IO_HUP)
    events |= VIR_EVENT_HANDLE_HANGUP;
  return events;
}

static gboolean
dispatch_handle (int wake, GIOCondition condition, gpointer user_data)
{
  Entry *entry = user_data;
  struct epoll_event event;

  if (!g_source_is_destroyed (g_main_current_source ()) && epoll_wait (wake, &event, 1, 0) == 1)
    entry->handle_func (entry->id, entry->fd, events_of ((GIOCondition) event.events), entry->opaque);
  return G_SOURCE_CONTINUE;
}

/* -1 stops the timer; 0 rings at once. */
static void
ring_in (Entry *entry, gint64 us)
{
  gint64 ns = MAX (us * 1000, 1);
  struct itimerspec timer = { .it_value = { ns / 1000000000, ns % 1000000000 } };
  struct itimerspec stopped = { 0 };

  (void) timerfd_settime (entry->wake, 0, us < 0 ? &stopped : &timer, NULL);
}

/* Rung for a call that has been put off since, or it is due, and is again after its period. */
static gboolean
take_ring (Entry *entry)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&entries_lock);
  gint64 now = g_get_monotonic_time ();
  gboolean is_due = entry->due != 0 && entry->due <= now;

  if (is_due)
    entry->due = now + entry->frequency * G_GINT64_CONSTANT (1000);
  entry->rings = entry->due;
  if (entry->due != 0)
    ring_in (entry, entry->due - now);
  return is_due;
}

static gboolean
dispatch_timeout (int wake, GIOCondition condition, gpointer user_data)
{
  Entry *entry = user_data;
  guint64 expired;

  /* Nothing to read: it was set anew meanwhile. */
  if (!g_source_is_destroyed (g_main_current_source ())
      && read (wake, &expired, sizeof expired) == sizeof expired && take_ring (entry))
    entry->timeout_func (entry->id, entry->opaque);
  return G_SOURCE_CONTINUE;
}

static void
disarm (Entry *entry)
{
  if (entry->source != NULL)
    {
      g_source_destroy (entry->source);
      g_clear_pointer (&entry->source, g_source_unref);
    }
}

/* EPOLL* and G_IO_* are the same numbers, those of poll. */
static void
watch_fd (Entry *entry)
{
  struct epoll_event event = { .events = condition_of (entry->events) };

  if (entry->events != 0)
    (void) epoll_ctl (entry->wake, entry->is_watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, entry->fd,
                      &event);
  else if (entry->is_watched)
    (void) epoll_ctl (entry->wake, EPOLL_CTL_DEL, entry->fd, NULL);
  entry->is_watched = entry->events != 0;
}

/* A call that is put off, as keepalive is by each answer, leaves the timer alone. */
static void
set_timer (Entry *entry)
{
  gint64 us = entry->frequency < 0 ? -1 : entry->frequency * G_GINT64_CONSTANT (1000);

  entry->due = us < 0 ? 0 : g_get_monotonic_time () + us;
  if (entry->rings != 0 && entry->due != 0 && entry->rings <= entry->due)
    return;
  entry->rings = entry->due;
  ring_in (entry, us);
}

static void
attach (Entry *entry)
{
  entry->wake = entry->fd >= 0 ? epoll_create1 (EPOLL_CLOEXEC)
                               : timerfd_create (CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  entry->source = g_unix_fd_source_new (entry->wake, G_IO_IN);
  g_source_set_callback (entry->source,
                         G_SOURCE_FUNC (entry->fd >= 0 ? dispatch_handle : dispatch_timeout), entry,
                         NULL);
  g_source_attach (entry->source, loop_context);
}

/* libvirt changes what it waits for, and its keepalive timer, several times per call. Through a
 * descriptor of the entry's own that is one system call or none, and the loop need not be woken up. */
static void
arm (Entry *entry)
{
  if (entry->source == NULL)
    attach (entry);
  if (entry->fd >= 0)
    watch_fd (entry);
  else
    set_timer (entry);
}

static int
add_entry (Entry *entry)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&entries_lock);

  added++;
  entry->id = ++last_id;
  g_hash_table_insert (entries, GINT_TO_POINTER (entry->id), entry);
  arm (entry);
  return entry->id;
}

static int
add_handle (int fd, int events, virEventHandleCallback func, void *opaque,
            virFreeCallback free_func)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->wake = -1;
  entry->fd = fd;
  entry->events = events;
  entry->frequency = -1;
  entry->handle_func = func;
  entry->opaque = opaque;
  entry->free_func = free_func;
  return add_entry (entry);
}

static int
add_timeout (int frequency, virEventTimeoutCallback func, void *opaque, virFreeCallback free_func)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->wake = -1;
  entry->fd = -1;
  entry->frequency = frequency;
  entry->timeout_func = func;
  entry->opaque = opaque;
  entry->free_func = free_func;
  return add_entry (entry);
}

/* Call with the lock held. */
static Entry *
lookup (int id)
{
  Entry *entry = g_hash_table_lookup (entries, GINT_TO_POINTER (id));

  return entry != NULL && !entry->removed ? entry : NULL;
}

static void
update_handle (int id, int events)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&entries_lock);
  Entry *entry = lookup (id);

  if (entry == NULL || entry->fd < 0)
    return;
  entry->events = events;
  arm (entry);
}

static void
update_timeout (int id, int frequency)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&entries_lock);
  Entry *entry = lookup (id);

  if (entry == NULL || entry->fd >= 0)
    return;
  entry->frequency = frequency;
  arm (entry);
}

static gboolean
free_entry (gpointer user_data)
{
  Entry *entry = user_data;

  g_mutex_lock (&entries_lock);
  g_hash_table_remove (entries, GINT_TO_POINTER (entry->id));
  g_mutex_unlock (&entries_lock);
  if (entry->free_func != NULL)
    entry->free_func (entry->opaque);
  scl_fd_clear (&entry->wake);
  g_free (entry);
  return G_SOURCE_REMOVE;
}

static int
remove_entry (int id)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&entries_lock);
  g_autoptr (GSource) idle = NULL;
  Entry *entry = lookup (id);

  if (entry == NULL)
    return -1;
  entry->removed = TRUE;
  disarm (entry);
  idle = g_idle_source_new ();
  g_source_set_priority (idle, G_PRIORITY_DEFAULT);
  g_source_set_callback (idle, free_entry, entry, NULL);
  g_source_attach (idle, loop_context);
  return 0;
}

static gpointer
run_loop (gpointer user_data)
{
  g_main_context_push_thread_default (loop_context);
  for (;;)
    g_main_context_iteration (loop_context, TRUE);
  return NULL;
}

static void
probe_func (int timer, void *opaque)
{
}

/* virEventRegisterImpl does not tell whether it was the first. */
static gboolean
is_ours_active (void)
{
  guint before = added;
  int id = virEventAddTimeout (-1, probe_func, NULL, NULL);

  if (id >= 0)
    virEventRemoveTimeout (id);
  return added != before;
}

/* Where there is no thread to spare, the next who comes tries again. */
static void
ensure_loop (void)
{
  static GMutex mutex;
  static GThread *thread = NULL;
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&mutex);

  if (thread == NULL)
    thread = g_thread_try_new ("scl-virt-event", run_loop, NULL, NULL);
}

gboolean
_scl_virt_event_register (void)
{
  static gsize state = 0; /* 1: ours, 2: the application's */

  if (g_once_init_enter (&state))
    {
      gboolean ours;

      entries = g_hash_table_new (NULL, NULL);
      loop_context = g_main_context_new ();
      virEventRegisterImpl (add_handle, update_handle, remove_entry, add_timeout, update_timeout,
                            remove_entry);
      ours = is_ours_active ();
      g_once_init_leave (&state, ours ? 1 : 2);
    }
  if (state == 1)
    ensure_loop ();
  return state == 1;
}
