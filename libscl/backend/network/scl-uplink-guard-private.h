/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What keeps the guests of a network from the host and from other networks in the root namespace
 * even while there is no nft rule at all, whatever addresses the host has by then:
 * - a routing table of prohibitions, one per external address, that only packets from uplinks ask;
 * - IPsec policies (the kernel asks them for what it delivers to its own sockets) that let answers
 *   pass and drop all else. A guest's own ports are those from SCL_OWN_PORT_FIRST; answers of a
 *   forward come from the forward's port. Not where the kernel has no IPsec.
 * It replaces no rule: it has no state, so it knows no answers. */

#include "backend/network/scl-netlink-private.h"

/* EXTERNALS: char*, "LINK ADDRESS" of each uplink. What is there of PREFIX and not in it goes. */
gboolean _scl_uplink_guard_ensure (SclNetlink *root, const char *prefix, GPtrArray *externals,
                                   GError **error);
/* What the policies cannot do here becomes a sentence in NOTES. */
gboolean _scl_uplink_guard_check (SclNetlink *root, const char *prefix, GPtrArray *externals,
                                  gboolean *out_same, GPtrArray *notes, GError **error);
