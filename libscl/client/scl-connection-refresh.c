/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/scl-connection-private.h"
#include "client/scl-objects-private.h"
#include "model/scl-vm-spec-private.h"

/* Names of volumes that VMs use. */
static GHashTable *
used_volumes (SclObservation *observation)
{
  GHashTable *used = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < observation->vms->len; i++)
    {
      SclObservedVm *vm = observation->vms->pdata[i];
      GListModel *disks = vm->spec == NULL ? NULL : scl_vm_spec_get_disks (vm->spec);

      /* One whose spec cannot be read still uses the volume that is named after it. */
      if (!vm->foreign)
        g_hash_table_add (used, g_strdup (vm->name));
      for (guint d = 0; disks != NULL && d < g_list_model_get_n_items (disks); d++)
        {
          g_autoptr (SclDiskSpec) disk = g_list_model_get_item (disks, d);

          g_hash_table_add (used, g_strdup (scl_disk_spec_get_volume (disk)));
        }
    }
  return used;
}

/* Walks the old list and the observed names, both sorted, side by side: objects that are still there
 * stay the same objects. */
typedef struct
{
  GListStore *list;
  guint position;
} Merge;

static char *
name_at (Merge *merge)
{
  g_autoptr (GObject) item = g_list_model_get_item (G_LIST_MODEL (merge->list), merge->position);
  char *name = NULL;

  if (item != NULL)
    g_object_get (item, "name", &name, NULL);
  return name;
}

/* The object of that name if it is there already, after dropping those before it. (transfer full) */
static gpointer
merge_find (Merge *merge, const char *name)
{
  for (;;)
    {
      g_autofree char *there = name_at (merge);
      int order = there == NULL ? 1 : g_strcmp0 (there, name);

      if (order == 0)
        return g_list_model_get_item (G_LIST_MODEL (merge->list), merge->position++);
      if (order > 0)
        return NULL;
      g_list_store_remove (merge->list, merge->position);
    }
}

static void
merge_insert (Merge *merge, gpointer object)
{
  g_list_store_insert (merge->list, merge->position++, object);
}

static void
merge_end (Merge *merge)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (merge->list));

  if (merge->position < n)
    g_list_store_splice (merge->list, merge->position, n - merge->position, NULL, 0);
}

static void
take_networks (SclConnection *self, SclObservation *observation)
{
  Merge merge = { self->networks, 0 };

  for (guint i = 0; i < observation->networks->len; i++)
    {
      SclObservedNetwork *observed = observation->networks->pdata[i];
      g_autoptr (SclNetwork) network = NULL;

      if (observed->foreign)
        continue;
      network = merge_find (&merge, observed->name);
      if (network == NULL)
        {
          network = _scl_network_new (self->driver, observed->name);
          _scl_network_update (network, observed);
          merge_insert (&merge, network);
        }
      else
        _scl_network_update (network, observed);
    }
  merge_end (&merge);
}

static void
take_volumes (SclConnection *self, SclObservation *observation)
{
  Merge merge = { self->volumes, 0 };
  g_autoptr (GHashTable) used = used_volumes (observation);

  for (guint i = 0; i < observation->volumes->len; i++)
    {
      SclObservedVolume *observed = observation->volumes->pdata[i];
      g_autoptr (SclVolume) volume = merge_find (&merge, observed->name);
      gboolean is_new = volume == NULL;

      if (is_new)
        volume = _scl_volume_new (self->driver, observed->name);
      _scl_volume_update (volume, observed, g_hash_table_contains (used, observed->name));
      if (is_new)
        merge_insert (&merge, volume);
    }
  merge_end (&merge);
}

static void
take_vms (SclConnection *self, SclObservation *observation, GPtrArray *addresses)
{
  Merge merge = { self->vms, 0 };

  for (guint i = 0; i < observation->vms->len; i++)
    {
      SclObservedVm *observed = observation->vms->pdata[i];
      g_autoptr (SclVm) vm = NULL;
      gboolean is_new;

      if (observed->foreign)
        continue;
      vm = merge_find (&merge, observed->name);
      is_new = vm == NULL;
      if (is_new)
        vm = _scl_vm_new (self->driver, observed->name);
      _scl_vm_update (vm, observed, addresses->pdata[i]);
      if (is_new)
        merge_insert (&merge, vm);
    }
  merge_end (&merge);
}

static void
add_diagnostic (SclConnection *self, SclSeverity severity, const char *path, const char *message)
{
  g_autoptr (SclDiagnostic) diagnostic = scl_diagnostic_new (severity, path, message);

  g_list_store_append (self->diagnostics, diagnostic);
}

static void
take_diagnostics (SclConnection *self, SclObservation *observation)
{
  g_list_store_remove_all (self->diagnostics);
  for (guint i = 0; i < observation->host.problems->len; i++)
    add_diagnostic (self, SCL_SEVERITY_WARNING, "host", observation->host.problems->pdata[i]);
  for (guint i = 0; i < observation->host.notes->len; i++)
    add_diagnostic (self, SCL_SEVERITY_WARNING, "host", observation->host.notes->pdata[i]);
}

guint64
_scl_connection_begin_reading (SclConnection *self)
{
  return __atomic_add_fetch (&self->begun_readings, 1, __ATOMIC_SEQ_CST);
}

void
_scl_connection_take (SclConnection *self, guint64 reading, SclObservation *observation,
                      GPtrArray *addresses)
{
  if (reading < self->taken_reading)
    return;
  self->taken_reading = reading;
  take_networks (self, observation);
  take_volumes (self, observation);
  take_vms (self, observation, addresses);
  take_diagnostics (self, observation);
}

GPtrArray *
_scl_connection_list_addresses (SclDriver *driver, SclObservation *observation)
{
  GPtrArray *all = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  SclDriverInterface *iface = SCL_DRIVER_GET_IFACE (driver);

  for (guint i = 0; i < observation->vms->len; i++)
    {
      SclObservedVm *vm = observation->vms->pdata[i];
      GPtrArray *addresses
          = vm->foreign ? NULL : iface->list_addresses (driver, vm->name, observation);

      g_ptr_array_add (all, addresses != NULL ? addresses
                                              : g_ptr_array_new_with_free_func (g_object_unref));
    }
  return all;
}

/**
 * scl_connection_refresh:
 * @self: a #SclConnection
 * @cancellable: (nullable): a #GCancellable
 * @error: location for a #GError, or %NULL
 *
 * Reads what is there and brings the lists and the objects in them up to date. An object that is
 * still there stays the same object.
 *
 * Returns: %TRUE, or %FALSE and nothing has changed
 *
 * Since: 0.1
 */
gboolean
scl_connection_refresh (SclConnection *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (SclObservation) observation = NULL;
  g_autoptr (GPtrArray) addresses = NULL;
  guint64 number;

  g_return_val_if_fail (SCL_IS_CONNECTION (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!_scl_connection_check_open (self, error))
    return FALSE;
  number = _scl_connection_begin_reading (self);
  observation
      = SCL_DRIVER_GET_IFACE (self->driver)->observe (self->driver, cancellable, error);
  if (observation == NULL)
    return FALSE;
  addresses = _scl_connection_list_addresses (self->driver, observation);
  _scl_connection_take (self, number, observation, addresses);
  return TRUE;
}

/* What the thread of refresh_async read, taken over in the caller's context. */
typedef struct
{
  guint64 number;
  SclObservation *observation;
  GPtrArray *addresses;
} Reading;

static void
reading_free (gpointer data)
{
  Reading *reading = data;

  _scl_observation_unref (reading->observation);
  g_ptr_array_unref (reading->addresses);
  g_free (reading);
}

static void
refresh_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  SclDriver *driver = data;
  GError *error = NULL;
  guint64 number = _scl_connection_begin_reading (source);
  SclObservation *observation = SCL_DRIVER_GET_IFACE (driver)->observe (driver, cancellable, &error);
  Reading *reading;

  if (observation == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  reading = g_new0 (Reading, 1);
  reading->number = number;
  reading->observation = observation;
  reading->addresses = _scl_connection_list_addresses (driver, observation);
  g_task_return_pointer (task, reading, reading_free);
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
  g_task_set_task_data (task, g_object_ref (self->driver), g_object_unref);
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
  Reading *reading;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, scl_connection_refresh_async), FALSE);

  reading = g_task_propagate_pointer (G_TASK (result), error);
  if (reading == NULL)
    return FALSE;
  if (self->driver != NULL)
    _scl_connection_take (self, reading->number, reading->observation, reading->addresses);
  reading_free (reading);
  return TRUE;
}
