/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/scl-connection-private.h"
#include "client/scl-request-private.h"
#include "base/scl-throw-private.h"

/* --- open --- */

static void
open_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  SclDriver *driver = _scl_driver_open (data, cancellable, &error);

  if (driver == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, driver, g_object_unref);
}

/**
 * scl_connection_open_async:
 * @uri: (nullable): what to open, %NULL for `local:`
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is open
 * @user_data: data for @callback
 *
 * As scl_connection_open(), without blocking.
 *
 * Since: 0.1
 */
void
scl_connection_open_async (const char *uri, GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_source_tag (task, scl_connection_open_async);
  g_task_set_task_data (task, g_strdup (uri == NULL ? "local:" : uri), g_free);
  g_task_run_in_thread (task, open_thread);
}

/**
 * scl_connection_open_finish:
 * @result: what the callback got
 * @error: location for a #GError, or %NULL
 *
 * Ends scl_connection_open_async(). Signals are emitted in the thread-default context of this call.
 *
 * Returns: (transfer full): as scl_connection_open()
 *
 * Since: 0.1
 */
SclConnection *
scl_connection_open_finish (GAsyncResult *result, GError **error)
{
  g_autoptr (SclDriver) driver = NULL;

  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, scl_connection_open_async), NULL);

  driver = g_task_propagate_pointer (G_TASK (result), error);
  return driver == NULL ? NULL
                        : _scl_connection_new (g_task_get_task_data (G_TASK (result)), driver);
}

/* --- plan --- */

/**
 * scl_connection_plan:
 * @self: a #SclConnection
 * @manifest: what shall be
 * @flags: how to treat what the manifest does not say
 * @cancellable: (nullable): a #GCancellable
 * @error: location for a #GError, or %NULL
 *
 * Looks at the host and says what an apply would do now, and why. Changes nothing. Errors of the
 * manifest on this host are diagnostics of the plan.
 *
 * Returns: (transfer full): a plan, or %NULL if the host could not be read
 *
 * Since: 0.1
 */
SclPlan *
scl_connection_plan (SclConnection *self, SclManifest *manifest, SclApplyFlags flags,
                     GCancellable *cancellable, GError **error)
{
  g_autoptr (SclDriver) driver = NULL;

  g_return_val_if_fail (SCL_IS_CONNECTION (self) && SCL_IS_MANIFEST (manifest), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  driver = _scl_connection_ref_driver (self, error);
  return driver == NULL
             ? NULL
             : SCL_DRIVER_GET_IFACE (driver)->plan (driver, manifest, flags, cancellable, error);
}

/* The driver and what is asked of it, of a call that runs in another thread. */
typedef struct
{
  SclDriver *driver;
  SclManifest *manifest;
  SclApplyFlags flags;
  SclPlan *confirmed;
  char **names;
} Request;

/* NULL: it is closed. */
static Request *
request_new (SclConnection *self, SclManifest *manifest, SclApplyFlags flags, GError **error)
{
  SclDriver *driver = _scl_connection_ref_driver (self, error);
  Request *request = driver == NULL ? NULL : g_new0 (Request, 1);

  if (request == NULL)
    return NULL;
  request->driver = driver;
  request->manifest = manifest == NULL ? NULL : g_object_ref (manifest);
  request->flags = flags;
  return request;
}

static void
request_free (gpointer data)
{
  Request *request = data;

  g_object_unref (request->driver);
  g_clear_object (&request->manifest);
  g_clear_object (&request->confirmed);
  g_strfreev (request->names);
  g_free (request);
}

static void
plan_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Request *request = data;
  GError *error = NULL;
  SclPlan *plan = SCL_DRIVER_GET_IFACE (request->driver)
                      ->plan (request->driver, request->manifest, request->flags, cancellable, &error);

  if (plan == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, plan, g_object_unref);
}

/**
 * scl_connection_plan_async:
 * @self: a #SclConnection
 * @manifest: what shall be
 * @flags: how to treat what the manifest does not say
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when the plan is there
 * @user_data: data for @callback
 *
 * As scl_connection_plan(), without blocking.
 *
 * Since: 0.1
 */
void
scl_connection_plan_async (SclConnection *self, SclManifest *manifest, SclApplyFlags flags,
                           GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;
  Request *request;

  g_return_if_fail (SCL_IS_CONNECTION (self) && SCL_IS_MANIFEST (manifest));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, scl_connection_plan_async);
  request = request_new (self, manifest, flags, &error);
  if (request == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  g_task_set_task_data (task, request, request_free);
  g_task_run_in_thread (task, plan_thread);
}

/**
 * scl_connection_plan_finish:
 * @self: a #SclConnection
 * @result: what the callback got
 * @error: location for a #GError, or %NULL
 *
 * Ends scl_connection_plan_async().
 *
 * Returns: (transfer full): as scl_connection_plan()
 *
 * Since: 0.1
 */
SclPlan *
scl_connection_plan_finish (SclConnection *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, scl_connection_plan_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- operations --- */

static gboolean
run_apply (SclOperation *operation, gpointer data, GCancellable *cancellable, GError **error)
{
  Request *request = data;

  return SCL_DRIVER_GET_IFACE (request->driver)
      ->apply (request->driver, request->manifest, request->flags, request->confirmed, operation,
               cancellable, error);
}

static SclOperation *
start (SclConnection *self, const char *description, SclOperationFunc func, SclManifest *manifest,
       SclApplyFlags flags, SclPlan *confirmed)
{
  GError *error = NULL;
  Request *request = request_new (self, manifest, flags, &error);

  if (request == NULL)
    return _scl_operation_new_failed (description, error);
  g_set_object (&request->confirmed, confirmed);
  return _scl_operation_start (G_OBJECT (request->driver), description, func, request,
                               request_free);
}

/**
 * scl_connection_apply:
 * @self: a #SclConnection
 * @manifest: what shall be
 * @flags: how to treat what the manifest does not say
 *
 * Makes the host match the manifest: looks, plans, and carries the steps out, those that do not need
 * each other at the same time. One failed VM does not stop the others. Removals need
 * %SCL_APPLY_PRUNE; without it all that needs no removal is done and the operation ends with
 * %SCL_ERROR_CONFIRM. Volumes are never removed. Doing it twice changes nothing.
 *
 * Returns: (transfer full): the operation under way; see scl_operation_wait() for its errors
 *
 * Since: 0.1
 */
SclOperation *
scl_connection_apply (SclConnection *self, SclManifest *manifest, SclApplyFlags flags)
{
  g_return_val_if_fail (SCL_IS_CONNECTION (self) && SCL_IS_MANIFEST (manifest), NULL);

  return start (self, "apply", run_apply, manifest, flags, NULL);
}

/**
 * scl_connection_apply_plan:
 * @self: a #SclConnection
 * @plan: what scl_connection_plan() returned and somebody agreed to
 *
 * As scl_connection_apply() of the manifest that the plan was made for, with the removals of the plan
 * confirmed, and only those. The host is looked at anew. If it has changed so that something else would be
 * removed, too, nothing at all is done and the operation ends with %SCL_ERROR_CONFIRM, which names it.
 *
 * Returns: (transfer full): the operation under way; see scl_operation_wait() for its errors
 *
 * Since: 0.1
 */
SclOperation *
scl_connection_apply_plan (SclConnection *self, SclPlan *plan)
{
  g_return_val_if_fail (SCL_IS_CONNECTION (self) && SCL_IS_PLAN (plan), NULL);
  g_return_val_if_fail (_scl_plan_get_manifest (plan) != NULL, NULL);

  return start (self, "apply", run_apply, _scl_plan_get_manifest (plan),
                _scl_plan_get_flags (plan) | SCL_APPLY_PRUNE, plan);
}

static gboolean
run_prune_volumes (SclOperation *operation, gpointer data, GCancellable *cancellable,
                   GError **error)
{
  Request *request = data;

  return SCL_DRIVER_GET_IFACE (request->driver)
      ->prune_volumes (request->driver, (const char *const *) request->names, operation, cancellable,
                       error);
}

/**
 * scl_connection_prune_volumes:
 * @self: a #SclConnection
 * @names: (nullable) (array zero-terminated=1): those that somebody agreed to lose, or %NULL for all that
 * nothing uses
 *
 * Deletes volumes that nothing uses, with the data on them, for good. What uses one is asked once, for all of
 * them: VMs, and any other domain of the hypervisor. One that is used by now, foreign (scl_volume_is_foreign())
 * or not there is kept and does not keep the others: each is a step of scl_operation_get_results(), one that
 * is named twice a single one. The operation fails with %SCL_ERROR_PARTIAL if others were deleted, else with
 * the error about the first of @names, %SCL_ERROR_IN_USE, %SCL_ERROR_EXISTS or %SCL_ERROR_NOT_FOUND.
 *
 * Returns: (transfer full): the operation under way
 *
 * Since: 0.1
 */
SclOperation *
scl_connection_prune_volumes (SclConnection *self, const char *const *names)
{
  const char *description = "prune volumes";
  GError *error = NULL;
  Request *request;

  g_return_val_if_fail (SCL_IS_CONNECTION (self), NULL);

  request = request_new (self, NULL, SCL_APPLY_NONE, &error);
  if (request == NULL)
    return _scl_operation_new_failed (description, error);
  request->names = g_strdupv ((char **) names);
  return _scl_operation_start (G_OBJECT (request->driver), description, run_prune_volumes, request,
                               request_free);
}

static gboolean
run_create_volume (SclOperation *operation, gpointer data, GCancellable *cancellable, GError **error)
{
  SclRequest *request = data;

  return SCL_DRIVER_GET_IFACE (request->driver)
      ->create_volume (request->driver, request->name, operation, cancellable, error);
}

/**
 * scl_connection_create_volume:
 * @self: a #SclConnection
 * @name: the volume's name
 *
 * Makes a volume anew, from the image that its VM was declared with, whose file is gone. scl_connection_apply()
 * never does that for a VM that is there already: the file may only be out of sight, and a blank disk would look
 * like its data. %SCL_ERROR_EXISTS if the volume is there, %SCL_ERROR_NOT_FOUND if no VM has such a volume,
 * %SCL_ERROR_IN_USE if its VM still runs from the file that is gone.
 *
 * Returns: (transfer full): the operation under way
 *
 * Since: 0.1
 */
SclOperation *
scl_connection_create_volume (SclConnection *self, const char *name)
{
  g_autoptr (SclDriver) driver = NULL;
  GError *error = NULL;

  g_return_val_if_fail (SCL_IS_CONNECTION (self) && name != NULL, NULL);

  driver = _scl_connection_ref_driver (self, &error);
  if (driver == NULL)
    return _scl_operation_new_failed ("create volume", error);
  return _scl_request_start (driver, "create", SCL_OBJECT_KIND_VOLUME, name, FALSE,
                             run_create_volume);
}

static gboolean
run_adopt_volume (SclOperation *operation, gpointer data, GCancellable *cancellable, GError **error)
{
  SclRequest *request = data;

  return SCL_DRIVER_GET_IFACE (request->driver)
      ->adopt_volume (request->driver, request->name, request->from, operation, cancellable, error);
}

/**
 * scl_connection_adopt_volume:
 * @self: a #SclConnection
 * @name: the volume's name
 * @instance: whose it is: the prefix of that instance
 *
 * Takes over a volume of another instance in the same state folder, with the data on it. Its file is renamed, never
 * copied. The NVRAM of the VM that it is named after goes along, if there is none here and it is in the same file
 * system; the VM's seed stays with the other instance. That one is locked, too, meanwhile.
 * %SCL_ERROR_BUSY if it is at work; %SCL_ERROR_IN_USE if any domain names one of the files, also one of the other instance's
 * hypervisor if that is another, or a QEMU has one open; %SCL_ERROR_EXISTS if this instance has a
 * volume of that name; %SCL_ERROR_NOT_FOUND if the other one has none; %SCL_ERROR_INVALID if @instance is no other
 * instance; %SCL_ERROR_UNSUPPORTED if the two are in different file systems. Then nothing is changed.
 *
 * Returns: (transfer full): the operation under way
 *
 * Since: 0.1
 */
SclOperation *
scl_connection_adopt_volume (SclConnection *self, const char *name, const char *instance)
{
  g_autoptr (SclDriver) driver = NULL;
  GError *error = NULL;

  g_return_val_if_fail (SCL_IS_CONNECTION (self) && name != NULL && instance != NULL, NULL);

  driver = _scl_connection_ref_driver (self, &error);
  if (driver == NULL)
    return _scl_operation_new_failed ("adopt volume", error);
  return _scl_request_start_adoption (driver, name, instance, run_adopt_volume);
}

static gboolean
run_tear_down (SclOperation *operation, gpointer data, GCancellable *cancellable, GError **error)
{
  Request *request = data;

  return SCL_DRIVER_GET_IFACE (request->driver)
      ->tear_down (request->driver, operation, cancellable, error);
}

/**
 * scl_connection_tear_down:
 * @self: a #SclConnection
 *
 * Shuts all VMs of the instance down and removes them and all networks. Volumes are kept.
 *
 * Returns: (transfer full): the operation under way
 *
 * Since: 0.1
 */
SclOperation *
scl_connection_tear_down (SclConnection *self)
{
  g_return_val_if_fail (SCL_IS_CONNECTION (self), NULL);

  return start (self, "tear down", run_tear_down, NULL, SCL_APPLY_NONE, NULL);
}
