/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/scl-throw-private.h"
#include "engine/scl-engine-private.h"
#include "model/scl-list-private.h"
#include "model/scl-names-private.h"
#include "model/scl-vm-spec-private.h"
#include <string.h>

static void
wire_nics (SclEngine *self, SclStep *step, SclVmWiring *wiring)
{
  const char *vm = scl_vm_spec_get_name (step->vm);

  for (guint i = 0; i < step->macs->len; i++)
    {
      g_ptr_array_add (wiring->macs, g_strdup (step->macs->pdata[i]));
      g_ptr_array_add (wiring->tap_links, _scl_names_nic (self->prefix, SCL_LINK_MACVTAP, vm, i));
    }
}

static SclVmWiring *
wire (SclEngine *self, SclStep *step, GError **error)
{
  const char *vm = scl_vm_spec_get_name (step->vm);
  g_autoptr (SclVmWiring) wiring = _scl_vm_wiring_new ();
  g_autofree char *folder = _scl_volume_backend_vm_folder (self->volumes, vm, error);
  SclDiskSpec *disk;

  if (folder == NULL)
    return NULL;
  for (guint i = 0; (disk = _scl_list_peek (scl_vm_spec_get_disks (step->vm), i)) != NULL; i++)
    g_ptr_array_add (wiring->disk_paths, _scl_volume_backend_volume_path (
                                             self->volumes, scl_disk_spec_get_volume (disk)));
  if (scl_vm_spec_has_seed (step->vm))
    wiring->seed_path = _scl_volume_backend_seed_path (self->volumes, vm);
  wiring->nvram_path = g_build_filename (folder, SCL_NVRAM_FILE, NULL);
  wiring->log_path = g_build_filename (folder, SCL_CONSOLE_LOG_FILE, NULL);
  wire_nics (self, step, wiring);
  return g_steal_pointer (&wiring);
}

static gboolean
define_vm (SclEngine *self, SclStep *step, const SclProgress *progress, GError **error)
{
  const SclSourcesAsk domains = { _scl_engine_share_sources, self };
  g_autoptr (SclVmWiring) wiring = NULL;

  if (!_scl_volume_backend_ensure_seed (self->volumes, step->vm, &domains, progress, error))
    return FALSE;
  wiring = wire (self, step, error);
  return wiring != NULL && _scl_vm_backend_define (self->vms, step->vm, wiring, progress, error);
}

static gboolean
grow_volume (SclEngine *self, SclStep *step, const SclProgress *progress, GError **error)
{
  const char *volume = scl_disk_spec_get_volume (step->disk);
  guint64 size = scl_disk_spec_get_size_mib (step->disk);

  if (step->grows && !_scl_volume_backend_grow (self->volumes, volume, size, progress, error))
    return FALSE;
  return !step->live
         || _scl_vm_backend_resize_disk (self->vms, scl_vm_spec_get_name (step->vm), step->disk_index,
                                         step->guest_size, error);
}

/* Whoever changes something writes it before all else, and goes on where there is no room for it. */
static gboolean
check_note (SclEngine *self, const char *name, GError **error)
{
  g_autoptr (SclObservation) observed = _scl_engine_observe (self, NULL, NULL, error);
  SclObservedVolume *volume = observed == NULL ? NULL : _scl_observation_lookup_volume (observed, name);

  if (observed == NULL)
    return FALSE;
  return volume == NULL || volume->noteless == NULL
         || scl_throw (error, SCL_ERROR_NO_SPACE,
                       "volume \"%s\": there was no room for its note: make some on the file system of %s, then apply again",
                       name, volume->path);
}

static gboolean
replug_nics (SclEngine *self, SclStep *step, GError **error)
{
  for (guint i = 0; i < step->nics->len; i++)
    if (!_scl_vm_backend_replug_nic (self->vms, step->names[0], g_array_index (step->nics, guint, i),
                                     error))
      return FALSE;
  return TRUE;
}

static gboolean
restart_vm (SclEngine *self, SclStep *step, const SclProgress *progress, GError **error)
{
  return _scl_engine_stop_vm (self, step->names[0], step->shutdown_timeout, SCL_STOPPED_BY_NOBODY,
                              progress, error)
         && _scl_engine_power_on (self, step->names[0], progress, error);
}

static gboolean
run_job (SclEngine *self, SclStep *step, const SclProgress *progress, GError **error)
{
  switch (step->job)
    {
    case SCL_JOB_HOST_ENSURE:
      return _scl_network_backend_ensure_host (self->networks, step->host, progress, error);
    case SCL_JOB_NETWORK_ENSURE:
      return _scl_network_backend_ensure (self->networks, step->networks, progress, error);
    case SCL_JOB_NETWORK_REMOVE:
      return _scl_network_backend_remove (self->networks, step->names[0], progress, error);
    case SCL_JOB_VOLUME_CREATE:
      return _scl_volume_backend_create (self->volumes, step->disk, scl_vm_spec_get_name (step->vm),
                                         progress, error);
    case SCL_JOB_VOLUME_GROW:
      return grow_volume (self, step, progress, error);
    case SCL_JOB_VOLUME_NOTE:
      return check_note (self, step->names[0], error);
    case SCL_JOB_VM_DEFINE:
      return define_vm (self, step, progress, error);
    case SCL_JOB_VM_REPLUG:
      return replug_nics (self, step, error);
    case SCL_JOB_VM_START:
      return _scl_engine_power_on (self, step->names[0], progress, error);
    case SCL_JOB_VM_RESTART:
      return restart_vm (self, step, progress, error);
    case SCL_JOB_VM_REMOVE:
      return _scl_engine_remove_vm (self, step->names[0], step->shutdown_timeout, progress, error);
    case SCL_JOB_BLOCKED:
      g_propagate_error (error, g_error_copy (step->error));
      return FALSE;
    default:
      return scl_throw (error, SCL_ERROR_UNSUPPORTED, "unknown step %d", (int) step->job);
    }
}

static const char *
kind_word (SclObjectKind kind)
{
  switch (kind)
    {
    case SCL_OBJECT_KIND_NETWORK:
      return "network";
    case SCL_OBJECT_KIND_VOLUME:
      return "volume";
    case SCL_OBJECT_KIND_VM:
      return "VM";
    case SCL_OBJECT_KIND_HOST:
    default:
      return "host";
    }
}

static gboolean
is_named (SclStep *step, const char *message)
{
  if (step->kind == SCL_OBJECT_KIND_HOST)
    return g_str_has_prefix (message, "host: ");
  for (char **name = step->names; *name != NULL; name++)
    {
      g_autofree char *quoted = g_strdup_printf ("\"%s\"", *name);

      if (strstr (message, quoted) != NULL)
        return TRUE;
    }
  return FALSE;
}

gboolean
_scl_engine_name_step (SclStep *step, GError **error)
{
  g_autofree char *names = NULL;

  if (error == NULL || *error == NULL || is_named (step, (*error)->message))
    return FALSE;
  if (step->kind == SCL_OBJECT_KIND_HOST)
    return scl_prefix (error, "host");
  names = g_strjoinv ("\", \"", step->names);
  return scl_prefix (error, "%s \"%s\"", kind_word (step->kind), names);
}

gboolean
_scl_engine_run_step (SclStep *step, const SclProgress *progress, gpointer engine, GError **error)
{
  SclEngine *self = engine;

  if (!run_job (self, step, progress, error))
    return _scl_engine_name_step (step, error);
  for (char **name = step->names; *name != NULL; name++)
    _scl_engine_tell (self, step->kind, *name);
  return TRUE;
}
