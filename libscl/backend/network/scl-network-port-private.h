/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether a NIC's links are what they should be, from lists of links that were read before. For who looks,
 * and for who would otherwise set everything once more. Pure. */

#include "backend/network/scl-netlink-private.h"
#include "backend/network/scl-network-backend-private.h"

/* Adds what is wrong with it to PROBLEMS. ROOT_LINKS and INNER_LINKS: SclLink, sorted by name. */
void _scl_network_port_check (const char *prefix, const SclPort *port, GPtrArray *root_links,
                              GPtrArray *inner_links, GPtrArray *problems);
/* Nothing is. */
gboolean _scl_network_port_is_right (const char *prefix, const SclPort *port, GPtrArray *root_links,
                                     GPtrArray *inner_links);
/* Whether a running guest's card still hangs on it; all else is repaired under the guest. */
gboolean _scl_network_port_is_wired (const char *prefix, const SclPort *port, GPtrArray *root_links,
                                     GPtrArray *inner_links);

/* The same for any link; LINK may be NULL. */
void _scl_network_port_check_up (const SclLink *link, const char *name, GPtrArray *problems);
void _scl_network_port_check_mac (const SclLink *link, const char *mac, GPtrArray *problems);
/* In no bridge, VRF or bond. PLACE: "", or what follows the link's name. */
void _scl_network_port_check_alone (const SclLink *link, const char *place, GPtrArray *problems);
