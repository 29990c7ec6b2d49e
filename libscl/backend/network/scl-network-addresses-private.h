/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Addresses, and what stands in the tables of the namespace. Its links exist. */

#include "backend/network/scl-network-links-private.h"

/* BRIDGE: its index. What is there instead is removed. */
gboolean _scl_network_addresses_make (SclNetworkLinks *self, int bridge, GError **error);
/* The links are up. */
gboolean _scl_network_addresses_make_tables (SclNetworkLinks *self, GError **error);
