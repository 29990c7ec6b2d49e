/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/scl-connection-private.h"
#include "client/scl-objects-private.h"
#include "model/scl-list-private.h"
#include "model/scl-vm-spec-private.h"
#include <scl/scl-nic-spec.h>

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
take_networks (SclConnection *self, SclDriver *driver, SclObservation *observation)
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
          network = _scl_network_new (driver, self->home, observed->name);
          _scl_network_update (network, observed);
          merge_insert (&merge, network);
        }
      else
        _scl_network_update (network, observed);
    }
  merge_end (&merge);
}

static void
take_volumes (SclConnection *self, SclDriver *driver, SclObservation *observation)
{
  Merge merge = { self->volumes, 0 };
  g_autoptr (GHashTable) users = _scl_observation_list_users (observation);

  for (guint i = 0; i < observation->volumes->len; i++)
    {
      SclObservedVolume *observed = observation->volumes->pdata[i];
      g_autoptr (SclVolume) volume = NULL;
      gboolean used = observed->used_by != NULL || g_hash_table_contains (users, observed->name);
      gboolean is_new;

      /* Another instance's is no business of this one. A file that nobody has claimed is shown. */
      if (observed->foreign && observed->instance != NULL)
        continue;
      /* One that a VM has lost is said of the VM. */
      if (observed->leftover && used)
        continue;
      volume = merge_find (&merge, observed->name);
      is_new = volume == NULL;
      if (is_new)
        volume = _scl_volume_new (driver, self->home, observed->name);
      _scl_volume_update (volume, observed, used);
      if (is_new)
        merge_insert (&merge, volume);
    }
  merge_end (&merge);
}

static void
take_vms (SclConnection *self, SclDriver *driver, SclObservation *observation, GPtrArray *addresses)
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
        vm = _scl_vm_new (driver, self->home, observed->name);
      _scl_vm_update (vm, observed, addresses->pdata[i]);
      if (is_new)
        merge_insert (&merge, vm);
    }
  merge_end (&merge);
}

static gboolean
is_about (const SclReading *reading, SclObjectKind kind)
{
  return reading->kind == SCL_OBJECT_KIND_HOST || reading->kind == kind;
}

static void
add_diagnostic (SclConnection *self, SclSeverity severity, const char *path, const char *message)
{
  g_autoptr (SclDiagnostic) diagnostic = scl_diagnostic_new (severity, path, message);

  g_list_store_append (self->diagnostics, diagnostic);
}

static void
add_lost_volumes (SclConnection *self, SclObservation *observation, SclObservedVm *vm, const char *path)
{
  SclDiskSpec *disk;

  for (guint i = 0; vm->spec != NULL
                    && (disk = _scl_list_peek (scl_vm_spec_get_disks (vm->spec), i)) != NULL;
       i++)
    {
      const char *volume = scl_disk_spec_get_volume (disk);
      g_autofree char *why = _scl_observation_is_lost (observation, vm, volume, i)
                                 ? _scl_observation_describe_lost (vm, volume, i)
                                 : NULL;

      if (why != NULL)
        add_diagnostic (self, SCL_SEVERITY_ERROR, path, why);
    }
}

static void
add_lost_notes (SclConnection *self, SclObservation *observation)
{
  for (guint i = 0; i < observation->volumes->len; i++)
    {
      const SclObservedVolume *volume = observation->volumes->pdata[i];
      g_autofree char *path = g_strdup_printf ("volumes.%s", volume->name);

      if (volume->noteless != NULL)
        add_diagnostic (self, SCL_SEVERITY_ERROR, path, volume->noteless);
    }
}

static gboolean
is_network_there (SclObservation *observation, const char *name)
{
  SclObservedNetwork *network = _scl_observation_lookup_network (observation, name);

  return network != NULL && !network->foreign;
}

/* Without it the guest reaches nobody, and the VM cannot be started. PATH is that of its network. */
static void
add_lost_networks (SclConnection *self, SclObservation *observation, SclObservedVm *vm, const char *path)
{
  g_autoptr (GHashTable) said = g_hash_table_new (g_str_hash, g_str_equal);
  SclNicSpec *nic;

  for (guint i = 0; vm->spec != NULL
                    && (nic = _scl_list_peek (scl_vm_spec_get_nics (vm->spec), i)) != NULL;
       i++)
    {
      const char *name = scl_nic_spec_get_network (nic);
      g_autofree char *text = NULL;

      if (is_network_there (observation, name) || !g_hash_table_add (said, (char *) name))
        continue;
      text = g_strdup_printf ("network \"%s\" of VM \"%s\" is not there: apply again", name, vm->name);
      add_diagnostic (self, SCL_SEVERITY_ERROR, path, text);
    }
}

/* Nobody but QEMU has stopped it, and nobody lets it go on. */
static void
add_disk_error (SclConnection *self, const SclObservedVm *vm, const char *path)
{
  g_autofree char *text
      = g_strdup_printf ("a disk error stopped it: %s, then let it go on (sclctl vm start %s)",
                         vm->disk_full ? "make room on the file system of its volumes"
                                       : "find out which on the host (dmesg) and put that right",
                         vm->name);

  if (vm->disk_error)
    add_diagnostic (self, SCL_SEVERITY_ERROR, path, text);
}

static void
add_undefined (SclConnection *self, const SclObservedVm *vm, const char *path)
{
  g_autofree char *text
      = vm->undefined == NULL ? NULL : g_strdup_printf ("%s: apply again", vm->undefined);

  if (text != NULL)
    add_diagnostic (self, SCL_SEVERITY_ERROR, path, text);
}

/* What keeps a VM from being made as it is declared. */
static void
add_vm_diagnostics (SclConnection *self, const SclReading *reading)
{
  SclObservation *observation = reading->observation;

  for (guint i = 0; i < observation->vms->len; i++)
    {
      SclObservedVm *vm = observation->vms->pdata[i];
      g_autofree char *path = g_strdup_printf ("virtualMachines.%s", vm->name);
      g_autofree char *network = g_strdup_printf ("%s.network", path);

      if (vm->foreign)
        continue;
      if (vm->deleted != NULL)
        add_diagnostic (self, SCL_SEVERITY_ERROR, path, vm->deleted);
      else if (is_about (reading, SCL_OBJECT_KIND_VOLUME))
        add_lost_volumes (self, observation, vm, path);
      if (is_about (reading, SCL_OBJECT_KIND_NETWORK))
        add_lost_networks (self, observation, vm, network);
      add_disk_error (self, vm, path);
      add_undefined (self, vm, path);
      if (vm->overlay != NULL)
        add_diagnostic (self, SCL_SEVERITY_WARNING, path, vm->overlay);
      if (vm->saved != NULL)
        add_diagnostic (self, SCL_SEVERITY_NOTE, path, vm->saved);
      if (vm->nics_cut != 0)
        add_diagnostic (self, SCL_SEVERITY_ERROR, network,
                        vm->state == SCL_VM_STATE_PAUSED
                            ? "its network card has lost its link and is to be plugged in again, which a paused "
                              "guest cannot bear: let it go on, then apply again"
                            : "its network card has lost its link and is to be plugged in again: apply again");
      if (vm->emulation != NULL)
        add_diagnostic (self, SCL_SEVERITY_WARNING, path, vm->emulation);
    }
}

static void
take_diagnostics (SclConnection *self, const SclReading *reading)
{
  SclObservation *observation = reading->observation;

  g_list_store_remove_all (self->diagnostics);
  for (guint i = 0; i < observation->host.problems->len; i++)
    add_diagnostic (self, SCL_SEVERITY_ERROR, "host", observation->host.problems->pdata[i]);
  for (guint i = 0; i < observation->host.notes->len; i++)
    add_diagnostic (self, SCL_SEVERITY_WARNING, "host", observation->host.notes->pdata[i]);
  if (is_about (reading, SCL_OBJECT_KIND_VOLUME))
    add_lost_notes (self, observation);
  add_vm_diagnostics (self, reading);
}

void
_scl_connection_take (SclConnection *self, const SclReading *reading)
{
  if (reading->number < self->taken_reading)
    return;
  self->taken_reading = reading->number;
  if (is_about (reading, SCL_OBJECT_KIND_NETWORK))
    take_networks (self, reading->driver, reading->observation);
  if (is_about (reading, SCL_OBJECT_KIND_VOLUME))
    take_volumes (self, reading->driver, reading->observation);
  if (is_about (reading, SCL_OBJECT_KIND_VM))
    take_vms (self, reading->driver, reading->observation, reading->addresses);
  take_diagnostics (self, reading);
}
