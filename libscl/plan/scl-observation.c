/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/scl-observation-private.h"
#include "model/scl-list-private.h"
#include <scl/scl-disk-spec.h>
#include <string.h>

SclPort *
_scl_port_new (const char *vm, guint index, const char *mac)
{
  SclPort *port = g_new0 (SclPort, 1);

  port->vm = g_strdup (vm);
  port->index = index;
  port->mac = mac == NULL ? NULL : g_ascii_strdown (mac, -1);
  return port;
}

SclPort *
_scl_port_copy (const SclPort *port)
{
  SclPort *copy = _scl_port_new (port->vm, port->index, port->mac);

  copy->address = g_strdup (port->address);
  copy->present = port->present;
  return copy;
}

void
_scl_port_free (SclPort *port)
{
  g_free (port->vm);
  g_free (port->mac);
  g_free (port->address);
  g_free (port);
}

SclObservedNetwork *
_scl_observed_network_new (const char *name)
{
  SclObservedNetwork *self = g_new0 (SclObservedNetwork, 1);

  self->name = g_strdup (name);
  self->ports = g_ptr_array_new_with_free_func ((GDestroyNotify) _scl_port_free);
  self->problems = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
_scl_observed_network_free (SclObservedNetwork *self)
{
  g_free (self->name);
  g_free (self->foreign_what);
  g_clear_object (&self->spec);
  g_ptr_array_unref (self->ports);
  g_ptr_array_unref (self->problems);
  g_free (self);
}

SclObservedVolume *
_scl_observed_volume_new (const char *name)
{
  SclObservedVolume *self = g_new0 (SclObservedVolume, 1);

  self->name = g_strdup (name);
  return self;
}

void
_scl_observed_volume_free (SclObservedVolume *self)
{
  g_free (self->name);
  g_free (self->path);
  g_free (self->image);
  g_free (self->vm);
  g_free (self->instance);
  g_free (self->used_by);
  g_free (self->foreign_why);
  g_free (self->noteless);
  g_free (self);
}

SclObservedVm *
_scl_observed_vm_new (const char *name)
{
  SclObservedVm *self = g_new0 (SclObservedVm, 1);

  self->name = g_strdup (name);
  self->macs = g_ptr_array_new_with_free_func (g_free);
  self->problems = g_ptr_array_new_with_free_func (g_free);
  self->disk_paths = g_ptr_array_new_with_free_func (g_free);
  self->guest_sizes = g_array_new (FALSE, TRUE, sizeof (guint64));
  return self;
}

void
_scl_observed_vm_free (SclObservedVm *self)
{
  g_free (self->name);
  g_clear_object (&self->spec);
  g_clear_object (&self->live_spec);
  g_free (self->foreign_what);
  g_ptr_array_unref (self->macs);
  g_free (self->state_reason);
  g_free (self->log_path);
  g_free (self->overlay);
  g_free (self->deleted);
  g_free (self->saved);
  g_free (self->emulation);
  g_free (self->undefined);
  g_ptr_array_unref (self->problems);
  g_ptr_array_unref (self->disk_paths);
  g_clear_pointer (&self->files, g_ptr_array_unref);
  g_array_unref (self->guest_sizes);
  g_free (self);
}

SclObservation *
_scl_observation_new (void)
{
  SclObservation *self = g_new0 (SclObservation, 1);

  g_atomic_ref_count_init (&self->refs);
  self->networks = g_ptr_array_new_with_free_func ((GDestroyNotify) _scl_observed_network_free);
  self->volumes = g_ptr_array_new_with_free_func ((GDestroyNotify) _scl_observed_volume_free);
  self->vms = g_ptr_array_new_with_free_func ((GDestroyNotify) _scl_observed_vm_free);
  self->diagnostics = g_ptr_array_new_with_free_func (g_object_unref);
  self->host.links = g_ptr_array_new_with_free_func (g_free);
  self->host.externals = g_ptr_array_new_with_free_func (g_free);
  self->host.problems = g_ptr_array_new_with_free_func (g_free);
  self->host.notes = g_ptr_array_new_with_free_func (g_free);
  return self;
}

SclObservation *
_scl_observation_ref (SclObservation *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
_scl_observation_unref (SclObservation *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_free (self->machine_id);
  g_free (self->host.gateway_interface);
  g_ptr_array_unref (self->host.links);
  g_ptr_array_unref (self->host.externals);
  g_ptr_array_unref (self->host.problems);
  g_ptr_array_unref (self->host.notes);
  g_ptr_array_unref (self->networks);
  g_ptr_array_unref (self->volumes);
  g_ptr_array_unref (self->vms);
  g_ptr_array_unref (self->diagnostics);
  g_free (self);
}

/* All three begin with the name. */
static const char *
name_of (gconstpointer item)
{
  return *(const char *const *) item;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (name_of (*(gconstpointer const *) a), name_of (*(gconstpointer const *) b));
}

void
_scl_observation_sort (SclObservation *self)
{
  g_ptr_array_sort (self->networks, compare_names);
  g_ptr_array_sort (self->volumes, compare_names);
  g_ptr_array_sort (self->vms, compare_names);
}

static gpointer
lookup (GPtrArray *sorted, const char *name)
{
  guint low = 0, high = sorted->len;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;
      int order = strcmp (name_of (sorted->pdata[middle]), name);

      if (order == 0)
        return sorted->pdata[middle];
      if (order < 0)
        low = middle + 1;
      else
        high = middle;
    }
  return NULL;
}

SclObservedNetwork *
_scl_observation_lookup_network (SclObservation *self, const char *name)
{
  return lookup (self->networks, name);
}

SclObservedVolume *
_scl_observation_lookup_volume (SclObservation *self, const char *name)
{
  SclObservedVolume *volume = lookup (self->volumes, name);

  return volume == NULL || volume->leftover ? NULL : volume;
}

SclObservedVolume *
_scl_observation_lookup_remains (SclObservation *self, const char *name)
{
  return lookup (self->volumes, name);
}

SclObservedVm *
_scl_observation_lookup_vm (SclObservation *self, const char *name)
{
  return lookup (self->vms, name);
}

GHashTable *
_scl_observation_list_users (SclObservation *self)
{
  GHashTable *users = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < self->vms->len; i++)
    {
      SclObservedVm *vm = self->vms->pdata[i];
      GListModel *disks = vm->spec == NULL ? NULL : scl_vm_spec_get_disks (vm->spec);
      SclDiskSpec *disk;

      /* One whose spec cannot be read still uses the volume that is named after it. */
      if (!vm->foreign)
        g_hash_table_insert (users, vm->name, vm->name);
      for (guint d = 0; disks != NULL && (disk = _scl_list_peek (disks, d)) != NULL; d++)
        g_hash_table_insert (users, (char *) scl_disk_spec_get_volume (disk), vm->name);
    }
  return users;
}

static gboolean
has_volume (const SclObservedVm *vm, const char *volume, guint index)
{
  SclDiskSpec *disk;

  /* What it was made from cannot be read. It has a disk there, or it is one that somebody has handed over
   * without any. */
  if (vm->spec == NULL)
    return index < vm->disk_paths->len && vm->disk_paths->pdata[index] != NULL;
  for (guint i = 0; (disk = _scl_list_peek (scl_vm_spec_get_disks (vm->spec), i)) != NULL; i++)
    if (g_strcmp0 (scl_disk_spec_get_volume (disk), volume) == 0)
      return TRUE;
  return FALSE;
}

gboolean
_scl_observation_is_lost (SclObservation *self, const SclObservedVm *vm, const char *volume,
                          guint index)
{
  return vm != NULL && !vm->foreign && !vm->disks_unseen && has_volume (vm, volume, index)
         && _scl_observation_lookup_volume (self, volume) == NULL;
}

static gboolean
has_bit (guint64 bits, guint index)
{
  return index < 64 && (bits >> index & 1) != 0;
}

gboolean
_scl_observation_is_taken (const SclObservedVm *vm, guint index)
{
  return has_bit (vm->disks_taken, index);
}

gboolean
_scl_observation_is_moved (const SclObservedVm *vm, guint index)
{
  return has_bit (vm->disks_moved, index);
}

/* What could be mounted: STATE, whichever instance's folder in it PATH is in. (transfer full) */
static char *
state_of (const char *path)
{
  g_autofree char *volumes = g_path_get_dirname (path);
  g_autofree char *home = g_path_get_dirname (volumes);
  g_autofree char *above = g_path_get_dirname (home);

  return g_str_has_suffix (above, "/instances") ? g_path_get_dirname (above) : g_steal_pointer (&home);
}

char *
_scl_observation_describe_lost (const SclObservedVm *vm, const char *volume, guint index)
{
  const char *path = index < vm->disk_paths->len ? vm->disk_paths->pdata[index] : NULL;
  g_autofree char *state = path == NULL ? g_strdup ("the state folder") : state_of (path);

  if (_scl_observation_is_taken (vm, index))
    return g_strdup_printf ("volume \"%s\" of VM \"%s\" is not this instance's: the VM's domain names %s, which "
                            "another one has taken over. It is not started from that; `sclctl vm delete %s` and "
                            "an apply make it anew with a volume of its own, and leave the file alone",
                            volume, vm->name, path, vm->name);
  return g_strdup_printf ("volume \"%s\" of VM \"%s\" is gone (%s): is %s mounted? If its data is lost for "
                          "good, `sclctl volume create %s --from-image` makes it anew",
                          volume, vm->name, path == NULL ? "no path" : path, state, volume);
}
