/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a namespace must know of the host to keep its guests from it, without the host's ruleset,
 * which anybody may flush: all addresses that are the host's own, and how many flows one network
 * may have of the kernel's table of connections. */

#include <glib.h>

typedef struct
{
  GPtrArray *hosts; /* char*: addresses that the host takes packets for */
  guint flows;      /* that guests of one network may have begun at the same time */
} SclNetworkGuard;

/* ADDRESSES: SclLinkAddress of the root namespace. */
SclNetworkGuard *_scl_network_guard_new (GArray *addresses);
void _scl_network_guard_free (SclNetworkGuard *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclNetworkGuard, _scl_network_guard_free)
