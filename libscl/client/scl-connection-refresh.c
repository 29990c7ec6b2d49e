/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading the host, in any thread, and bringing what was read home. */
#include "base/scl-throw-private.h"
#include "client/scl-connection-private.h"

void
_scl_reading_free (SclReading *reading)
{
  g_object_unref (reading->driver);
  g_clear_pointer (&reading->observation, _scl_observation_unref);
  g_clear_pointer (&reading->addresses, g_ptr_array_unref);
  g_free (reading);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclReading, _scl_reading_free)

/* --- reading --- */

/* Numbered before it begins. NULL: the connection is closed. */
static SclReading *
begin (SclConnection *self, GError **error)
{
  SclDriver *driver = _scl_connection_ref_driver (self, error);
  SclReading *reading;

  if (driver == NULL)
    return NULL;
  reading = g_new0 (SclReading, 1);
  reading->driver = driver;
  g_mutex_lock (&self->mutex);
  reading->number = ++self->begun_readings;
  reading->kind = self->kind;
  g_mutex_unlock (&self->mutex);
  return reading;
}

static gboolean
look (SclReading *reading, GCancellable *cancellable, GError **error)
{
  SclDriverInterface *iface = SCL_DRIVER_GET_IFACE (reading->driver);

  reading->observation = iface->observe (reading->driver, reading->kind, cancellable, error);
  if (reading->observation == NULL)
    return FALSE;
  reading->addresses = iface->list_addresses (reading->driver, reading->observation, cancellable);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

/* --- bringing it home --- */

static SclReading *
steal_reading (SclConnection *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return g_steal_pointer (&self->reading);
}

/* One that comes while another is taken, from a handler, is taken after it. */
static void
take_readings (SclConnection *self)
{
  if (self->taking)
    return;
  self->taking = TRUE;
  for (;;)
    {
      g_autoptr (SclReading) reading = steal_reading (self);

      if (reading == NULL)
        break;
      _scl_connection_take (self, reading);
    }
  self->taking = FALSE;
}

static gboolean
take_at_home (gpointer data)
{
  g_autoptr (SclConnection) self = g_weak_ref_get (data);

  if (self != NULL && _scl_home_is_served_here (self->home))
    take_readings (self);
  return G_SOURCE_REMOVE;
}

static void
weak_free (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

static void
send_home (SclConnection *self)
{
  g_autoptr (GSource) source = NULL;
  GWeakRef *weak = g_new0 (GWeakRef, 1);

  g_weak_ref_init (weak, self);
  source = _scl_home_send (self->home, take_at_home, weak, weak_free);
}

/* The later one stays; the other one has nothing to tell any more. FALSE: the connection is closed. */
static gboolean
keep_reading (SclConnection *self, SclReading *reading, GError **error)
{
  g_autoptr (SclReading) left = reading;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  if (self->driver == NULL)
    return scl_throw (error, SCL_ERROR_FAILED, "the connection is closed");
  if (self->reading != NULL && self->reading->number > reading->number)
    return TRUE;
  left = self->reading;
  self->reading = reading;
  return TRUE;
}

static gboolean
bring_home (SclConnection *self, SclReading *reading, GError **error)
{
  if (!keep_reading (self, reading, error))
    return FALSE;
  if (_scl_home_is_here (self->home))
    take_readings (self);
  else
    send_home (self);
  return TRUE;
}

/* --- calls --- */

/**
 * scl_connection_set_kind:
 * @self: a #SclConnection
 * @kind: what is shown; %SCL_OBJECT_KIND_HOST: everything, which is the default
 *
 * From now on a refresh reads only what is shown of objects of @kind: for VMs neither networks nor volumes, for networks
 * no VMs, for volumes also the VMs that use them. The lists of other kinds stay as they are, and the
 * diagnostics say what was seen of @kind. On a host with many VMs that is much faster. Plans and operations
 * read what they need in any case.
 *
 * Since: 0.1
 */
void
scl_connection_set_kind (SclConnection *self, SclObjectKind kind)
{
  g_return_if_fail (SCL_IS_CONNECTION (self));

  g_mutex_lock (&self->mutex);
  self->kind = kind;
  g_mutex_unlock (&self->mutex);
}

/**
 * scl_connection_refresh:
 * @self: a #SclConnection
 * @cancellable: (nullable): a #GCancellable
 * @error: location for a #GError, or %NULL
 *
 * Reads what is there and brings the lists and the objects in them up to date. An object that is
 * still there stays the same object. In another thread than the opener's the lists and objects are brought
 * up to date there, as soon as its main context runs or it refreshes, too.
 *
 * Returns: %TRUE, or %FALSE and nothing has changed
 *
 * Since: 0.1
 */
gboolean
scl_connection_refresh (SclConnection *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (SclReading) reading = NULL;

  g_return_val_if_fail (SCL_IS_CONNECTION (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  reading = begin (self, error);
  return reading != NULL && look (reading, cancellable, error)
         && bring_home (self, g_steal_pointer (&reading), error);
}

static void
refresh_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_autoptr (SclReading) reading = NULL;
  GError *error = NULL;

  reading = begin (source, &error);
  if (reading == NULL || !look (reading, cancellable, &error))
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_steal_pointer (&reading), (GDestroyNotify) _scl_reading_free);
}

/**
 * scl_connection_refresh_async:
 * @self: a #SclConnection
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: data for @callback
 *
 * As scl_connection_refresh(), without blocking.
 *
 * Since: 0.1
 */
void
scl_connection_refresh_async (SclConnection *self, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;

  g_return_if_fail (SCL_IS_CONNECTION (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, scl_connection_refresh_async);
  if (!_scl_connection_check_open (self, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  g_task_run_in_thread (task, refresh_thread);
}

/**
 * scl_connection_refresh_finish:
 * @self: a #SclConnection
 * @result: what the callback got
 * @error: location for a #GError, or %NULL
 *
 * Ends scl_connection_refresh_async(): now the lists are up to date.
 *
 * Returns: as scl_connection_refresh()
 *
 * Since: 0.1
 */
gboolean
scl_connection_refresh_finish (SclConnection *self, GAsyncResult *result, GError **error)
{
  SclReading *reading;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, scl_connection_refresh_async), FALSE);

  reading = g_task_propagate_pointer (G_TASK (result), error);
  return reading != NULL && bring_home (self, reading, error);
}
