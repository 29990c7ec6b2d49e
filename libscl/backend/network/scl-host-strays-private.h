/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What programs that set up every link they see (DHCP clients, network managers) have put on host ends of
 * ours: default routes through them, and addresses of NIC ends, which have none. An uplink's own addresses
 * are the network's business. */

#include "backend/network/scl-network-observer-private.h"

/* Appends a sentence for each: to NOTES for a default route that no DHCP client makes, which is somebody's own
 * and stays. */
void _scl_host_strays_check (const char *prefix, const SclRootReading *root, GPtrArray *problems,
                             GPtrArray *notes);
gboolean _scl_host_strays_remove (SclNetlink *root, const char *prefix, GError **error);
