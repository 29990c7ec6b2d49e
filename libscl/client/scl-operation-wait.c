/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/scl-operation-parts-private.h"

/* Delivers what has been reported so far, if nobody else runs the context; other sources of it are
 * not touched. */
static void
drain (SclOperation *self)
{
  g_autoptr (GSource) source = NULL;

  if (!g_main_context_acquire (self->context))
    return;
  /* Where no loop ever runs it would stay there, and keep the operation alive. */
  source = _scl_operation_take_delivery (self);
  if (source != NULL)
    g_source_destroy (source);
  _scl_operation_deliver (self);
  g_main_context_release (self->context);
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
 * that started it and no main loop runs in it.
 *
 * Returns: %TRUE if everything was done. %FALSE with the operation's own error otherwise: for an
 * apply %SCL_ERROR_INVALID (nothing was changed), %SCL_ERROR_BUSY (locked), %SCL_ERROR_CONFIRM
 * (all done except removals that were not allowed), %SCL_ERROR_PARTIAL (some steps failed, see
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

/**
 * scl_operation_wait_async:
 * @self: a #SclOperation
 * @cancellable: (nullable): makes the result %G_IO_ERROR_CANCELLED; the operation goes on
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
  gboolean ended;

  g_return_if_fail (SCL_IS_OPERATION (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, scl_operation_wait_async);
  g_mutex_lock (&self->mutex);
  ended = self->ended;
  if (!ended)
    g_ptr_array_add (self->waiters, g_object_ref (task));
  g_mutex_unlock (&self->mutex);
  if (ended)
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
