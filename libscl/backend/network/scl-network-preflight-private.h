/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a manifest's networks need of this host, checked before anything is changed. */

#include "backend/network/scl-network-backend-private.h"

/* TABLES: the root namespace's ruleset, NULL if it could not be read. */
gboolean _scl_network_preflight_run (const char *prefix, SclManifest *manifest, GPtrArray *tables,
                                     GPtrArray *diagnostics, GError **error);
/* Privileges and programs; FALSE if the rest cannot be checked without them. */
gboolean _scl_network_preflight_check_tools (GPtrArray *diagnostics);
