/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-vm-backend-private.h"
#include "base/scl-throw-private.h"

G_DEFINE_INTERFACE (SclVmBackend, _scl_vm_backend, G_TYPE_OBJECT)

static void
_scl_vm_backend_default_init (SclVmBackendInterface *iface)
{
}

SclVmWiring *
_scl_vm_wiring_new (void)
{
  SclVmWiring *self = g_new0 (SclVmWiring, 1);

  g_atomic_ref_count_init (&self->refs);
  self->disk_paths = g_ptr_array_new_with_free_func (g_free);
  self->macs = g_ptr_array_new_with_free_func (g_free);
  self->tap_links = g_ptr_array_new_with_free_func (g_free);
  return self;
}

SclVmWiring *
_scl_vm_wiring_ref (const SclVmWiring *self)
{
  SclVmWiring *shared = (SclVmWiring *) self;

  g_atomic_ref_count_inc (&shared->refs);
  return shared;
}

void
_scl_vm_wiring_free (SclVmWiring *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_ptr_array_unref (self->disk_paths);
  g_ptr_array_unref (self->macs);
  g_ptr_array_unref (self->tap_links);
  g_free (self->seed_path);
  g_free (self->nvram_path);
  g_free (self->log_path);
  g_free (self);
}

gboolean
_scl_vm_backend_preflight (SclVmBackend *self, SclManifest *manifest, GPtrArray *diagnostics, GCancellable *cancellable, GError **error)
{
  SclVmBackendInterface *iface = SCL_VM_BACKEND_GET_IFACE (self);

  if (iface->preflight == NULL)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: preflight",
                      G_OBJECT_TYPE_NAME (self));
  return iface->preflight (self, manifest, diagnostics, cancellable, error);
}

gboolean
_scl_vm_backend_observe (SclVmBackend *self, SclManifest *desired, SclObservation *out, GCancellable *cancellable, GError **error)
{
  SclVmBackendInterface *iface = SCL_VM_BACKEND_GET_IFACE (self);

  if (iface->observe == NULL)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: observe",
                      G_OBJECT_TYPE_NAME (self));
  return iface->observe (self, desired, out, cancellable, error);
}

/* A backend that knows of no files has none that are named. */
SclSources *
_scl_vm_backend_list_sources (SclVmBackend *self, SclObservation *known, GCancellable *cancellable,
                              GError **error)
{
  SclVmBackendInterface *iface = SCL_VM_BACKEND_GET_IFACE (self);

  return iface->list_sources == NULL ? _scl_sources_new ()
                                     : iface->list_sources (self, known, cancellable, error);
}

gboolean
_scl_vm_backend_define (SclVmBackend *self, SclVmSpec *spec, const SclVmWiring *wiring, const SclProgress *progress, GError **error)
{
  SclVmBackendInterface *iface = SCL_VM_BACKEND_GET_IFACE (self);

  if (iface->define == NULL)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: define",
                      G_OBJECT_TYPE_NAME (self));
  return iface->define (self, spec, wiring, progress, error);
}

gboolean
_scl_vm_backend_start (SclVmBackend *self, const char *name, const SclProgress *progress, GError **error)
{
  SclVmBackendInterface *iface = SCL_VM_BACKEND_GET_IFACE (self);

  if (iface->start == NULL)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: start",
                      G_OBJECT_TYPE_NAME (self));
  return iface->start (self, name, progress, error);
}

gboolean
_scl_vm_backend_stop (SclVmBackend *self, const char *name, guint timeout, SclStoppedBy by, const SclProgress *progress, GError **error)
{
  SclVmBackendInterface *iface = SCL_VM_BACKEND_GET_IFACE (self);

  if (iface->stop == NULL)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: stop",
                      G_OBJECT_TYPE_NAME (self));
  return iface->stop (self, name, timeout, by, progress, error);
}

/* A backend without it refuses none. */
gboolean
_scl_vm_backend_check_removal (SclVmBackend *self, const char *name, GCancellable *cancellable,
                               GError **error)
{
  SclVmBackendInterface *iface = SCL_VM_BACKEND_GET_IFACE (self);

  return iface->check_removal == NULL || iface->check_removal (self, name, cancellable, error);
}

gboolean
_scl_vm_backend_remove (SclVmBackend *self, const char *name, const SclProgress *progress, GError **error)
{
  SclVmBackendInterface *iface = SCL_VM_BACKEND_GET_IFACE (self);

  if (iface->remove == NULL)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: remove",
                      G_OBJECT_TYPE_NAME (self));
  return iface->remove (self, name, progress, error);
}

gboolean
_scl_vm_backend_resize_disk (SclVmBackend *self, const char *name, guint index, guint64 size, GError **error)
{
  SclVmBackendInterface *iface = SCL_VM_BACKEND_GET_IFACE (self);

  if (iface->resize_disk == NULL)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: resize disk",
                      G_OBJECT_TYPE_NAME (self));
  return iface->resize_disk (self, name, index, size, error);
}

gboolean
_scl_vm_backend_replug_nic (SclVmBackend *self, const char *name, guint index, GError **error)
{
  SclVmBackendInterface *iface = SCL_VM_BACKEND_GET_IFACE (self);

  if (iface->replug_nic == NULL)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: replug nic",
                      G_OBJECT_TYPE_NAME (self));
  return iface->replug_nic (self, name, index, error);
}

gboolean
_scl_vm_backend_clear_stopped (SclVmBackend *self, const char *name, GError **error)
{
  SclVmBackendInterface *iface = SCL_VM_BACKEND_GET_IFACE (self);

  if (iface->clear_stopped == NULL)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: clear stopped",
                      G_OBJECT_TYPE_NAME (self));
  return iface->clear_stopped (self, name, error);
}

GIOStream *
_scl_vm_backend_open_console (SclVmBackend *self, const char *name, GCancellable *cancellable, GError **error)
{
  SclVmBackendInterface *iface = SCL_VM_BACKEND_GET_IFACE (self);

  if (iface->open_console == NULL)
    return scl_null_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: open console",
                      G_OBJECT_TYPE_NAME (self));
  return iface->open_console (self, name, cancellable, error);
}

GPtrArray *
_scl_vm_backend_list_agent_addresses (SclVmBackend *self, SclObservation *observation,
                                      GCancellable *cancellable)
{
  SclVmBackendInterface *iface = SCL_VM_BACKEND_GET_IFACE (self);

  return iface->list_agent_addresses == NULL
             ? NULL
             : iface->list_agent_addresses (self, observation, cancellable);
}

void
_scl_vm_backend_watch (SclVmBackend *self, SclVmEventFunc func, gpointer user_data)
{
  SclVmBackendInterface *iface = SCL_VM_BACKEND_GET_IFACE (self);

  if (iface->watch != NULL)
    iface->watch (self, func, user_data);
}
