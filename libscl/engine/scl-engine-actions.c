/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/scl-throw-private.h"
#include "engine/scl-engine-private.h"

#define DEFAULT_SHUTDOWN_TIMEOUT 90

/* --- power --- */

static void
report (guint64 done, guint64 total, const char *message, gpointer user_data)
{
  _scl_operation_progress (user_data, total == 0 ? -1 : (double) done / (double) total, message);
}

static void
remark (const char *message, gpointer user_data)
{
  _scl_operation_remark (user_data, message);
}

SclProgress
_scl_engine_progress (SclOperation *operation, GCancellable *cancellable)
{
  return (SclProgress){
    .cancellable = cancellable, .report = report, .remark = remark, .user_data = operation
  };
}

static SclObservation *
observe_vm (SclEngine *self, const char *name, SclObservedVm **out_vm, GCancellable *cancellable,
            GError **error)
{
  g_autoptr (SclObservation) observation = _scl_observation_new ();

  if (!_scl_vm_backend_observe (self->vms, NULL, observation, cancellable, error))
    return NULL;
  _scl_observation_sort (observation);
  *out_vm = _scl_observation_lookup_vm (observation, name);
  if (*out_vm == NULL || (*out_vm)->foreign)
    return scl_null_throw (error, SCL_ERROR_NOT_FOUND,
                           "VM \"%s\" does not exist: `sclctl vm list` shows those that do", name);
  return g_steal_pointer (&observation);
}

guint
_scl_engine_shutdown_timeout (const SclObservedVm *vm)
{
  return vm->spec == NULL ? DEFAULT_SHUTDOWN_TIMEOUT : scl_vm_spec_get_shutdown_timeout (vm->spec);
}

/* Its console's log is in a folder that somebody may have cleaned up. Its volumes are there, so that STATE is. */
gboolean
_scl_engine_power_on (SclEngine *self, const char *name, const SclProgress *progress, GError **error)
{
  g_autofree char *folder = _scl_volume_backend_vm_folder (self->volumes, name, error);

  return folder != NULL && _scl_vm_backend_start (self->vms, name, progress, error);
}

static gboolean
engine_start_vm (SclDriver *driver, const char *name, SclOperation *operation,
                 GCancellable *cancellable, GError **error)
{
  SclEngine *self = SCL_ENGINE (driver);
  SclProgress progress = _scl_engine_progress (operation, cancellable);
  g_autoptr (SclTurn) turn = _scl_engine_enter (self, (SclTurnRequest){ .vm = name }, operation,
                                                cancellable, error);
  g_autoptr (SclObservation) observation = NULL;
  SclObservedVm *vm;

  if (turn == NULL)
    return FALSE;
  observation = observe_vm (self, name, &vm, cancellable, error);
  return observation != NULL
         && (vm->live_spec != NULL
             || _scl_engine_check_volumes (self, observation, vm, cancellable, error))
         && _scl_engine_power_on (self, name, &progress, error);
}

gboolean
_scl_engine_stop_vm (SclEngine *self, const char *name, guint timeout, SclStoppedBy by,
                     const SclProgress *progress, GError **error)
{
  gboolean ok;

  _scl_engine_queue_begin_stop (self->queue, name);
  ok = _scl_vm_backend_stop (self->vms, name, timeout, by, progress, error);
  _scl_engine_queue_end_stop (self->queue, name);
  return ok;
}

static gboolean
stop (SclEngine *self, const char *name, gboolean force, SclStoppedBy by,
      const SclProgress *progress, GError **error)
{
  SclObservedVm *vm;
  g_autoptr (SclObservation) observation
      = observe_vm (self, name, &vm, progress->cancellable, error);

  /* Started again, it would not have what it has now. */
  return observation != NULL
         && (by != SCL_STOPPED_BY_NOBODY
             || _scl_engine_check_volumes (self, observation, vm, progress->cancellable, error))
         && _scl_engine_stop_vm (self, name, force ? 0 : _scl_engine_shutdown_timeout (vm), by,
                                 progress, error);
}

static gboolean
engine_stop_vm (SclDriver *driver, const char *name, gboolean force, SclOperation *operation,
                GCancellable *cancellable, GError **error)
{
  SclEngine *self = SCL_ENGINE (driver);
  SclProgress progress = _scl_engine_progress (operation, cancellable);
  g_autoptr (SclTurn) turn
      = _scl_engine_enter (self, (SclTurnRequest){ .vm = name, .stops = TRUE, .cut = force },
                           operation, cancellable, error);

  return turn != NULL
         && stop (self, name, force, SCL_STOPPED_BY_USER, &progress, error)
         && _scl_volume_backend_reclaim (self->volumes, name, error);
}

static gboolean
engine_restart_vm (SclDriver *driver, const char *name, gboolean force, SclOperation *operation,
                   GCancellable *cancellable, GError **error)
{
  SclEngine *self = SCL_ENGINE (driver);
  SclProgress progress = _scl_engine_progress (operation, cancellable);
  g_autoptr (SclTurn) turn
      = _scl_engine_enter (self, (SclTurnRequest){ .vm = name, .stops = TRUE }, operation,
                           cancellable, error);

  return turn != NULL
         && stop (self, name, force, SCL_STOPPED_BY_NOBODY, &progress, error)
         && _scl_engine_power_on (self, name, &progress, error);
}

void
_scl_engine_init_actions (SclDriverInterface *iface)
{
  iface->start_vm = engine_start_vm;
  iface->stop_vm = engine_stop_vm;
  iface->restart_vm = engine_restart_vm;
}
