/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/scl-operation-parts-private.h"

/* Delivers what has been reported so far; other sources of the context are not touched. */
static void
drain (SclOperation *self)
{
  g_autoptr (GSource) source = NULL;

  if (!_scl_home_is_here (self->home))
    return;
  /* Where no loop ever runs it would stay there, and keep the operation alive. */
  source = _scl_operation_take_delivery (self);
  if (source != NULL)
    g_source_destroy (source);
  _scl_operation_deliver (self);
}

static void
wake (GCancellable *cancellable, gpointer data)
{
  SclOperation *self = data;

  g_mutex_lock (&self->mutex);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
}

/**
 * scl_operation_wait:
 * @self: a #SclOperation
 * @cancellable: (nullable): ends the waiting, not the operation
 * @error: location for a #GError, or %NULL
 *
 * Blocks until it has ended. Then all its results have been delivered, if this thread is the one
 * that started it. Another thread may wait, too; to it nothing is delivered.
 *
 * Returns: %TRUE if everything was done. %FALSE with the operation's own error otherwise: for an
 * apply %SCL_ERROR_INVALID (nothing was changed), %SCL_ERROR_BUSY (locked), %SCL_ERROR_CONFIRM
 * (all done except removals that were not allowed; of a confirmed plan: nothing done), %SCL_ERROR_PARTIAL (some steps failed, see
 * the results), %G_IO_ERROR_CANCELLED, or the one error of an apply of which nothing was done
 *
 * Since: 0.1
 */
gboolean
scl_operation_wait (SclOperation *self, GCancellable *cancellable, GError **error)
{
  gulong handler = 0;
  gboolean ended;

  g_return_val_if_fail (SCL_IS_OPERATION (self), FALSE);

  /* From here on the results are this thread's to take, if it is the one. */
  (void) _scl_home_is_here (self->home);
  if (cancellable != NULL)
    handler = g_cancellable_connect (cancellable, G_CALLBACK (wake), self, NULL);
  g_mutex_lock (&self->mutex);
  while (!self->ended && !g_cancellable_is_cancelled (cancellable))
    g_cond_wait (&self->cond, &self->mutex);
  ended = self->ended;
  g_mutex_unlock (&self->mutex);
  if (handler != 0)
    g_cancellable_disconnect (cancellable, handler);
  if (!ended)
    return !g_cancellable_set_error_if_cancelled (cancellable, error);
  drain (self);
  if (self->error == NULL)
    return TRUE;
  if (error != NULL)
    *error = g_error_copy (self->error);
  return FALSE;
}

void
_scl_operation_waiter_free (SclWaiter *waiter)
{
  if (waiter->cancelled != NULL)
    g_source_destroy (waiter->cancelled);
  g_clear_pointer (&waiter->cancelled, g_source_unref);
  g_object_unref (waiter->task);
  g_free (waiter);
}

/* The call's waiter, which then is the caller's; NULL: the operation's end was faster. */
static SclWaiter *
steal_waiter (SclOperation *self, GTask *task)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  for (guint i = 0; i < self->waiters->len; i++)
    if (((SclWaiter *) self->waiters->pdata[i])->task == task)
      return g_ptr_array_steal_index (self->waiters, i);
  return NULL;
}

/* In the context that the task calls back in. */
static gboolean
on_wait_cancelled (GCancellable *cancellable, gpointer data)
{
  GTask *task = data;
  SclWaiter *waiter = steal_waiter (g_task_get_source_object (task), task);

  if (waiter == NULL)
    return G_SOURCE_REMOVE;
  (void) g_task_return_error_if_cancelled (task);
  _scl_operation_waiter_free (waiter);
  return G_SOURCE_REMOVE;
}

/* FALSE: it has ended already. */
static gboolean
add_waiter (SclOperation *self, GTask *task)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  GCancellable *cancellable = g_task_get_cancellable (task);
  SclWaiter *waiter;

  if (self->ended)
    return FALSE;
  waiter = g_new0 (SclWaiter, 1);
  waiter->task = g_object_ref (task);
  g_ptr_array_add (self->waiters, waiter);
  if (cancellable == NULL)
    return TRUE;
  waiter->cancelled = g_cancellable_source_new (cancellable);
  g_source_set_callback (waiter->cancelled, G_SOURCE_FUNC (on_wait_cancelled), g_object_ref (task),
                         g_object_unref);
  g_source_attach (waiter->cancelled, g_task_get_context (task));
  return TRUE;
}

/**
 * scl_operation_wait_async:
 * @self: a #SclOperation
 * @cancellable: (nullable): ends the waiting at once, with %G_IO_ERROR_CANCELLED; the operation goes on
 * @callback: (scope async) (closure user_data): called when it has ended
 * @user_data: data for @callback
 *
 * As scl_operation_wait(), without blocking.
 *
 * Since: 0.1
 */
void
scl_operation_wait_async (SclOperation *self, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (SCL_IS_OPERATION (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, scl_operation_wait_async);
  if (!add_waiter (self, task))
    _scl_operation_return_task (task, self->error);
}

/**
 * scl_operation_wait_finish:
 * @self: a #SclOperation
 * @result: what the callback got
 * @error: location for a #GError, or %NULL
 *
 * Ends scl_operation_wait_async().
 *
 * Returns: as scl_operation_wait()
 *
 * Since: 0.1
 */
gboolean
scl_operation_wait_finish (SclOperation *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, scl_operation_wait_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
