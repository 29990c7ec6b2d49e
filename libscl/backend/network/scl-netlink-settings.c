/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-netlink-private.h"
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <string.h>

/* Where a setting stands. Those of IPv4 and IPv6 are an array of 32 bits each: ID is the position. */
typedef struct
{
  const char *name;
  SclLinkPlace place;
  guint id;
  guint bytes;
} Where;

/* IPV4_DEVCONF_* begin at 1. */
#define IPV4(id) SCL_LINK_PLACE_IPV4, IPV4_DEVCONF_##id - 1, 4
#define BRIDGE(id, bytes) SCL_LINK_PLACE_BRIDGE, IFLA_BR_##id, bytes
#define PORT(id, bytes) SCL_LINK_PLACE_PORT, IFLA_BRPORT_##id, bytes

static const Where wheres[SCL_LINK_N_SETTINGS] = {
  [SCL_LINK_MTU] = { "mtu", SCL_LINK_PLACE_SELF, IFLA_MTU, 4 },
  [SCL_LINK_FORWARDING] = { "forwarding", IPV4 (FORWARDING) },
  [SCL_LINK_ARP_IGNORE] = { "arp_ignore", IPV4 (ARP_IGNORE) },
  [SCL_LINK_ARP_ACCEPT] = { "arp_accept", IPV4 (ARP_ACCEPT) },
  [SCL_LINK_DISABLE_POLICY] = { "disable_policy", IPV4 (NOPOLICY) },
  [SCL_LINK_RP_FILTER] = { "rp_filter", IPV4 (RP_FILTER) },
  [SCL_LINK_SEND_REDIRECTS] = { "send_redirects", IPV4 (SEND_REDIRECTS) },
  [SCL_LINK_ACCEPT_REDIRECTS] = { "accept_redirects", IPV4 (ACCEPT_REDIRECTS) },
  [SCL_LINK_ACCEPT_SOURCE_ROUTE] = { "accept_source_route", IPV4 (ACCEPT_SOURCE_ROUTE) },
  [SCL_LINK_ACCEPT_LOCAL] = { "accept_local", IPV4 (ACCEPT_LOCAL) },
  [SCL_LINK_BC_FORWARDING] = { "bc_forwarding", IPV4 (BC_FORWARDING) },
  [SCL_LINK_LOG_MARTIANS] = { "log_martians", IPV4 (LOG_MARTIANS) },
  [SCL_LINK_PROXY_ARP] = { "proxy_arp", IPV4 (PROXY_ARP) },
  [SCL_LINK_PROXY_ARP_PVLAN] = { "proxy_arp_pvlan", IPV4 (PROXY_ARP_PVLAN) },
  [SCL_LINK_ROUTE_LOCALNET] = { "route_localnet", IPV4 (ROUTE_LOCALNET) },
  [SCL_LINK_DROP_UNICAST] = { "drop_unicast_in_l2_multicast", IPV4 (DROP_UNICAST_IN_L2_MULTICAST) },
  [SCL_LINK_DISABLE_IPV6] = { "disable_ipv6", SCL_LINK_PLACE_IPV6, DEVCONF_DISABLE_IPV6, 4 },
  [SCL_BRIDGE_STP_STATE] = { "stp_state", BRIDGE (STP_STATE, 4) },
  [SCL_BRIDGE_FORWARD_DELAY] = { "forward_delay", BRIDGE (FORWARD_DELAY, 4) },
  [SCL_BRIDGE_AGEING_TIME] = { "ageing_time", BRIDGE (AGEING_TIME, 4) },
  [SCL_BRIDGE_VLAN_FILTERING] = { "vlan_filtering", BRIDGE (VLAN_FILTERING, 1) },
  [SCL_BRIDGE_MCAST_SNOOPING] = { "mcast_snooping", BRIDGE (MCAST_SNOOPING, 1) },
  [SCL_BRIDGE_MCAST_QUERIER] = { "mcast_querier", BRIDGE (MCAST_QUERIER, 1) },
  [SCL_BRIDGE_GROUP_FWD_MASK] = { "group_fwd_mask", BRIDGE (GROUP_FWD_MASK, 2) },
  [SCL_BRIDGE_NF_CALL_IPTABLES] = { "nf_call_iptables", BRIDGE (NF_CALL_IPTABLES, 1) },
  [SCL_BRIDGE_NF_CALL_IP6TABLES] = { "nf_call_ip6tables", BRIDGE (NF_CALL_IP6TABLES, 1) },
  [SCL_BRIDGE_NF_CALL_ARPTABLES] = { "nf_call_arptables", BRIDGE (NF_CALL_ARPTABLES, 1) },
  [SCL_PORT_STATE] = { "state", PORT (STATE, 1) },
  [SCL_PORT_HAIRPIN] = { "hairpin", PORT (MODE, 1) },
  [SCL_PORT_GUARD] = { "guard", PORT (GUARD, 1) },
  [SCL_PORT_ROOT_BLOCK] = { "root_block", PORT (PROTECT, 1) },
  [SCL_PORT_FASTLEAVE] = { "fastleave", PORT (FAST_LEAVE, 1) },
  [SCL_PORT_LEARNING] = { "learning", PORT (LEARNING, 1) },
  [SCL_PORT_FLOOD] = { "flood", PORT (UNICAST_FLOOD, 1) },
  [SCL_PORT_MCAST_FLOOD] = { "mcast_flood", PORT (MCAST_FLOOD, 1) },
  [SCL_PORT_BCAST_FLOOD] = { "bcast_flood", PORT (BCAST_FLOOD, 1) },
  [SCL_PORT_MCAST_TO_UNICAST] = { "mcast_to_unicast", PORT (MCAST_TO_UCAST, 1) },
  [SCL_PORT_PROXY_ARP] = { "proxy_arp", PORT (PROXYARP, 1) },
  [SCL_PORT_PROXY_ARP_WIFI] = { "proxy_arp_wifi", PORT (PROXYARP_WIFI, 1) },
  [SCL_PORT_NEIGH_SUPPRESS] = { "neigh_suppress", PORT (NEIGH_SUPPRESS, 1) },
  [SCL_PORT_ISOLATED] = { "isolated", PORT (ISOLATED, 1) },
  [SCL_PORT_LOCKED] = { "locked", PORT (LOCKED, 1) },
  [SCL_PORT_VLAN_TUNNEL] = { "vlan_tunnel", PORT (VLAN_TUNNEL, 1) },
  [SCL_PORT_GROUP_FWD_MASK] = { "group_fwd_mask", PORT (GROUP_FWD_MASK, 2) },
};

SclLinkPlace
_scl_link_setting_get_place (SclLinkSetting setting)
{
  return wheres[setting].place;
}

const char *
_scl_link_setting_get_name (SclLinkSetting setting)
{
  return wheres[setting].name;
}

/* ATTRIBUTES that are parsed at once, by place; those of IPv4 and IPv6 stand in one each. */
typedef struct
{
  struct nlattr **link;
  struct nlattr *families[2];
  struct nlattr *bridge[IFLA_BR_MAX + 1];
  struct nlattr *port[IFLA_BRPORT_MAX + 1];
} Message;

static struct nlattr *
find_in (struct nlattr *nest, int type)
{
  return nest == NULL ? NULL : nla_find (nla_data (nest), nla_len (nest), type);
}

static gboolean
is_bridge (struct nlattr *kind)
{
  return kind != NULL && nla_strcmp (kind, "bridge") == 0;
}

static void
message_init (Message *self, struct nlattr **attributes)
{
  struct nlattr *info = attributes[IFLA_LINKINFO];

  memset (self, 0, sizeof *self);
  self->link = attributes;
  self->families[0] = find_in (find_in (attributes[IFLA_AF_SPEC], AF_INET), IFLA_INET_CONF);
  self->families[1] = find_in (find_in (attributes[IFLA_AF_SPEC], AF_INET6), IFLA_INET6_CONF);
  if (is_bridge (find_in (info, IFLA_INFO_KIND)) && find_in (info, IFLA_INFO_DATA) != NULL)
    (void)nla_parse_nested (self->bridge, IFLA_BR_MAX, find_in (info, IFLA_INFO_DATA), NULL);
  if (is_bridge (find_in (info, IFLA_INFO_SLAVE_KIND)) && find_in (info, IFLA_INFO_SLAVE_DATA) != NULL)
    (void)nla_parse_nested (self->port, IFLA_BRPORT_MAX, find_in (info, IFLA_INFO_SLAVE_DATA), NULL);
}

static guint32
number_of (struct nlattr *attribute, guint position, guint bytes)
{
  guint32 value = 0;

  if (attribute == NULL || (guint)nla_len (attribute) < (position + 1) * bytes)
    return SCL_LINK_UNKNOWN;
  if (bytes == 1)
    return nla_get_u8 (attribute);
  if (bytes == 2)
    return nla_get_u16 (attribute);
  memcpy (&value, (const char *)nla_data (attribute) + position * bytes, sizeof value);
  return value;
}

static guint32
value_of (const Message *message, const Where *where)
{
  switch (where->place)
    {
    case SCL_LINK_PLACE_IPV4:
    case SCL_LINK_PLACE_IPV6:
      return number_of (message->families[where->place == SCL_LINK_PLACE_IPV6], where->id,
                        where->bytes);
    case SCL_LINK_PLACE_BRIDGE:
      return number_of (message->bridge[where->id], 0, where->bytes);
    case SCL_LINK_PLACE_PORT:
      return number_of (message->port[where->id], 0, where->bytes);
    case SCL_LINK_PLACE_SELF:
    case SCL_LINK_N_PLACES:
    default:
      return number_of (message->link[where->id], 0, where->bytes);
    }
}

static guint32
linklocal_learn_of (struct nlattr *options)
{
  const struct br_boolopt_multi *values;

  if (options == NULL || nla_len (options) < (int)sizeof *values)
    return SCL_LINK_UNKNOWN;
  values = nla_data (options);
  return (values->optval & (1u << BR_BOOLOPT_NO_LL_LEARN)) == 0;
}

void
_scl_netlink_read_settings (SclLink *link, struct nlattr **attributes)
{
  Message message;

  message_init (&message, attributes);
  for (guint i = 0; i < SCL_LINK_N_SETTINGS; i++)
    link->settings[i] = value_of (&message, &wheres[i]);
  if ((link->flags & IFF_RUNNING) == 0)
    link->settings[SCL_PORT_STATE] = SCL_LINK_UNKNOWN;
  link->linklocal_learn = linklocal_learn_of (message.bridge[IFLA_BR_MULTI_BOOLOPT]);
}

static void
put_number (struct nl_msg *msg, const Where *where, guint32 value)
{
  if (where->bytes == 1)
    nla_put_u8 (msg, (int)where->id, (guint8)value);
  else if (where->bytes == 2)
    nla_put_u16 (msg, (int)where->id, (guint16)value);
  else
    nla_put_u32 (msg, (int)where->id, value);
}

static void
put_nested (struct nl_msg *msg, const Where *where, guint32 value)
{
  gboolean port = where->place == SCL_LINK_PLACE_PORT;
  struct nlattr *link_info = nla_nest_start (msg, IFLA_LINKINFO);
  struct nlattr *data;

  nla_put_string (msg, port ? IFLA_INFO_SLAVE_KIND : IFLA_INFO_KIND, "bridge");
  data = nla_nest_start (msg, port ? IFLA_INFO_SLAVE_DATA : IFLA_INFO_DATA);
  put_number (msg, where, value);
  nla_nest_end (msg, data);
  nla_nest_end (msg, link_info);
}

int
_scl_netlink_change_setting (SclNetlink *self, int index, SclLinkSetting setting, guint32 value)
{
  const Where *where = &wheres[setting];
  struct nl_msg *msg = nlmsg_alloc_simple (RTM_NEWLINK, 0);
  struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = index };

  nlmsg_append (msg, &info, sizeof info, NLMSG_ALIGNTO);
  if (where->place == SCL_LINK_PLACE_SELF)
    put_number (msg, where, value);
  else
    put_nested (msg, where, value);
  return _scl_netlink_talk (self, msg);
}
