/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/scl-engine-queue-private.h"
#include "base/scl-throw-private.h"
#include <string.h>

struct _SclEngineQueue
{
  char *key; /* in the table of queues; NULL: in none */
  char *run_dir;
  char *prefix;
  guint users; /* of the table's mutex */

  GMutex mutex; /* over what follows */
  GCond cond;
  GPtrArray *turns;  /* SclTurn, in the order of their coming */
  GPtrArray *stopped; /* char*: VMs that are being stopped now; twice if by two */
};

struct _SclTurn
{
  SclEngineQueue *queue;
  gconstpointer owner;
  char *what;
  char *vm;
  gboolean alone;
  gboolean stops;
  gboolean cut;
  gboolean running;
  SclTurn *under; /* the hold that it belongs to */
  SclInstanceLock **file; /* counted: also of turns that this one made possible */

  gboolean is_hold;
  gboolean needless; /* another thread of the owner was first */
  gboolean ready;    /* a hold with its file: its owner's turns may come under it */
  gboolean released; /* none any more */
  guint n_under;
};

/* --- one queue per instance --- */

static GMutex table_mutex;
static GHashTable *table; /* key → queue (borrowed) */

static SclEngineQueue *
queue_new (const char *run_dir, const char *prefix)
{
  SclEngineQueue *self = g_new0 (SclEngineQueue, 1);

  self->run_dir = g_strdup (run_dir);
  self->prefix = g_strdup (prefix);
  self->users = 1;
  self->turns = g_ptr_array_new ();
  self->stopped = g_ptr_array_new_with_free_func (g_free);
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  return self;
}

SclEngineQueue *
_scl_engine_queue_get (const char *run_dir, const char *prefix)
{
  g_autofree char *key = g_strdup_printf ("%s/%s", run_dir, prefix);
  g_autoptr (GMutexLocker) locker = NULL;
  SclEngineQueue *self;

  if (run_dir == NULL)
    return queue_new (NULL, prefix);
  locker = g_mutex_locker_new (&table_mutex);
  if (table == NULL)
    table = g_hash_table_new (g_str_hash, g_str_equal);
  self = g_hash_table_lookup (table, key);
  if (self != NULL)
    {
      self->users++;
      return self;
    }
  self = queue_new (run_dir, prefix);
  self->key = g_steal_pointer (&key);
  g_hash_table_insert (table, self->key, self);
  return self;
}

SclEngineQueue *
_scl_engine_queue_get_beside (SclEngineQueue *self, const char *prefix)
{
  return _scl_engine_queue_get (self->run_dir, prefix);
}

static void
queue_free (SclEngineQueue *self)
{
  g_ptr_array_unref (self->turns);
  g_ptr_array_unref (self->stopped);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  g_free (self->key);
  g_free (self->run_dir);
  g_free (self->prefix);
  g_free (self);
}

void
_scl_engine_queue_unref (SclEngineQueue *self)
{
  gboolean last;

  g_mutex_lock (&table_mutex);
  last = --self->users == 0;
  if (last && self->key != NULL)
    g_hash_table_remove (table, self->key);
  g_mutex_unlock (&table_mutex);
  if (last)
    queue_free (self);
}

/* --- who stands in whose way; all of it with the mutex held --- */

static gboolean
is_stopped_now (SclEngineQueue *self, const char *vm)
{
  return g_ptr_array_find_with_equal_func (self->stopped, vm, g_str_equal, NULL);
}

/* Whether OTHER will stop the VM anyway: it waits, or it stops all, some at a time. */
static gboolean
will_stop (const SclTurn *other, const char *vm)
{
  return other->stops && (other->vm == NULL || (!other->running && strcmp (other->vm, vm) == 0));
}

static gboolean
conflicts (const SclTurn *self, const SclTurn *other)
{
  if (self->cut && will_stop (other, self->vm))
    return FALSE;
  return self->alone || other->alone || g_strcmp0 (self->vm, other->vm) == 0;
}

/* The first that must leave before, or NULL. */
static SclTurn *
find_obstacle (SclTurn *self)
{
  GPtrArray *turns = self->queue->turns;

  gboolean before = TRUE;

  if (self->cut && is_stopped_now (self->queue, self->vm))
    return NULL;
  for (guint i = 0; i < turns->len; i++)
    {
      SclTurn *other = turns->pdata[i];

      before = before && other != self;
      /* One that came later can run already: it was let through. */
      if (other != self && (before || other->running) && other->under == self->under
          && conflicts (self, other))
        return other;
    }
  return NULL;
}

static SclTurn *
find_hold (SclEngineQueue *self, gconstpointer owner)
{
  for (guint i = 0; i < self->turns->len; i++)
    {
      SclTurn *turn = self->turns->pdata[i];

      if (turn->owner == owner && turn->ready && !turn->released)
        return turn;
    }
  return NULL;
}

/* Of the others none has a place, so what its owner holds is never waited for. */
static void
join_hold (SclTurn *self)
{
  SclTurn *hold = self->is_hold || self->under != NULL ? NULL : find_hold (self->queue, self->owner);

  if (hold == NULL)
    return;
  self->under = hold;
  hold->n_under++;
}

/* --- a turn, from its request to its end --- */

static SclTurn *
turn_new (SclEngineQueue *queue, gconstpointer owner, const char *what)
{
  SclTurn *self = g_new0 (SclTurn, 1);

  self->queue = queue;
  self->owner = owner;
  self->what = g_strdup (what);
  self->alone = TRUE;
  return self;
}

/* With the mutex held, if it stands in the queue. */
static void
turn_set_request (SclTurn *self, const SclTurnRequest *request)
{
  self->vm = g_strdup (request->vm);
  self->alone = request->alone;
  self->stops = request->stops;
  self->cut = request->cut && request->vm != NULL;
}

static void
release_file (gpointer file)
{
  g_clear_pointer ((SclInstanceLock **) file, _scl_instance_lock_release);
}

static void
turn_free (SclTurn *self)
{
  g_free (self->what);
  g_free (self->vm);
  g_free (self);
}

static gboolean
is_over (const SclTurn *hold)
{
  return hold->released && hold->n_under == 0;
}

/* With the mutex held: takes it out of the queue. The hold that it was the last user of is returned. */
static SclTurn *
take_out (SclTurn *self)
{
  SclTurn *hold = self->under;

  g_ptr_array_remove (self->queue->turns, self);
  if (hold == NULL || --hold->n_under > 0 || !is_over (hold))
    return NULL;
  return hold;
}

/* The file is given up before the next one is let in, which will want it. */
static void
end_turn (SclTurn *self)
{
  SclEngineQueue *queue = self->queue;
  SclInstanceLock **file;
  SclTurn *hold;

  g_mutex_lock (&queue->mutex);
  file = g_steal_pointer (&self->file);
  g_mutex_unlock (&queue->mutex);
  if (file != NULL)
    g_atomic_rc_box_release_full (file, release_file);
  g_mutex_lock (&queue->mutex);
  hold = take_out (self);
  g_cond_broadcast (&queue->cond);
  g_mutex_unlock (&queue->mutex);
  turn_free (self);
  if (hold != NULL)
    end_turn (hold);
}

void
_scl_turn_leave (SclTurn *self)
{
  end_turn (self);
}

static gboolean
throw_busy (SclTurn *self, const SclTurn *obstacle, guint timeout, GError **error)
{
  return scl_throw (error, SCL_ERROR_BUSY,
                    "instance \"%s\" is locked in this process, by: %s (waited %u s): wait until it has "
                    "ended, or raise --timeout",
                    self->queue->prefix, obstacle->what, timeout);
}

/* With the mutex held, which is given up meanwhile. */
static gboolean
await_turn (SclTurn *self, const SclTurnRequest *request, gint64 deadline, GError **error)
{
  SclTurn *obstacle;

  for (join_hold (self); (obstacle = find_obstacle (self)) != NULL; join_hold (self))
    {
      if (g_cancellable_set_error_if_cancelled (request->cancellable, error))
        return FALSE;
      self->needless = self->is_hold && find_hold (self->queue, self->owner) != NULL;
      if (self->needless)
        return FALSE;
      if (!g_cond_wait_until (&self->queue->cond, &self->queue->mutex, deadline)
          && (obstacle = find_obstacle (self)) != NULL)
        return throw_busy (self, obstacle, request->timeout, error);
    }
  return !g_cancellable_set_error_if_cancelled (request->cancellable, error);
}

static void
wake (GCancellable *cancellable, gpointer data)
{
  SclEngineQueue *self = data;

  g_mutex_lock (&self->mutex);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
}

static gboolean
line_up (SclTurn *self, const SclTurnRequest *request, gint64 deadline, GError **error)
{
  SclEngineQueue *queue = self->queue;
  gulong handler = 0;

  if (request->cancellable != NULL)
    handler = g_cancellable_connect (request->cancellable, G_CALLBACK (wake), queue, NULL);
  g_mutex_lock (&queue->mutex);
  if (request->place == NULL)
    g_ptr_array_add (queue->turns, self);
  turn_set_request (self, request);
  /* Those behind a place may not have to wait for it any more. */
  g_cond_broadcast (&queue->cond);
  self->running = await_turn (self, request, deadline, error);
  g_mutex_unlock (&queue->mutex);
  if (handler != 0)
    g_cancellable_disconnect (request->cancellable, handler);
  return self->running;
}

/* The file of the hold, or, for one that was let through, of whoever is alone. */
static SclInstanceLock **
borrow_file (SclTurn *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->queue->mutex);

  if (self->under != NULL)
    return self->under->file == NULL ? NULL : g_atomic_rc_box_acquire (self->under->file);
  for (guint i = 0; self->cut && i < self->queue->turns->len; i++)
    {
      SclTurn *other = self->queue->turns->pdata[i];

      if (other != self && other->alone && other->file != NULL)
        return g_atomic_rc_box_acquire (other->file);
    }
  return NULL;
}

static void
take_file (SclTurn *self, SclInstanceLock **file)
{
  g_mutex_lock (&self->queue->mutex);
  self->file = file;
  g_mutex_unlock (&self->queue->mutex);
}

static gboolean
lock_file (SclTurn *self, const SclTurnRequest *request, gint64 deadline, GError **error)
{
  SclEngineQueue *queue = self->queue;
  gint64 left = MAX (0, deadline - g_get_monotonic_time ());
  SclInstanceLock **file = queue->run_dir == NULL ? NULL : borrow_file (self);
  SclInstanceLock *lock;

  if (queue->run_dir == NULL)
    return TRUE;
  if (file != NULL)
    {
      take_file (self, file);
      return TRUE;
    }
  lock = _scl_instance_lock_acquire (queue->run_dir, request->state_dir, queue->prefix,
                                     self->alone ? SCL_LOCK_EXCLUSIVE : SCL_LOCK_SHARED,
                                     (guint) ((left + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC),
                                     request->cancellable, error);
  if (lock == NULL)
    return FALSE;
  file = g_atomic_rc_box_new0 (SclInstanceLock *);
  *file = lock;
  take_file (self, file);
  return TRUE;
}

static gboolean
enter (SclTurn *self, const SclTurnRequest *request, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + (gint64) request->timeout * G_USEC_PER_SEC;

  return line_up (self, request, deadline, error) && lock_file (self, request, deadline, error);
}

SclTurn *
_scl_engine_queue_reserve (SclEngineQueue *self, gconstpointer owner, const char *what)
{
  SclTurn *turn = turn_new (self, owner, what);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  g_ptr_array_add (self->turns, turn);
  join_hold (turn);
  return turn;
}

SclTurn *
_scl_engine_queue_enter (SclEngineQueue *self, const SclTurnRequest *request, GError **error)
{
  SclTurn *turn
      = request->place != NULL ? request->place : turn_new (self, request->owner, request->what);

  if (enter (turn, request, error))
    return turn;
  end_turn (turn);
  return NULL;
}

/* --- what one owner keeps for itself --- */

static void
become_ready (SclTurn *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->queue->mutex);

  self->ready = TRUE;
  /* Its owner's other turns may wait for it. */
  g_cond_broadcast (&self->queue->cond);
}

static gboolean
is_held (SclEngineQueue *self, gconstpointer owner)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return find_hold (self, owner) != NULL;
}

gboolean
_scl_engine_queue_hold (SclEngineQueue *self, const SclTurnRequest *request, GError **error)
{
  SclTurn *turn;
  gboolean needless;

  if (is_held (self, request->owner))
    return TRUE;
  turn = turn_new (self, request->owner, request->what);
  turn->is_hold = TRUE;
  if (enter (turn, request, error))
    {
      become_ready (turn);
      return TRUE;
    }
  needless = turn->needless;
  end_turn (turn);
  return needless;
}

void
_scl_engine_queue_release (SclEngineQueue *self, gconstpointer owner)
{
  SclTurn *hold;
  gboolean over;

  g_mutex_lock (&self->mutex);
  hold = find_hold (self, owner);
  if (hold != NULL)
    hold->released = TRUE;
  over = hold != NULL && is_over (hold);
  g_mutex_unlock (&self->mutex);
  if (over)
    end_turn (hold);
}

guint
_scl_engine_queue_get_length (SclEngineQueue *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return self->turns->len;
}

void
_scl_engine_queue_begin_stop (SclEngineQueue *self, const char *vm)
{
  g_mutex_lock (&self->mutex);
  g_ptr_array_add (self->stopped, g_strdup (vm));
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
}

void
_scl_engine_queue_end_stop (SclEngineQueue *self, const char *vm)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  guint i;

  if (g_ptr_array_find_with_equal_func (self->stopped, vm, g_str_equal, &i))
    g_ptr_array_remove_index_fast (self->stopped, i);
}
