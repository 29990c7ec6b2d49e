/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/scl-engine-private.h"
#include "base/scl-process-private.h"
#include "base/scl-throw-private.h"
#include "client/scl-address-private.h"
#include "engine/scl-executor-private.h"
#include "model/scl-diagnostic-private.h"
#include "model/scl-list-private.h"
#include "model/scl-names-private.h"
#include <scl/scl-nic-spec.h>

#define DEFAULT_LOCK_TIMEOUT 30
#define MAX_WORKERS 8

/* --- looking --- */

static SclObservation *
engine_observe (SclDriver *driver, SclObjectKind kind, GCancellable *cancellable, GError **error)
{
  return _scl_engine_observe_to_show (SCL_ENGINE (driver), kind, cancellable, error);
}

/* --- planning --- */

/* Of volumes and VMs; networks have had theirs. */
static gboolean
preflight (SclEngine *self, SclManifest *manifest, SclObservation *observed, GPtrArray *diagnostics,
           GCancellable *cancellable, GError **error)
{
  if (SCL_VOLUME_BACKEND_GET_IFACE (self->volumes)->preflight != NULL
      && !_scl_volume_backend_preflight (self->volumes, manifest, observed, diagnostics, cancellable,
                                         error))
    return FALSE;
  return SCL_VM_BACKEND_GET_IFACE (self->vms)->preflight == NULL
         || _scl_vm_backend_preflight (self->vms, manifest, diagnostics, cancellable, error);
}

static gpointer
copy_ref (gconstpointer diagnostic, gpointer user_data)
{
  return g_object_ref ((gpointer) diagnostic);
}

SclPlan *
_scl_engine_plan (SclEngine *self, SclManifest *manifest, SclApplyFlags flags,
                  SclObservation *observed, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) diagnostics = g_ptr_array_new_with_free_func (g_object_unref);
  SclPlan *plan;

  g_ptr_array_extend (diagnostics, observed->diagnostics, copy_ref, NULL);
  if (!preflight (self, manifest, observed, diagnostics, cancellable, error))
    return NULL;
  plan = _scl_planner_plan (manifest, observed, self->prefix, flags);
  if (scl_manifest_is_empty (manifest))
    _scl_engine_plan_release (self, plan);
  _scl_plan_take_diagnostics (plan, g_steal_pointer (&diagnostics));
  _scl_plan_set_request (plan, manifest, flags);
  return plan;
}

static gboolean
check_manifest (SclEngine *self, SclManifest *manifest, SclApplyFlags flags, GError **error)
{
  if (scl_manifest_is_empty (manifest) && (flags & (SCL_APPLY_PRUNE | SCL_APPLY_ALLOW_EMPTY)) == 0)
    return scl_throw (error, SCL_ERROR_INVALID,
                      "the manifest is empty: everything would be removed; say --allow-empty if that is "
                      "meant, and --prune to remove it all without a question");
  return scl_manifest_validate (manifest, self->prefix, error);
}

static SclPlan *
engine_plan (SclDriver *driver, SclManifest *manifest, SclApplyFlags flags, GCancellable *cancellable,
             GError **error)
{
  SclEngine *self = SCL_ENGINE (driver);
  guint64 epoch;
  gboolean quiet = _scl_engine_is_quiet (self, &epoch);
  g_autoptr (SclObservation) observed = NULL;
  SclPlan *plan;

  if (!check_manifest (self, manifest, flags, error))
    return NULL;
  observed = _scl_engine_observe (self, manifest, cancellable, error);
  if (observed == NULL)
    return NULL;
  plan = _scl_engine_plan (self, manifest, flags, observed, cancellable, error);
  if (plan != NULL && quiet)
    _scl_engine_keep_planned (self, epoch, manifest, flags, plan, observed);
  return plan;
}

/* --- applying --- */

static gboolean
reclaim_seeds (SclEngine *self, SclObservation *observed, GError **error)
{
  for (guint i = 0; i < observed->vms->len; i++)
    {
      SclObservedVm *vm = observed->vms->pdata[i];

      if (!vm->foreign && vm->live_spec == NULL && vm->state != SCL_VM_STATE_RUNNING
          && !_scl_volume_backend_reclaim (self->volumes, vm->name, error))
        return FALSE;
    }
  return TRUE;
}

static SclPlan *
plan_anew (SclEngine *self, SclManifest *manifest, SclApplyFlags flags, SclObservation **out_observed,
           GCancellable *cancellable, GError **error)
{
  *out_observed = _scl_engine_observe_to_change (self, manifest, cancellable, error);
  return *out_observed == NULL ? NULL
                               : _scl_engine_plan (self, manifest, flags, *out_observed, cancellable,
                                                   error);
}

static SclPlan *
plan_as_planned (SclEngine *self, SclEnginePlanned *planned, SclObservation **out_observed,
                 GError **error)
{
  if (!_scl_volume_backend_claim (self->volumes, planned->observed, error))
    return NULL;
  *out_observed = _scl_observation_ref (planned->observed);
  return g_object_ref (planned->plan);
}

static gboolean
has_job (SclPlan *plan, SclJob job)
{
  GListModel *steps = scl_plan_get_steps (plan);

  for (guint i = 0; i < g_list_model_get_n_items (steps); i++)
    {
      g_autoptr (SclStep) step = g_list_model_get_item (steps, i);

      if (step->job == job)
        return TRUE;
    }
  return FALSE;
}

gboolean
_scl_engine_execute (SclEngine *self, SclPlan *plan, SclApplyFlags flags, SclOperation *operation,
                     GCancellable *cancellable, GError **error)
{
  gboolean ok;

  /* Without an answer each removal asks again, and fails alone. */
  if ((flags & SCL_APPLY_PRUNE) != 0 && has_job (plan, SCL_JOB_VM_REMOVE))
    _scl_engine_ask_sources (self, cancellable);
  ok = _scl_executor_run (plan, flags, self->max_workers, _scl_engine_run_step, self, operation,
                          cancellable, error);
  _scl_engine_forget_sources (self);
  return ok;
}

static gboolean
apply_locked (SclEngine *self, SclManifest *manifest, SclApplyFlags flags, SclPlan *confirmed,
              SclEnginePlanned *planned, SclOperation *operation, GCancellable *cancellable,
              GError **error)
{
  g_autoptr (SclObservation) observed = NULL;
  g_autoptr (SclPlan) plan
      = planned == NULL ? plan_anew (self, manifest, flags, &observed, cancellable, error)
                        : plan_as_planned (self, planned, &observed, error);
  gboolean is_new;
  gboolean ok;

  if (plan == NULL || !_scl_plan_check (plan, error)
      || (confirmed != NULL && !_scl_plan_check_shown (plan, confirmed, error))
      || !reclaim_seeds (self, observed, error))
    return FALSE;
  /* Where volumes are gone, the folder may be: what is written now would lie under it later. */
  if (!_scl_engine_take_claim (self, !has_job (plan, SCL_JOB_BLOCKED), &is_new, error))
    return FALSE;
  ok = _scl_engine_execute (self, plan, flags, operation, cancellable, error);
  if (!ok && is_new)
    (void) _scl_engine_settle_claim (self, NULL);
  return ok && (!scl_manifest_is_empty (manifest) || _scl_engine_settle_claim (self, error));
}

static gboolean
engine_apply (SclDriver *driver, SclManifest *manifest, SclApplyFlags flags, SclPlan *confirmed,
              SclOperation *operation, GCancellable *cancellable, GError **error)
{
  SclEngine *self = SCL_ENGINE (driver);
  g_autoptr (SclEnginePlanned) planned = NULL;
  g_autoptr (SclTurn) turn = NULL;

  if (!check_manifest (self, manifest, flags, error))
    return FALSE;
  planned = _scl_engine_take_planned (self, manifest, flags);
  flags &= ~(SclApplyFlags) SCL_APPLY_AS_PLANNED;
  turn = _scl_engine_enter (self, SCL_TURN_ALONE, operation, cancellable, error);
  return turn != NULL
         && apply_locked (self, manifest, flags, confirmed, planned, operation, cancellable, error);
}

/* --- locking --- */

static void
engine_reserve (SclDriver *driver, SclOperation *operation)
{
  SclEngine *self = SCL_ENGINE (driver);
  SclTurn *place = _scl_engine_queue_reserve (self->queue, self,
                                              scl_operation_get_description (operation));

  g_mutex_lock (&self->mutex);
  g_hash_table_insert (self->places, operation, place);
  g_mutex_unlock (&self->mutex);
}

/* NULL: it has none, or has entered with it. */
static SclTurn *
take_place (SclEngine *self, SclOperation *operation)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  gpointer place = NULL;

  (void) g_hash_table_steal_extended (self->places, operation, NULL, &place);
  return place;
}

static void
engine_give_back (SclDriver *driver, SclOperation *operation)
{
  SclTurn *place = take_place (SCL_ENGINE (driver), operation);

  g_clear_pointer (&place, _scl_turn_leave);
}

static SclTurnRequest
request_for (SclEngine *self, SclTurnRequest want, const char *what, GCancellable *cancellable)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  want.owner = self;
  want.what = what;
  want.state_dir = self->state_dir;
  want.timeout = self->lock_timeout;
  want.cancellable = cancellable;
  return want;
}

static const char *
describe (SclOperation *operation)
{
  return operation == NULL ? "an operation" : scl_operation_get_description (operation);
}

SclTurn *
_scl_engine_enter (SclEngine *self, SclTurnRequest want, SclOperation *operation,
                   GCancellable *cancellable, GError **error)
{
  SclTurnRequest request = request_for (self, want, describe (operation), cancellable);
  g_autoptr (SclTurn) turn = NULL;

  _scl_engine_forget_planned (self);
  request.place = take_place (self, operation);
  turn = _scl_engine_queue_enter (self->queue, &request, error);
  /* Since it was opened the instance may have become another's. */
  if (turn == NULL
      || (self->claim != NULL && !_scl_instance_claim_check (self->claim, error)))
    return NULL;
  return g_steal_pointer (&turn);
}

SclTurn *
_scl_engine_enter_beside (SclEngine *self, SclEngineQueue *queue, SclOperation *operation,
                          GCancellable *cancellable, GError **error)
{
  SclTurnRequest request = request_for (self, SCL_TURN_ALONE, describe (operation), cancellable);

  return _scl_engine_queue_enter (queue, &request, error);
}

static gboolean
engine_lock (SclDriver *driver, GCancellable *cancellable, GError **error)
{
  SclEngine *self = SCL_ENGINE (driver);
  SclTurnRequest request = request_for (self, SCL_TURN_ALONE, "scl_connection_lock()", cancellable);

  gboolean held = _scl_engine_queue_hold (self->queue, &request, error);

  g_mutex_lock (&self->mutex);
  self->held = self->held || held;
  g_mutex_unlock (&self->mutex);
  return held;
}

static void
engine_unlock (SclDriver *driver)
{
  SclEngine *self = SCL_ENGINE (driver);

  _scl_engine_forget_planned (self);
  g_mutex_lock (&self->mutex);
  self->held = FALSE;
  g_mutex_unlock (&self->mutex);
  _scl_engine_queue_release (self->queue, self);
}

static void
engine_set_lock_timeout (SclDriver *driver, guint timeout)
{
  SclEngine *self = SCL_ENGINE (driver);

  g_mutex_lock (&self->mutex);
  self->lock_timeout = timeout;
  g_mutex_unlock (&self->mutex);
}

/* --- watching --- */

void
_scl_engine_tell (SclEngine *self, SclObjectKind kind, const char *name)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  if (self->watcher != NULL)
    self->watcher (kind, name, self->watcher_data);
}

static void
on_vm_event (const char *name, SclVmState state, gpointer user_data)
{
  _scl_engine_tell (SCL_ENGINE (user_data), SCL_OBJECT_KIND_VM, name);
}

static void
engine_watch (SclDriver *driver, SclDriverEventFunc func, gpointer user_data)
{
  SclEngine *self = SCL_ENGINE (driver);

  g_mutex_lock (&self->mutex);
  self->watcher = func;
  self->watcher_data = user_data;
  g_mutex_unlock (&self->mutex);
  _scl_vm_backend_watch (self->vms, func == NULL ? NULL : on_vm_event, self);
}

/* --- small things --- */

static const char *
engine_get_prefix (SclDriver *driver)
{
  return SCL_ENGINE (driver)->prefix;
}

static GIOStream *
engine_open_console (SclDriver *driver, const char *vm, GCancellable *cancellable, GError **error)
{
  return _scl_vm_backend_open_console (SCL_ENGINE (driver)->vms, vm, cancellable, error);
}

static void
add_addresses (GPtrArray *into, GPtrArray *addresses, const char *source)
{
  for (guint i = 0; addresses != NULL && i < addresses->len; i++)
    {
      gboolean known = FALSE;

      for (guint k = 0; k < into->len; k++)
        known = known
                || g_inet_address_equal (scl_address_get_address (into->pdata[k]),
                                         addresses->pdata[i]);
      if (!known)
        g_ptr_array_add (into, _scl_address_new (addresses->pdata[i], source));
    }
}

static GPtrArray *
addresses_of (SclEngine *self, const SclObservedVm *vm, GPtrArray *told)
{
  GPtrArray *all = g_ptr_array_new_with_free_func (g_object_unref);
  SclNicSpec *nic;

  if (vm->foreign || vm->live_spec == NULL)
    return all;
  add_addresses (all, told, "agent");
  for (guint i = 0; vm->spec != NULL && i < vm->macs->len
                    && (nic = _scl_list_peek (scl_vm_spec_get_nics (vm->spec), i)) != NULL;
       i++)
    {
      g_autoptr (GPtrArray) seen = _scl_network_backend_list_neighbours (
          self->networks, scl_nic_spec_get_network (nic), vm->macs->pdata[i]);

      add_addresses (all, seen, "neighbour");
    }
  return all;
}

static GPtrArray *
engine_list_addresses (SclDriver *driver, SclObservation *observation, GCancellable *cancellable)
{
  SclEngine *self = SCL_ENGINE (driver);
  GPtrArray *all = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  g_autoptr (GPtrArray) told
      = _scl_vm_backend_list_agent_addresses (self->vms, observation, cancellable);

  for (guint i = 0; i < observation->vms->len; i++)
    g_ptr_array_add (all, addresses_of (self, observation->vms->pdata[i],
                                        told != NULL ? told->pdata[i] : NULL));
  return all;
}

static void
scl_engine_driver_init (SclDriverInterface *iface)
{
  iface->get_prefix = engine_get_prefix;
  iface->observe = engine_observe;
  iface->plan = engine_plan;
  iface->apply = engine_apply;
  iface->lock = engine_lock;
  iface->unlock = engine_unlock;
  iface->set_lock_timeout = engine_set_lock_timeout;
  iface->reserve = engine_reserve;
  iface->give_back = engine_give_back;
  iface->watch = engine_watch;
  iface->open_console = engine_open_console;
  iface->list_addresses = engine_list_addresses;
  _scl_engine_init_actions (iface);
  _scl_engine_init_removals (iface);
  _scl_engine_init_volume_removals (iface);
  _scl_engine_init_volumes (iface);
  _scl_engine_init_adopt (iface);
}

G_DEFINE_FINAL_TYPE_WITH_CODE (SclEngine, _scl_engine, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SCL_TYPE_DRIVER, scl_engine_driver_init))

/* In a fork its parts stay with it: threads to join, a hypervisor to leave, locks and a turn to give back. */
static void
scl_engine_dispose (GObject *object)
{
  if (!_scl_process_keep_in_fork (object))
    G_OBJECT_CLASS (_scl_engine_parent_class)->dispose (object);
}

static void
scl_engine_finalize (GObject *object)
{
  SclEngine *self = SCL_ENGINE (object);

  _scl_vm_backend_watch (self->vms, NULL, NULL);
  g_clear_pointer (&self->planned, _scl_engine_planned_free);
  _scl_engine_queue_release (self->queue, self);
  _scl_engine_queue_unref (self->queue);
  g_hash_table_unref (self->places);
  g_clear_pointer (&self->sources, _scl_sources_unref);
  g_clear_pointer (&self->claim, _scl_instance_claim_free);
  g_clear_object (&self->networks);
  g_clear_object (&self->volumes);
  g_clear_object (&self->vms);
  g_free (self->prefix);
  g_free (self->machine_id);
  g_free (self->state_dir);
  g_mutex_clear (&self->mutex);
  G_OBJECT_CLASS (_scl_engine_parent_class)->finalize (object);
}

static void
_scl_engine_class_init (SclEngineClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = scl_engine_dispose;
  G_OBJECT_CLASS (klass)->finalize = scl_engine_finalize;
}

static void
_scl_engine_init (SclEngine *self)
{
  g_mutex_init (&self->mutex);
  self->places = g_hash_table_new (NULL, NULL);
  self->lock_timeout = DEFAULT_LOCK_TIMEOUT;
  self->max_workers = MAX_WORKERS;
}

SclEngine *
_scl_engine_new (const char *prefix, const char *machine_id, SclNetworkBackend *networks,
                 SclVolumeBackend *volumes, SclVmBackend *vms)
{
  SclEngine *self = g_object_new (SCL_TYPE_ENGINE, NULL);

  self->prefix = g_strdup (prefix);
  self->queue = _scl_engine_queue_get (NULL, prefix);
  self->machine_id = g_strdup (machine_id);
  self->networks = g_object_ref (networks);
  self->volumes = g_object_ref (volumes);
  self->vms = g_object_ref (vms);
  return self;
}

void
_scl_engine_set_folders (SclEngine *self, const char *run_dir, const char *state_dir)
{
  _scl_engine_queue_unref (self->queue);
  self->queue = _scl_engine_queue_get (run_dir, self->prefix);
  self->state_dir = g_strdup (state_dir);
}

void
_scl_engine_set_claim (SclEngine *self, SclInstanceClaim *claim)
{
  self->claim = claim;
}

void
_scl_engine_set_opener (SclEngine *self, SclEngineOpenVms open)
{
  self->open_vms = open;
}
