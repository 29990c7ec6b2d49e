/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-netlink-private.h"
#include "base/scl-throw-private.h"
#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>

/* rtm_table is one byte. */
#define TABLE_BYTE_MAX 255

static guint32
get_ip (struct nlattr *attr)
{
  return attr == NULL || nla_len (attr) != 4 ? 0 : ntohl (nla_get_u32 (attr));
}

static guint32
get_number (struct nlattr *attr)
{
  return attr == NULL ? 0 : nla_get_u32 (attr);
}

static void
put_ip (struct nl_msg *msg, int type, guint32 ip)
{
  nla_put_u32 (msg, type, htonl (ip));
}

static struct nl_msg *
new_msg (int type, int flags, gconstpointer payload, gsize size)
{
  struct nl_msg *msg = nlmsg_alloc_simple (type, flags);

  nlmsg_append (msg, (void *)payload, size, NLMSG_ALIGNTO);
  return msg;
}

static void
add_address (const struct nlmsghdr *header, gpointer data)
{
  const struct ifaddrmsg *info = nlmsg_data (header);
  struct nlattr *tb[IFA_MAX + 1];
  SclLinkAddress address = { 0 };

  if (header->nlmsg_type != RTM_NEWADDR || info->ifa_family != AF_INET
      || nlmsg_parse ((struct nlmsghdr *)header, sizeof *info, tb, IFA_MAX, NULL) < 0)
    return;
  address.peer = get_ip (tb[IFA_ADDRESS]);
  address.local = tb[IFA_LOCAL] != NULL ? get_ip (tb[IFA_LOCAL]) : address.peer;
  address.prefix_length = info->ifa_prefixlen;
  address.index = (int)info->ifa_index;
  g_array_append_val ((GArray *)data, address);
}

GArray *
_scl_netlink_list_addresses (SclNetlink *self, GError **error)
{
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (SclLinkAddress));
  struct ifaddrmsg info = { .ifa_family = AF_INET };
  struct nl_msg *msg = new_msg (RTM_GETADDR, NLM_F_DUMP, &info, sizeof info);

  if (!_scl_netlink_dump (self, msg, add_address, all, "addresses", error))
    return NULL;
  return g_steal_pointer (&all);
}

static int
change_address (SclNetlink *self, int type, int flags, const SclLinkAddress *address)
{
  struct ifaddrmsg info = { .ifa_family = AF_INET,
                            .ifa_prefixlen = (guint8)address->prefix_length,
                            .ifa_index = (guint32)address->index };
  struct nl_msg *msg = new_msg (type, flags, &info, sizeof info);

  put_ip (msg, IFA_LOCAL, address->local);
  put_ip (msg, IFA_ADDRESS, address->peer);
  if (address->prefix_length < 31 && type == RTM_NEWADDR)
    put_ip (msg, IFA_BROADCAST, address->local | (0xffffffffu >> address->prefix_length));
  return _scl_netlink_talk (self, msg);
}

int
_scl_netlink_add_address (SclNetlink *self, const SclLinkAddress *address)
{
  return change_address (self, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, address);
}

int
_scl_netlink_delete_address (SclNetlink *self, const SclLinkAddress *address)
{
  int rc = change_address (self, RTM_DELADDR, 0, address);

  return rc == -EADDRNOTAVAIL ? 0 : rc;
}

/* One route per next hop. */
static void
add_next_hops (GArray *routes, const SclRoute *common, struct nlattr *hops)
{
  struct rtnexthop *hop = nla_data (hops);
  int left = nla_len (hops);

  while (left >= (int)sizeof *hop && hop->rtnh_len >= sizeof *hop && hop->rtnh_len <= left)
    {
      SclRoute route = *common;
      struct nlattr *tb[RTA_MAX + 1];

      route.index = hop->rtnh_ifindex;
      if (nla_parse (tb, RTA_MAX, (struct nlattr *)RTNH_DATA (hop),
                     hop->rtnh_len - (int)sizeof *hop, NULL)
          == 0)
        route.gateway = get_ip (tb[RTA_GATEWAY]);
      g_array_append_val (routes, route);
      left -= (int)RTNH_ALIGN (hop->rtnh_len);
      hop = RTNH_NEXT (hop);
    }
}

static gboolean
parse_route (const struct nlmsghdr *header, struct nlattr **tb, SclRoute *route)
{
  const struct rtmsg *info = nlmsg_data (header);

  if (header->nlmsg_type != RTM_NEWROUTE || info->rtm_family != AF_INET
      || (info->rtm_flags & RTM_F_CLONED) != 0
      || nlmsg_parse ((struct nlmsghdr *)header, sizeof *info, tb, RTA_MAX, NULL) < 0)
    return FALSE;
  memset (route, 0, sizeof *route);
  route->destination = get_ip (tb[RTA_DST]);
  route->gateway = get_ip (tb[RTA_GATEWAY]);
  route->source = get_ip (tb[RTA_PREFSRC]);
  route->prefix_length = info->rtm_dst_len;
  route->table = tb[RTA_TABLE] != NULL ? get_number (tb[RTA_TABLE]) : info->rtm_table;
  route->metric = get_number (tb[RTA_PRIORITY]);
  route->index = (int)get_number (tb[RTA_OIF]);
  route->protocol = info->rtm_protocol;
  route->type = info->rtm_type;
  route->scope = info->rtm_scope;
  route->on_link = (info->rtm_flags & RTNH_F_ONLINK) != 0;
  route->shared = tb[RTA_MULTIPATH] != NULL || tb[RTA_NH_ID] != NULL;
  return TRUE;
}

gboolean
_scl_netlink_parse_route (const struct nlmsghdr *header, SclRoute *out_route)
{
  struct nlattr *tb[RTA_MAX + 1];

  return parse_route (header, tb, out_route) && tb[RTA_MULTIPATH] == NULL && tb[RTA_METRICS] == NULL
         && tb[RTA_ENCAP] == NULL && tb[RTA_NH_ID] == NULL && tb[RTA_VIA] == NULL
         && ((const struct rtmsg *)nlmsg_data (header))->rtm_tos == 0;
}

static void
add_route (const struct nlmsghdr *header, gpointer data)
{
  struct nlattr *tb[RTA_MAX + 1];
  SclRoute route;

  if (!parse_route (header, tb, &route))
    return;
  if (tb[RTA_MULTIPATH] != NULL)
    add_next_hops (data, &route, tb[RTA_MULTIPATH]);
  else
    g_array_append_val ((GArray *)data, route);
}

GArray *
_scl_netlink_list_routes (SclNetlink *self, GError **error)
{
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (SclRoute));
  struct rtmsg info = { .rtm_family = AF_INET };
  struct nl_msg *msg = new_msg (RTM_GETROUTE, NLM_F_DUMP, &info, sizeof info);

  if (!_scl_netlink_dump (self, msg, add_route, all, "routes", error))
    return NULL;
  return g_steal_pointer (&all);
}

static struct nl_msg *
route_msg (int type, int flags, const SclRoute *route)
{
  struct rtmsg info
      = { .rtm_family = AF_INET,
          .rtm_dst_len = (guint8)route->prefix_length,
          .rtm_table = route->table > TABLE_BYTE_MAX ? RT_TABLE_UNSPEC : (guint8)route->table,
          .rtm_protocol = route->protocol,
          .rtm_scope = route->scope,
          .rtm_type = route->type,
          .rtm_flags = route->on_link ? RTNH_F_ONLINK : 0 };
  struct nl_msg *msg = new_msg (type, flags, &info, sizeof info);

  nla_put_u32 (msg, RTA_TABLE, route->table);
  if (route->prefix_length > 0)
    put_ip (msg, RTA_DST, route->destination);
  if (route->gateway != 0)
    put_ip (msg, RTA_GATEWAY, route->gateway);
  if (route->source != 0)
    put_ip (msg, RTA_PREFSRC, route->source);
  if (route->index != 0)
    nla_put_u32 (msg, RTA_OIF, (guint32)route->index);
  if (route->metric != 0)
    nla_put_u32 (msg, RTA_PRIORITY, route->metric);
  return msg;
}

struct nl_msg *
_scl_netlink_new_route (const SclRoute *route)
{
  return route_msg (RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route);
}

gboolean
_scl_route_equal (const SclRoute *a, const SclRoute *b)
{
  return a->destination == b->destination && a->prefix_length == b->prefix_length
         && a->gateway == b->gateway && a->source == b->source && a->index == b->index
         && a->metric == b->metric && a->type == b->type && a->table == b->table;
}

int
_scl_netlink_add_route (SclNetlink *self, const SclRoute *route)
{
  int rc = _scl_netlink_talk (self, route_msg (RTM_NEWROUTE, NLM_F_CREATE, route));

  return rc == -EEXIST ? 0 : rc;
}

int
_scl_netlink_replace_route (SclNetlink *self, const SclRoute *route)
{
  return _scl_netlink_talk (self, _scl_netlink_new_route (route));
}

int
_scl_netlink_delete_route (SclNetlink *self, const SclRoute *route)
{
  int rc = _scl_netlink_talk (self, route_msg (RTM_DELROUTE, 0, route));

  return rc == -ESRCH ? 0 : rc;
}

static gboolean
parse_rule (const struct nlmsghdr *header, struct nlattr **tb, SclPolicyRule *rule)
{
  const struct fib_rule_hdr *info = nlmsg_data (header);

  if (header->nlmsg_type != RTM_NEWRULE
      || nlmsg_parse ((struct nlmsghdr *)header, sizeof *info, tb, FRA_MAX, NULL) < 0)
    return FALSE;
  memset (rule, 0, sizeof *rule);
  rule->priority = get_number (tb[FRA_PRIORITY]);
  rule->table = tb[FRA_TABLE] != NULL ? get_number (tb[FRA_TABLE]) : info->table;
  rule->mark = get_number (tb[FRA_FWMARK]);
  rule->mask = get_number (tb[FRA_FWMASK]);
  rule->protocol = tb[FRA_PROTOCOL] != NULL ? nla_get_u8 (tb[FRA_PROTOCOL]) : 0;
  if (tb[FRA_IIFNAME] != NULL)
    g_strlcpy (rule->iif, nla_get_string (tb[FRA_IIFNAME]), sizeof rule->iif);
  return TRUE;
}

/* Attributes of a rule that matches all that the header does not exclude. */
static gboolean
is_plain_rule_attribute (int type)
{
  return type == FRA_PRIORITY || type == FRA_TABLE || type == FRA_PROTOCOL || type == FRA_SUPPRESS_PREFIXLEN;
}

gboolean
_scl_netlink_parse_rule (const struct nlmsghdr *header, SclPolicyRule *out_rule)
{
  const struct fib_rule_hdr *info = nlmsg_data (header);
  struct nlattr *tb[FRA_MAX + 1];

  if (!parse_rule (header, tb, out_rule) || info->action != FR_ACT_TO_TBL || info->src_len != 0
      || info->dst_len != 0 || info->tos != 0 || (info->flags & FIB_RULE_INVERT) != 0
      || (tb[FRA_SUPPRESS_PREFIXLEN] != NULL && get_number (tb[FRA_SUPPRESS_PREFIXLEN]) != G_MAXUINT32))
    return FALSE;
  for (int type = 0; type <= FRA_MAX; type++)
    if (tb[type] != NULL && !is_plain_rule_attribute (type))
      return FALSE;
  return TRUE;
}

static void
add_rule (const struct nlmsghdr *header, gpointer data)
{
  struct nlattr *tb[FRA_MAX + 1];
  SclPolicyRule rule;

  if (!parse_rule (header, tb, &rule))
    return;
  g_array_append_val ((GArray *)data, rule);
}

GArray *
_scl_netlink_list_rules (SclNetlink *self, GError **error)
{
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (SclPolicyRule));
  struct fib_rule_hdr info = { .family = AF_INET };
  struct nl_msg *msg = new_msg (RTM_GETRULE, NLM_F_DUMP, &info, sizeof info);

  if (!_scl_netlink_dump (self, msg, add_rule, all, "policy rules", error))
    return NULL;
  return g_steal_pointer (&all);
}

static struct nl_msg *
rule_msg (int type, int flags, const SclPolicyRule *rule)
{
  struct fib_rule_hdr info
      = { .family = AF_INET,
          .action = FR_ACT_TO_TBL,
          .table = rule->table > TABLE_BYTE_MAX ? RT_TABLE_UNSPEC : (guint8)rule->table };
  struct nl_msg *msg = new_msg (type, flags, &info, sizeof info);

  nla_put_u32 (msg, FRA_TABLE, rule->table);
  nla_put_u32 (msg, FRA_PRIORITY, rule->priority);
  nla_put_u8 (msg, FRA_PROTOCOL, rule->protocol);
  if (rule->mask != 0)
    {
      nla_put_u32 (msg, FRA_FWMARK, rule->mark);
      nla_put_u32 (msg, FRA_FWMASK, rule->mask);
    }
  if (rule->iif[0] != '\0')
    nla_put_string (msg, FRA_IIFNAME, rule->iif);
  return msg;
}

struct nl_msg *
_scl_netlink_new_rule (const SclPolicyRule *rule)
{
  return rule_msg (RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);
}

int
_scl_netlink_add_rule (SclNetlink *self, const SclPolicyRule *rule)
{
  int rc = _scl_netlink_talk (self, _scl_netlink_new_rule (rule));

  return rc == -EEXIST ? 0 : rc;
}

int
_scl_netlink_delete_rule (SclNetlink *self, const SclPolicyRule *rule)
{
  int rc = _scl_netlink_talk (self, rule_msg (RTM_DELRULE, 0, rule));

  return rc == -ENOENT ? 0 : rc;
}

struct nl_msg *
_scl_netlink_new_neighbour (int index, guint32 address, const char *mac)
{
  struct ndmsg info = { .ndm_family = AF_INET, .ndm_ifindex = index, .ndm_state = NUD_PERMANENT };
  struct nl_msg *msg = new_msg (RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &info, sizeof info);
  guint8 bytes[6] = { 0 };

  (void)_scl_netlink_parse_mac (mac, bytes);
  put_ip (msg, NDA_DST, address);
  nla_put (msg, NDA_LLADDR, sizeof bytes, bytes);
  return msg;
}

typedef struct
{
  GArray *found;
  int index;
  const char *mac;
} NeighbourSearch;

static void
add_neighbour (const struct nlmsghdr *header, gpointer data)
{
  NeighbourSearch *search = data;
  const struct ndmsg *info = nlmsg_data (header);
  struct nlattr *tb[NDA_MAX + 1];
  char text[18];
  const guint8 *b;
  guint32 ip;

  if (header->nlmsg_type != RTM_NEWNEIGH || info->ndm_family != AF_INET
      || info->ndm_ifindex != search->index
      || (info->ndm_state & (NUD_FAILED | NUD_INCOMPLETE)) != 0
      || nlmsg_parse ((struct nlmsghdr *)header, sizeof *info, tb, NDA_MAX, NULL) < 0
      || tb[NDA_LLADDR] == NULL || nla_len (tb[NDA_LLADDR]) != 6)
    return;
  b = nla_data (tb[NDA_LLADDR]);
  (void)snprintf (text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
                  b[5]);
  ip = get_ip (tb[NDA_DST]);
  if (g_ascii_strcasecmp (text, search->mac) == 0)
    g_array_append_val (search->found, ip);
}

GArray *
_scl_netlink_list_neighbours (SclNetlink *self, int index, const char *mac, GError **error)
{
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (guint32));
  NeighbourSearch search = { found, index, mac };
  struct ndmsg info = { .ndm_family = AF_INET, .ndm_ifindex = index };
  struct nl_msg *msg = new_msg (RTM_GETNEIGH, NLM_F_DUMP, &info, sizeof info);

  if (!_scl_netlink_dump (self, msg, add_neighbour, &search, "neighbours", error))
    return NULL;
  return g_steal_pointer (&found);
}
