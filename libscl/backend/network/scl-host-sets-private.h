/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether the sets of the host's table hold the links and addresses of the networks that are there:
 * its rules drop nothing of what the sets do not name. */

#include "backend/network/scl-host-network-private.h"

/* ROOT_LINKS: SclLink. NETWORKS: SclObservedNetwork. Adds to PROBLEMS what a set lacks or has too much. */
void _scl_host_sets_check (const char *prefix, SclNftTable *table, GPtrArray *root_links,
                           GPtrArray *networks, GPtrArray *problems);
