/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/volume/scl-volume-place-private.h"

#include "model/scl-list-private.h"
#include <errno.h>
#include <scl/scl-disk-spec.h>
#include <string.h>
#include <unistd.h>

static gboolean
is_missing (const char *path)
{
  return access (path, F_OK) != 0 && errno == ENOENT;
}

static void
note_moved (SclObservedVm *vm, guint index, const char *path, const SclObservedVolume *volume)
{
  vm->disks_moved |= (guint64) 1 << index;
  g_ptr_array_add (vm->problems, g_strdup_printf ("disk %u is %s, which is gone; its volume is %s", index, path,
                                                  volume->path));
}

/* Equal names are the usual case, and cost no question to the file system. */
static void
judge_disk (SclObservation *observed, SclObservedVm *vm, SclDiskSpec *disk, guint index)
{
  const char *path = index < MIN (vm->disk_paths->len, 64) ? vm->disk_paths->pdata[index] : NULL;
  const SclObservedVolume *volume
      = _scl_observation_lookup_volume (observed, scl_disk_spec_get_volume (disk));

  if (path == NULL || (volume != NULL && (volume->foreign || g_strcmp0 (volume->path, path) == 0)))
    return;
  if (volume == NULL && !is_missing (path))
    vm->disks_taken |= (guint64) 1 << index;
  else if (volume != NULL && is_missing (path))
    note_moved (vm, index, path, volume);
}

void
_scl_volume_place_judge (SclObservation *observed)
{
  for (guint i = 0; i < observed->vms->len; i++)
    {
      SclObservedVm *vm = observed->vms->pdata[i];
      SclDiskSpec *disk;

      if (vm->foreign || vm->spec == NULL || vm->disks_unseen)
        continue;
      for (guint d = 0; (disk = _scl_list_peek (scl_vm_spec_get_disks (vm->spec), d)) != NULL; d++)
        judge_disk (observed, vm, disk, d);
    }
}
