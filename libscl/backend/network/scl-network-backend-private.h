/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Networks of one instance. Implementations: kernel (this folder) and memory. All methods may be
 * called from any thread; for different networks at the same time. Each brings its object into the
 * wanted state from whatever state it is in, or fails and leaves what the next call repairs. */

#include "backend/scl-progress-private.h"
#include "plan/scl-target-private.h"
#include <scl/scl-manifest.h>

#define SCL_TYPE_NETWORK_BACKEND (_scl_network_backend_get_type ())
G_DECLARE_INTERFACE (SclNetworkBackend, _scl_network_backend, SCL, NETWORK_BACKEND, GObject)

struct _SclNetworkBackendInterface
{
  GTypeInterface g_iface;

  /* What the manifest needs of this host: appends SclDiagnostic. FALSE only if it cannot check. */
  gboolean (*preflight) (SclNetworkBackend *self, SclManifest *manifest, GPtrArray *diagnostics,
                         GCancellable *cancellable, GError **error);
  /* Fills host and networks of OUT. Names in DESIRED (may be NULL) are looked at even if they do not carry
   * our mark, so that foreign objects in the way are seen. */
  gboolean (*observe) (SclNetworkBackend *self, SclManifest *desired, SclObservation *out,
                       GCancellable *cancellable, GError **error);
  /* The nft table of the instance, forwarding of the uplink, policy routes; removes all of it (and
   * restores sysctls) for a target with neither networks nor ports. */
  gboolean (*ensure_host) (SclNetworkBackend *self, const SclHostTarget *target,
                           const SclProgress *progress, GError **error);
  /* Creates, changes in place or repairs; more than one target only where a NIC moves between them.
   * A port that another of our namespaces has is moved with the running guest. Ports that are not in
   * the target are removed. */
  gboolean (*ensure) (SclNetworkBackend *self, GPtrArray *targets, const SclProgress *progress,
                      GError **error);
  /* Gone when it returns: links too. Absent is success. Foreign is SCL_ERROR_EXISTS. */
  gboolean (*remove) (SclNetworkBackend *self, const char *name, const SclProgress *progress,
                      GError **error);
  /* IPv4 addresses of MAC in the network's neighbour table. (transfer full) (nullable) */
  GPtrArray *(*list_neighbours) (SclNetworkBackend *self, const char *network, const char *mac);
};

gboolean _scl_network_backend_preflight (SclNetworkBackend *self, SclManifest *manifest,
                                         GPtrArray *diagnostics, GCancellable *cancellable,
                                         GError **error);
gboolean _scl_network_backend_observe (SclNetworkBackend *self, SclManifest *desired,
                                       SclObservation *out, GCancellable *cancellable,
                                       GError **error);
gboolean _scl_network_backend_ensure_host (SclNetworkBackend *self, const SclHostTarget *target,
                                           const SclProgress *progress, GError **error);
gboolean _scl_network_backend_ensure (SclNetworkBackend *self, GPtrArray *targets,
                                      const SclProgress *progress, GError **error);
gboolean _scl_network_backend_remove (SclNetworkBackend *self, const char *name,
                                      const SclProgress *progress, GError **error);
GPtrArray *_scl_network_backend_list_neighbours (SclNetworkBackend *self, const char *network,
                                                 const char *mac);
