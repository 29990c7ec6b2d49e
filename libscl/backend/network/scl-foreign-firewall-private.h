/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Forward chains of others in the root namespace: a drop there is final, whatever our own chains
 * accept. Docker provides a chain for accepts (DOCKER-USER), which we use; of everything else we
 * can only say what drops. */

#include "backend/network/scl-nft-table-private.h"
#include <gio/gio.h>

/* Makes our rules in DOCKER-USER exactly those for UPLINKS (char*; empty: none). RUN_DIR/PREFIX
 * records that there are some, before they are made. */
gboolean _scl_foreign_firewall_ensure (GPtrArray *tables, const char *run_dir, const char *prefix,
                                       GPtrArray *uplinks, GCancellable *cancellable,
                                       GError **error);
/* Whether ensure has nothing to do. */
gboolean _scl_foreign_firewall_is_done (GPtrArray *tables, const char *prefix, GPtrArray *uplinks);

/* One sentence per chain that would drop what SCL routes between UPLINKS (char*) and GATEWAY (NULL: any
 * other link). */
void _scl_foreign_firewall_explain (GPtrArray *tables, const char *prefix, GPtrArray *uplinks,
                                    const char *gateway, GPtrArray *notes);
