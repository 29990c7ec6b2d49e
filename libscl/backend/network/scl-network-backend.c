/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-network-backend-private.h"
#include "base/scl-throw-private.h"

G_DEFINE_INTERFACE (SclNetworkBackend, _scl_network_backend, G_TYPE_OBJECT)

static void
_scl_network_backend_default_init (SclNetworkBackendInterface *iface)
{
}

gboolean
_scl_network_backend_preflight (SclNetworkBackend *self, SclManifest *manifest, GPtrArray *diagnostics, GCancellable *cancellable, GError **error)
{
  SclNetworkBackendInterface *iface = SCL_NETWORK_BACKEND_GET_IFACE (self);

  if (iface->preflight == NULL)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: preflight",
                      G_OBJECT_TYPE_NAME (self));
  return iface->preflight (self, manifest, diagnostics, cancellable, error);
}

gboolean
_scl_network_backend_observe (SclNetworkBackend *self, SclManifest *desired, SclObservation *out, GCancellable *cancellable, GError **error)
{
  SclNetworkBackendInterface *iface = SCL_NETWORK_BACKEND_GET_IFACE (self);

  if (iface->observe == NULL)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: observe",
                      G_OBJECT_TYPE_NAME (self));
  return iface->observe (self, desired, out, cancellable, error);
}

gboolean
_scl_network_backend_ensure_host (SclNetworkBackend *self, const SclHostTarget *target, const SclProgress *progress, GError **error)
{
  SclNetworkBackendInterface *iface = SCL_NETWORK_BACKEND_GET_IFACE (self);

  if (iface->ensure_host == NULL)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: ensure host",
                      G_OBJECT_TYPE_NAME (self));
  return iface->ensure_host (self, target, progress, error);
}

gboolean
_scl_network_backend_ensure (SclNetworkBackend *self, GPtrArray *targets, const SclProgress *progress, GError **error)
{
  SclNetworkBackendInterface *iface = SCL_NETWORK_BACKEND_GET_IFACE (self);

  if (iface->ensure == NULL)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: ensure",
                      G_OBJECT_TYPE_NAME (self));
  return iface->ensure (self, targets, progress, error);
}

gboolean
_scl_network_backend_remove (SclNetworkBackend *self, const char *name, const SclProgress *progress, GError **error)
{
  SclNetworkBackendInterface *iface = SCL_NETWORK_BACKEND_GET_IFACE (self);

  if (iface->remove == NULL)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s cannot do this: remove",
                      G_OBJECT_TYPE_NAME (self));
  return iface->remove (self, name, progress, error);
}

GPtrArray *
_scl_network_backend_list_neighbours (SclNetworkBackend *self, const char *network, const char *mac)
{
  SclNetworkBackendInterface *iface = SCL_NETWORK_BACKEND_GET_IFACE (self);

  return iface->list_neighbours == NULL ? NULL : iface->list_neighbours (self, network, mac);
}
