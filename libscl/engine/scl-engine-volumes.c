/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Volumes that VMs have lost: told, and made anew by a verb of its own. */
#include "base/scl-throw-private.h"
#include "engine/scl-engine-private.h"
#include "model/scl-list-private.h"
#include <string.h>

gboolean
_scl_engine_check_volumes (SclEngine *self, SclObservation *observation, const SclObservedVm *vm,
                           GCancellable *cancellable, GError **error)
{
  SclDiskSpec *disk;

  if (vm->deleted != NULL)
    return scl_throw (error, SCL_ERROR_WOULD_LOSE_DATA, "VM \"%s\": %s", vm->name, vm->deleted);
  if (vm->spec == NULL)
    return TRUE;
  if (!_scl_volume_backend_observe (self->volumes, NULL, observation, cancellable, error))
    return FALSE;
  _scl_observation_sort (observation);
  for (guint i = 0; (disk = _scl_list_peek (scl_vm_spec_get_disks (vm->spec), i)) != NULL; i++)
    {
      const char *volume = scl_disk_spec_get_volume (disk);
      g_autofree char *why = NULL;

      if (_scl_observation_is_moved (vm, i))
        return scl_throw (error, SCL_ERROR_NOT_FOUND,
                          "VM \"%s\": its definition names %s, which is gone, and its volume \"%s\" is elsewhere: "
                          "`sclctl apply` gives it the volume",
                          vm->name, (const char *) vm->disk_paths->pdata[i], volume);
      if (!_scl_observation_is_lost (observation, vm, volume, i))
        continue;
      why = _scl_observation_describe_lost (vm, volume, i);
      return scl_throw (error, SCL_ERROR_NOT_FOUND, "%s", why);
    }
  return TRUE;
}

/* The disk that is VOLUME, and its number; NULL: VM has none, or it cannot be told. (transfer none) */
static SclDiskSpec *
find_disk (const SclObservedVm *vm, const char *volume, guint *out_index)
{
  SclDiskSpec *disk = NULL;

  for (guint i = 0; vm->spec != NULL
                    && (disk = _scl_list_peek (scl_vm_spec_get_disks (vm->spec), i)) != NULL;
       i++)
    if (strcmp (scl_disk_spec_get_volume (disk), volume) == 0)
      {
        *out_index = i;
        return disk;
      }
  return NULL;
}

static SclObservedVm *
find_vm (SclObservation *observation, const char *volume, GError **error)
{
  SclObservedVm *vm = NULL;
  guint index;

  for (guint i = 0; i < observation->vms->len; i++)
    {
      vm = observation->vms->pdata[i];
      if (!vm->foreign && find_disk (vm, volume, &index) != NULL)
        return vm;
    }
  vm = _scl_observation_lookup_vm (observation, volume);
  if (vm != NULL && !vm->foreign && vm->spec == NULL)
    return scl_null_throw (error, SCL_ERROR_INVALID,
                           "volume \"%s\": the declaration that VM \"%s\" was made from cannot be read, so "
                           "its image is not known: delete the VM and apply again",
                           volume, vm->name);
  return scl_null_throw (error, SCL_ERROR_NOT_FOUND,
                         "volume \"%s\": no VM has a volume of that name; `sclctl apply` makes those of "
                         "new VMs",
                         volume);
}

/* Else the VM would have a new volume, and its domain another's file. */
static gboolean
check_not_taken (const SclObservedVm *vm, const char *name, GError **error)
{
  guint index = 0;
  g_autofree char *why = NULL;

  if (find_disk (vm, name, &index) == NULL || !_scl_observation_is_taken (vm, index))
    return TRUE;
  why = _scl_observation_describe_lost (vm, name, index);
  return scl_throw (error, SCL_ERROR_IN_USE, "%s", why);
}

/* No apply changes what a VM without its volume was declared with: it would be blocked. */
static gboolean
make (SclEngine *self, const SclObservedVm *vm, SclDiskSpec *disk, const SclProgress *progress, GError **error)
{
  g_autoptr (GError) why = NULL;

  if (_scl_volume_backend_create (self->volumes, disk, vm->name, progress, &why))
    return TRUE;
  if (!g_error_matches (why, SCL_ERROR, SCL_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&why));
      return FALSE;
    }
  return scl_throw (error, SCL_ERROR_NOT_FOUND,
                    "%s: that is the image that VM \"%s\" was made with. Put it there again (a link will do); or, where "
                    "the manifest names another one by now, `sclctl vm delete %s` and an apply make the VM anew from that",
                    why->message, vm->name, vm->name);
}

static gboolean
create (SclEngine *self, SclObservation *observation, const char *name, const SclProgress *progress,
        GError **error)
{
  SclObservedVm *vm = find_vm (observation, name, error);
  guint index;

  if (vm == NULL)
    return FALSE;
  if (_scl_observation_lookup_volume (observation, name) != NULL)
    return scl_throw (error, SCL_ERROR_EXISTS,
                      "volume \"%s\" of VM \"%s\" is there: it is left as it is", name, vm->name);
  /* What was written since stands on the old content. */
  if (vm->overlay != NULL)
    return scl_throw (error, SCL_ERROR_IN_USE, "volume \"%s\" of VM \"%s\": %s", name, vm->name,
                      vm->overlay);
  if (vm->live_spec != NULL)
    return scl_throw (error, SCL_ERROR_IN_USE,
                      "volume \"%s\": VM \"%s\" still runs from the file that is gone, and nothing else has "
                      "its data: save what you need, then stop the VM first",
                      name, vm->name);
  if (!check_not_taken (vm, name, error))
    return FALSE;
  /* A guest that goes on with its memory would write the old content over the new. */
  if (!_scl_vm_backend_check_removal (self->vms, vm->name, progress->cancellable, error))
    return scl_prefix (error, "volume \"%s\" is not made anew", name);
  return make (self, vm, find_disk (vm, name, &index), progress, error);
}

static gboolean
engine_create_volume (SclDriver *driver, const char *name, SclOperation *operation,
                      GCancellable *cancellable, GError **error)
{
  SclEngine *self = SCL_ENGINE (driver);
  SclProgress progress = _scl_engine_progress (operation, cancellable);
  g_autoptr (SclTurn) turn
      = _scl_engine_enter (self, SCL_TURN_ALONE, operation, cancellable, error);
  g_autoptr (SclObservation) observation = NULL;

  if (turn == NULL)
    return FALSE;
  observation = _scl_engine_observe (self, NULL, cancellable, error);
  if (observation == NULL || !create (self, observation, name, &progress, error))
    return FALSE;
  _scl_engine_tell (self, SCL_OBJECT_KIND_VOLUME, name);
  return TRUE;
}

void
_scl_engine_init_volumes (SclDriverInterface *iface)
{
  iface->create_volume = engine_create_volume;
}
