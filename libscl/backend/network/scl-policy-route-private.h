/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Routes for the case that the gateway interface does not own the host's best default route:
 * a table of the instance with that interface's routes, used for what comes from our uplinks,
 * except for answers that carry our mark (they follow the main table). */

#include "backend/network/scl-netlink-private.h"

typedef struct
{
  gboolean present;     /* the interface exists */
  gboolean has_default; /* there is a default route through it */
  gboolean policy;      /* the best default route does not go through it: mark-based routing */
  GArray *routes;       /* SclRoute: what the instance's table shall hold, whichever it is */
} SclGateway;

void _scl_gateway_clear (SclGateway *gateway);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SclGateway, _scl_gateway_clear)

/* INTERFACE NULL: all FALSE. */
gboolean _scl_gateway_init (SclGateway *gateway, SclNetlink *root, const char *interface,
                            GError **error);

/* Makes rules and table what they shall be: UPLINKS (char*) through the gateway if it needs that,
 * else nothing. */
gboolean _scl_policy_route_ensure (SclNetlink *root, const char *prefix, const SclGateway *gateway,
                                   GPtrArray *uplinks, GError **error);
/* *OUT_SAME: nothing to do for ensure. */
gboolean _scl_policy_route_check (SclNetlink *root, const char *prefix, const SclGateway *gateway,
                                  GPtrArray *uplinks, gboolean *out_same, GError **error);
