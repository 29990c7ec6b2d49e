/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads one network back from the kernel: spec and ports are rebuilt from addresses and ruleset,
 * then everything that they imply is compared with what is there. Keeps nothing. */

#include "backend/network/scl-netlink-private.h"
#include "backend/network/scl-network-backend-private.h"

/* Of the root namespace: SclLink, SclLinkAddress, SclRoute. */
typedef struct
{
  GPtrArray *links;
  GArray *addresses, *routes;
} SclRootReading;

/* PEERS (int): gets the indices, there, of what links of the namespace are linked to.
 * *OUT is NULL if there is no such network. */
gboolean _scl_network_observer_read (const char *prefix, const char *network,
                                     const SclRootReading *root, GArray *peers,
                                     SclObservedNetwork **out, GError **error);
