/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-ruleset-private.h"
#include "model/scl-address-text-private.h"
#include "model/scl-list-private.h"
#include "model/scl-names-private.h"
#include <string.h>

/* TCP, UDP, DCCP, SCTP, UDP-Lite, as numbers: nft has the names from a file that need not be there.
 */
#define WITH_PORTS "{ 6, 17, 33, 132, 136 }"
/* Far more than a quarter of any table of connections: full would mean closed. */
#define DYNAMIC_MAX 1048576
#define SENDER_SECONDS 3600

enum
{
  PRIORITY_RAW = -300,
  PRIORITY_MANGLE = -150,
  PRIORITY_DSTNAT = -100,
  PRIORITY_FILTER = 0,
  PRIORITY_SRCNAT = 100,
};

/* The addresses of a network as nft text. */
typedef struct
{
  char *external, *gateway, *subnet, *reserved;
} Addresses;

static void
addresses_clear (Addresses *a)
{
  g_free (a->external);
  g_free (a->gateway);
  g_free (a->subnet);
  g_free (a->reserved);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Addresses, addresses_clear)

static char *
number_text (guint32 number)
{
  g_autoptr (GInetAddress) address = _scl_address_from_number (number);

  return g_inet_address_to_string (address);
}

static void
addresses_init (Addresses *a, SclNetworkSpec *spec)
{
  guint length = scl_network_spec_get_prefix_length (spec);
  guint32 mask = _scl_address_mask (length);
  guint32 gateway = _scl_address_number (scl_network_spec_get_gateway_ip (spec));
  g_autofree char *first = number_text (gateway & mask);
  g_autofree char *last = number_text (gateway | ~mask);

  a->external = g_inet_address_to_string (scl_network_spec_get_external_ip (spec));
  a->gateway = number_text (gateway);
  a->subnet = g_strdup_printf ("%s/%u", first, length);
  a->reserved = g_strdup_printf ("{ %s, %s, %s }", first, a->gateway, last);
}

static void
add_forwards (SclNftTable *table, SclNetworkSpec *spec)
{
  SclNftSet *set = _scl_nft_table_add_set (table, SCL_SET_FORWARDS,
                                           "inet_proto . inet_service : ipv4_addr . inet_service");
  GListModel *forwards = scl_network_spec_get_forwards (spec);

  for (guint i = 0; i < g_list_model_get_n_items (forwards); i++)
    {
      SclForwardSpec *forward = _scl_list_peek (forwards, i);
      g_autofree char *address = g_inet_address_to_string (scl_forward_spec_get_address (forward));
      g_autofree char *key = g_strdup_printf (
          "%s . %u", scl_forward_spec_get_protocol (forward) == SCL_PROTOCOL_UDP ? "udp" : "tcp",
          scl_forward_spec_get_host_port (forward));
      g_autofree char *value
          = g_strdup_printf ("%s . %u", address, scl_forward_spec_get_port (forward));

      _scl_nft_set_add (set, key, value, NULL);
    }
}

/* The longest run of ports that no forward has, so that what a guest sends can never stand for the
 * answers of a forward. */
static void
find_free_ports (SclNetworkSpec *spec, guint *out_first, guint *out_last)
{
  GListModel *forwards = scl_network_spec_get_forwards (spec);
  g_autofree gboolean *taken = g_new0 (gboolean, G_MAXUINT16 + 1);
  guint start = SCL_OWN_PORT_FIRST;
  guint best = 0;

  for (guint i = 0; i < g_list_model_get_n_items (forwards); i++)
    taken[scl_forward_spec_get_host_port (_scl_list_peek (forwards, i))] = TRUE;
  *out_first = *out_last = G_MAXUINT16;
  for (guint port = SCL_OWN_PORT_FIRST; port <= G_MAXUINT16; port++)
    {
      if (taken[port])
        start = port + 1;
      else if (port - start + 1 > best)
        {
          best = port - start + 1;
          *out_first = start;
          *out_last = port;
        }
    }
}

static void
add_nat (SclNftTable *table, SclNetworkSpec *spec, const Addresses *a)
{
  SclNftChain *in = _scl_nft_table_add_chain (table, "prerouting", "nat", "prerouting",
                                              PRIORITY_DSTNAT, "accept");
  SclNftChain *out = _scl_nft_table_add_chain (table, "postrouting", "nat", "postrouting",
                                               PRIORITY_SRCNAT, "accept");
  guint first, last;

  find_free_ports (spec, &first, &last);
  _scl_nft_chain_add (in, "ip daddr %s dnat ip to meta l4proto . th dport map @%s", a->external,
                      SCL_SET_FORWARDS);
  _scl_nft_chain_add (out,
                      "oifname \"%s\" ip saddr %s meta l4proto " WITH_PORTS
                      " masquerade to :%u-%u",
                      SCL_NS_UPLINK, a->subnet, first, last);
  _scl_nft_chain_add (out, "oifname \"%s\" ip saddr %s masquerade", SCL_NS_UPLINK, a->subnet);
  /* A guest that reaches another (or itself) through the external IP must see the answer come back
   * the same way. */
  _scl_nft_chain_add (out, "ip saddr %s ip daddr %s ct status dnat snat ip to %s", a->subnet,
                      a->subnet, a->gateway);
  /* A guest may have its own 169.254/16 route, or no gateway. */
  _scl_nft_chain_add (out, "ip saddr %s ct status dnat snat ip to %s", SCL_HOST_ADDRESS,
                      a->gateway);
}

/* What no guest may begin, whatever became of the host's own rules: link-local is never forwarded
 * (the host's end of the uplink, and the cloud's metadata service, which would take the guest for
 * the host), and what the host has is the host's. */
static void
add_guard (SclNftTable *table, SclNftChain *out, const SclNetworkGuard *guard)
{
  SclNftSet *hosts = _scl_nft_table_add_set (table, "hosts", "ipv4_addr");

  for (guint i = 0; i < guard->hosts->len; i++)
    _scl_nft_set_add (hosts, g_ptr_array_index (guard->hosts, i), NULL, NULL);
  _scl_nft_chain_add (out, "ip daddr 169.254.0.0/16 drop");
  _scl_nft_chain_add (out, "ip daddr @hosts drop");
}

/* For whatever guests begin and a connection is remembered of, wherever it goes. What cannot be
 * counted does not pass. */
static void
add_bounds (SclNftTable *table, const SclNetworkGuard *guard)
{
  SclNftChain *bounded = _scl_nft_table_add_chain (table, "bounded", NULL, NULL, 0, NULL);
  SclNftChain *each = _scl_nft_table_add_chain (table, "destination", NULL, NULL, 0, NULL);

  _scl_nft_table_add_dynamic_set (table, "total", "ifname", DYNAMIC_MAX, 0);
  _scl_nft_table_add_dynamic_set (table, "flows", "ipv4_addr . inet_proto . inet_service",
                                  DYNAMIC_MAX, 0);
  _scl_nft_table_add_dynamic_set (table, "others", "ipv4_addr", DYNAMIC_MAX, 0);
  _scl_nft_chain_add (bounded, "add @total { iifname ct count %u } goto destination", guard->flows);
  _scl_nft_chain_add (each,
                      "meta l4proto " WITH_PORTS
                      " add @flows { ip daddr . meta l4proto . th dport ct count %u } accept",
                      SCL_FLOWS_PER_DESTINATION);
  _scl_nft_chain_add (each,
                      "meta l4proto != " WITH_PORTS " add @others { ip daddr ct count %u } accept",
                      SCL_FLOWS_PER_DESTINATION);
}

static void
add_filter (SclNftTable *table, const Addresses *a, const SclNetworkGuard *guard)
{
  SclNftChain *out, *forward, *input;

  add_bounds (table, guard);
  out = _scl_nft_table_add_chain (table, "out", NULL, NULL, 0, NULL);
  forward
      = _scl_nft_table_add_chain (table, "forward", "filter", "forward", PRIORITY_FILTER, "drop");
  input = _scl_nft_table_add_chain (table, "input", "filter", "input", PRIORITY_FILTER, "drop");
  add_guard (table, out, guard);
  _scl_nft_chain_add (out, "goto bounded");
  _scl_nft_chain_add (forward, "ct state established,related accept");
  _scl_nft_chain_add (forward, "ct state invalid drop");
  _scl_nft_chain_add (forward, "iifname \"%s\" oifname \"%s\" ct status dnat accept", SCL_NS_UPLINK,
                      SCL_NS_BRIDGE);
  _scl_nft_chain_add (forward, "iifname \"%s\" oifname \"%s\" ct status dnat goto bounded",
                      SCL_NS_BRIDGE, SCL_NS_BRIDGE);
  _scl_nft_chain_add (forward, "iifname \"%s\" oifname \"%s\" ip saddr %s goto out",
                      SCL_NS_BRIDGE, SCL_NS_UPLINK, a->subnet);
  _scl_nft_chain_add (input, "iifname \"lo\" accept");
  _scl_nft_chain_add (input, "ct state established,related accept");
  _scl_nft_chain_add (input, "iifname \"%s\" ip saddr %s icmp type echo-request goto bounded",
                      SCL_NS_BRIDGE, a->subnet);
}

SclNftTable *
_scl_ruleset_network (const char *prefix, SclNetworkSpec *spec, const SclNetworkGuard *guard)
{
  SclNftTable *table = _scl_nft_table_new ("inet", prefix);
  g_auto (Addresses) a = { 0 };

  addresses_init (&a, spec);
  add_forwards (table, spec);
  add_nat (table, spec, &a);
  add_filter (table, &a, guard);
  return table;
}

static void
add_port (SclNftSet *macs, SclNftSet *bound, SclNftSet *fixed, const char *prefix,
          const SclPort *port)
{
  g_autofree char *link = _scl_names_nic (prefix, SCL_LINK_NIC, port->vm, port->index);
  g_autofree char *mac = g_ascii_strdown (port->mac, -1);
  g_autofree char *key = g_strdup_printf ("%s . %s", link, mac);
  g_autofree char *comment = g_strdup_printf ("%s-%u", port->vm, port->index);
  g_autofree char *address = NULL;

  _scl_nft_set_add (macs, key, NULL, comment);
  if (port->address == NULL)
    return;
  address = g_strdup_printf ("%s . %s", link, port->address);
  _scl_nft_set_add (bound, address, NULL, comment);
  _scl_nft_set_add (fixed, link, NULL, NULL);
}

static void
add_port_sets (SclNftTable *table, const char *prefix, GPtrArray *ports)
{
  SclNftSet *macs = _scl_nft_table_add_set (table, SCL_SET_MACS, "ifname . ether_addr");
  SclNftSet *bound = _scl_nft_table_add_set (table, SCL_SET_BOUND, "ifname . ipv4_addr");
  SclNftSet *fixed = _scl_nft_table_add_set (table, "fixed", "ifname");

  for (guint i = 0; i < ports->len; i++)
    add_port (macs, bound, fixed, prefix, g_ptr_array_index (ports, i));
  _scl_nft_table_add_dynamic_set (table, "senders", "ifname . ipv4_addr", DYNAMIC_MAX,
                                  SENDER_SECONDS);
  _scl_nft_table_add_dynamic_set (table, "newcomers", "ifname", DYNAMIC_MAX, 0);
}

/* A port that has an address sends from no other one. Of the rest each may have so many, whatever the
 * others do: an address is known for an hour, however much is sent from it, and what a port has at once
 * and gets back in that time are half of them each. */
static void
add_senders (SclNftChain *chain, const char *type, const char *sender)
{
  _scl_nft_chain_add (chain, "%s iifname . %s @%s accept", type, sender, SCL_SET_BOUND);
  _scl_nft_chain_add (chain, "%s iifname @fixed drop", type);
  _scl_nft_chain_add (chain, "%s iifname . %s @senders accept", type, sender);
  _scl_nft_chain_add (chain,
                      "%s add @newcomers { iifname limit rate %u/hour burst %u packets } "
                      "add @senders { iifname . %s } accept",
                      type, SCL_SENDERS_PER_PORT / 2, SCL_SENDERS_PER_PORT / 2, sender);
}

gboolean
_scl_ruleset_is_of_network (const SclNftTable *table, const char *prefix)
{
  return strcmp (table->name, prefix) == 0
         && (strcmp (table->family, "inet") == 0 || strcmp (table->family, "bridge") == 0);
}

SclNftTable *
_scl_ruleset_ports (const char *prefix, SclNetworkSpec *spec, GPtrArray *ports)
{
  SclNftTable *table = _scl_nft_table_new ("bridge", prefix);
  g_auto (Addresses) a = { 0 };
  SclNftChain *chain;

  addresses_init (&a, spec);
  add_port_sets (table, prefix, ports);
  chain = _scl_nft_table_add_chain (table, "prerouting", "filter", "prerouting", PRIORITY_RAW,
                                    "drop");
  _scl_nft_chain_add (chain, "iifname . ether saddr != @%s drop", SCL_SET_MACS);
  /* The bytes of the frame, not skb->protocol: a VLAN tag in front of IPv4 ends here too. */
  _scl_nft_chain_add (chain, "ether type != { ip, arp } drop");
  _scl_nft_chain_add (chain, "ether type arp iifname . arp saddr ether != @%s drop", SCL_SET_MACS);
  _scl_nft_chain_add (chain, "ether type arp arp htype != 1 drop");
  _scl_nft_chain_add (chain, "ether type arp arp ptype != ip drop");
  _scl_nft_chain_add (chain, "ether type arp arp hlen != 6 drop");
  _scl_nft_chain_add (chain, "ether type arp arp plen != 4 drop");
  /* The probe of a DHCP client or of RFC 5227 for an address that it is about to take. */
  _scl_nft_chain_add (chain, "ether type arp arp operation request arp saddr ip 0.0.0.0 accept");
  _scl_nft_chain_add (chain, "ether type arp arp saddr ip != %s drop", a.subnet);
  _scl_nft_chain_add (chain, "ether type arp arp saddr ip %s drop", a.reserved);
  add_senders (chain, "ether type arp", "arp saddr ip");
  _scl_nft_chain_add (chain, "ether type ip ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 "
                             "udp dport 67 accept");
  /* A guest is nobody's DHCP server; clients do not look where an answer comes from. */
  _scl_nft_chain_add (chain, "ether type ip udp sport 67 drop");
  _scl_nft_chain_add (chain, "ether type ip udp dport 68 drop");
  _scl_nft_chain_add (chain, "ether type ip ip saddr != %s drop", a.subnet);
  _scl_nft_chain_add (chain, "ether type ip ip saddr %s drop", a.reserved);
  add_senders (chain, "ether type ip", "ip saddr");
  return table;
}

static SclNftSet *
add_names (SclNftTable *table, const char *name, GPtrArray *links)
{
  SclNftSet *set = _scl_nft_table_add_set (table, name, "ifname");

  for (guint i = 0; links != NULL && i < links->len; i++)
    _scl_nft_set_add (set, g_ptr_array_index (links, i), NULL, NULL);
  return set;
}

static void
add_host_sets (SclNftTable *table, const SclHostRules *rules)
{
  SclNftSet *externals = _scl_nft_table_add_set (table, SCL_SET_EXTERNALS, "ifname . ipv4_addr");
  SclNftSet *addresses = _scl_nft_table_add_set (table, "addresses", "ipv4_addr");
  SclNftSet *marked = _scl_nft_table_add_set (table, SCL_SET_MARKED, "ipv4_addr");
  SclNftSet *gateway = add_names (table, SCL_SET_GATEWAY, NULL);
  SclNftSet *closed = add_names (table, "closed", NULL);

  add_names (table, SCL_SET_UPLINKS, rules->uplinks);
  add_names (table, SCL_SET_NICS, rules->nics);
  for (guint i = 0; i < rules->externals->len; i++)
    {
      g_auto (GStrv) parts = g_strsplit (g_ptr_array_index (rules->externals, i), " ", 2);
      g_autofree char *key = g_strjoinv (" . ", parts);

      _scl_nft_set_add (externals, key, NULL, NULL);
      _scl_nft_set_add (addresses, parts[1], NULL, NULL);
      if (rules->marked)
        _scl_nft_set_add (marked, parts[1], NULL, NULL);
    }
  if (rules->gateway_interface != NULL)
    _scl_nft_set_add (gateway, rules->gateway_interface, NULL, NULL);
  if (rules->gateway_interface != NULL && rules->closed)
    _scl_nft_set_add (closed, rules->gateway_interface, NULL, NULL);
}

/* Host ends are deaf; an uplink carries only its own address. */
static void
add_host_raw (SclNftTable *table)
{
  SclNftChain *chain
      = _scl_nft_table_add_chain (table, "raw", "filter", "prerouting", PRIORITY_RAW, "accept");

  _scl_nft_chain_add (chain, "iifname @nics drop");
  _scl_nft_chain_add (chain, "iifname @uplinks meta nfproto ipv6 drop");
  _scl_nft_chain_add (chain, "iifname @uplinks iifname . ip saddr != @externals drop");
  /* Nobody else has a network's address: whoever forges it would be taken for that network. */
  _scl_nft_chain_add (chain, "iifname != @uplinks ip saddr @addresses drop");
}

/* Answers to connections that came to a forward from elsewhere than the gateway interface leave by
 * the host's own routes. */
static void
add_host_marks (SclNftTable *table, const char *prefix)
{
  SclNftChain *chain = _scl_nft_table_add_chain (table, "marks", "filter", "prerouting",
                                                 PRIORITY_MANGLE, "accept");
  guint32 mark = _scl_names_mark_value (prefix);
  guint32 keep = ~SCL_MARK_MASK;

  _scl_nft_chain_add (chain,
                      "ct state new iifname != @uplinks iifname != @gateway ip daddr @marked "
                      "ct mark set ct mark and 0x%08x or 0x%08x",
                      keep, mark);
  _scl_nft_chain_add (chain,
                      "iifname @uplinks ct mark and 0x%08x == 0x%08x "
                      "meta mark set meta mark and 0x%08x or 0x%08x",
                      SCL_MARK_MASK, mark, keep, mark);
  _scl_nft_chain_add (chain,
                      "ip daddr @marked ct mark and 0x%08x == 0x%08x "
                      "meta mark set meta mark and 0x%08x or 0x%08x",
                      SCL_MARK_MASK, mark, keep, mark);
}

static void
add_host_filter (SclNftTable *table)
{
  SclNftChain *input
      = _scl_nft_table_add_chain (table, "input", "filter", "input", PRIORITY_FILTER, "accept");
  SclNftChain *forward
      = _scl_nft_table_add_chain (table, "forward", "filter", "forward", PRIORITY_FILTER, "accept");

  _scl_nft_chain_add (input, "iifname @nics drop");
  _scl_nft_chain_add (input, "iifname @uplinks ct state established,related accept");
  _scl_nft_chain_add (input, "iifname @uplinks drop");
  _scl_nft_chain_add (forward, "iifname @nics drop");
  _scl_nft_chain_add (forward, "oifname @nics drop");
  _scl_nft_chain_add (forward, "iifname @uplinks oifname @uplinks drop");
  _scl_nft_chain_add (forward, "iifname @uplinks oifgroup %u drop", SCL_GROUP_UPLINK);
  /* Only answers: egress is asked for at each packet, so that it ends with the gateway. */
  _scl_nft_chain_add (forward,
                      "iifname @uplinks ct direction reply ct state established,related accept");
  _scl_nft_chain_add (forward, "iifname @uplinks oifname @gateway accept");
  _scl_nft_chain_add (forward, "iifname @uplinks drop");
  _scl_nft_chain_add (forward, "oifname @uplinks oifname . ip daddr != @externals drop");
  /* By group: uplinks of another instance go by the same interface. */
  _scl_nft_chain_add (forward, "iifname @closed meta nfproto ipv4 oifgroup != %u drop",
                      SCL_GROUP_UPLINK);
}

SclNftTable *
_scl_ruleset_host (const char *prefix, const SclHostRules *rules)
{
  SclNftTable *table = _scl_nft_table_new ("inet", prefix);
  SclNftChain *out;

  add_host_sets (table, rules);
  add_host_raw (table);
  add_host_marks (table, prefix);
  add_host_filter (table);
  out = _scl_nft_table_add_chain (table, "postrouting", "nat", "postrouting", PRIORITY_SRCNAT,
                                  "accept");
  _scl_nft_chain_add (out,
                      "oifname @gateway ip saddr @addresses meta l4proto " WITH_PORTS
                      " masquerade to :%u-%u",
                      SCL_MASQUERADE_FIRST, SCL_MASQUERADE_LAST);
  _scl_nft_chain_add (out, "oifname @gateway ip saddr @addresses masquerade");
  return table;
}
