/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-virt-call-private.h"
#include "base/scl-throw-private.h"
#include <unistd.h>

struct SclVirtCall
{
  gatomicrefcount refs;
  GMutex lock;
  GCond changed;
  GFunc func;
  gpointer data;
  GDestroyNotify destroy;
  GCancellable *cancellable;
  const char *what;
  gint64 since; /* when libvirt was asked, µs; 0: something else is waited for */
  gboolean done;
  GError *refused; /* no thread could be had; set before anybody else has the call */
  gint abandoned; /* atomic: nobody waits any more */
};

static GPrivate current_call; /* borrowed */
static guint test_limit;

void
_scl_virt_call_set_limit (guint seconds)
{
  g_atomic_int_set (&test_limit, seconds);
}

SclVirtCall *
_scl_virt_call_ref (SclVirtCall *call)
{
  g_atomic_ref_count_inc (&call->refs);
  return call;
}

void
_scl_virt_call_unref (SclVirtCall *call)
{
  if (!g_atomic_ref_count_dec (&call->refs))
    return;
  if (call->destroy != NULL)
    call->destroy (call->data);
  g_object_unref (call->cancellable);
  g_clear_error (&call->refused);
  g_mutex_clear (&call->lock);
  g_cond_clear (&call->changed);
  g_free (call);
}

gpointer
_scl_virt_call_get_data (SclVirtCall *call)
{
  return call->data;
}

static void
set_clock (SclVirtCall *call, const char *what, gint64 since)
{
  if (call == NULL)
    return;
  g_mutex_lock (&call->lock);
  if (what != NULL)
    call->what = what;
  call->since = since;
  g_mutex_unlock (&call->lock);
}

void
_scl_virt_call_note (const char *what)
{
  set_clock (g_private_get (&current_call), what, g_get_monotonic_time ());
}

void
_scl_virt_call_pause (void)
{
  set_clock (g_private_get (&current_call), NULL, 0);
}

void
_scl_virt_call_go_on (void)
{
  set_clock (g_private_get (&current_call), NULL, g_get_monotonic_time ());
}

SclVirtCall *
_scl_virt_call_get_current (void)
{
  return g_private_get (&current_call);
}

void
_scl_virt_call_set_current (SclVirtCall *call)
{
  g_private_set (&current_call, call);
}

GCancellable *
_scl_virt_call_get_cancellable (void)
{
  SclVirtCall *call = g_private_get (&current_call);

  return call != NULL ? call->cancellable : NULL;
}

gboolean
_scl_virt_call_check (const char *what, GError **error)
{
  SclVirtCall *call = g_private_get (&current_call);

  if (call != NULL && g_atomic_int_get (&call->abandoned))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "%s: nobody waits for it any more", what);
      return FALSE;
    }
  _scl_virt_call_note (what);
  return TRUE;
}

static void
work (gpointer data, gpointer user_data)
{
  SclVirtCall *call = data;

  g_private_set (&current_call, call);
  _scl_virt_call_go_on ();
  call->func (call->data, NULL);
  g_private_set (&current_call, NULL);
  g_mutex_lock (&call->lock);
  call->done = TRUE;
  g_cond_broadcast (&call->changed);
  g_mutex_unlock (&call->lock);
  _scl_virt_call_unref (call);
}

static gpointer
work_alone (gpointer data)
{
  work (data, NULL);
  return NULL;
}

/* Takes CALL. */
static void
give_to_new_thread (SclVirtCall *call, GError **error)
{
  GThread *thread = g_thread_try_new ("scl-virt-call", work_alone, call, error);

  if (thread != NULL)
    g_thread_unref (thread);
  else
    _scl_virt_call_unref (call);
}

/* Takes CALL. Threads are used again; a call that hangs keeps its own. GLib's pool does not survive a
 * fork. It keeps what it has no thread for, until it has one. */
static void
give_to_thread (SclVirtCall *call, GError **error)
{
  static GThreadPool *pool;
  static pid_t pool_pid;

  if (g_once_init_enter (&pool))
    {
      pool_pid = getpid ();
      g_once_init_leave (&pool, g_thread_pool_new (work, NULL, -1, FALSE, NULL));
    }
  if (pool_pid == getpid ())
    (void) g_thread_pool_push (pool, call, error);
  else
    give_to_new_thread (call, error);
}

SclVirtCall *
_scl_virt_call_start (GFunc func, gpointer data, GDestroyNotify destroy, const char *what)
{
  SclVirtCall *call = g_new0 (SclVirtCall, 1);

  g_atomic_ref_count_init (&call->refs);
  g_mutex_init (&call->lock);
  g_cond_init (&call->changed);
  call->func = func;
  call->data = data;
  call->destroy = destroy;
  call->what = what;
  call->since = g_get_monotonic_time ();
  call->cancellable = g_cancellable_new ();
  give_to_thread (_scl_virt_call_ref (call), &call->refused);
  return call;
}

gboolean
_scl_virt_call_is_refused (SclVirtCall *call)
{
  return call->refused != NULL;
}

gboolean
_scl_virt_call_is_done (SclVirtCall *call)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&call->lock);

  return call->done;
}

void
_scl_virt_call_abandon (SclVirtCall *call)
{
  g_atomic_int_set (&call->abandoned, TRUE);
  g_cancellable_cancel (call->cancellable);
}

static void
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  SclVirtCall *call = user_data;

  g_cancellable_cancel (call->cancellable);
  g_mutex_lock (&call->lock);
  g_cond_broadcast (&call->changed);
  g_mutex_unlock (&call->lock);
}

/* Call with the lock held. */
static gint64
find_deadline (SclVirtCall *call, gint64 limit)
{
  return (call->since != 0 ? call->since : g_get_monotonic_time ()) + limit;
}

/* TRUE: done; FALSE: no answer in time, or cancelled. */
static gboolean
wait_for (SclVirtCall *call, gint64 limit, gint64 grace, GCancellable *cancellable)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&call->lock);
  gint64 cancelled_until = 0;

  while (!call->done)
    {
      gint64 now = g_get_monotonic_time ();
      gint64 deadline = find_deadline (call, limit);

      if (cancelled_until == 0 && g_cancellable_is_cancelled (cancellable))
        cancelled_until = now + grace;
      if (cancelled_until != 0)
        deadline = MIN (deadline, cancelled_until);
      if (now >= deadline)
        return FALSE;
      (void) g_cond_wait_until (&call->changed, &call->lock, deadline);
    }
  return TRUE;
}

static gboolean
throw_silence (SclVirtCall *call, const char *subject, guint seconds, GError **error)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&call->lock);

  return scl_throw (error, SCL_ERROR_TIMEOUT,
                    "%s: libvirt has not answered for %u s (%s): " SCL_VIRT_SILENCE_ADVICE,
                    subject, seconds, call->what);
}

guint
_scl_virt_call_find_limit (guint seconds)
{
  guint for_test = (guint) g_atomic_int_get (&test_limit);

  return for_test != 0 ? for_test : seconds;
}

gboolean
_scl_virt_call_wait (SclVirtCall *call, const char *subject, guint seconds, guint grace,
                     GCancellable *cancellable, GError **error)
{
  guint limit = _scl_virt_call_find_limit (seconds);
  GCancellable *outer = cancellable != NULL ? cancellable : _scl_virt_call_get_cancellable ();
  gulong id;
  gboolean done;

  if (call->refused != NULL)
    {
      _scl_virt_call_abandon (call);
      return scl_throw (error, SCL_ERROR_FAILED, "%s: no thread for it (%s): %s", subject, call->what,
                        call->refused->message);
    }
  id = outer != NULL ? g_cancellable_connect (outer, G_CALLBACK (on_cancelled), call, NULL) : 0;
  _scl_virt_call_pause ();
  done = wait_for (call, (gint64) limit * G_USEC_PER_SEC, (gint64) grace * G_USEC_PER_SEC, outer);
  _scl_virt_call_go_on ();
  if (outer != NULL)
    g_cancellable_disconnect (outer, id);
  if (done)
    return TRUE;
  _scl_virt_call_abandon (call);
  if (g_cancellable_set_error_if_cancelled (outer, error))
    return FALSE;
  return throw_silence (call, subject, limit, error);
}
