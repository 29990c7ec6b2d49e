/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why something is not in the lists. */
#include "client/scl-connection-private.h"

/**
 * scl_connection_check_volume:
 * @self: a #SclConnection
 * @name: a volume's name
 * @cancellable: (nullable): a #GCancellable
 * @error: location for a #GError, or %NULL
 *
 * Looks whether this instance has a volume of that name, and else says whose it is: that of another instance in
 * the same state folder is in no list, cannot be deleted from here and is %SCL_ERROR_EXISTS, with a message
 * that names the instance, the connection that reaches it and how to take the volume over.
 * %SCL_ERROR_NOT_FOUND if nobody has one. Changes nothing, and does not change the lists.
 *
 * Returns: %TRUE if there is one of this instance, or that nobody has claimed (scl_volume_is_foreign())
 *
 * Since: 0.1
 */
gboolean
scl_connection_check_volume (SclConnection *self, const char *name, GCancellable *cancellable,
                             GError **error)
{
  g_autoptr (SclDriver) driver = NULL;

  g_return_val_if_fail (SCL_IS_CONNECTION (self) && name != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  driver = _scl_connection_ref_driver (self, error);
  return driver != NULL
         && SCL_DRIVER_GET_IFACE (driver)->check_volume (driver, name, cancellable, error);
}

typedef struct
{
  SclDriver *driver;
  char *name;
} Check;

static void
check_free (gpointer data)
{
  Check *check = data;

  g_object_unref (check->driver);
  g_free (check->name);
  g_free (check);
}

static void
check_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Check *check = data;
  GError *error = NULL;

  if (SCL_DRIVER_GET_IFACE (check->driver)->check_volume (check->driver, check->name, cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * scl_connection_check_volume_async:
 * @self: a #SclConnection
 * @name: a volume's name
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is known
 * @user_data: data for @callback
 *
 * As scl_connection_check_volume(), without blocking.
 *
 * Since: 0.1
 */
void
scl_connection_check_volume_async (SclConnection *self, const char *name, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (SclDriver) driver = NULL;
  GError *error = NULL;
  Check *check;

  g_return_if_fail (SCL_IS_CONNECTION (self) && name != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, scl_connection_check_volume_async);
  driver = _scl_connection_ref_driver (self, &error);
  if (driver == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  check = g_new0 (Check, 1);
  check->driver = g_steal_pointer (&driver);
  check->name = g_strdup (name);
  g_task_set_task_data (task, check, check_free);
  g_task_run_in_thread (task, check_thread);
}

/**
 * scl_connection_check_volume_finish:
 * @self: a #SclConnection
 * @result: what the callback got
 * @error: location for a #GError, or %NULL
 *
 * Ends scl_connection_check_volume_async().
 *
 * Returns: as scl_connection_check_volume()
 *
 * Since: 0.1
 */
gboolean
scl_connection_check_volume_finish (SclConnection *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, scl_connection_check_volume_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
