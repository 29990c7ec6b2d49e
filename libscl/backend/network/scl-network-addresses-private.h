/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Addresses, default route and the host's neighbour entry of one network. Its links exist. */

#include "backend/network/scl-network-links-private.h"

/* BRIDGE: its index. What is there instead is removed. */
gboolean _scl_network_addresses_make (SclNetworkLinks *self, int bridge, GError **error);
/* UPLINK: index of the inner end, which is up. */
gboolean _scl_network_addresses_make_way_out (SclNetworkLinks *self, int uplink, GError **error);
