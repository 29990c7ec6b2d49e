/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Policies of the kernel's IPsec for what it would deliver to its own sockets: packets that are
 * dropped or let pass by source address, destination, protocol and source port. Knows no names of
 * SCL. */

#include "backend/network/scl-netlink-private.h"

typedef struct
{
  guint32 source;      /* the host's byte order */
  guint32 destination; /* 0: any */
  guint32 priority;    /* the lowest number decides */
  guint16 port;        /* of the source; ICMP: the type */
  guint16 port_mask;
  guint8 protocol; /* 0: all */
  guint8 allow;    /* else dropped */
  guint8 padding[2];
} SclXfrmPolicy;

/* All policies of that kind whose priority is FIRST or LAST or between. SOCK: NETLINK_XFRM.
 * (transfer full) */
GArray *_scl_xfrm_list (SclNetlink *sock, guint32 first, guint32 last, GError **error);
/* Of any kind, in the namespace NETNS_FD (-1: the caller's); a kernel without IPsec has none. */
gboolean _scl_xfrm_has_any (int netns_fd, gboolean *out_has, GError **error);
gboolean _scl_xfrm_flush (int netns_fd, GError **error);
/* 0 or -errno. */
int _scl_xfrm_add (SclNetlink *sock, const SclXfrmPolicy *policy);
int _scl_xfrm_delete (SclNetlink *sock, const SclXfrmPolicy *policy);
