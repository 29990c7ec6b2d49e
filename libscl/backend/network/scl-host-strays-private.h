/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What programs that set up every link they see (DHCP clients, network managers) have put on host ends of
 * ours: default routes through them, and addresses of NIC ends, which have none. An uplink's own addresses
 * are the network's business. */

#include "backend/network/scl-netlink-private.h"

/* ROOT_LINKS, ROOT_ADDRESSES (SclLinkAddress): of the root namespace. Appends a sentence for each: to NOTES for
 * a default route that no DHCP client makes, which is somebody's own and stays. */
gboolean _scl_host_strays_check (SclNetlink *root, const char *prefix, GPtrArray *root_links,
                                 GArray *root_addresses, GPtrArray *problems, GPtrArray *notes,
                                 GError **error);
gboolean _scl_host_strays_remove (SclNetlink *root, const char *prefix, GError **error);
