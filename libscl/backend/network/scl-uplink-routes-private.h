/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the kernel puts into the root namespace's tables with the address of an uplink's host end: the route
 * to the external address, and that the end's own address is local. They can go without the address. Routes
 * of others stay, whatever they are for. */

#include "backend/network/scl-netlink-private.h"

/* ROUTES: of the root namespace (SclRoute). ADDRESS: what stands on LINK, which is up. */
void _scl_uplink_routes_check (GArray *routes, const SclLink *link, const SclLinkAddress *address,
                               GPtrArray *problems);
gboolean _scl_uplink_routes_ensure (SclNetlink *root, const SclLink *link,
                                    const SclLinkAddress *address, GError **error);
