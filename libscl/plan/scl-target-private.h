/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a network and the root namespace shall look like: the payload of plan steps, made by the
 * planner and carried out by a network backend. Plain data. */

#include "plan/scl-observation-private.h"

/* A network as it shall be. */
typedef struct
{
  SclNetworkSpec *spec;
  GPtrArray *ports; /* SclPort */
} SclNetworkTarget;

SclNetworkTarget *_scl_network_target_new (SclNetworkSpec *spec);
void _scl_network_target_free (SclNetworkTarget *self);

/* The root namespace's part as it shall be. */
typedef struct
{
  char *gateway_interface; /* NULL: no egress */
  GPtrArray *networks;     /* SclNetworkSpec: uplinks that are guarded, and masqueraded if there is
                            * a gateway. One without external IP is only guarded. */
  GPtrArray *ports;        /* SclPort: whose host ends and macvtaps are guarded */
} SclHostTarget;

SclHostTarget *_scl_host_target_new (const char *gateway_interface);
void _scl_host_target_free (SclHostTarget *self);

/* As SclObservedHost.links and .externals would be, sorted. (transfer full) */
GPtrArray *_scl_host_target_list_links (const SclHostTarget *self, const char *prefix);
GPtrArray *_scl_host_target_list_externals (const SclHostTarget *self, const char *prefix);
