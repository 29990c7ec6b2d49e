/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* nft rulesets of a network namespace. What SCL writes goes through the program nft (libnftables is
 * GPL and not thread-safe). What it wrote is read back from the kernel directly, which takes a
 * tenth of the time; only rules of somebody else need nft's understanding of them. */

#include "backend/network/scl-netlink-private.h"
#include "backend/network/scl-nft-table-private.h"
#include <gio/gio.h>

/* `nft -f -`: one transaction, which changes something. NETNS_FD -1: the caller's namespace. */
gboolean _scl_nft_apply (int netns_fd, const char *text, GCancellable *cancellable, GError **error);

/* `nft -j list ruleset` as SclNftTable. (transfer full) */
GPtrArray *_scl_nft_list (int netns_fd, GCancellable *cancellable, GError **error);

/* The ruleset as SclNftTable, without the verdicts of rules. SOCK: NETLINK_NETFILTER, in the
 * namespace that is meant. (transfer full) */
GPtrArray *_scl_nft_read (SclNetlink *sock, GError **error);
/* Changes with every transaction of anybody; 0: unknown. */
guint32 _scl_nft_read_generation (SclNetlink *sock);

/* The listing as nft prints it. (transfer full) */
GPtrArray *_scl_nft_parse (const char *json, gssize length, GError **error);
