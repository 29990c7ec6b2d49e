/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-netns-tables-private.h"
#include "backend/network/scl-network-links-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-address-text-private.h"
#include "model/scl-names-private.h"
#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netlink/msg.h>
#include <string.h>

#define N_ROUTES 6
#define N_RULES 3

typedef struct
{
  const SclNetnsTables *wanted;
  const SclLink *uplink, *bridge;
  GPtrArray *fixes;
  GHashTable *members; /* index → SclLink: the bridge and its ports */
  GHashTable *entries; /* indices: those whose own forwarding entry was seen */
  SclRoute routes[N_ROUTES];
  gboolean has_route[N_ROUTES];
  gboolean has_rule[N_RULES];
  gboolean has_host; /* the neighbour at the other end of the uplink */
} Comparison;

/* As the kernel makes them in each namespace. */
static const SclPolicyRule rules[N_RULES] = { { .priority = 0, .table = RT_TABLE_LOCAL },
                                              { .priority = 32766, .table = RT_TABLE_MAIN },
                                              { .priority = 32767, .table = RT_TABLE_DEFAULT } };

void
_scl_netns_tables_init (SclNetnsTables *self, const char *prefix, SclNetworkSpec *spec,
                        GPtrArray *links)
{
  g_autoptr (GInetAddress) host = g_inet_address_new_from_string (SCL_HOST_ADDRESS);

  self->links = g_ptr_array_ref (links);
  self->mac = _scl_network_links_mac (prefix, "uplink-host", scl_network_spec_get_name (spec));
  self->host = _scl_address_number (host);
  self->external = _scl_address_number (scl_network_spec_get_external_ip (spec));
  self->gateway = _scl_address_number (scl_network_spec_get_gateway_ip (spec));
  self->prefix_length = scl_network_spec_get_prefix_length (spec);
}

void
_scl_netns_tables_clear (SclNetnsTables *self)
{
  g_clear_pointer (&self->links, g_ptr_array_unref);
  g_clear_pointer (&self->mac, g_free);
}

static void
fix_free (gpointer data)
{
  SclNetnsFix *fix = data;

  g_free (fix->problem);
  nlmsg_free (fix->cure);
  g_free (fix);
}

/* Takes PROBLEM and CURE. */
static void
add_fix (Comparison *c, char *problem, struct nl_msg *cure)
{
  SclNetnsFix *fix = g_new0 (SclNetnsFix, 1);

  fix->problem = problem;
  fix->cure = cure;
  g_ptr_array_add (c->fixes, fix);
}

/* The kernel takes a message that it sent of an object for the removal of just this one. */
static struct nl_msg *
removal_of (const struct nlmsghdr *header, int type)
{
  struct nl_msg *msg = nlmsg_alloc_simple (type, 0);

  nlmsg_append (msg, nlmsg_data (header), (gsize)nlmsg_datalen (header), NLMSG_ALIGNTO);
  return msg;
}

static const char *
link_name (const Comparison *c, int index)
{
  const SclLink *link = _scl_links_find_index (c->wanted->links, index);

  return link != NULL ? link->name : "-";
}

static char *
address_text (guint32 number)
{
  g_autoptr (GInetAddress) address = _scl_address_from_number (number);

  return g_inet_address_to_string (address);
}

/* --- routes --- */

static gboolean
is_up (const SclLink *link)
{
  return link != NULL && (link->flags & IFF_UP) != 0;
}

/* What the kernel adds with an address, and the way out. In the order in which one needs the other. */
static void
list_routes (Comparison *c)
{
  const SclNetnsTables *w = c->wanted;
  guint32 mask = w->prefix_length == 0 ? 0 : G_MAXUINT32 << (32 - w->prefix_length);
  SclRoute made = { .protocol = RTPROT_KERNEL, .type = RTN_LOCAL, .table = RT_TABLE_LOCAL,
                    .prefix_length = 32, .scope = RT_SCOPE_HOST };

  for (guint i = 0; i < N_ROUTES; i++)
    c->routes[i] = made;
  c->routes[0].destination = c->routes[0].source = w->external;
  c->routes[1].destination = c->routes[1].source = w->gateway;
  c->routes[2].destination = w->gateway | ~mask;
  c->routes[2].source = w->gateway;
  c->routes[2].type = RTN_BROADCAST;
  c->routes[2].scope = RT_SCOPE_LINK;
  c->routes[3] = (SclRoute){ .destination = w->gateway & mask, .source = w->gateway,
                             .prefix_length = w->prefix_length, .table = RT_TABLE_MAIN,
                             .protocol = RTPROT_KERNEL, .type = RTN_UNICAST, .scope = RT_SCOPE_LINK };
  c->routes[4] = (SclRoute){ .destination = w->host, .source = w->external, .prefix_length = 32,
                             .table = RT_TABLE_MAIN, .protocol = RTPROT_KERNEL, .type = RTN_UNICAST,
                             .scope = RT_SCOPE_LINK };
  c->routes[5] = (SclRoute){ .gateway = w->host, .table = RT_TABLE_MAIN,
                             .protocol = SCL_ROUTE_PROTOCOL, .type = RTN_UNICAST };
  for (guint i = 0; i < N_ROUTES; i++)
    c->routes[i].index = i >= 1 && i <= 3 ? c->bridge->index : c->uplink->index;
}

/* Of lo, and the broadcast addresses of subnets, of which older kernels make two each. */
static gboolean
is_harmless (const Comparison *c, const SclRoute *route)
{
  if (route->table != RT_TABLE_LOCAL || route->protocol != RTPROT_KERNEL)
    return FALSE;
  return route->type == RTN_BROADCAST
         || (strcmp (link_name (c, route->index), "lo") == 0 && route->destination >> 24 == 127);
}

static char *
route_text (const Comparison *c, const SclRoute *route)
{
  g_autofree char *to = address_text (route->destination);
  g_autofree char *via = address_text (route->gateway);
  g_autoptr (GString) text = g_string_new (NULL);

  if (route->prefix_length == 0)
    g_string_append (text, "the default route");
  else
    g_string_append_printf (text, "the route to %s/%u", to, route->prefix_length);
  if (route->gateway != 0)
    g_string_append_printf (text, " via %s", via);
  if (route->index != 0)
    g_string_append_printf (text, " through %s", link_name (c, route->index));
  if (route->table != RT_TABLE_MAIN)
    g_string_append_printf (text, " (table %u)", route->table);
  return g_strdup (text->str);
}

/* Of a nexthop object the kernel shows the links too, and takes them for a second word on the matter. */
static struct nl_msg *
route_removal (const struct nlmsghdr *header)
{
  static const int types[] = { RTA_DST, RTA_TABLE, RTA_PRIORITY, RTA_NH_ID };
  struct nl_msg *msg;

  if (nlmsg_find_attr ((struct nlmsghdr *)header, sizeof (struct rtmsg), RTA_NH_ID) == NULL)
    return removal_of (header, RTM_DELROUTE);
  msg = nlmsg_alloc_simple (RTM_DELROUTE, 0);
  nlmsg_append (msg, nlmsg_data (header), sizeof (struct rtmsg), NLMSG_ALIGNTO);
  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    {
      struct nlattr *attr
          = nlmsg_find_attr ((struct nlmsghdr *)header, sizeof (struct rtmsg), types[i]);

      if (attr != NULL)
        nla_put (msg, types[i], nla_len (attr), nla_data (attr));
    }
  return msg;
}

static gboolean
take_wanted_route (Comparison *c, const SclRoute *route)
{
  for (guint i = 0; i < N_ROUTES; i++)
    if (_scl_route_equal (&c->routes[i], route))
      return c->has_route[i] = TRUE;
  return FALSE;
}

static void
take_route (const struct nlmsghdr *header, gpointer data)
{
  Comparison *c = data;
  const struct rtmsg *info = nlmsg_data (header);
  SclRoute route = { 0 };
  g_autofree char *text = NULL;

  if (header->nlmsg_type != RTM_NEWROUTE || info->rtm_family != AF_INET
      || (info->rtm_flags & RTM_F_CLONED) != 0)
    return;
  if (_scl_netlink_parse_route (header, &route)
      && (take_wanted_route (c, &route) || is_harmless (c, &route)))
    return;
  text = route_text (c, &route);
  add_fix (c, g_strdup_printf ("%s in the namespace is not ours", text),
           route_removal (header));
}

static gboolean
compare_routes (Comparison *c, SclNetlink *inner, GError **error)
{
  struct rtmsg info = { .rtm_family = AF_INET };
  struct nl_msg *msg = nlmsg_alloc_simple (RTM_GETROUTE, NLM_F_DUMP);

  nlmsg_append (msg, &info, sizeof info, NLMSG_ALIGNTO);
  list_routes (c);
  if (!_scl_netlink_dump (inner, msg, take_route, c, "routes", error))
    return FALSE;
  for (guint i = 0; i < N_ROUTES; i++)
    {
      g_autofree char *text = route_text (c, &c->routes[i]);

      if (!c->has_route[i])
        add_fix (c, g_strdup_printf ("%s is missing in the namespace", text),
                 _scl_netlink_new_route (&c->routes[i]));
    }
  return TRUE;
}

/* --- policy rules --- */

static void
take_rule (const struct nlmsghdr *header, gpointer data)
{
  Comparison *c = data;
  SclPolicyRule rule = { 0 };
  gboolean plain = _scl_netlink_parse_rule (header, &rule);

  if (header->nlmsg_type != RTM_NEWRULE)
    return;
  for (guint i = 0; plain && i < N_RULES; i++)
    if (!c->has_rule[i] && rule.priority == rules[i].priority && rule.table == rules[i].table)
      {
        c->has_rule[i] = TRUE;
        return;
      }
  add_fix (c, g_strdup_printf ("the policy rule %u in the namespace is not ours", rule.priority),
           removal_of (header, RTM_DELRULE));
}

static gboolean
compare_rules (Comparison *c, SclNetlink *inner, GError **error)
{
  struct fib_rule_hdr info = { .family = AF_INET };
  struct nl_msg *msg = nlmsg_alloc_simple (RTM_GETRULE, NLM_F_DUMP);

  nlmsg_append (msg, &info, sizeof info, NLMSG_ALIGNTO);
  if (!_scl_netlink_dump (inner, msg, take_rule, c, "policy rules", error))
    return FALSE;
  for (guint i = 0; i < N_RULES; i++)
    if (!c->has_rule[i])
      add_fix (c, g_strdup_printf ("the policy rule %u is missing in the namespace", rules[i].priority),
               _scl_netlink_new_rule (&rules[i]));
  return TRUE;
}

/* --- neighbours --- */

static guint32
address_of (struct nlattr *attribute)
{
  return attribute == NULL || nla_len (attribute) != 4 ? 0 : ntohl (nla_get_u32 (attribute));
}

static gboolean
has_mac (struct nlattr *attribute, const char *mac)
{
  guint8 bytes[6];

  return attribute != NULL && nla_len (attribute) == (int)sizeof bytes
         && _scl_netlink_parse_mac (mac, bytes)
         && memcmp (nla_data (attribute), bytes, sizeof bytes) == 0;
}

/* Made by the kernel for addresses that nobody answers for, and for all that lo is asked for. */
static gboolean
is_kernels_noarp (const Comparison *c, const struct ndmsg *info, guint32 address)
{
  const SclNetnsTables *w = c->wanted;
  guint32 host_bits = w->prefix_length >= 32 ? 0 : G_MAXUINT32 >> w->prefix_length;

  return address >> 28 == 0xe || address == 0 || address == G_MAXUINT32
         || strcmp (link_name (c, info->ndm_ifindex), "lo") == 0
         || (info->ndm_ifindex == c->bridge->index
             && (address == (w->gateway | host_bits) || address == (w->gateway & ~host_bits)));
}

/* One that ARP does not change, or that stays when nobody uses it. */
static gboolean
is_fixed (const Comparison *c, const struct ndmsg *info, guint32 address)
{
  return (info->ndm_flags & (NTF_PROXY | NTF_EXT_LEARNED)) != 0
         || (info->ndm_state & NUD_PERMANENT) != 0
         || ((info->ndm_state & NUD_NOARP) != 0 && !is_kernels_noarp (c, info, address));
}

static void
take_neighbour (const struct nlmsghdr *header, gpointer data)
{
  Comparison *c = data;
  const struct ndmsg *info = nlmsg_data (header);
  struct nlattr *tb[NDA_MAX + 1];
  g_autofree char *text = NULL;

  if (header->nlmsg_type != RTM_NEWNEIGH || info->ndm_family != AF_INET
      || nlmsg_parse ((struct nlmsghdr *)header, sizeof *info, tb, NDA_MAX, NULL) < 0
      || !is_fixed (c, info, address_of (tb[NDA_DST])))
    return;
  if (info->ndm_flags == 0 && (info->ndm_state & NUD_PERMANENT) != 0 && info->ndm_ifindex == c->uplink->index
      && address_of (tb[NDA_DST]) == c->wanted->host)
    {
      c->has_host = has_mac (tb[NDA_LLADDR], c->wanted->mac);
      return;
    }
  text = address_text (address_of (tb[NDA_DST]));
  add_fix (c,
           g_strdup_printf ("link %s in the namespace has the fixed neighbour %s, which is not ours",
                            link_name (c, info->ndm_ifindex), text),
           removal_of (header, RTM_DELNEIGH));
}

static gboolean
dump_neighbours (Comparison *c, SclNetlink *inner, guint8 family, guint8 flags, SclNetlinkFunc take,
                 const char *what, GError **error)
{
  struct ndmsg info = { .ndm_family = family, .ndm_flags = flags };
  struct nl_msg *msg = nlmsg_alloc_simple (RTM_GETNEIGH, NLM_F_DUMP);

  nlmsg_append (msg, &info, sizeof info, NLMSG_ALIGNTO);
  return _scl_netlink_dump (inner, msg, take, c, what, error);
}

static gboolean
compare_neighbours (Comparison *c, SclNetlink *inner, GError **error)
{
  g_autofree char *text = address_text (c->wanted->host);

  if (!dump_neighbours (c, inner, AF_INET, 0, take_neighbour, "neighbours", error)
      || !dump_neighbours (c, inner, AF_INET, NTF_PROXY, take_neighbour, "neighbours", error))
    return FALSE;
  if (!c->has_host && is_up (c->uplink))
    add_fix (c,
             g_strdup_printf ("link %s in the namespace has not the fixed neighbour %s with the MAC %s",
                              c->uplink->name, text, c->wanted->mac),
             _scl_netlink_new_neighbour (c->uplink->index, c->wanted->host, c->wanted->mac));
  return TRUE;
}

/* --- the bridge's forwarding entries --- */

/* The bridge and its ports, each of which has one entry of the kernel's: its own MAC, there. */
static GHashTable *
list_members (GPtrArray *links, const SclLink *bridge)
{
  GHashTable *members = g_hash_table_new (g_direct_hash, g_direct_equal);

  for (guint i = 0; bridge != NULL && i < links->len; i++)
    {
      SclLink *link = links->pdata[i];

      if (link == bridge || link->master == bridge->index)
        g_hash_table_insert (members, GINT_TO_POINTER (link->index), link);
    }
  return members;
}

static gboolean
is_kernels_entry (Comparison *c, const struct ndmsg *info, struct nlattr **tb)
{
  const SclLink *link = g_hash_table_lookup (c->members, GINT_TO_POINTER (info->ndm_ifindex));

  if (link == NULL || (info->ndm_state & NUD_PERMANENT) == 0 || !has_mac (tb[NDA_LLADDR], link->mac))
    return FALSE;
  if (tb[NDA_VLAN] == NULL)
    g_hash_table_add (c->entries, GINT_TO_POINTER (info->ndm_ifindex));
  return TRUE;
}

static struct nl_msg *
entry_removal (const Comparison *c, const struct nlmsghdr *header)
{
  struct nl_msg *msg = removal_of (header, RTM_DELNEIGH);
  struct ndmsg *info = nlmsg_data (nlmsg_hdr (msg));

  info->ndm_flags = info->ndm_ifindex == c->bridge->index ? NTF_SELF : NTF_MASTER;
  return msg;
}

static void
take_entry (const struct nlmsghdr *header, gpointer data)
{
  Comparison *c = data;
  const struct ndmsg *info = nlmsg_data (header);
  struct nlattr *tb[NDA_MAX + 1];
  const guint8 *b;

  if (header->nlmsg_type != RTM_NEWNEIGH || info->ndm_family != AF_BRIDGE
      || ((info->ndm_state & (NUD_PERMANENT | NUD_NOARP)) == 0
          && (info->ndm_flags & (NTF_EXT_LEARNED | NTF_STICKY)) == 0)
      || nlmsg_parse ((struct nlmsghdr *)header, sizeof *info, tb, NDA_MAX, NULL) < 0
      || tb[NDA_MASTER] == NULL || tb[NDA_LLADDR] == NULL || nla_len (tb[NDA_LLADDR]) != 6
      || is_kernels_entry (c, info, tb))
    return;
  b = nla_data (tb[NDA_LLADDR]);
  add_fix (c,
           g_strdup_printf ("link %s in the namespace has the fixed forwarding entry "
                            "%02x:%02x:%02x:%02x:%02x:%02x, which is not ours",
                            link_name (c, info->ndm_ifindex), b[0], b[1], b[2], b[3], b[4], b[5]),
           entry_removal (c, header));
}

static struct nl_msg *
new_entry (const Comparison *c, const SclLink *link)
{
  struct ndmsg info = { .ndm_family = AF_BRIDGE, .ndm_ifindex = link->index, .ndm_state = NUD_PERMANENT,
                        .ndm_flags = link == c->bridge ? NTF_SELF : NTF_MASTER };
  struct nl_msg *msg = nlmsg_alloc_simple (RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
  guint8 bytes[6] = { 0 };

  (void)_scl_netlink_parse_mac (link->mac, bytes);
  nlmsg_append (msg, &info, sizeof info, NLMSG_ALIGNTO);
  nla_put (msg, NDA_LLADDR, sizeof bytes, bytes);
  return msg;
}

/* An entry that somebody turned to another port takes the place of the kernel's own. */
static gboolean
compare_entries (Comparison *c, SclNetlink *inner, GError **error)
{
  if (!dump_neighbours (c, inner, AF_BRIDGE, 0, take_entry, "forwarding entries", error))
    return FALSE;
  for (guint i = 0; i < c->wanted->links->len; i++)
    {
      const SclLink *link = c->wanted->links->pdata[i];

      if (g_hash_table_contains (c->members, GINT_TO_POINTER (link->index))
          && !g_hash_table_contains (c->entries, GINT_TO_POINTER (link->index)))
        add_fix (c,
                 g_strdup_printf ("link %s in the namespace has lost the forwarding entry of its own MAC",
                                  link->name),
                 new_entry (c, link));
    }
  return TRUE;
}

/* --- queueing disciplines --- */

static struct nl_msg *
qdisc_removal (const struct tcmsg *qdisc)
{
  struct nl_msg *msg = nlmsg_alloc_simple (RTM_DELQDISC, 0);
  struct tcmsg info = { .tcm_ifindex = qdisc->tcm_ifindex, .tcm_parent = qdisc->tcm_parent,
                        .tcm_handle = qdisc->tcm_handle };

  nlmsg_append (msg, &info, sizeof info, NLMSG_ALIGNTO);
  return msg;
}

/* The kernel's own have no handle. Those that hang below another one go with it. */
static void
take_qdisc (const struct nlmsghdr *header, gpointer data)
{
  Comparison *c = data;
  const struct tcmsg *info = nlmsg_data (header);
  struct nlattr *kind;

  if (header->nlmsg_type != RTM_NEWQDISC || info->tcm_handle == 0
      || (info->tcm_parent != TC_H_ROOT && info->tcm_parent != TC_H_INGRESS))
    return;
  kind = nlmsg_find_attr ((struct nlmsghdr *)header, sizeof *info, TCA_KIND);
  add_fix (c,
           g_strdup_printf ("link %s in the namespace has the queueing discipline %s, which is not ours",
                            link_name (c, info->tcm_ifindex),
                            kind == NULL ? "-" : nla_get_string (kind)),
           qdisc_removal (info));
}

static gboolean
compare_qdiscs (Comparison *c, SclNetlink *inner, GError **error)
{
  struct tcmsg info = { .tcm_family = AF_UNSPEC };
  struct nl_msg *msg = nlmsg_alloc_simple (RTM_GETQDISC, NLM_F_DUMP);

  nlmsg_append (msg, &info, sizeof info, NLMSG_ALIGNTO);
  return _scl_netlink_dump (inner, msg, take_qdisc, c, "queueing disciplines", error);
}

/* --- all of them --- */

GPtrArray *
_scl_netns_tables_compare (SclNetlink *inner, const SclNetnsTables *wanted, GError **error)
{
  g_autoptr (GPtrArray) fixes = g_ptr_array_new_with_free_func (fix_free);
  const SclLink *bridge = _scl_links_find (wanted->links, SCL_NS_BRIDGE);
  g_autoptr (GHashTable) members = list_members (wanted->links, bridge);
  g_autoptr (GHashTable) entries = g_hash_table_new (g_direct_hash, g_direct_equal);
  Comparison c = { .wanted = wanted,
                   .uplink = _scl_links_find (wanted->links, SCL_NS_UPLINK),
                   .bridge = bridge,
                   .fixes = fixes,
                   .members = members,
                   .entries = entries };

  if (c.uplink == NULL || c.bridge == NULL)
    return g_steal_pointer (&fixes);
  /* A route is refused while the rules do not lead to its gateway. */
  if (!compare_rules (&c, inner, error)
      || (is_up (c.uplink) && is_up (c.bridge) && !compare_routes (&c, inner, error))
      || !compare_neighbours (&c, inner, error)
      || !compare_entries (&c, inner, error)
      || !compare_qdiscs (&c, inner, error))
    return NULL;
  return g_steal_pointer (&fixes);
}

/* Gone, or there, by now. */
static gboolean
is_done (int rc)
{
  return rc >= 0 || rc == -ENOENT || rc == -ESRCH || rc == -EEXIST;
}

gboolean
_scl_netns_tables_repair (SclNetlink *inner, const SclNetnsTables *wanted, GError **error)
{
  g_autoptr (GPtrArray) fixes = _scl_netns_tables_compare (inner, wanted, error);

  for (guint i = 0; fixes != NULL && i < fixes->len; i++)
    {
      SclNetnsFix *fix = fixes->pdata[i];
      int rc = _scl_netlink_talk (inner, g_steal_pointer (&fix->cure));

      if (!is_done (rc))
        return scl_throw_errno (error, -rc, "%s, and cannot be put right", fix->problem);
    }
  return fixes != NULL;
}
