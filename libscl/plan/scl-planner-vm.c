/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/scl-list-private.h"
#include "model/scl-names-private.h"
#include "model/scl-vm-spec-private.h"
#include "plan/scl-planner-private.h"
#include <string.h>

/* --- removals --- */

/* Only its domain says which files have its data, or only its QEMU has them. STEP would have removed it. */
static void
keep (SclPlanner *self, SclObservedVm *vm, SclStep *step, SclError code, const char *why)
{
  _scl_step_add_reason (step, "VM \"%s\" is no longer declared, but %s", vm->name, why);
  _scl_step_block (step, code);
  _scl_plan_take (self->plan, step);
  g_hash_table_insert (self->removed_vms, vm->name, step);
}

void
_scl_planner_plan_vm_removals (SclPlanner *self)
{
  for (guint i = 0; i < self->gone_vms->len; i++)
    {
      SclObservedVm *vm = self->gone_vms->pdata[i];
      SclStep *step
          = _scl_step_new (SCL_JOB_VM_REMOVE, SCL_ACTION_DELETE, SCL_OBJECT_KIND_VM, vm->name);

      if (vm->overlay != NULL || vm->deleted != NULL)
        {
          keep (self, vm, step, vm->overlay != NULL ? SCL_ERROR_IN_USE : SCL_ERROR_WOULD_LOSE_DATA,
                vm->overlay != NULL ? vm->overlay : vm->deleted);
          continue;
        }
      step->removal = TRUE;
      step->shutdown_timeout = vm->spec == NULL ? 90 : scl_vm_spec_get_shutdown_timeout (vm->spec);
      _scl_step_add_reason (step, "no longer declared%s; its volume is kept",
                            vm->state == SCL_VM_STATE_RUNNING ? ", is shut down" : "");
      _scl_plan_take (self->plan, step);
      g_hash_table_insert (self->removed_vms, vm->name, step);
    }
}

/* --- VMs --- */

static GPtrArray *
macs_of (SclPlanner *self, SclVmSpec *vm)
{
  GPtrArray *macs = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; _scl_vm_spec_peek_nic (vm, i) != NULL; i++)
    {
      g_autofree char *key = _scl_planner_port_key (scl_vm_spec_get_name (vm), i);
      const SclPort *port = g_hash_table_lookup (self->wanted_port, key);

      g_ptr_array_add (macs, g_strdup (port->mac));
    }
  return macs;
}

static gboolean
same_macs (GPtrArray *a, GPtrArray *b)
{
  if (a->len != b->len)
    return FALSE;
  for (guint i = 0; i < a->len; i++)
    if (g_ascii_strcasecmp (a->pdata[i], b->pdata[i]) != 0)
      return FALSE;
  return TRUE;
}

static void
need_surroundings (SclPlanner *self, SclStep *step, SclVmSpec *vm)
{
  SclDiskSpec *disk;
  SclNicSpec *nic;

  _scl_step_add_need (step, self->host_step);
  for (guint i = 0; (disk = _scl_list_peek (scl_vm_spec_get_disks (vm), i)) != NULL; i++)
    _scl_step_add_need (step,
                        g_hash_table_lookup (self->volume_steps, scl_disk_spec_get_volume (disk)));
  for (guint i = 0; (nic = _scl_vm_spec_peek_nic (vm, i)) != NULL; i++)
    _scl_step_add_need (step,
                        g_hash_table_lookup (self->network_steps, scl_nic_spec_get_network (nic)));
}

static SclStep *
vm_step (SclPlanner *self, SclJob job, SclAction action, SclVmSpec *vm)
{
  SclStep *step = _scl_step_new (job, action, SCL_OBJECT_KIND_VM, scl_vm_spec_get_name (vm));

  step->vm = g_object_ref (vm);
  _scl_plan_take (self->plan, step);
  need_surroundings (self, step, vm);
  return step;
}

static gboolean
is_on (SclObservedVm *is)
{
  return is->state != SCL_VM_STATE_STOPPED && is->state != SCL_VM_STATE_CRASHED
         && is->state != SCL_VM_STATE_UNKNOWN;
}

/* The image is named in the declaration only: no apply writes over a volume. */
static void
explain_kept_volumes (SclPlanner *self, SclStep *step, SclVmSpec *vm, SclVmSpec *was)
{
  SclDiskSpec *old, *new;

  for (guint i = 0; (old = _scl_list_peek (scl_vm_spec_get_disks (was), i)) != NULL
                    && (new = _scl_list_peek (scl_vm_spec_get_disks (vm), i)) != NULL;
       i++)
    if (g_strcmp0 (scl_disk_spec_get_image (old), scl_disk_spec_get_image (new)) != 0
        && _scl_observation_lookup_volume (self->observed, scl_disk_spec_get_volume (new)) != NULL)
      _scl_step_add_reason (step, "the volume is kept as it is");
}

/* What only a boot brings, of a guest that nobody restarts, or whose next start is none. */
static void
explain_waiting (SclStep *step, SclVmSpec *vm, SclObservedVm *is)
{
  SclVmSpec *has = is->saved != NULL ? is->spec : is->live_spec;
  g_autofree char *restart = has == NULL ? NULL : _scl_planner_describe_restart (has, vm);

  if (restart != NULL && is->saved != NULL)
    _scl_step_add_reason (step, "new hardware when it boots: before that it goes on from its saved memory");
  else if (restart != NULL && scl_vm_spec_get_on_change (vm) == SCL_ON_CHANGE_NEXT_BOOT)
    _scl_step_add_reason (step, "new hardware at its next boot");
}

static void
explain_definition (SclPlanner *self, SclStep *step, SclVmSpec *vm, SclObservedVm *is,
                    GPtrArray *macs)
{
  g_autofree char *changes
      = is->spec == NULL ? NULL : _scl_planner_describe_changes (is->spec, vm);

  if (is->spec == NULL)
    _scl_step_add_reason (step, "its stored declaration cannot be read");
  else if (changes[0] != '\0')
    _scl_step_add_reason (step, "%s", changes);
  if (is->spec != NULL)
    explain_kept_volumes (self, step, vm, is->spec);
  if (!same_macs (macs, is->macs))
    _scl_step_add_reason (step, "MAC addresses differ");
  if (is->seed_differs)
    _scl_step_add_reason (step, is_on (is) || is->saved != NULL ? "cloud-init files have changed, to be read at its next boot"
                                           : "cloud-init files have changed");
  for (guint i = 0; i < is->problems->len; i++)
    _scl_step_add_reason (step, "%s", (const char *) is->problems->pdata[i]);
}

/* What the declaration wants of files that are left alone, too. */
static void
explain_growth (SclPlanner *self, SclStep *step, SclVmSpec *vm)
{
  SclDiskSpec *disk;

  for (guint i = 0; (disk = _scl_list_peek (scl_vm_spec_get_disks (vm), i)) != NULL; i++)
    {
      const char *name = scl_disk_spec_get_volume (disk);
      SclObservedVolume *is = _scl_observation_lookup_volume (self->observed, name);
      guint64 wanted = scl_disk_spec_get_size_mib (disk) << 20;

      if (is != NULL && is->size < wanted)
        _scl_step_add_reason (step, "volume \"%s\" %" G_GUINT64_FORMAT " → %" G_GUINT64_FORMAT " MiB", name,
                              is->size >> 20, wanted >> 20);
    }
}

/* The definition that SCL would make has the volume in it, and not what is over it: so nothing is
 * changed, and what should be is told as not done. */
static void
plan_covered (SclPlanner *self, SclVmSpec *vm, SclObservedVm *is, GPtrArray *macs,
              gboolean is_as_declared)
{
  g_autofree char *path = g_strdup_printf ("virtualMachines.%s", scl_vm_spec_get_name (vm));
  g_autoptr (SclStep) step = _scl_step_new (SCL_JOB_BLOCKED, SCL_ACTION_BLOCKED, SCL_OBJECT_KIND_VM,
                                            scl_vm_spec_get_name (vm));

  if (is_as_declared)
    explain_growth (self, step, vm);
  else
    explain_definition (self, step, vm, is, macs);
  if (step->reason->len == 0)
    {
      _scl_plan_add_diagnostic (self->plan, SCL_SEVERITY_WARNING, path, "%s", is->overlay);
      return;
    }
  _scl_step_add_reason (step, "which waits: %s", is->overlay);
  g_string_prepend (step->reason, "\": ");
  g_string_prepend (step->reason, is->name);
  g_string_prepend (step->reason, "VM \"");
  _scl_step_block (step, SCL_ERROR_IN_USE);
  _scl_plan_take (self->plan, g_steal_pointer (&step));
}

static SclStep *
plan_definition (SclPlanner *self, SclVmSpec *vm, SclObservedVm *is)
{
  g_autoptr (GPtrArray) macs = macs_of (self, vm);
  gboolean spec_differs = is != NULL && (is->spec == NULL || !scl_vm_spec_equal (is->spec, vm));
  gboolean is_as_declared = is != NULL && !spec_differs && !is->seed_differs
                            && is->problems->len == 0 && same_macs (macs, is->macs);
  SclStep *step;

  if (is != NULL && is->overlay != NULL)
    {
      plan_covered (self, vm, is, macs, is_as_declared);
      return NULL;
    }
  if (is_as_declared)
    return NULL;
  step = vm_step (self, SCL_JOB_VM_DEFINE,
                  is == NULL                        ? SCL_ACTION_CREATE
                  : spec_differs || is->seed_differs ? SCL_ACTION_UPDATE
                                                     : SCL_ACTION_REPAIR,
                  vm);
  if (is == NULL)
    _scl_step_add_reason (step, "not there");
  else
    {
      explain_definition (self, step, vm, is, macs);
      explain_waiting (step, vm, is);
    }
  step->macs = g_steal_pointer (&macs);
  return step;
}

/* The pair goes with its old namespace: it is made anew under the running guest. */
static gboolean
loses_its_pair (SclPlanner *self, SclVmSpec *vm, guint index)
{
  g_autofree char *key = _scl_planner_port_key (scl_vm_spec_get_name (vm), index);
  const SclPort *port = g_hash_table_lookup (self->found_port, key);
  const char *home = g_hash_table_lookup (self->port_home, key);
  SclNicSpec *nic = _scl_vm_spec_peek_nic (vm, index);
  SclStep *made = g_hash_table_lookup (self->network_steps, scl_nic_spec_get_network (nic));
  SclStep *removed = home == NULL ? NULL : g_hash_table_lookup (self->removed_networks, home);

  if (port == NULL || !port->present)
    return TRUE;
  return made != NULL && removed != NULL && removed->id < made->id;
}

static gboolean
is_cut (const SclObservedVm *is, guint index)
{
  return index < 64 && (is->nics_cut >> index & 1) != 0;
}

/* Only a guest that runs lets go of a card; until then the plan keeps saying so. */
static void
plan_no_replug (SclPlanner *self, SclVmSpec *vm)
{
  const char *name = scl_vm_spec_get_name (vm);
  SclStep *step = _scl_step_new (SCL_JOB_BLOCKED, SCL_ACTION_BLOCKED, SCL_OBJECT_KIND_VM, name);

  _scl_step_add_reason (step,
                        "VM \"%s\" is paused, and only a guest that runs lets go of its network card, which has "
                        "lost its link: let it go on (sclctl vm start %s), then apply again",
                        name, name);
  _scl_step_block (step, SCL_ERROR_IN_USE);
  _scl_plan_take (self->plan, step);
}

static void
plan_replug (SclPlanner *self, SclVmSpec *vm, SclObservedVm *is, SclStep *defined)
{
  g_autoptr (GArray) lost = g_array_new (FALSE, FALSE, sizeof (guint));
  guint live_nics
      = is->live_spec == NULL ? 0 : g_list_model_get_n_items (scl_vm_spec_get_nics (is->live_spec));
  SclStep *step;

  for (guint i = 0; i < live_nics && _scl_vm_spec_peek_nic (vm, i) != NULL; i++)
    if (loses_its_pair (self, vm, i) || is_cut (is, i))
      g_array_append_val (lost, i);
  if (lost->len == 0)
    return;
  if (is->state == SCL_VM_STATE_PAUSED)
    {
      plan_no_replug (self, vm);
      return;
    }
  step = vm_step (self, SCL_JOB_VM_REPLUG, SCL_ACTION_REPAIR, vm);
  _scl_step_add_need (step, defined);
  _scl_step_add_reason (step, "its network card is plugged in again, the link under it is new");
  step->nics = g_steal_pointer (&lost);
}

/* FALSE: it is not started. */
static gboolean
plan_power (SclPlanner *self, SclVmSpec *vm, SclObservedVm *is, SclStep *defined)
{
  gboolean wanted_off = is != NULL && is->stopped_by != SCL_STOPPED_BY_NOBODY
                        && (self->flags & SCL_APPLY_BOOT) == 0;
  SclStep *step;

  if (!scl_vm_spec_get_auto_start (vm) || wanted_off
      || (is != NULL && is_on (is) && !is->half_started && !is->disk_error))
    return FALSE;
  step = vm_step (self, SCL_JOB_VM_START, SCL_ACTION_START, vm);
  _scl_step_add_need (step, defined);
  if (is == NULL)
    _scl_step_add_reason (step, "new, with autoStart");
  else if (is->half_started)
    _scl_step_add_reason (step, "its start was interrupted");
  else if (is->disk_error)
    _scl_step_add_reason (step, is->disk_full ? "a disk error stopped it: the file system of its volumes was full"
                                              : "a disk error stopped it");
  else
    _scl_step_add_reason (step, "autoStart, and %s",
                          is->saved != NULL                   ? "it goes on from its saved memory"
                          : is->state == SCL_VM_STATE_CRASHED ? "it crashed"
                                                              : "it is off");
  return TRUE;
}

static void
plan_restart (SclPlanner *self, SclVmSpec *vm, SclObservedVm *is, SclStep *defined)
{
  g_autofree char *why
      = is->live_spec == NULL ? NULL : _scl_planner_describe_restart (is->live_spec, vm);
  g_autofree char *path = g_strdup_printf ("virtualMachines.%s", scl_vm_spec_get_name (vm));
  SclStep *step;

  /* A restart brings what is defined. */
  if (why == NULL || is->state != SCL_VM_STATE_RUNNING
      || (is->overlay != NULL && (is->spec == NULL || !scl_vm_spec_equal (is->spec, vm))))
    return;
  if (scl_vm_spec_get_on_change (vm) == SCL_ON_CHANGE_NEXT_BOOT)
    {
      _scl_plan_add_diagnostic (self->plan, SCL_SEVERITY_NOTE, path, "at its next boot: %s; \"sclctl vm restart %s\" has it now", why,
                                scl_vm_spec_get_name (vm));
      return;
    }
  step = vm_step (self, SCL_JOB_VM_RESTART, SCL_ACTION_RESTART, vm);
  step->shutdown_timeout = scl_vm_spec_get_shutdown_timeout (vm);
  _scl_step_add_need (step, defined);
  _scl_step_add_reason (step, "%s", why);
}

static void
note_vm (SclPlanner *self, SclVmSpec *vm, SclSeverity severity, const char *what)
{
  g_autofree char *path = g_strdup_printf ("virtualMachines.%s", scl_vm_spec_get_name (vm));

  _scl_plan_add_diagnostic (self->plan, severity, path, "%s", what);
}

static void
plan_vm (SclPlanner *self, SclVmSpec *vm)
{
  SclObservedVm *is = _scl_observation_lookup_vm (self->observed, scl_vm_spec_get_name (vm));
  SclStep *defined;

  if ((is != NULL && is->foreign)
      || g_hash_table_contains (self->blocked_vms, scl_vm_spec_get_name (vm)))
    return;
  defined = plan_definition (self, vm, is);
  /* A definition that is made anew is made with what works now. */
  if (is != NULL && is->emulation != NULL && defined == NULL)
    note_vm (self, vm, SCL_SEVERITY_WARNING, is->emulation);
  if (is != NULL && is_on (is))
    {
      plan_replug (self, vm, is, defined);
      plan_restart (self, vm, is, defined);
    }
  if (!plan_power (self, vm, is, defined) && is != NULL && is->saved != NULL)
    note_vm (self, vm, SCL_SEVERITY_NOTE, is->saved);
}

void
_scl_planner_plan_vms (SclPlanner *self)
{
  SclVmSpec *vm;

  for (guint i = 0; (vm = _scl_list_peek (scl_manifest_get_vms (self->desired), i)) != NULL; i++)
    plan_vm (self, vm);
}
