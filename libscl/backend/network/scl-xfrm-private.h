/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Policies of the kernel's IPsec that drop packets which it would deliver to its own sockets: by
 * source address, protocol and source port. Knows no names of SCL. */

#include "backend/network/scl-netlink-private.h"

typedef struct
{
  guint32 source;      /* the host's byte order */
  guint32 priority;    /* says whose it is */
  guint16 port;        /* of the source; ICMP: the type */
  guint16 port_mask;
  guint8 protocol;
  guint8 padding[3];
} SclXfrmBlock;

/* All policies of that kind and PRIORITY. SOCK: NETLINK_XFRM. (transfer full) */
GArray *_scl_xfrm_list (SclNetlink *sock, guint32 priority, GError **error);
/* 0 or -errno. */
int _scl_xfrm_add (SclNetlink *sock, const SclXfrmBlock *block);
int _scl_xfrm_delete (SclNetlink *sock, const SclXfrmBlock *block);
