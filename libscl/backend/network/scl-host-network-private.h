/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The root namespace's part of an instance: guard and masquerade (one nft table), forwarding of the
 * gateway interface, policy routes, accepts in foreign chains, and host ends that nobody has any
 * more. */

#include "backend/network/scl-netlink-private.h"
#include "backend/network/scl-network-backend-private.h"
#include "backend/network/scl-nft-table-private.h"
#include "backend/network/scl-policy-route-private.h"
#include "backend/network/scl-ruleset-private.h"

typedef struct
{
  const char *prefix;
  const char *run_dir;
  GPtrArray *tables; /* SclNftTable: the root namespace's ruleset as it is */
} SclHostNetwork;

gboolean _scl_host_network_ensure (const SclHostNetwork *self, const SclHostTarget *target,
                                   const SclProgress *progress, GError **error);

/* ROOT_LINKS: SclLink. INNER_PEERS: the indices (in the root namespace) of what links in our
 * namespaces are linked to. NETWORKS: SclObservedNetwork, all that are there. */
gboolean _scl_host_network_observe (const SclHostNetwork *self, GPtrArray *root_links,
                                    GHashTable *inner_peers, GPtrArray *networks,
                                    SclObservedHost *out, GError **error);

/* Whether nothing but our own path may come in by the gateway interface: nobody forwarded there
 * before. */
gboolean _scl_host_network_is_closed (const SclHostNetwork *self, const char *gateway_interface);
/* What the gateway is now. Without a default route through it guests have no internet by either
 * way, so the one that is there is right: nothing is to be done while a link is down. */
gboolean _scl_host_network_init_gateway (const SclHostNetwork *self, SclGateway *gateway,
                                         SclNetlink *root, const char *interface, GError **error);
/* Whether guests' packets go to INTERFACE by mark-based routing now. FALSE: the rules that are
 * there do not tell. */
gboolean _scl_host_network_lookup_policy (const SclHostNetwork *self, const char *interface,
                                          gboolean *out_policy);
/* The values that must be set for the gateway: pairs of path and value. (transfer full) */
GPtrArray *_scl_host_network_list_sysctls (const SclGateway *gateway, const char *interface);

/* Indices of the root namespace's links that links in our namespaces belong to. */
GHashTable *_scl_host_network_list_peers (const char *prefix, GError **error);
/* Host ends of ours whose other end is in no namespace of ours. (transfer container) */
GPtrArray *_scl_host_network_list_orphans (const char *prefix, GPtrArray *root_links,
                                           GHashTable *inner_peers);

/* Names in /run/netns that we did not live to mount a namespace on. (transfer full) */
GPtrArray *_scl_host_network_list_leftovers (const char *prefix);
