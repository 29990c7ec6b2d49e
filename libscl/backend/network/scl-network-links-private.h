/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The links of one network: uplink pair, bridge, NIC pairs, with their marks, MACs, addresses and
 * routes. Works on open sockets; the firewall is not its business. */

#include "backend/network/scl-netlink-private.h"
#include "backend/network/scl-network-backend-private.h"

typedef struct
{
  const char *prefix;
  const char *run_dir;
  const SclNetworkTarget *target;
  char *netns_name;
  char *uplink; /* host end */
  int netns_fd;
  gboolean is_new; /* the namespace has no name yet: it ends with the descriptor */
  SclNetlink *root;
  SclNetlink *inner;
  gboolean *settled; /* by port of the target: all was right with it; NULL: not looked at */
} SclNetworkLinks;

/* Opens or creates the namespace (unnamed as yet). SCL_ERROR_EXISTS if it is foreign. */
gboolean _scl_network_links_init (SclNetworkLinks *self, const char *prefix, const char *run_dir,
                                  const SclNetworkTarget *target, GError **error);
void _scl_network_links_clear (SclNetworkLinks *self);

/* All links there, marked, wired and addressed; new ones are down. */
gboolean _scl_network_links_make (SclNetworkLinks *self, GError **error);
/* Ports that the target does not have are removed. */
gboolean _scl_network_links_prune (SclNetworkLinks *self, GError **error);
/* Everything up, and the default route. */
gboolean _scl_network_links_raise (SclNetworkLinks *self, GError **error);

/* Whether a port of the target has a pair already: with a running guest on it, maybe. */
gboolean _scl_network_links_has_pair (SclNetworkLinks *self, gboolean *out_has, GError **error);
/* Removes the pairs of a namespace that will get no name; they would go later by themselves. */
void _scl_network_links_undo (SclNetworkLinks *self);

/* A locally administered MAC that is the same at each creation. */
char *_scl_network_links_mac (const char *prefix, const char *kind, const char *name);
/* The gateway's, the same in all networks: a guest that moves to another one keeps in mind who has
 * the gateway's address, for the better part of a minute. */
char *_scl_network_links_gateway_mac (const char *prefix);

/* TRUE if the namespace's lo carries the network's mark. */
gboolean _scl_network_links_is_marked (SclNetlink *inner, const char *prefix, const char *network,
                                       gboolean *out_marked, GError **error);
/* Who has a link (NULL: one that went meanwhile) and what is routed to it, as it is told to others. */
char *_scl_network_links_describe_owner (const SclLink *link);

/* A host end of ours: by alias, or by the group that it was born with. */
gboolean _scl_network_links_is_own (const SclLink *link, const char *prefix);
