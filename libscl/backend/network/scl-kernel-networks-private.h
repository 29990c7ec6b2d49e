/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* SclNetworkBackend over this host's kernel: namespaces, veth, bridges, nft. Keeps no state of its
 * own but the sysctls that it changed (/run/scl/PREFIX); everything else is read back. */

#include "backend/network/scl-network-backend-private.h"

#define SCL_RUN_DIR "/run/scl"

#define SCL_TYPE_KERNEL_NETWORKS (_scl_kernel_networks_get_type ())
G_DECLARE_FINAL_TYPE (SclKernelNetworks, _scl_kernel_networks, SCL, KERNEL_NETWORKS, GObject)

/* PREFIX was validated by the caller. (transfer full) */
SclNetworkBackend *_scl_kernel_networks_new (const char *prefix, GError **error);
/* As above, with another folder than /run/scl. */
SclNetworkBackend *_scl_kernel_networks_new_at (const char *prefix, const char *run_dir,
                                                GError **error);
