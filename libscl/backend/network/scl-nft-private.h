/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Runs nft in a network namespace: text in, JSON out. (libnftables is GPL and not thread-safe.) */

#include "backend/network/scl-nft-table-private.h"
#include <gio/gio.h>

/* `nft -f -`: one transaction. NETNS_FD -1: the caller's namespace. */
gboolean _scl_nft_apply (int netns_fd, const char *text, GCancellable *cancellable, GError **error);

/* `nft -j list ruleset` as SclNftTable. (transfer full) */
GPtrArray *_scl_nft_list (int netns_fd, GCancellable *cancellable, GError **error);

/* The listing as nft prints it. (transfer full) */
GPtrArray *_scl_nft_parse (const char *json, gssize length, GError **error);
