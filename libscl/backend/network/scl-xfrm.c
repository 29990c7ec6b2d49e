/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-xfrm-private.h"
#include "base/scl-throw-private.h"
#include <errno.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <netlink/msg.h>
#include <sys/socket.h>

typedef struct
{
  GArray *policies;
  guint32 first, last;
} Listing;

static void
add_policy (const struct nlmsghdr *header, gpointer data)
{
  Listing *listing = data;
  const struct xfrm_userpolicy_info *info = nlmsg_data (header);
  SclXfrmPolicy policy = { 0 };

  if (header->nlmsg_type != XFRM_MSG_NEWPOLICY || nlmsg_datalen (header) < (int)sizeof *info
      || info->dir != XFRM_POLICY_IN || info->priority < listing->first
      || info->priority > listing->last || info->sel.family != AF_INET
      || info->sel.prefixlen_s != 32)
    return;
  policy.destination = info->sel.prefixlen_d == 0 ? 0 : g_ntohl (info->sel.daddr.a4);
  policy.allow = info->action == XFRM_POLICY_ALLOW;
  policy.source = g_ntohl (info->sel.saddr.a4);
  policy.priority = info->priority;
  policy.port = g_ntohs (info->sel.sport);
  policy.port_mask = g_ntohs (info->sel.sport_mask);
  policy.protocol = info->sel.proto;
  g_array_append_val (listing->policies, policy);
}

GArray *
_scl_xfrm_list (SclNetlink *sock, guint32 first, guint32 last, GError **error)
{
  g_autoptr (GArray) policies = g_array_new (FALSE, FALSE, sizeof (SclXfrmPolicy));
  Listing listing = { policies, first, last };
  struct nl_msg *msg = nlmsg_alloc_simple (XFRM_MSG_GETPOLICY, NLM_F_DUMP);
  struct xfrm_userpolicy_id id = { 0 };

  nlmsg_append (msg, &id, sizeof id, NLMSG_ALIGNTO);
  if (!_scl_netlink_dump (sock, msg, add_policy, &listing, "IPsec policies", error))
    return NULL;
  return g_steal_pointer (&policies);
}

static void
note_policy (const struct nlmsghdr *header, gpointer data)
{
  *(gboolean *) data = TRUE;
}

gboolean
_scl_xfrm_has_any (int netns_fd, gboolean *out_has, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (SclNetlink) sock = _scl_netlink_open (netns_fd, NETLINK_XFRM, &local);
  struct xfrm_userpolicy_id id = { 0 };
  struct nl_msg *msg;

  *out_has = FALSE;
  if (sock == NULL && g_error_matches (local, SCL_ERROR, SCL_ERROR_UNSUPPORTED))
    return TRUE;
  if (sock == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  msg = nlmsg_alloc_simple (XFRM_MSG_GETPOLICY, NLM_F_DUMP);
  nlmsg_append (msg, &id, sizeof id, NLMSG_ALIGNTO);
  return _scl_netlink_dump (sock, msg, note_policy, out_has, "IPsec policies", error);
}

gboolean
_scl_xfrm_flush (int netns_fd, GError **error)
{
  g_autoptr (SclNetlink) sock = NULL;
  gboolean has = FALSE;
  int rc;

  if (!_scl_xfrm_has_any (netns_fd, &has, error))
    return FALSE;
  if (!has)
    return TRUE;
  sock = _scl_netlink_open (netns_fd, NETLINK_XFRM, error);
  if (sock == NULL)
    return FALSE;
  rc = _scl_netlink_talk (sock, nlmsg_alloc_simple (XFRM_MSG_FLUSHPOLICY, 0));
  return rc >= 0 || scl_throw_errno (error, -rc, "cannot remove the IPsec policies");
}

static struct xfrm_selector
selector_of (const SclXfrmPolicy *policy)
{
  return (struct xfrm_selector){ .saddr = { .a4 = g_htonl (policy->source) },
                                 .daddr = { .a4 = g_htonl (policy->destination) },
                                 .prefixlen_s = 32,
                                 .prefixlen_d = policy->destination == 0 ? 0 : 32,
                                 .family = AF_INET,
                                 .proto = policy->protocol,
                                 .sport = g_htons (policy->port),
                                 .sport_mask = g_htons (policy->port_mask) };
}

int
_scl_xfrm_add (SclNetlink *sock, const SclXfrmPolicy *policy)
{
  struct nl_msg *msg = nlmsg_alloc_simple (XFRM_MSG_UPDPOLICY, NLM_F_CREATE);
  struct xfrm_userpolicy_info info = { .sel = selector_of (policy),
                                       .lft = { .soft_byte_limit = XFRM_INF,
                                                .hard_byte_limit = XFRM_INF,
                                                .soft_packet_limit = XFRM_INF,
                                                .hard_packet_limit = XFRM_INF },
                                       .priority = policy->priority,
                                       .dir = XFRM_POLICY_IN,
                                       .action = policy->allow ? XFRM_POLICY_ALLOW
                                                                 : XFRM_POLICY_BLOCK };

  nlmsg_append (msg, &info, sizeof info, NLMSG_ALIGNTO);
  return _scl_netlink_talk (sock, msg);
}

int
_scl_xfrm_delete (SclNetlink *sock, const SclXfrmPolicy *policy)
{
  struct nl_msg *msg = nlmsg_alloc_simple (XFRM_MSG_DELPOLICY, 0);
  struct xfrm_userpolicy_id id = { .sel = selector_of (policy), .dir = XFRM_POLICY_IN };
  int rc;

  nlmsg_append (msg, &id, sizeof id, NLMSG_ALIGNTO);
  rc = _scl_netlink_talk (sock, msg);
  return rc == -ENOENT ? 0 : rc;
}
