/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What stands in the tables of a network's namespace besides its links and addresses: routes, policy
 * rules, neighbours and forwarding entries that somebody fixed, queueing disciplines. Nobody but us has to
 * put anything there, so what is wanted is known completely. One comparison gives both what to say and
 * what to do. */

#include "backend/network/scl-netlink-private.h"
#include <scl/scl.h>

typedef struct
{
  GPtrArray *links;  /* of the namespace; SclLink */
  char *mac;         /* of the uplink's host end */
  guint32 host;      /* its address */
  guint32 external;
  guint32 gateway;
  guint prefix_length;
} SclNetnsTables;

/* Of the network that SPEC says. */
void _scl_netns_tables_init (SclNetnsTables *self, const char *prefix, SclNetworkSpec *spec,
                             GPtrArray *links);
void _scl_netns_tables_clear (SclNetnsTables *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SclNetnsTables, _scl_netns_tables_clear)

/* One difference. */
typedef struct
{
  char *problem;
  struct nl_msg *cure;
} SclNetnsFix;

/* Through a socket of the namespace; SclNetnsFix in the order in which they are to be made. What the
 * kernel takes away with a link that is missing or down is not said once more. */
GPtrArray *_scl_netns_tables_compare (SclNetlink *inner, const SclNetnsTables *wanted,
                                      GError **error);
gboolean _scl_netns_tables_repair (SclNetlink *inner, const SclNetnsTables *wanted, GError **error);
