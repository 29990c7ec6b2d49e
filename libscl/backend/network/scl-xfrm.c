/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-xfrm-private.h"
#include <errno.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <netlink/msg.h>
#include <sys/socket.h>

typedef struct
{
  GArray *blocks;
  guint32 priority;
} Listing;

static void
add_policy (const struct nlmsghdr *header, gpointer data)
{
  Listing *listing = data;
  const struct xfrm_userpolicy_info *info = nlmsg_data (header);
  SclXfrmBlock block = { 0 };

  if (header->nlmsg_type != XFRM_MSG_NEWPOLICY || nlmsg_datalen (header) < (int)sizeof *info
      || info->dir != XFRM_POLICY_IN || info->action != XFRM_POLICY_BLOCK
      || info->priority != listing->priority || info->sel.family != AF_INET
      || info->sel.prefixlen_s != 32 || info->sel.prefixlen_d != 0 || info->sel.ifindex != 0)
    return;
  block.source = g_ntohl (info->sel.saddr.a4);
  block.priority = info->priority;
  block.port = g_ntohs (info->sel.sport);
  block.port_mask = g_ntohs (info->sel.sport_mask);
  block.protocol = info->sel.proto;
  g_array_append_val (listing->blocks, block);
}

GArray *
_scl_xfrm_list (SclNetlink *sock, guint32 priority, GError **error)
{
  g_autoptr (GArray) blocks = g_array_new (FALSE, FALSE, sizeof (SclXfrmBlock));
  Listing listing = { blocks, priority };
  struct nl_msg *msg = nlmsg_alloc_simple (XFRM_MSG_GETPOLICY, NLM_F_DUMP);
  struct xfrm_userpolicy_id id = { 0 };

  nlmsg_append (msg, &id, sizeof id, NLMSG_ALIGNTO);
  if (!_scl_netlink_dump (sock, msg, add_policy, &listing, "IPsec policies", error))
    return NULL;
  return g_steal_pointer (&blocks);
}

static struct xfrm_selector
selector_of (const SclXfrmBlock *block)
{
  return (struct xfrm_selector){ .saddr = { .a4 = g_htonl (block->source) },
                                 .prefixlen_s = 32,
                                 .family = AF_INET,
                                 .proto = block->protocol,
                                 .sport = g_htons (block->port),
                                 .sport_mask = g_htons (block->port_mask) };
}

int
_scl_xfrm_add (SclNetlink *sock, const SclXfrmBlock *block)
{
  struct nl_msg *msg = nlmsg_alloc_simple (XFRM_MSG_UPDPOLICY, NLM_F_CREATE);
  struct xfrm_userpolicy_info info = { .sel = selector_of (block),
                                       .lft = { .soft_byte_limit = XFRM_INF,
                                                .hard_byte_limit = XFRM_INF,
                                                .soft_packet_limit = XFRM_INF,
                                                .hard_packet_limit = XFRM_INF },
                                       .priority = block->priority,
                                       .dir = XFRM_POLICY_IN,
                                       .action = XFRM_POLICY_BLOCK };

  nlmsg_append (msg, &info, sizeof info, NLMSG_ALIGNTO);
  return _scl_netlink_talk (sock, msg);
}

int
_scl_xfrm_delete (SclNetlink *sock, const SclXfrmBlock *block)
{
  struct nl_msg *msg = nlmsg_alloc_simple (XFRM_MSG_DELPOLICY, 0);
  struct xfrm_userpolicy_id id = { .sel = selector_of (block), .dir = XFRM_POLICY_IN };
  int rc;

  nlmsg_append (msg, &id, sizeof id, NLMSG_ALIGNTO);
  rc = _scl_netlink_talk (sock, msg);
  return rc == -ENOENT ? 0 : rc;
}
