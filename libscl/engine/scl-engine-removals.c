/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/scl-throw-private.h"
#include "engine/scl-engine-private.h"
#include <string.h>

/* What is there, without one object, is the target. */

static void
add_ports_except (GPtrArray *into, GPtrArray *ports, const char *vm)
{
  for (guint i = 0; i < ports->len; i++)
    {
      const SclPort *port = ports->pdata[i];

      if (vm == NULL || strcmp (port->vm, vm) != 0)
        g_ptr_array_add (into, _scl_port_copy (port));
    }
}

/* Always TRUE: it is told in the middle of what may still fail. */
static gboolean
tell (SclEngine *self, SclObjectKind kind, const char *name)
{
  _scl_engine_tell (self, kind, name);
  return TRUE;
}

/* What a manifest said of the host is in its table only. With that gone, what stays is the next
 * apply's to make whole; only where nothing stays there is nothing to know. */
static gboolean
knows_host (SclObservation *observation, const SclHostTarget *target)
{
  return observation->host.present || (target->networks->len == 0 && target->ports->len == 0);
}

static gboolean
release_host (SclEngine *self, SclObservation *observation, const char *network, const char *vm,
              const SclProgress *progress, GError **error)
{
  SclHostTarget *target = _scl_host_target_new (observation->host.gateway_interface);
  gboolean ok = TRUE;

  for (guint i = 0; i < observation->networks->len; i++)
    {
      SclObservedNetwork *is = observation->networks->pdata[i];

      if (is->foreign || g_strcmp0 (is->name, network) == 0)
        continue;
      g_ptr_array_add (target->networks,
                       is->spec != NULL ? g_object_ref (is->spec) : scl_network_spec_new (is->name));
      add_ports_except (target->ports, is->ports, vm);
    }
  if (knows_host (observation, target))
    ok = _scl_network_backend_ensure_host (self->networks, target, progress, error);
  _scl_host_target_free (target);
  return ok || scl_prefix (error, "host");
}

static gboolean
release_ports (SclEngine *self, SclObservation *observation, const char *vm,
               const SclProgress *progress, GError **error)
{
  for (guint i = 0; i < observation->networks->len; i++)
    {
      SclObservedNetwork *is = observation->networks->pdata[i];
      g_autoptr (GPtrArray) targets = NULL;
      SclNetworkTarget *target;

      if (is->foreign || is->spec == NULL)
        continue;
      target = _scl_network_target_new (is->spec);
      targets = g_ptr_array_new_with_free_func ((GDestroyNotify) _scl_network_target_free);
      g_ptr_array_add (targets, target);
      add_ports_except (target->ports, is->ports, vm);
      if (target->ports->len == is->ports->len)
        continue;
      if (!_scl_network_backend_ensure (self->networks, targets, progress, error))
        return FALSE;
      _scl_engine_tell (self, SCL_OBJECT_KIND_NETWORK, is->name);
    }
  return TRUE;
}

gboolean
_scl_engine_remove_vm (SclEngine *self, const char *name, guint shutdown_timeout,
                       const SclProgress *progress, GError **error)
{
  g_autoptr (SclSources) sources = NULL;

  /* Before the guest is stopped for nothing. */
  if (!_scl_vm_backend_check_removal (self->vms, name, progress->cancellable, error)
      || !_scl_engine_stop_vm (self, name, shutdown_timeout, SCL_STOPPED_BY_NOBODY, progress, error))
    return FALSE;
  sources = _scl_engine_get_sources (self, progress->cancellable, error);
  if (sources == NULL)
    return scl_prefix (error,
                       "VM \"%s\" is off but not removed, because another domain may need its files "
                       "(repair or undefine that one, and try again)",
                       name);
  return _scl_vm_backend_check_removal (self->vms, name, progress->cancellable, error)
         && _scl_volume_backend_release (self->volumes, name, sources, progress, error)
         && _scl_vm_backend_remove (self->vms, name, progress, error);
}

static gboolean
remove_vm (SclEngine *self, SclObservation *observation, const char *name,
           const SclProgress *progress, GError **error)
{
  SclObservedVm *vm = _scl_observation_lookup_vm (observation, name);

  if (vm == NULL || vm->foreign)
    return scl_throw (error, SCL_ERROR_NOT_FOUND,
                      "VM \"%s\" does not exist: `sclctl vm list` shows those that do", name);
  /* Only its domain says which files have its data. */
  if (vm->overlay != NULL)
    return scl_throw (error, SCL_ERROR_IN_USE, "VM \"%s\": %s", name, vm->overlay);
  if (vm->deleted != NULL)
    return scl_throw (error, SCL_ERROR_WOULD_LOSE_DATA, "VM \"%s\": %s", name, vm->deleted);
  /* The domain goes last: after a kill the same command finds it again, and the rest. So it is asked
   * before anything else goes. */
  return _scl_vm_backend_check_removal (self->vms, name, progress->cancellable, error)
         && _scl_engine_stop_vm (self, name, _scl_engine_shutdown_timeout (vm), SCL_STOPPED_BY_NOBODY,
                                 progress, error)
         && _scl_vm_backend_check_removal (self->vms, name, progress->cancellable, error)
         && release_ports (self, observation, name, progress, error)
         && release_host (self, observation, NULL, name, progress, error)
         && _scl_engine_remove_vm (self, name, 0, progress, error)
         && tell (self, SCL_OBJECT_KIND_VM, name);
}

static gboolean
remove_network (SclEngine *self, SclObservation *observation, const char *name,
                const SclProgress *progress, GError **error)
{
  SclObservedNetwork *network = _scl_observation_lookup_network (observation, name);

  if (network == NULL || network->foreign)
    return scl_throw (error, SCL_ERROR_NOT_FOUND,
                      "network \"%s\" does not exist: `sclctl network list` shows those that do", name);
  for (guint i = 0; i < network->ports->len; i++)
    {
      const SclPort *port = network->ports->pdata[i];
      SclObservedVm *vm = _scl_observation_lookup_vm (observation, port->vm);

      if (vm != NULL && !vm->foreign)
        return scl_throw (error, SCL_ERROR_IN_USE,
                          "network \"%s\": VM \"%s\" is connected to it: delete the VM or move it first",
                          name, port->vm);
    }
  /* The namespace goes last, as a VM's domain does. */
  return release_host (self, observation, name, NULL, progress, error)
         && _scl_network_backend_remove (self->networks, name, progress, error)
         && tell (self, SCL_OBJECT_KIND_NETWORK, name);
}

static gboolean
remove_object (SclEngine *self, SclObservation *observation, SclObjectKind kind, const char *name,
               SclDeleteFlags flags, const SclProgress *progress, GError **error)
{
  switch (kind)
    {
    case SCL_OBJECT_KIND_VM:
      return remove_vm (self, observation, name, progress, error);
    case SCL_OBJECT_KIND_NETWORK:
      return remove_network (self, observation, name, progress, error);
    case SCL_OBJECT_KIND_VOLUME:
      return _scl_engine_remove_volume (self, observation, name, flags, progress, error);
    case SCL_OBJECT_KIND_HOST:
    default:
      return scl_throw (error, SCL_ERROR_UNSUPPORTED, "the host cannot be removed");
    }
}

static gboolean
engine_remove (SclDriver *driver, SclObjectKind kind, const char *name, SclDeleteFlags flags,
               SclOperation *operation, GCancellable *cancellable, GError **error)
{
  SclEngine *self = SCL_ENGINE (driver);
  SclProgress progress = _scl_engine_progress (operation, cancellable);
  SclTurnRequest want = { .vm = kind == SCL_OBJECT_KIND_VM ? name : NULL,
                          .alone = TRUE,
                          .stops = kind == SCL_OBJECT_KIND_VM };
  g_autoptr (SclTurn) turn = _scl_engine_enter (self, want, operation, cancellable, error);
  g_autoptr (SclObservation) observation = NULL;

  if (turn == NULL)
    return FALSE;
  observation = _scl_engine_observe_to_change (self, NULL, cancellable, error);
  if (observation == NULL
      || !remove_object (self, observation, kind, name, flags, &progress, error))
    return FALSE;
  /* It is gone, and the same again would only say so; an apply settles the rest. */
  if (kind != SCL_OBJECT_KIND_VOLUME)
    (void) _scl_engine_settle_claim (self, NULL);
  return TRUE;
}

static gboolean
engine_tear_down (SclDriver *driver, SclOperation *operation, GCancellable *cancellable,
                  GError **error)
{
  SclEngine *self = SCL_ENGINE (driver);
  g_autoptr (SclTurn) turn
      = _scl_engine_enter (self, (SclTurnRequest){ .alone = TRUE, .stops = TRUE }, operation,
                           cancellable, error);
  g_autoptr (SclObservation) observed = NULL;
  g_autoptr (SclManifest) nothing = NULL;
  g_autoptr (SclPlan) plan = NULL;

  if (turn == NULL)
    return FALSE;
  observed = _scl_engine_observe_to_change (self, NULL, cancellable, error);
  if (observed == NULL)
    return FALSE;
  /* The way out stays open until the guests have said goodbye. */
  nothing = scl_manifest_new (observed->host.gateway_interface, NULL, NULL);
  plan = _scl_planner_plan (nothing, observed, self->prefix, SCL_APPLY_PRUNE);
  return _scl_engine_execute (self, plan, SCL_APPLY_PRUNE, operation, cancellable, error)
         && _scl_engine_settle_claim (self, error);
}

void
_scl_engine_init_removals (SclDriverInterface *iface)
{
  iface->remove = engine_remove;
  iface->tear_down = engine_tear_down;
}
