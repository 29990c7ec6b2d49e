/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-ruleset-private.h"
#include "model/scl-address-text-private.h"
#include "model/scl-list-private.h"
#include "model/scl-names-private.h"
#include <string.h>

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

static void
add_nat (SclNftTable *table, const Addresses *a)
{
  SclNftChain *in = _scl_nft_table_add_chain (table, "prerouting", "nat", "prerouting",
                                              PRIORITY_DSTNAT, "accept");
  SclNftChain *out = _scl_nft_table_add_chain (table, "postrouting", "nat", "postrouting",
                                               PRIORITY_SRCNAT, "accept");

  _scl_nft_chain_add (in, "ip daddr %s dnat ip to meta l4proto . th dport map @%s", a->external,
                      SCL_SET_FORWARDS);
  _scl_nft_chain_add (out, "oifname \"%s\" ip saddr %s masquerade", SCL_NS_UPLINK, a->subnet);
  /* A guest that reaches another (or itself) through the external IP must see the answer come back
   * the same way. */
  _scl_nft_chain_add (out, "ip saddr %s ip daddr %s ct status dnat snat ip to %s", a->subnet,
                      a->subnet, a->gateway);
  /* A guest may have its own 169.254/16 route, or no gateway. */
  _scl_nft_chain_add (out, "ip saddr %s ct status dnat snat ip to %s", SCL_HOST_ADDRESS,
                      a->gateway);
}

static void
add_filter (SclNftTable *table, const Addresses *a)
{
  SclNftChain *forward
      = _scl_nft_table_add_chain (table, "forward", "filter", "forward", PRIORITY_FILTER, "drop");
  SclNftChain *input
      = _scl_nft_table_add_chain (table, "input", "filter", "input", PRIORITY_FILTER, "drop");

  _scl_nft_chain_add (forward, "ct state established,related accept");
  _scl_nft_chain_add (forward, "ct state invalid drop");
  _scl_nft_chain_add (forward, "iifname \"%s\" oifname \"%s\" ct status dnat accept", SCL_NS_UPLINK,
                      SCL_NS_BRIDGE);
  _scl_nft_chain_add (forward, "iifname \"%s\" oifname \"%s\" ct status dnat accept", SCL_NS_BRIDGE,
                      SCL_NS_BRIDGE);
  _scl_nft_chain_add (forward, "iifname \"%s\" oifname \"%s\" ip saddr %s accept", SCL_NS_BRIDGE,
                      SCL_NS_UPLINK, a->subnet);
  _scl_nft_chain_add (input, "iifname \"lo\" accept");
  _scl_nft_chain_add (input, "ct state established,related accept");
  _scl_nft_chain_add (input, "iifname \"%s\" ip saddr %s icmp type echo-request accept",
                      SCL_NS_BRIDGE, a->subnet);
}

SclNftTable *
_scl_ruleset_network (const char *prefix, SclNetworkSpec *spec)
{
  SclNftTable *table = _scl_nft_table_new ("inet", prefix);
  g_auto (Addresses) a = { 0 };

  addresses_init (&a, spec);
  add_forwards (table, spec);
  add_nat (table, &a);
  add_filter (table, &a);
  return table;
}

static void
add_macs (SclNftTable *table, const char *prefix, GPtrArray *ports)
{
  SclNftSet *set = _scl_nft_table_add_set (table, SCL_SET_MACS, "ifname . ether_addr");

  for (guint i = 0; i < ports->len; i++)
    {
      SclPort *port = g_ptr_array_index (ports, i);
      g_autofree char *link = _scl_names_nic (prefix, SCL_LINK_NIC, port->vm, port->index);
      g_autofree char *mac = g_ascii_strdown (port->mac, -1);
      g_autofree char *key = g_strdup_printf ("%s . %s", link, mac);
      g_autofree char *comment = g_strdup_printf ("%s-%u", port->vm, port->index);

      _scl_nft_set_add (set, key, NULL, comment);
    }
}

SclNftTable *
_scl_ruleset_ports (const char *prefix, SclNetworkSpec *spec, GPtrArray *ports)
{
  SclNftTable *table = _scl_nft_table_new ("bridge", prefix);
  g_auto (Addresses) a = { 0 };
  SclNftChain *chain;

  addresses_init (&a, spec);
  add_macs (table, prefix, ports);
  chain = _scl_nft_table_add_chain (table, "prerouting", "filter", "prerouting", PRIORITY_RAW,
                                    "drop");
  _scl_nft_chain_add (chain, "iifname . ether saddr != @%s drop", SCL_SET_MACS);
  /* The bytes of the frame, not skb->protocol: a VLAN tag in front of IPv4 ends here too. */
  _scl_nft_chain_add (chain, "ether type != { ip, arp } drop");
  _scl_nft_chain_add (chain, "ether type arp iifname . arp saddr ether != @%s drop", SCL_SET_MACS);
  _scl_nft_chain_add (chain,
                      "ether type arp arp htype 1 arp ptype ip arp hlen 6 arp plen 4 "
                      "arp saddr ip %s arp saddr ip != %s accept",
                      a.subnet, a.reserved);
  /* The probe of a DHCP client or of RFC 5227 for an address that it is about to take. */
  _scl_nft_chain_add (chain, "ether type arp arp htype 1 arp ptype ip arp hlen 6 arp plen 4 "
                             "arp operation request arp saddr ip 0.0.0.0 accept");
  _scl_nft_chain_add (chain, "ether type ip ip saddr %s ip saddr != %s accept", a.subnet,
                      a.reserved);
  _scl_nft_chain_add (chain, "ether type ip ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 "
                             "udp dport 67 accept");
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
  SclNftSet *marked = _scl_nft_table_add_set (table, "marked", "ipv4_addr");
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
  _scl_nft_chain_add (out, "oifname @gateway ip saddr @addresses masquerade");
  return table;
}
