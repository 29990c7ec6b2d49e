/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the firewall of a network and of the host shall be, as nft tables. Pure: specs in, tables
 * out; the same function makes what is written and what an observation is compared with. */

#include "backend/network/scl-network-backend-private.h"
#include "backend/network/scl-network-guard-private.h"
#include "backend/network/scl-nft-table-private.h"

/* IFLA_GROUP of every host end that SCL makes, set in the creating message: marks a link from its
 * birth, before it has its alias, and lets instances leave each other's uplinks alone. */
#define SCL_GROUP_UPLINK 0x53434c75u
#define SCL_GROUP_NIC 0x53434c6eu

/* Names of sets that observation reads. */
#define SCL_SET_FORWARDS "forwards"
#define SCL_SET_MACS "macs"
#define SCL_SET_UPLINKS "uplinks"
#define SCL_SET_NICS "nics"
#define SCL_SET_EXTERNALS "externals"
#define SCL_SET_GATEWAY "gateway"
#define SCL_SET_MARKED "marked"

#define SCL_SET_BOUND "bound"

/* Source ports on the host's own addresses that connections of guests get, and nothing else: above
 * what a kernel gives out by itself, and reserved while there is an instance. */
#define SCL_MASQUERADE_FIRST 61000
#define SCL_MASQUERADE_LAST 65535

/* Guests' own ports on a network's external address begin here, whatever the guest chose. */
#define SCL_OWN_PORT_FIRST 32768

/* Flows that the guests of one network may have to one destination (address, protocol and port):
 * less than a quarter of those ports. */
#define SCL_FLOWS_PER_DESTINATION 1024
/* Addresses that one port of a network may send from: the kernel has one small table of neighbours
 * for the whole host. */
#define SCL_SENDERS_PER_PORT 256

/* Layer 3 of a namespace: forwards, masquerade, filter, bounds. */
SclNftTable *_scl_ruleset_network (const char *prefix, SclNetworkSpec *spec,
                                   const SclNetworkGuard *guard);
/* Layer 2 of a namespace: anti-spoofing of PORTS (SclPort). */
SclNftTable *_scl_ruleset_ports (const char *prefix, SclNetworkSpec *spec, GPtrArray *ports);
/* Whether TABLE is called as one of these two. */
gboolean _scl_ruleset_is_of_network (const SclNftTable *table, const char *prefix);

typedef struct
{
  const char *gateway_interface; /* NULL: none */
  GPtrArray *uplinks;            /* char*: host ends */
  GPtrArray *externals;          /* char*: "LINK ADDRESS" */
  GPtrArray *nics;               /* char*: host ends and macvtaps */
  gboolean closed; /* the gateway interface did not forward before us: nothing but our path may */
  gboolean marked; /* the gateway interface does not own the default route: mark-based routing */
} SclHostRules;

SclNftTable *_scl_ruleset_host (const char *prefix, const SclHostRules *rules);
