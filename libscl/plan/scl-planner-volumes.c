/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/scl-list-private.h"
#include "model/scl-names-private.h"
#include "model/scl-vm-spec-private.h"
#include "plan/scl-planner-private.h"
#include <string.h>

static void
check_volume_is_ours (SclPlanner *self, SclVmSpec *vm, const SclObservedVolume *is)
{
  g_autofree char *path = g_strdup_printf ("virtualMachines.%s", scl_vm_spec_get_name (vm));
  const char *file = is == NULL ? NULL : is->path == NULL ? is->name : is->path;

  if (is == NULL || !is->foreign)
    return;
  if (is->foreign_why != NULL)
    _scl_plan_add_diagnostic (self->plan, SCL_SEVERITY_ERROR, path, "%s", is->foreign_why);
  else if (is->instance != NULL)
    _scl_plan_add_diagnostic (self->plan, SCL_SEVERITY_ERROR, path,
                              "%s exists and belongs to instance \"%s\": it is not touched; rename the VM, or "
                              "take it over, if no VM there has it (sclctl volume adopt %s --from %s)",
                              file, is->instance, is->name, is->instance);
  else
    _scl_plan_add_diagnostic (self->plan, SCL_SEVERITY_ERROR, path,
                              "%s exists and was not made by SCL: it is not touched; move it away or "
                              "rename the VM",
                              file);
}

/* 0: not known, or nobody looks. */
static guint64
seen_by_guest (const SclObservedVm *vm, guint index)
{
  return vm != NULL && vm->live_spec != NULL && index < vm->guest_sizes->len
             ? g_array_index (vm->guest_sizes, guint64, index)
             : 0;
}

/* The file is as large as it should be, or is made so; what a running guest sees is another matter: it
 * may have been paused, or whoever made the file larger was killed before he told. */
static void
plan_growth (SclPlanner *self, SclStep *step, const SclObservedVolume *is, const SclObservedVm *vm)
{
  guint64 wanted = scl_disk_spec_get_size_mib (step->disk) << 20;
  guint64 seen = seen_by_guest (vm, step->disk_index);

  step->grows = wanted > is->size;
  step->live = vm != NULL && vm->live_spec != NULL;
  step->guest_size = MAX (wanted, is->size);
  if (step->grows)
    _scl_step_add_reason (step, "%" G_GUINT64_FORMAT " → %" G_GUINT64_FORMAT " MiB", is->size >> 20,
                          wanted >> 20);
  if (seen > 0 && seen < is->size)
    _scl_step_add_reason (step,
                          "the running guest sees %" G_GUINT64_FORMAT " MiB of %" G_GUINT64_FORMAT,
                          seen >> 20, is->size >> 20);
}

static void
block (SclPlanner *self, SclVmSpec *vm, const char *volume, SclError code, const char *why)
{
  SclStep *step
      = _scl_step_new (SCL_JOB_BLOCKED, SCL_ACTION_BLOCKED, SCL_OBJECT_KIND_VOLUME, volume);

  _scl_step_add_reason (step, "%s", why);
  _scl_step_block (step, code);
  _scl_plan_take (self->plan, step);
  g_hash_table_insert (self->blocked_vms, (char *) scl_vm_spec_get_name (vm), step);
}

/* The VM stays as it is: a blank disk under its name would look like its data. */
static void
plan_lost_volume (SclPlanner *self, SclVmSpec *vm, const SclObservedVm *is, const char *volume,
                  guint index)
{
  g_autofree char *why = _scl_observation_describe_lost (is, volume, index);

  block (self, vm, volume, _scl_observation_is_taken (is, index) ? SCL_ERROR_IN_USE : SCL_ERROR_NOT_FOUND,
         why);
}

/* Any other file under its name would hide that a restart loses it. */
static void
plan_deleted_volume (SclPlanner *self, SclVmSpec *vm, const SclObservedVm *is, const char *volume)
{
  g_autofree char *why
      = g_strdup_printf ("volume \"%s\" of VM \"%s\": %s", volume, is->name, is->deleted);

  block (self, vm, volume, SCL_ERROR_WOULD_LOSE_DATA, why);
}

/* Where one is gone its whole folder may be: a new one would lie under what is mounted there later. */
static void
plan_no_new_volume (SclPlanner *self, SclVmSpec *vm, const char *volume)
{
  g_autofree char *why = g_strdup_printf ("volume \"%s\" is not made while volume \"%s\" is gone: what is made now would be "
                                          "out of sight once the state folder is mounted",
                                          volume, self->lost_volume);

  block (self, vm, volume, SCL_ERROR_NOT_FOUND, why);
}

/* Two domains would write into it. */
static void
plan_used_volume (SclPlanner *self, SclVmSpec *vm, const SclObservedVolume *is)
{
  const char *name = scl_vm_spec_get_name (vm);
  g_autofree char *old = _scl_names_domain (self->prefix, name);
  g_autofree char *why = g_strdup_printf (
      "VM \"%s\" is not made: domain \"%s\" uses its volume (%s). If that is the VM, renamed, give it its "
      "name back while it is off (virsh domrename %s %s); else take the disk from it (virsh edit %s)",
      name, is->used_by, is->path, is->used_by, old, is->used_by);

  block (self, vm, is->name, SCL_ERROR_IN_USE, why);
}

static void
find_lost_volume (SclPlanner *self)
{
  SclVmSpec *vm;
  SclDiskSpec *disk;

  for (guint i = 0; (vm = _scl_list_peek (scl_manifest_get_vms (self->desired), i)) != NULL; i++)
    for (guint d = 0; (disk = _scl_list_peek (scl_vm_spec_get_disks (vm), d)) != NULL; d++)
      {
        SclObservedVm *is = _scl_observation_lookup_vm (self->observed, scl_vm_spec_get_name (vm));
        const char *volume = scl_disk_spec_get_volume (disk);

        if (_scl_observation_is_lost (self->observed, is, volume, d) && is->deleted == NULL
            && !_scl_observation_is_taken (is, d))
          self->lost_volume = volume;
      }
}

static void
plan_volume (SclPlanner *self, SclVmSpec *vm, SclDiskSpec *disk, guint index)
{
  const char *name = scl_disk_spec_get_volume (disk);
  SclObservedVolume *is = _scl_observation_lookup_volume (self->observed, name);
  SclObservedVm *running = _scl_observation_lookup_vm (self->observed, scl_vm_spec_get_name (vm));
  gboolean is_covered = running != NULL && running->overlay != NULL;
  guint64 size = scl_disk_spec_get_size_mib (disk) << 20;
  g_autofree char *path
      = g_strdup_printf ("virtualMachines.%s.imageSize", scl_vm_spec_get_name (vm));
  guint64 seen;
  SclStep *step;

  if (is != NULL && size < is->size && size > 0)
    _scl_plan_add_diagnostic (self->plan, SCL_SEVERITY_ERROR, path,
                              "volume \"%s\" is %" G_GUINT64_FORMAT
                              " MiB and never shrinks: set at least that",
                              name, (is->size + (1 << 20) - 1) >> 20);
  if (running != NULL && running->deleted != NULL)
    {
      plan_deleted_volume (self, vm, running, name);
      return;
    }
  if (_scl_observation_is_lost (self->observed, running, name, index))
    {
      plan_lost_volume (self, vm, running, name, index);
      return;
    }
  if (is == NULL && self->lost_volume != NULL)
    {
      plan_no_new_volume (self, vm, name);
      return;
    }
  if (is != NULL && is->used_by != NULL && running == NULL)
    {
      plan_used_volume (self, vm, is);
      return;
    }
  seen = seen_by_guest (running, index);
  if (is != NULL && ((size <= is->size && (seen == 0 || seen >= is->size)) || is_covered))
    return;
  step = _scl_step_new (is == NULL ? SCL_JOB_VOLUME_CREATE : SCL_JOB_VOLUME_GROW,
                        is == NULL ? SCL_ACTION_CREATE : SCL_ACTION_GROW, SCL_OBJECT_KIND_VOLUME,
                        name);
  step->disk = g_object_ref (disk);
  step->disk_index = index;
  step->vm = g_object_ref (vm);
  if (is == NULL)
    _scl_step_add_reason (step, "not there, copied from %s", scl_disk_spec_get_image (disk));
  else
    plan_growth (self, step, is, running);
  _scl_plan_take (self->plan, step);
  g_hash_table_insert (self->volume_steps, (char *) name, step);
}

/* Only the VM's domain tells whose it is, and that may go. */
static void
plan_note (SclPlanner *self, const SclObservedVolume *is)
{
  SclStep *step;

  if (is == NULL || is->noteless == NULL)
    return;
  step = _scl_step_new (SCL_JOB_VOLUME_NOTE, SCL_ACTION_REPAIR, SCL_OBJECT_KIND_VOLUME, is->name);
  _scl_step_add_reason (step, "it has lost its note of whose it is, which only the domain of VM \"%s\" tells", is->vm);
  _scl_plan_take (self->plan, step);
}

void
_scl_planner_plan_volumes (SclPlanner *self)
{
  SclVmSpec *vm;
  SclDiskSpec *disk;

  find_lost_volume (self);
  for (guint i = 0; (vm = _scl_list_peek (scl_manifest_get_vms (self->desired), i)) != NULL; i++)
    for (guint d = 0; (disk = _scl_list_peek (scl_vm_spec_get_disks (vm), d)) != NULL; d++)
      {
        SclObservedVolume *is
            = _scl_observation_lookup_volume (self->observed, scl_disk_spec_get_volume (disk));
        g_autofree char *path
            = g_strdup_printf ("virtualMachines.%s.image", scl_vm_spec_get_name (vm));

        check_volume_is_ours (self, vm, is);
        plan_note (self, is);
        plan_volume (self, vm, disk, d);
        if (is != NULL && is->image_differs)
          _scl_plan_add_diagnostic (self->plan, SCL_SEVERITY_NOTE, path,
                                    "image differs from what volume \"%s\" was made of: the volume is "
                                    "kept as it is; to start over from the image, put the volume aside "
                                    "or delete it while the VM is removed, then apply",
                                    is->name);
      }
}
