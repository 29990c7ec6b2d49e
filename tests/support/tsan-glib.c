/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * tsan-glib: LD_PRELOADed beside ThreadSanitizer, it tells it of the order that GLib makes between threads.
 *
 * GLib is not instrumented and its locks are futexes, so every hand-over through them looks like a race. Each
 * function here is GLib's own, with a word to ThreadSanitizer: what was released by one thread is acquired by
 * the next one. A reference that is given up orders all of an object's, which may hide a race about it.
 */

#include <dlfcn.h>
#include <gio/gio.h>

void __tsan_acquire (void *address);
void __tsan_release (void *address);

#define REAL(name) ((__typeof__ (&name)) dlsym (RTLD_NEXT, #name))

/* Locks. */
#define LOCK(type, name)                                                                                     \
  void name (type *lock)                                                                                     \
  {                                                                                                          \
    REAL (name) (lock);                                                                                      \
    __tsan_acquire (lock);                                                                                   \
  }
#define TRY_LOCK(type, name)                                                                                 \
  gboolean name (type *lock)                                                                                 \
  {                                                                                                          \
    gboolean taken = REAL (name) (lock);                                                                     \
                                                                                                             \
    if (taken)                                                                                               \
      __tsan_acquire (lock);                                                                                 \
    return taken;                                                                                            \
  }
#define UNLOCK(type, name)                                                                                   \
  void name (type *lock)                                                                                     \
  {                                                                                                          \
    __tsan_release (lock);                                                                                   \
    REAL (name) (lock);                                                                                      \
  }

#undef g_mutex_lock
#undef g_mutex_unlock
LOCK (GMutex, g_mutex_lock)
TRY_LOCK (GMutex, g_mutex_trylock)
UNLOCK (GMutex, g_mutex_unlock)
LOCK (GRecMutex, g_rec_mutex_lock)
TRY_LOCK (GRecMutex, g_rec_mutex_trylock)
UNLOCK (GRecMutex, g_rec_mutex_unlock)
LOCK (GRWLock, g_rw_lock_writer_lock)
UNLOCK (GRWLock, g_rw_lock_writer_unlock)
LOCK (GRWLock, g_rw_lock_reader_lock)
UNLOCK (GRWLock, g_rw_lock_reader_unlock)

void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  __tsan_release (mutex);
  REAL (g_cond_wait) (cond, mutex);
  __tsan_acquire (mutex);
}

gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end)
{
  gboolean signalled;

  __tsan_release (mutex);
  signalled = REAL (g_cond_wait_until) (cond, mutex, end);
  __tsan_acquire (mutex);
  return signalled;
}

#undef g_once_init_enter
#undef g_once_init_leave
gboolean
g_once_init_enter (volatile void *location)
{
  gboolean first = REAL (g_once_init_enter) (location);

  __tsan_acquire ((void *) location);
  return first;
}

void
g_once_init_leave (volatile void *location, gsize result)
{
  __tsan_release ((void *) location);
  REAL (g_once_init_leave) (location, result);
}

/* References. */
#undef g_object_ref
gpointer
g_object_ref (gpointer object)
{
  __tsan_acquire (object);
  return REAL (g_object_ref) (object);
}

void
g_object_unref (gpointer object)
{
  __tsan_release (object);
  __tsan_acquire (object);
  REAL (g_object_unref) (object);
}

/* What others released is complete only when the last reference has been counted. */
#undef g_atomic_ref_count_dec
gboolean
g_atomic_ref_count_dec (gatomicrefcount *count)
{
  gboolean last;

  __tsan_release (count);
  last = REAL (g_atomic_ref_count_dec) (count);
  if (last)
    __tsan_acquire (count);
  return last;
}

static _Thread_local GDestroyNotify clear_box;

static void
acquire_and_clear (gpointer box)
{
  GDestroyNotify clear = clear_box;

  __tsan_acquire (box);
  if (clear != NULL)
    clear (box);
}

void
g_atomic_rc_box_release_full (gpointer box, GDestroyNotify clear)
{
  GDestroyNotify outer = clear_box;

  clear_box = clear;
  __tsan_release (box);
  REAL (g_atomic_rc_box_release_full) (box, acquire_and_clear);
  clear_box = outer;
}

void
g_atomic_rc_box_release (gpointer box)
{
  g_atomic_rc_box_release_full (box, NULL);
}

#define UNREF(type, name)                                                                                    \
  void name (type *object)                                                                                   \
  {                                                                                                          \
    __tsan_release (object);                                                                                 \
    __tsan_acquire (object);                                                                                 \
    REAL (name) (object);                                                                                    \
  }

UNREF (GBytes, g_bytes_unref)
UNREF (GPtrArray, g_ptr_array_unref)
UNREF (GHashTable, g_hash_table_unref)
UNREF (GMainContext, g_main_context_unref)

/* Queues. */
void
g_async_queue_push (GAsyncQueue *queue, gpointer item)
{
  __tsan_release (item);
  REAL (g_async_queue_push) (queue, item);
}

gpointer
g_async_queue_pop (GAsyncQueue *queue)
{
  gpointer item = REAL (g_async_queue_pop) (queue);

  __tsan_acquire (item);
  return item;
}

/* Sources: what their callbacks see is what was there when they were attached. */
typedef struct
{
  GSourceFunc func;
  gpointer data;
  GDestroyNotify notify;
} Call;

static Call *
call_new (GSourceFunc func, gpointer data, GDestroyNotify notify)
{
  Call *call = g_new (Call, 1);

  *call = (Call){ func, data, notify };
  return call;
}

static void
call_free (gpointer data)
{
  Call *call = data;

  if (call->notify != NULL)
    call->notify (call->data);
  g_free (call);
}

static gboolean
call_do (gpointer data)
{
  Call *call = data;

  __tsan_acquire (call);
  return call->func (call->data);
}

void
g_main_context_invoke_full (GMainContext *context, int priority, GSourceFunc func, gpointer data, GDestroyNotify notify)
{
  Call *call = call_new (func, data, notify);

  __tsan_release (call);
  REAL (g_main_context_invoke_full) (context, priority, call_do, call, call_free);
}

void
g_main_context_invoke (GMainContext *context, GSourceFunc func, gpointer data)
{
  g_main_context_invoke_full (context, G_PRIORITY_DEFAULT, func, data, NULL);
}

/* Of sources that are made by hand: their own dispatch function is between, so only plain ones. */
void
g_source_set_callback (GSource *source, GSourceFunc func, gpointer data, GDestroyNotify notify)
{
  const char *name = g_source_get_name (source);
  gboolean plain = name != NULL && (g_str_equal (name, "GIdleSource") || g_str_equal (name, "GTimeoutSource"));
  Call *call;

  if (!plain)
    {
      REAL (g_source_set_callback) (source, func, data, notify);
      return;
    }
  call = call_new (func, data, notify);
  __tsan_release (call);
  REAL (g_source_set_callback) (source, call_do, call, call_free);
}

/* Other sources' callbacks see it when they ask for their source. */
guint
g_source_attach (GSource *source, GMainContext *context)
{
  __tsan_release (source);
  return REAL (g_source_attach) (source, context);
}

GSource *
g_main_current_source (void)
{
  GSource *source = REAL (g_main_current_source) ();

  if (source != NULL)
    __tsan_acquire (source);
  return source;
}

/* Tasks. */
#define THREAD_FUNC "tsan-thread-func"
#define CALLBACK "tsan-callback"

static void
task_done (GObject *source, GAsyncResult *result, gpointer data)
{
  GAsyncReadyCallback callback = (GAsyncReadyCallback) g_object_get_data (G_OBJECT (result), CALLBACK);

  __tsan_acquire (result);
  callback (source, result, data);
}

#undef g_task_new
GTask *
g_task_new (gpointer source, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  GTask *task = REAL (g_task_new) (source, cancellable, callback != NULL ? task_done : NULL, data);

  g_object_set_data (G_OBJECT (task), CALLBACK, (gpointer) callback);
  return task;
}

static void
task_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GTaskThreadFunc func = (GTaskThreadFunc) g_object_get_data (G_OBJECT (task), THREAD_FUNC);

  __tsan_acquire (task);
  func (task, source, data, cancellable);
  __tsan_release (task);
}

void
g_task_run_in_thread (GTask *task, GTaskThreadFunc func)
{
  g_object_set_data (G_OBJECT (task), THREAD_FUNC, (gpointer) func);
  __tsan_release (task);
  REAL (g_task_run_in_thread) (task, task_thread);
}

void
g_task_run_in_thread_sync (GTask *task, GTaskThreadFunc func)
{
  g_object_set_data (G_OBJECT (task), THREAD_FUNC, (gpointer) func);
  __tsan_release (task);
  REAL (g_task_run_in_thread_sync) (task, task_thread);
  __tsan_acquire (task);
}

void
g_task_return_pointer (GTask *task, gpointer result, GDestroyNotify notify)
{
  __tsan_release (task);
  REAL (g_task_return_pointer) (task, result, notify);
}

void
g_task_return_boolean (GTask *task, gboolean result)
{
  __tsan_release (task);
  REAL (g_task_return_boolean) (task, result);
}

void
g_task_return_error (GTask *task, GError *error)
{
  __tsan_release (task);
  REAL (g_task_return_error) (task, error);
}

/* Pools: each piece of work is handed over by its pointer. */
typedef struct
{
  GFunc func;
  gpointer data;
} Work;

static void
pool_work (gpointer item, gpointer data)
{
  Work *work = data;

  __tsan_acquire (item);
  work->func (item, work->data);
  __tsan_release (work);
}

GThreadPool *
g_thread_pool_new (GFunc func, gpointer data, int threads, gboolean exclusive, GError **error)
{
  Work *work = g_new (Work, 1);

  *work = (Work){ func, data };
  return REAL (g_thread_pool_new) (pool_work, work, threads, exclusive, error);
}

gboolean
g_thread_pool_push (GThreadPool *pool, gpointer item, GError **error)
{
  __tsan_release (item);
  return REAL (g_thread_pool_push) (pool, item, error);
}

/* Who waits for the end of a pool has waited for all its work. */
void
g_thread_pool_free (GThreadPool *pool, gboolean immediate, gboolean wait)
{
  Work *work = pool->user_data;

  REAL (g_thread_pool_free) (pool, immediate, wait);
  if (!wait)
    return;
  __tsan_acquire (work);
  g_free (work);
}

/* Cancellation: what was there before it is seen after it. */
void
g_cancellable_cancel (GCancellable *cancellable)
{
  if (cancellable != NULL)
    __tsan_release (cancellable);
  REAL (g_cancellable_cancel) (cancellable);
}

gboolean
g_cancellable_is_cancelled (GCancellable *cancellable)
{
  gboolean cancelled = REAL (g_cancellable_is_cancelled) (cancellable);

  if (cancelled)
    __tsan_acquire (cancellable);
  return cancelled;
}
