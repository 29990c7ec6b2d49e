/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/volume/scl-volume-owner-private.h"

#include "backend/scl-sources-private.h"
#include "backend/volume/scl-image-lock-private.h"
#include "model/scl-list-private.h"
#include <fcntl.h>
#include <scl/scl-disk-spec.h>
#include <string.h>

static SclSources *
list_own (SclObservation *observed)
{
  SclSources *own = _scl_sources_new ();

  for (guint i = 0; i < observed->vms->len; i++)
    {
      const SclObservedVm *vm = g_ptr_array_index (observed->vms, i);

      for (guint k = 0; !vm->foreign && k < vm->disk_paths->len; k++)
        if (g_ptr_array_index (vm->disk_paths, k) != NULL)
          _scl_sources_add (own, vm->name, NULL, NULL, g_ptr_array_index (vm->disk_paths, k));
    }
  return own;
}

/* OWN is made when it is asked for the first time: most sidecars say whose their file is. */
static gboolean
is_used (SclSources **own, SclObservation *observed, const SclObservedVolume *volume)
{
  SclSourceUser user;

  if (*own == NULL)
    *own = list_own (observed);
  return _scl_sources_find (*own, volume->path, NULL, NULL, &user);
}

/* UNCLAIMED tells a sidecar of 0.1 from none at all: that file is somebody's, unless it runs a VM of
 * ours already and the sidecar was lost. */
static void
judge_unnamed (SclObservedVolume *volume, SclVolumesKind kind, gboolean used)
{
  if (!used && (!volume->unclaimed || kind == SCL_VOLUMES_OLD))
    volume->foreign = TRUE;
  else
    volume->in_doubt = !used && kind == SCL_VOLUMES_SHARED;
  /* Who may be of another hypervisor is seen only while it runs. */
  volume->held = volume->in_doubt && !_scl_image_lock_check_free (AT_FDCWD, volume->path, NULL);
}

static gboolean
find_name (GPtrArray *volumes, const char *name, guint *out_index)
{
  for (guint i = 0; i < volumes->len; i++)
    if (strcmp (((SclObservedVolume *) g_ptr_array_index (volumes, i))->name, name) == 0)
      {
        *out_index = i;
        return TRUE;
      }
  return FALSE;
}

static void
note_owner (SclObservedVolume *volume, const SclObservedVm *vm)
{
  g_free (volume->vm);
  volume->vm = g_strdup (vm->name);
  volume->noteless
      = g_strdup_printf ("volume \"%s\" has lost its note (%.*s.json), so that only VM \"%s\" tells whose it is: apply "
                         "writes it anew",
                         volume->name, (int) (strlen (volume->path) - strlen (".raw")), volume->path, vm->name);
}

/* A file that is a disk of a VM of ours, and that what SCL wrote into its domain calls so. */
static void
judge_noteless (GPtrArray *volumes, SclObservedVm *vm, SclDiskSpec *disk, guint index)
{
  const char *path = index < vm->disk_paths->len ? vm->disk_paths->pdata[index] : NULL;
  SclObservedVolume *volume;
  guint at;

  if (path == NULL || !find_name (volumes, scl_disk_spec_get_volume (disk), &at))
    return;
  volume = volumes->pdata[at];
  if (volume->note_lost && !volume->leftover && !volume->foreign && g_strcmp0 (volume->path, path) == 0)
    note_owner (volume, vm);
}

static void
judge_all_noteless (GPtrArray *volumes, SclObservation *observed)
{
  for (guint i = 0; i < observed->vms->len; i++)
    {
      SclObservedVm *vm = observed->vms->pdata[i];
      SclDiskSpec *disk;

      for (guint d = 0; !vm->foreign && vm->spec != NULL
                        && (disk = _scl_list_peek (scl_vm_spec_get_disks (vm->spec), d)) != NULL;
           d++)
        judge_noteless (volumes, vm, disk, d);
    }
}

void
_scl_volume_owner_judge (GPtrArray *volumes, const char *prefix, SclVolumesKind kind,
                         SclObservation *observed)
{
  g_autoptr (SclSources) own = NULL;
  gboolean some_lost = FALSE;

  for (guint i = 0; i < volumes->len; i++)
    {
      SclObservedVolume *volume = g_ptr_array_index (volumes, i);

      if (volume->instance != NULL)
        volume->foreign = strcmp (volume->instance, prefix) != 0;
      else
        {
          judge_unnamed (volume, kind, is_used (&own, observed, volume));
          some_lost = some_lost || volume->note_lost;
        }
    }
  if (some_lost)
    judge_all_noteless (volumes, observed);
}

GHashTable *
_scl_volume_owner_take_old (GPtrArray *volumes, GPtrArray *old, SclObservation *observed)
{
  GHashTable *names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (SclSources) own = NULL;
  guint i = 0;
  guint there;

  while (i < old->len)
    {
      SclObservedVolume *volume = g_ptr_array_index (old, i);
      gboolean taken = !volume->foreign && find_name (volumes, volume->name, &there);

      if (volume->foreign || (taken && !is_used (&own, observed, volume)))
        {
          i++;
          continue;
        }
      if (taken)
        g_ptr_array_remove_index (volumes, there);
      g_hash_table_add (names, g_strdup (volume->name));
      g_ptr_array_add (volumes, g_ptr_array_steal_index (old, i));
    }
  return names;
}
