/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Brings namespaces of networks into the wanted state, and removes them. The order is what makes
 * a kill at any moment harmless: a namespace gets its name last, new links are down until the rules
 * are there. */

#include "backend/network/scl-network-backend-private.h"

gboolean _scl_network_builder_ensure (const char *prefix, const char *run_dir, GPtrArray *targets,
                                      const SclProgress *progress, GError **error);
gboolean _scl_network_builder_remove (const char *prefix, const char *network,
                                      const SclProgress *progress, GError **error);
