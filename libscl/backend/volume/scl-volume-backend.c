/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/volume/scl-volume-backend-private.h"
#include "base/scl-throw-private.h"

G_DEFINE_INTERFACE (SclVolumeBackend, _scl_volume_backend, G_TYPE_OBJECT)

static void
_scl_volume_backend_default_init (SclVolumeBackendInterface *iface)
{
}

gboolean
_scl_volume_backend_preflight (SclVolumeBackend *self, SclManifest *manifest, SclObservation *observed, GPtrArray *diagnostics, GCancellable *cancellable, GError **error)
{
  SclVolumeBackendInterface *iface = SCL_VOLUME_BACKEND_GET_IFACE (self);

  if (iface->preflight == NULL)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: preflight",
                      G_OBJECT_TYPE_NAME (self));
  return iface->preflight (self, manifest, observed, diagnostics, cancellable, error);
}

gboolean
_scl_volume_backend_observe (SclVolumeBackend *self, SclManifest *desired, SclObservation *out, GCancellable *cancellable, GError **error)
{
  SclVolumeBackendInterface *iface = SCL_VOLUME_BACKEND_GET_IFACE (self);

  if (iface->observe == NULL)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: observe",
                      G_OBJECT_TYPE_NAME (self));
  return iface->observe (self, desired, out, cancellable, error);
}

/* Optional: only files have sidecars. */
gboolean
_scl_volume_backend_claim (SclVolumeBackend *self, SclObservation *observed, GError **error)
{
  SclVolumeBackendInterface *iface = SCL_VOLUME_BACKEND_GET_IFACE (self);

  return iface->claim == NULL || iface->claim (self, observed, error);
}

gboolean
_scl_volume_backend_create (SclVolumeBackend *self, SclDiskSpec *disk, const char *vm, const SclProgress *progress, GError **error)
{
  SclVolumeBackendInterface *iface = SCL_VOLUME_BACKEND_GET_IFACE (self);

  if (iface->create == NULL)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: create",
                      G_OBJECT_TYPE_NAME (self));
  return iface->create (self, disk, vm, progress, error);
}

gboolean
_scl_volume_backend_grow (SclVolumeBackend *self, const char *name, guint64 size_mib, const SclProgress *progress, GError **error)
{
  SclVolumeBackendInterface *iface = SCL_VOLUME_BACKEND_GET_IFACE (self);

  if (iface->grow == NULL)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: grow",
                      G_OBJECT_TYPE_NAME (self));
  return iface->grow (self, name, size_mib, progress, error);
}

gboolean
_scl_volume_backend_remove (SclVolumeBackend *self, const char *name, SclSources *sources, const SclProgress *progress, GError **error)
{
  SclVolumeBackendInterface *iface = SCL_VOLUME_BACKEND_GET_IFACE (self);

  if (iface->remove == NULL)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: remove",
                      G_OBJECT_TYPE_NAME (self));
  return iface->remove (self, name, sources, progress, error);
}

gboolean
_scl_volume_backend_find_other (SclVolumeBackend *self, const char *name, const SclOtherInstance *other, char **out_path, char **out_nvram, GError **error)
{
  SclVolumeBackendInterface *iface = SCL_VOLUME_BACKEND_GET_IFACE (self);

  if (iface->find_other == NULL)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: find other",
                      G_OBJECT_TYPE_NAME (self));
  return iface->find_other (self, name, other, out_path, out_nvram, error);
}

char **
_scl_volume_backend_list_owners (SclVolumeBackend *self, const char *name)
{
  SclVolumeBackendInterface *iface = SCL_VOLUME_BACKEND_GET_IFACE (self);

  return iface->list_owners == NULL ? g_new0 (char *, 1) : iface->list_owners (self, name);
}

gboolean
_scl_volume_backend_adopt (SclVolumeBackend *self, const char *name, const SclOtherInstance *other, GError **error)
{
  SclVolumeBackendInterface *iface = SCL_VOLUME_BACKEND_GET_IFACE (self);

  if (iface->adopt == NULL)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: adopt",
                      G_OBJECT_TYPE_NAME (self));
  return iface->adopt (self, name, other, error);
}

gboolean
_scl_volume_backend_ensure_seed (SclVolumeBackend *self, SclVmSpec *vm, const SclSourcesAsk *domains,
                                 const SclProgress *progress, GError **error)
{
  SclVolumeBackendInterface *iface = SCL_VOLUME_BACKEND_GET_IFACE (self);

  if (iface->ensure_seed == NULL)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: ensure seed",
                      G_OBJECT_TYPE_NAME (self));
  return iface->ensure_seed (self, vm, domains, progress, error);
}

/* Optional: only files have owners. */
gboolean
_scl_volume_backend_reclaim (SclVolumeBackend *self, const char *vm, GError **error)
{
  SclVolumeBackendInterface *iface = SCL_VOLUME_BACKEND_GET_IFACE (self);

  return iface->reclaim == NULL || iface->reclaim (self, vm, error);
}

gboolean
_scl_volume_backend_release (SclVolumeBackend *self, const char *vm, SclSources *sources, const SclProgress *progress, GError **error)
{
  SclVolumeBackendInterface *iface = SCL_VOLUME_BACKEND_GET_IFACE (self);

  if (iface->release == NULL)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: release",
                      G_OBJECT_TYPE_NAME (self));
  return iface->release (self, vm, sources, progress, error);
}

char *
_scl_volume_backend_volume_path (SclVolumeBackend *self, const char *name)
{
  SclVolumeBackendInterface *iface = SCL_VOLUME_BACKEND_GET_IFACE (self);

  return iface->volume_path == NULL ? NULL : iface->volume_path (self, name);
}

char *
_scl_volume_backend_seed_path (SclVolumeBackend *self, const char *vm)
{
  SclVolumeBackendInterface *iface = SCL_VOLUME_BACKEND_GET_IFACE (self);

  return iface->seed_path == NULL ? NULL : iface->seed_path (self, vm);
}

char *
_scl_volume_backend_vm_folder (SclVolumeBackend *self, const char *vm, GError **error)
{
  SclVolumeBackendInterface *iface = SCL_VOLUME_BACKEND_GET_IFACE (self);

  if (iface->vm_folder == NULL)
    return scl_null_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: vm folder",
                      G_OBJECT_TYPE_NAME (self));
  return iface->vm_folder (self, vm, error);
}
