/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-network-observer-private.h"
#include "backend/network/scl-link-settings-private.h"
#include "backend/network/scl-netns-private.h"
#include "backend/network/scl-netns-tables-private.h"
#include "backend/network/scl-network-links-private.h"
#include "backend/network/scl-network-port-private.h"
#include "backend/network/scl-network-sysctls-private.h"
#include "backend/network/scl-nft-private.h"
#include "backend/network/scl-ruleset-private.h"
#include "backend/network/scl-uplink-routes-private.h"
#include "backend/network/scl-xfrm-private.h"
#include "base/scl-fd-private.h"
#include "model/scl-address-text-private.h"
#include "model/scl-names-private.h"
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

/* What was read of one network. */
typedef struct
{
  const char *prefix;
  const char *network;
  SclObservedNetwork *out;
  GPtrArray *root_links;
  SclNetlink *inner;
  GPtrArray *links;
  GArray *addresses;
  GArray *root_addresses, *root_routes;
  GArray *peers;
  GPtrArray *tables;
  char *uplink;
} Reading;

static void
reading_clear (Reading *r)
{
  g_clear_pointer (&r->inner, nl_socket_free);
  g_clear_pointer (&r->links, g_ptr_array_unref);
  g_clear_pointer (&r->addresses, g_array_unref);
  g_clear_pointer (&r->tables, g_ptr_array_unref);
  g_clear_pointer (&r->uplink, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Reading, reading_clear)

static void G_GNUC_PRINTF (2, 3) add_problem (Reading *r, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_ptr_array_add (r->out->problems, g_strdup_vprintf (format, args));
  va_end (args);
}

static const SclLinkAddress *
find_address (GArray *addresses, const SclLink *link)
{
  for (guint i = 0; link != NULL && i < addresses->len; i++)
    {
      const SclLinkAddress *address = &g_array_index (addresses, SclLinkAddress, i);

      if (address->index == link->index)
        return address;
    }
  return NULL;
}

static guint
count_addresses (GArray *addresses, const SclLink *link)
{
  guint n = 0;

  for (guint i = 0; i < addresses->len; i++)
    n += g_array_index (addresses, SclLinkAddress, i).index == link->index;
  return n;
}

/* "tcp . 2222" and "192.168.20.2 . 22" */
static SclForwardSpec *
parse_forward (const SclNftElement *element)
{
  g_auto (GStrv) key = g_strsplit (element->key, " . ", 2);
  g_auto (GStrv) value = g_strsplit (element->value == NULL ? "" : element->value, " . ", 2);
  g_autoptr (GInetAddress) address = NULL;
  guint64 host_port, port;

  if (g_strv_length (key) != 2 || g_strv_length (value) != 2
      || (strcmp (key[0], "tcp") != 0 && strcmp (key[0], "udp") != 0)
      || !g_ascii_string_to_unsigned (key[1], 10, 1, G_MAXUINT16, &host_port, NULL)
      || !g_ascii_string_to_unsigned (value[1], 10, 1, G_MAXUINT16, &port, NULL))
    return NULL;
  address = _scl_address_parse (value[0], NULL);
  if (address == NULL)
    return NULL;
  return scl_forward_spec_new (strcmp (key[0], "udp") == 0 ? SCL_PROTOCOL_UDP : SCL_PROTOCOL_TCP,
                               (guint16)host_port, address, (guint16)port);
}

/* As people write them: TCP first, then by port. The kernel keeps them in no order. */
static int
compare_forwards (gconstpointer a, gconstpointer b, gpointer data)
{
  SclForwardSpec *x = (SclForwardSpec *) a;
  SclForwardSpec *y = (SclForwardSpec *) b;
  int protocols = (int) scl_forward_spec_get_protocol (x) - (int) scl_forward_spec_get_protocol (y);

  return protocols != 0 ? protocols
                        : scl_forward_spec_get_host_port (x) - scl_forward_spec_get_host_port (y);
}

static GListModel *
read_forwards (Reading *r)
{
  GListStore *forwards = g_list_store_new (SCL_TYPE_FORWARD_SPEC);
  SclNftTable *table = _scl_nft_tables_find (r->tables, "inet", r->prefix);
  SclNftSet *set = table == NULL ? NULL : _scl_nft_table_find_set (table, SCL_SET_FORWARDS);

  for (guint i = 0; set != NULL && i < set->elements->len; i++)
    {
      const SclNftElement *element = g_ptr_array_index (set->elements, i);
      g_autoptr (SclForwardSpec) forward = parse_forward (element);

      if (forward == NULL)
        add_problem (r, "the forward \"%s\" is not one of ours", element->key);
      else
        g_list_store_insert_sorted (forwards, forward, compare_forwards, NULL);
    }
  return G_LIST_MODEL (forwards);
}

static void
read_spec (Reading *r)
{
  const SclLinkAddress *external
      = find_address (r->addresses, _scl_links_find (r->links, SCL_NS_UPLINK));
  const SclLinkAddress *gateway
      = find_address (r->addresses, _scl_links_find (r->links, SCL_NS_BRIDGE));
  g_autoptr (GListModel) forwards = read_forwards (r);
  g_autoptr (GInetAddress) external_ip = NULL;
  g_autoptr (GInetAddress) gateway_ip = NULL;

  if (external == NULL || gateway == NULL || gateway->prefix_length == 0
      || gateway->prefix_length > 30)
    {
      add_problem (r, "the address of %s is missing",
                   external == NULL ? SCL_NS_UPLINK : SCL_NS_BRIDGE);
      return;
    }
  external_ip = _scl_address_from_number (external->local);
  gateway_ip = _scl_address_from_number (gateway->local);
  r->out->spec = g_object_new (SCL_TYPE_NETWORK_SPEC, "name", r->network, "external-ip",
                               external_ip, "gateway-ip", gateway_ip, "prefix-length",
                               gateway->prefix_length, "forwards", forwards, NULL);
}

static void
check_up (Reading *r, const SclLink *link, const char *name)
{
  _scl_network_port_check_up (link, name, r->out->problems);
}

static void
check_mac (Reading *r, const SclLink *link, const char *mac)
{
  _scl_network_port_check_mac (link, mac, r->out->problems);
}

static void
check_own_mac (Reading *r, const SclLink *link, const char *kind, const char *name)
{
  g_autofree char *mac = _scl_network_links_mac (r->prefix, kind, name);

  check_mac (r, link, mac);
}

/* NAME is "demo-0". */
static SclPort *
parse_port (const char *name, const char *mac)
{
  const char *dash = name == NULL ? NULL : strrchr (name, '-');
  g_autofree char *vm = NULL;
  guint64 index;

  if (dash == NULL || mac == NULL
      || !g_ascii_string_to_unsigned (dash + 1, 10, 0, G_MAXUINT16, &index, NULL))
    return NULL;
  vm = g_strndup (name, (gsize) (dash - name));
  return _scl_port_new (vm, (guint) index, mac);
}

/* Link → the address that its guest is held to. Values are the set's. */
static GHashTable *
list_bound (SclNftTable *table)
{
  GHashTable *bound = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  SclNftSet *set = table == NULL ? NULL : _scl_nft_table_find_set (table, SCL_SET_BOUND);

  for (guint i = 0; set != NULL && i < set->elements->len; i++)
    {
      const char *key = ((SclNftElement *) set->elements->pdata[i])->key;
      const char *address = strstr (key, " . ");

      if (address != NULL)
        g_hash_table_insert (bound, g_strndup (key, (gsize) (address - key)),
                             (char *) address + 3);
    }
  return bound;
}

static char *
lookup_bound (Reading *r, GHashTable *bound, const SclPort *port)
{
  g_autofree char *link = _scl_names_nic (r->prefix, SCL_LINK_NIC, port->vm, port->index);

  return g_strdup (g_hash_table_lookup (bound, link));
}

static gboolean
knows_port (Reading *r, const SclPort *port)
{
  for (guint i = 0; i < r->out->ports->len; i++)
    {
      const SclPort *known = r->out->ports->pdata[i];

      if (known->index == port->index && strcmp (known->vm, port->vm) == 0)
        return TRUE;
    }
  return FALSE;
}

static void
take_port (Reading *r, SclPort *port)
{
  if (knows_port (r, port))
    {
      _scl_port_free (port);
      return;
    }
  _scl_network_port_check (r->prefix, port, r->root_links, r->links, r->out->problems);
  port->present = _scl_network_port_is_wired (r->prefix, port, r->root_links, r->links);
  g_ptr_array_add (r->out->ports, port);
}

/* The host end has the guest's MAC. */
static void
read_marked_ports (Reading *r)
{
  for (guint i = 0; i < r->links->len; i++)
    {
      SclLink *link = g_ptr_array_index (r->links, i);
      SclLink *outer = _scl_links_find (r->root_links, link->name);
      gboolean is_port = g_strcmp0 (link->kind, "veth") == 0 && strcmp (link->name, SCL_NS_UPLINK) != 0;
      SclPort *port = is_port && outer != NULL
                          ? parse_port (_scl_names_unmark (r->prefix, link->alias), outer->mac)
                          : NULL;

      if (port != NULL)
        take_port (r, port);
    }
}

/* From the rules, which know the MAC that was meant, and from the links: rules can be flushed, and the
 * guests on the links do not notice. */
static void
read_ports (Reading *r)
{
  SclNftTable *table = _scl_nft_tables_find (r->tables, "bridge", r->prefix);
  SclNftSet *set = table == NULL ? NULL : _scl_nft_table_find_set (table, SCL_SET_MACS);
  g_autoptr (GHashTable) bound = list_bound (table);

  for (guint i = 0; set != NULL && i < set->elements->len; i++)
    {
      SclNftElement *element = g_ptr_array_index (set->elements, i);
      const char *mac = strstr (element->key, " . ");
      SclPort *port = parse_port (element->comment, mac == NULL ? NULL : mac + 3);

      if (port == NULL)
        add_problem (r, "the port \"%s\" is not one of ours", element->key);
      else
        {
          port->address = lookup_bound (r, bound, port);
          take_port (r, port);
        }
    }
  read_marked_ports (r);
}

static gboolean
is_port (Reading *r, const SclLink *link)
{
  for (guint i = 0; i < r->out->ports->len; i++)
    {
      const SclPort *port = r->out->ports->pdata[i];
      g_autofree char *name = _scl_names_nic (r->prefix, SCL_LINK_NIC, port->vm, port->index);

      if (strcmp (name, link->name) == 0)
        return TRUE;
    }
  return FALSE;
}

/* Whoever is on it hears what is flooded. */
static void
check_strange_ports (Reading *r)
{
  const SclLink *bridge = _scl_links_find (r->links, SCL_NS_BRIDGE);

  for (guint i = 0; bridge != NULL && i < r->links->len; i++)
    {
      const SclLink *link = r->links->pdata[i];

      if (link->master == bridge->index && _scl_names_unmark (r->prefix, link->alias) == NULL
          && !is_port (r, link))
        add_problem (r, "link %s in the namespace is a port of %s, and not ours", link->name,
                     SCL_NS_BRIDGE);
    }
}

static void
check_arp (Reading *r, const SclLink *link, const char *place)
{
  if ((link->flags & IFF_NOARP) != 0)
    add_problem (r, "link %s%s does not speak ARP", link->name, place);
}

static void
check_uplink (Reading *r)
{
  g_autofree char *mark = _scl_names_mark (r->prefix, r->network);
  SclLink *outer = _scl_links_find (r->root_links, r->uplink);
  SclLink *inner = _scl_links_find (r->links, SCL_NS_UPLINK);
  const SclLinkAddress *near = find_address (r->root_addresses, outer);
  const SclLinkAddress *far = find_address (r->addresses, inner);

  check_up (r, outer, r->uplink);
  check_up (r, inner, SCL_NS_UPLINK);
  check_own_mac (r, outer, "uplink-host", r->network);
  check_own_mac (r, inner, "uplink", r->network);
  if (outer == NULL || inner == NULL)
    return;
  if (outer->peer != inner->index || inner->peer != outer->index)
    add_problem (r, "link %s in the host is not the other end of the uplink", r->uplink);
  if (g_strcmp0 (outer->alias, mark) != 0)
    add_problem (r, "link %s has lost its mark", r->uplink);
  if (outer->group != SCL_GROUP_UPLINK)
    add_problem (r, "link %s has another group", r->uplink);
  if (g_strcmp0 (inner->alias, mark) != 0)
    add_problem (r, "link %s in the namespace has lost its mark", SCL_NS_UPLINK);
  _scl_network_port_check_alone (outer, "", r->out->problems);
  _scl_network_port_check_alone (inner, " in the namespace", r->out->problems);
  check_arp (r, outer, "");
  check_arp (r, inner, " in the namespace");
  if (near == NULL || far == NULL || near->peer != far->local || near->local != far->peer
      || near->prefix_length != 32 || far->prefix_length != 32
      || count_addresses (r->root_addresses, outer) != 1
      || count_addresses (r->addresses, inner) != 1)
    add_problem (r, "the addresses of link %s and its other end are wrong", r->uplink);
  else if (outer->master == 0 && (outer->flags & IFF_UP) != 0)
    _scl_uplink_routes_check (r->root_routes, outer, near, r->out->problems);
  _scl_link_settings_check (_scl_wishes_uplink_host, outer, "", r->out->problems);
  _scl_link_settings_check (_scl_wishes_uplink, inner, " in the namespace", r->out->problems);
}

static void
check_bridge (Reading *r)
{
  SclLink *bridge = _scl_links_find (r->links, SCL_NS_BRIDGE);
  g_autofree char *mac = _scl_network_links_gateway_mac (r->prefix);

  check_up (r, bridge, SCL_NS_BRIDGE);
  check_mac (r, bridge, mac);
  _scl_network_port_check_alone (bridge, " in the namespace", r->out->problems);
  if (bridge != NULL)
    _scl_link_settings_check (_scl_wishes_bridge, bridge, " in the namespace", r->out->problems);
  if (bridge != NULL)
    check_arp (r, bridge, " in the namespace");
  if (bridge != NULL && g_strcmp0 (bridge->kind, "bridge") != 0)
    add_problem (r, "link %s is not a bridge", SCL_NS_BRIDGE);
  if (bridge != NULL && bridge->linklocal_learn == TRUE)
    add_problem (r, "link %s learns senders from link-local frames", SCL_NS_BRIDGE);
  if (bridge != NULL && count_addresses (r->addresses, bridge) > 1)
    add_problem (r, "link %s has more than one address", SCL_NS_BRIDGE);
}

/* Without the addresses nobody knows what the routes should be. */
static gboolean
check_tables (Reading *r, GError **error)
{
  g_auto (SclNetnsTables) wanted = { 0 };
  g_autoptr (GPtrArray) fixes = NULL;

  if (r->out->spec == NULL)
    return TRUE;
  _scl_netns_tables_init (&wanted, r->prefix, r->out->spec, r->links);
  fixes = _scl_netns_tables_compare (r->inner, &wanted, error);
  for (guint i = 0; fixes != NULL && i < fixes->len; i++)
    add_problem (r, "%s", ((SclNetnsFix *)fixes->pdata[i])->problem);
  return fixes != NULL;
}

static void
check_rules (Reading *r)
{
  g_autoptr (SclNetworkGuard) guard = NULL;
  g_autoptr (SclNftTable) network = NULL;
  g_autoptr (SclNftTable) ports = NULL;

  if (r->out->spec == NULL)
    return;
  guard = _scl_network_guard_new (r->root_addresses);
  network = _scl_ruleset_network (r->prefix, r->out->spec, guard);
  ports = _scl_ruleset_ports (r->prefix, r->out->spec, r->out->ports);
  for (guint i = 0; i < r->tables->len; i++)
    if (!_scl_ruleset_is_of_network (r->tables->pdata[i], r->prefix))
      add_problem (r, "nft table %s %s in the namespace is not ours",
                   ((SclNftTable *)r->tables->pdata[i])->family,
                   ((SclNftTable *)r->tables->pdata[i])->name);
  _scl_nft_table_compare (network, _scl_nft_tables_find (r->tables, "inet", r->prefix),
                          r->out->problems);
  _scl_nft_table_compare (ports, _scl_nft_tables_find (r->tables, "bridge", r->prefix),
                          r->out->problems);
}

/* What needs to be inside of the namespace, in one visit. */
typedef struct
{
  SclNetlink *route, *netfilter;
  GPtrArray *problems;
} Inside;

static gboolean
check_policies (const Inside *inside, GError **error)
{
  gboolean has = FALSE;

  if (!_scl_xfrm_has_any (-1, &has, error))
    return FALSE;
  if (has)
    g_ptr_array_add (inside->problems, g_strdup ("the namespace has IPsec policies, which are not ours"));
  return TRUE;
}

static gboolean
open_inside (gpointer data, GError **error)
{
  Inside *inside = data;

  inside->route = _scl_netlink_open (-1, NETLINK_ROUTE, error);
  if (inside->route == NULL)
    return FALSE;
  inside->netfilter = _scl_netlink_open (-1, NETLINK_NETFILTER, error);
  if (inside->netfilter == NULL)
    return FALSE;
  _scl_sysctls_check (_scl_sysctls_namespace, inside->problems);
  return check_policies (inside, error);
}

static gboolean
read_kernel (Reading *r, SclNetlink *netfilter, GError **error)
{
  r->addresses = _scl_netlink_list_addresses (r->inner, error);
  r->tables = r->addresses == NULL ? NULL : _scl_nft_read (netfilter, error);
  return r->tables != NULL;
}

static void
set_foreign (SclObservedNetwork *out, char *what)
{
  out->foreign = TRUE;
  g_free (out->foreign_what);
  out->foreign_what = what;
}

/* Host ends are told by them whether anybody has them yet. */
static void
add_peers (Reading *r)
{
  for (guint i = 0; i < r->links->len; i++)
    {
      const SclLink *link = r->links->pdata[i];

      if (link->peer != 0 && _scl_names_unmark (r->prefix, link->alias) != NULL)
        g_array_append_val (r->peers, link->peer);
    }
}

static gboolean
read_namespace (Reading *r, int fd, GError **error)
{
  g_autofree char *mark = _scl_names_mark (r->prefix, r->network);
  const SclLink *lo;
  Inside inside = { .problems = r->out->problems };
  gboolean opened = _scl_netns_run (fd, open_inside, &inside, error);
  g_autoptr (SclNetlink) netfilter = inside.netfilter;

  r->inner = inside.route;
  r->links = opened ? _scl_netlink_list_links (r->inner, error) : NULL;
  if (r->links == NULL)
    return FALSE;
  add_peers (r);
  lo = _scl_links_find (r->links, "lo");
  if (lo == NULL || g_strcmp0 (lo->alias, mark) != 0)
    {
      set_foreign (r->out,
                   g_strdup_printf ("namespace %s/%s-%s", SCL_NETNS_FOLDER, r->prefix, r->network));
      return TRUE;
    }
  if (!read_kernel (r, netfilter, error))
    return FALSE;
  read_spec (r);
  check_uplink (r);
  check_bridge (r);
  check_up (r, _scl_links_find (r->links, "lo"), "lo");
  read_ports (r);
  check_strange_ports (r);
  check_rules (r);
  return check_tables (r, error);
}

gboolean
_scl_network_observer_read (const char *prefix, const char *network,
                            const SclRootReading *root, GArray *peers, SclObservedNetwork **out,
                            GError **error)
{
  g_auto (Reading) r = { .prefix = prefix,
                         .network = network,
                         .root_links = root->links,
                         .root_addresses = root->addresses,
                         .root_routes = root->routes,
                         .peers = peers };
  g_autofree char *name = _scl_names_namespace (prefix, network);
  g_auto (SclFd) fd = -1;
  SclNetnsState state = _scl_netns_open (name, &fd);
  SclLink *outer;
  gboolean done = TRUE;

  *out = NULL;
  r.uplink = _scl_names_link (prefix, SCL_LINK_UPLINK, network);
  outer = _scl_links_find (root->links, r.uplink);
  r.out = _scl_observed_network_new (network);
  if (state == SCL_NETNS_OTHER)
    set_foreign (r.out, g_strdup_printf ("file %s/%s", SCL_NETNS_FOLDER, name));
  else if (state == SCL_NETNS_FOUND)
    done = read_namespace (&r, fd, error);
  if (outer != NULL && !_scl_network_links_is_own (outer, prefix))
    set_foreign (r.out, g_strdup_printf ("link %s", r.uplink));
  if (done && (state == SCL_NETNS_FOUND || r.out->foreign))
    *out = g_steal_pointer (&r.out);
  g_clear_pointer (&r.out, _scl_observed_network_free);
  return done;
}
