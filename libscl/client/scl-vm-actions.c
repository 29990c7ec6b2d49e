/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can be done to a VM: each an operation that the driver carries out. */
#include "client/scl-objects-private.h"
#include "client/scl-request-private.h"

static SclOperation *
start (SclVm *self, const char *verb, gboolean force, SclOperationFunc func)
{
  return _scl_request_start (_scl_vm_peek_driver (self), verb, SCL_OBJECT_KIND_VM,
                             scl_vm_get_name (self), force, func);
}

/**
 * scl_vm_delete:
 * @self: a #SclVm
 *
 * Shuts the VM down and removes it. Its volume is kept. %SCL_ERROR_IN_USE if another tool has put an
 * overlay over the volume: without the VM's definition nobody would know that the two belong together.
 *
 * Returns: (transfer full): the operation under way
 *
 * Since: 0.1
 */
SclOperation *
scl_vm_delete (SclVm *self)
{
  g_return_val_if_fail (SCL_IS_VM (self), NULL);

  return _scl_request_start_removal (_scl_vm_peek_driver (self), SCL_OBJECT_KIND_VM,
                                     scl_vm_get_name (self), SCL_DELETE_NONE);
}

static gboolean
run_start (SclOperation *operation, gpointer data, GCancellable *cancellable, GError **error)
{
  SclRequest *request = data;

  return SCL_DRIVER_GET_IFACE (request->driver)
      ->start_vm (request->driver, request->name, operation, cancellable, error);
}

/**
 * scl_vm_start:
 * @self: a #SclVm
 *
 * Starts it and forgets who wanted it off. Already running is success. %SCL_ERROR_NOT_FOUND if a
 * volume of it is gone: scl_connection_create_volume().
 *
 * Returns: (transfer full): the operation under way
 *
 * Since: 0.1
 */
SclOperation *
scl_vm_start (SclVm *self)
{
  g_return_val_if_fail (SCL_IS_VM (self), NULL);

  return start (self, "start", FALSE, run_start);
}

static gboolean
run_stop (SclOperation *operation, gpointer data, GCancellable *cancellable, GError **error)
{
  SclRequest *request = data;

  return SCL_DRIVER_GET_IFACE (request->driver)
      ->stop_vm (request->driver, request->name, request->force, operation, cancellable, error);
}

/**
 * scl_vm_stop:
 * @self: a #SclVm
 * @force: cut the power at once
 *
 * Shuts the guest down (ACPI power button), waits for its shutdown timeout and then cuts the power.
 * It stays off, also through later applies, until scl_vm_start() or a boot of the host.
 *
 * Returns: (transfer full): the operation under way
 *
 * Since: 0.1
 */
SclOperation *
scl_vm_stop (SclVm *self, gboolean force)
{
  g_return_val_if_fail (SCL_IS_VM (self), NULL);

  return start (self, "stop", force, run_stop);
}

static gboolean
run_restart (SclOperation *operation, gpointer data, GCancellable *cancellable, GError **error)
{
  SclRequest *request = data;

  return SCL_DRIVER_GET_IFACE (request->driver)
      ->restart_vm (request->driver, request->name, request->force, operation, cancellable, error);
}

/**
 * scl_vm_restart:
 * @self: a #SclVm
 * @force: cut the power instead of shutting down
 *
 * Shuts it down and starts it again with its present definition, so pending changes take effect.
 * %SCL_ERROR_NOT_FOUND as in scl_vm_start().
 *
 * Returns: (transfer full): the operation under way
 *
 * Since: 0.1
 */
SclOperation *
scl_vm_restart (SclVm *self, gboolean force)
{
  g_return_val_if_fail (SCL_IS_VM (self), NULL);

  return start (self, "restart", force, run_restart);
}

/**
 * scl_vm_open_console:
 * @self: a #SclVm
 * @cancellable: (nullable): a #GCancellable
 * @error: location for a #GError, or %NULL
 *
 * Opens its serial console. Closing the stream closes the console; the end of its input means that
 * the VM has ended or that somebody else has taken the console over.
 *
 * Returns: (transfer full): a stream of raw bytes, or %NULL: %SCL_ERROR_IN_USE if the VM does not run
 *
 * Since: 0.1
 */
GIOStream *
scl_vm_open_console (SclVm *self, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (SCL_IS_VM (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!_scl_driver_check_process (error))
    return NULL;
  return SCL_DRIVER_GET_IFACE (_scl_vm_peek_driver (self))
      ->open_console (_scl_vm_peek_driver (self), scl_vm_get_name (self), cancellable, error);
}

static void
open_console_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  GIOStream *stream = scl_vm_open_console (source, cancellable, &error);

  if (stream == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, stream, g_object_unref);
}

/**
 * scl_vm_open_console_async:
 * @self: a #SclVm
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is open
 * @user_data: data for @callback
 *
 * As scl_vm_open_console(), without blocking.
 *
 * Since: 0.1
 */
void
scl_vm_open_console_async (SclVm *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (SCL_IS_VM (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, scl_vm_open_console_async);
  g_task_run_in_thread (task, open_console_thread);
}

/**
 * scl_vm_open_console_finish:
 * @self: a #SclVm
 * @result: what the callback got
 * @error: location for a #GError, or %NULL
 *
 * Ends scl_vm_open_console_async().
 *
 * Returns: (transfer full): as scl_vm_open_console()
 *
 * Since: 0.1
 */
GIOStream *
scl_vm_open_console_finish (SclVm *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, scl_vm_open_console_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
