/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/memory/scl-memory-host-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-list-private.h"
#include <scl/scl-disk-spec.h>

#define SCL_TYPE_MEMORY_VMS (_scl_memory_vms_get_type ())
G_DECLARE_FINAL_TYPE (SclMemoryVms, _scl_memory_vms, SCL, MEMORY_VMS, GObject)

struct _SclMemoryVms
{
  GObject parent_instance;
  SclMemoryHost *host;
};

static SclObservedVm *
copy_vm (const SclObservedVm *from)
{
  SclObservedVm *copy = _scl_observed_vm_new (from->name);

  copy->spec = from->spec == NULL ? NULL : g_object_ref (from->spec);
  copy->live_spec = from->live_spec == NULL ? NULL : g_object_ref (from->live_spec);
  for (guint i = 0; i < from->macs->len; i++)
    g_ptr_array_add (copy->macs, g_strdup (from->macs->pdata[i]));
  for (guint i = 0; i < from->disk_paths->len; i++)
    g_ptr_array_add (copy->disk_paths, g_strdup (from->disk_paths->pdata[i]));
  copy->state = from->state;
  copy->state_reason = g_strdup (from->state_reason);
  copy->overlay = g_strdup (from->overlay);
  copy->deleted = g_strdup (from->deleted);
  copy->saved = g_strdup (from->saved);
  copy->half_started = from->half_started;
  copy->disk_error = from->disk_error;
  copy->disk_full = from->disk_full;
  copy->stopped_by = from->stopped_by;
  copy->started = from->started;
  copy->nics_cut = from->nics_cut;
  g_array_append_vals (copy->guest_sizes, from->guest_sizes->data, from->guest_sizes->len);
  return copy;
}

static gboolean
memory_vms_observe (SclVmBackend *backend, SclManifest *desired, SclObservation *out,
                    GCancellable *cancellable, GError **error)
{
  SclMemoryHost *host = SCL_MEMORY_VMS (backend)->host;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&host->mutex);
  GHashTableIter iter;
  gpointer vm;

  g_hash_table_iter_init (&iter, host->vms);
  while (g_hash_table_iter_next (&iter, NULL, &vm))
    g_ptr_array_add (out->vms, copy_vm (vm));
  return TRUE;
}

static gboolean
memory_vms_define (SclVmBackend *backend, SclVmSpec *spec, const SclVmWiring *wiring,
                   const SclProgress *progress, GError **error)
{
  SclMemoryHost *host = SCL_MEMORY_VMS (backend)->host;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&host->mutex);
  SclObservedVm *vm = g_hash_table_lookup (host->vms, scl_vm_spec_get_name (spec));

  if (!_scl_memory_host_may_change (host, error))
    return FALSE;
  if (vm == NULL)
    {
      vm = _scl_observed_vm_new (scl_vm_spec_get_name (spec));
      vm->state_reason = g_strdup ("never started");
      g_hash_table_insert (host->vms, g_strdup (vm->name), vm);
    }
  if (vm->overlay != NULL)
    return scl_throw (error, SCL_ERROR_IN_USE, "VM \"%s\": %s", vm->name, vm->overlay);
  g_set_object (&vm->spec, spec);
  g_ptr_array_set_size (vm->macs, 0);
  for (guint i = 0; i < wiring->macs->len; i++)
    g_ptr_array_add (vm->macs, g_strdup (wiring->macs->pdata[i]));
  g_ptr_array_set_size (vm->disk_paths, 0);
  for (guint i = 0; i < wiring->disk_paths->len; i++)
    g_ptr_array_add (vm->disk_paths, g_strdup (wiring->disk_paths->pdata[i]));
  return TRUE;
}

/* The named VM, with the mutex held; NULL and an error if there is none. */
static SclObservedVm *
find (SclMemoryHost *host, const char *name, GError **error)
{
  SclObservedVm *vm = g_hash_table_lookup (host->vms, name);

  if (vm == NULL)
    scl_throw (error, SCL_ERROR_NOT_FOUND, "VM \"%s\" does not exist", name);
  return vm;
}

/* A guest sees its disks as large as they are when it is started. */
static void
look_at_disks (SclMemoryHost *host, SclObservedVm *vm)
{
  SclDiskSpec *disk;

  for (guint i = 0; (disk = _scl_list_peek (scl_vm_spec_get_disks (vm->spec), i)) != NULL; i++)
    {
      SclObservedVolume *volume
          = g_hash_table_lookup (host->volumes, scl_disk_spec_get_volume (disk));
      guint64 size = volume != NULL ? volume->size : 0;

      g_array_append_val (vm->guest_sizes, size);
    }
}

static void
enter_state (SclMemoryHost *host, SclObservedVm *vm, SclVmState state, const char *reason)
{
  g_free (vm->state_reason);
  vm->state_reason = g_strdup (reason);
  vm->state = state;
  vm->started = state == SCL_VM_STATE_RUNNING ? g_get_real_time () / G_USEC_PER_SEC : 0;
  vm->half_started = vm->disk_error = vm->disk_full = FALSE;
  g_clear_object (&vm->live_spec);
  g_array_set_size (vm->guest_sizes, 0);
  if (state != SCL_VM_STATE_RUNNING || vm->spec == NULL)
    return;
  vm->live_spec = g_object_ref (vm->spec);
  look_at_disks (host, vm);
}

static void
tell (SclMemoryHost *host, const char *name, SclVmState state)
{
  SclVmEventFunc watcher;
  gpointer data;

  g_mutex_lock (&host->mutex);
  watcher = host->watcher;
  data = host->watcher_data;
  g_mutex_unlock (&host->mutex);
  if (watcher != NULL)
    watcher (name, state, data);
}

static gboolean
start_locked (SclMemoryHost *host, const char *name, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&host->mutex);
  SclObservedVm *vm = find (host, name, error);

  if (vm == NULL || !_scl_memory_host_may_change (host, error))
    return FALSE;
  if (vm->state != SCL_VM_STATE_RUNNING)
    enter_state (host, vm, SCL_VM_STATE_RUNNING, "started");
  vm->stopped_by = SCL_STOPPED_BY_NOBODY;
  return TRUE;
}

static gboolean
memory_vms_start (SclVmBackend *backend, const char *name, const SclProgress *progress,
                  GError **error)
{
  SclMemoryHost *host = SCL_MEMORY_VMS (backend)->host;

  if (!start_locked (host, name, error))
    return FALSE;
  tell (host, name, SCL_VM_STATE_RUNNING);
  return TRUE;
}

static gboolean
stop_locked (SclMemoryHost *host, const char *name, SclStoppedBy by, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&host->mutex);
  SclObservedVm *vm = find (host, name, error);

  if (vm == NULL || !_scl_memory_host_may_change (host, error))
    return FALSE;
  enter_state (host, vm, SCL_VM_STATE_STOPPED, "shut down");
  vm->stopped_by = by;
  return TRUE;
}

static gboolean
memory_vms_stop (SclVmBackend *backend, const char *name, guint timeout, SclStoppedBy by,
                 const SclProgress *progress, GError **error)
{
  SclMemoryHost *host = SCL_MEMORY_VMS (backend)->host;

  if (!stop_locked (host, name, by, error))
    return FALSE;
  tell (host, name, SCL_VM_STATE_STOPPED);
  return TRUE;
}

static gboolean
memory_vms_remove (SclVmBackend *backend, const char *name, const SclProgress *progress,
                   GError **error)
{
  SclMemoryHost *host = SCL_MEMORY_VMS (backend)->host;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&host->mutex);
  SclObservedVm *vm = g_hash_table_lookup (host->vms, name);

  if (vm == NULL)
    return TRUE;
  if (vm->state == SCL_VM_STATE_RUNNING)
    return scl_throw (error, SCL_ERROR_IN_USE, "VM \"%s\" is running: stop it first", name);
  if (!_scl_memory_host_may_change (host, error))
    return FALSE;
  g_hash_table_remove (host->vms, name);
  return TRUE;
}

static gboolean
memory_vms_resize_disk (SclVmBackend *backend, const char *name, guint index, guint64 size,
                        GError **error)
{
  SclMemoryHost *host = SCL_MEMORY_VMS (backend)->host;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&host->mutex);
  SclObservedVm *vm = find (host, name, error);

  if (vm == NULL || !_scl_memory_host_may_change (host, error))
    return FALSE;
  if (index >= vm->guest_sizes->len)
    return scl_throw (error, SCL_ERROR_NOT_FOUND, "VM \"%s\" runs without disk %u", name, index);
  g_array_index (vm->guest_sizes, guint64, index)
      = MAX (size, g_array_index (vm->guest_sizes, guint64, index));
  return TRUE;
}

static gboolean
memory_vms_replug_nic (SclVmBackend *backend, const char *name, guint index, GError **error)
{
  SclMemoryHost *host = SCL_MEMORY_VMS (backend)->host;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&host->mutex);
  SclObservedVm *vm = find (host, name, error);

  if (vm != NULL)
    vm->nics_cut &= ~(G_GUINT64_CONSTANT (1) << index);
  return vm != NULL;
}

static void
memory_vms_watch (SclVmBackend *backend, SclVmEventFunc func, gpointer user_data)
{
  SclMemoryHost *host = SCL_MEMORY_VMS (backend)->host;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&host->mutex);

  host->watcher = func;
  host->watcher_data = user_data;
}

static void
memory_vms_backend_init (SclVmBackendInterface *iface)
{
  iface->observe = memory_vms_observe;
  iface->define = memory_vms_define;
  iface->start = memory_vms_start;
  iface->stop = memory_vms_stop;
  iface->remove = memory_vms_remove;
  iface->resize_disk = memory_vms_resize_disk;
  iface->replug_nic = memory_vms_replug_nic;
  iface->watch = memory_vms_watch;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (SclMemoryVms, _scl_memory_vms, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SCL_TYPE_VM_BACKEND, memory_vms_backend_init))

static void
scl_memory_vms_finalize (GObject *object)
{
  g_object_unref (SCL_MEMORY_VMS (object)->host);
  G_OBJECT_CLASS (_scl_memory_vms_parent_class)->finalize (object);
}

static void
_scl_memory_vms_class_init (SclMemoryVmsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = scl_memory_vms_finalize;
}

static void
_scl_memory_vms_init (SclMemoryVms *self)
{
}

SclVmBackend *
_scl_memory_vms_new (SclMemoryHost *host)
{
  SclMemoryVms *self = g_object_new (SCL_TYPE_MEMORY_VMS, NULL);

  self->host = g_object_ref (host);
  return SCL_VM_BACKEND (self);
}
