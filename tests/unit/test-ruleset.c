/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The firewall as data: what is written, what a listing says, and how they are compared. No nft. */
#include "backend/network/scl-nft-private.h"
#include "backend/network/scl-ruleset-private.h"
#include "model/scl-names-private.h"
#include <scl/scl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static SclNetworkSpec *
make_spec (const char *gateway, guint length)
{
  g_autoptr (GInetAddress) external = g_inet_address_new_from_string ("192.168.10.1");
  g_autoptr (GInetAddress) gateway_ip = g_inet_address_new_from_string (gateway);
  g_autoptr (GListStore) forwards = g_list_store_new (SCL_TYPE_FORWARD_SPEC);
  g_autoptr (SclForwardSpec) ssh
      = scl_forward_spec_new_from_string (SCL_PROTOCOL_TCP, "2222:192.168.20.2:22", NULL);
  g_autoptr (SclForwardSpec) dns
      = scl_forward_spec_new_from_string (SCL_PROTOCOL_UDP, "53:192.168.20.2:5353", NULL);

  g_list_store_append (forwards, ssh);
  g_list_store_append (forwards, dns);
  return g_object_new (SCL_TYPE_NETWORK_SPEC, "name", "default", "external-ip", external,
                       "gateway-ip", gateway_ip, "prefix-length", length, "forwards", forwards,
                       NULL);
}

static SclNftTable *
network_table (SclNetworkSpec *spec)
{
  g_autoptr (GPtrArray) hosts = g_ptr_array_new ();
  SclNetworkGuard guard = { hosts, 4096 };

  g_ptr_array_add (hosts, (char *)"10.0.0.5");
  g_ptr_array_add (hosts, (char *)"10.0.0.255");
  return _scl_ruleset_network ("scl", spec, &guard);
}

static GPtrArray *
make_ports (void)
{
  GPtrArray *ports = g_ptr_array_new_with_free_func ((GDestroyNotify)_scl_port_free);

  g_ptr_array_add (ports, _scl_port_new ("demo", 0, "52:00:00:00:00:0A"));
  g_ptr_array_add (ports, _scl_port_new ("a-b", 1, "52:00:00:00:00:02"));
  return ports;
}

static char *
text_of (SclNftTable *table)
{
  g_autoptr (GString) text = g_string_new (NULL);

  _scl_nft_table_append_text (table, text);
  return g_strdup (text->str);
}

static void
assert_contains (const char *text, const char *part)
{
  if (strstr (text, part) == NULL)
    fail_msg ("\"%s\" is not in:\n%s", part, text);
}

static void
test_network_text (void **state)
{
  g_autoptr (SclNetworkSpec) spec = make_spec ("192.168.20.1", 24);
  g_autoptr (SclNftTable) table = network_table (spec);
  g_autofree char *text = text_of (table);

  assert_true (
      g_str_has_prefix (text, "table inet scl\ndelete table inet scl\ntable inet scl {\n"));
  assert_contains (text,
                   "elements = { tcp . 2222 : 192.168.20.2 . 22, udp . 53 : 192.168.20.2 . 5353 }");
  assert_contains (text, "ip daddr 192.168.10.1 dnat ip to meta l4proto . th dport map @forwards");
  assert_contains (text, "type filter hook forward priority 0; policy drop;");
}

static void
test_ports_text (void **state)
{
  g_autoptr (SclNetworkSpec) spec = make_spec ("10.1.2.33", 28);
  g_autoptr (GPtrArray) ports = make_ports ();
  g_autoptr (SclNftTable) table = _scl_ruleset_ports ("scl", spec, ports);
  g_autofree char *text = text_of (table);

  assert_contains (text, "\"scln-demo-0\" . 52:00:00:00:00:0a comment \"demo-0\"");
  assert_contains (text, "\"scln-a-b-1\" . 52:00:00:00:00:02 comment \"a-b-1\"");
  assert_contains (text, "ether type ip ip saddr != 10.1.2.32/28 drop");
  assert_contains (text, "ether type ip ip saddr { 10.1.2.32, 10.1.2.33, 10.1.2.47 } drop");
  assert_contains (text, "set bound {\n    type ifname . ipv4_addr\n  }");
}

static SclNftTable *
host_table (const char *gateway, gboolean closed, gboolean marked)
{
  g_autoptr (GPtrArray) uplinks = g_ptr_array_new ();
  g_autoptr (GPtrArray) externals = g_ptr_array_new ();
  g_autoptr (GPtrArray) nics = g_ptr_array_new ();
  SclHostRules rules = { gateway, uplinks, externals, nics, closed, marked };

  g_ptr_array_add (uplinks, (char *)"sclu-default");
  g_ptr_array_add (externals, (char *)"sclu-default 192.168.10.1");
  g_ptr_array_add (nics, (char *)"scln-demo-0");
  return _scl_ruleset_host ("scl", &rules);
}

static void
test_host_text (void **state)
{
  g_autoptr (SclNftTable) table = host_table ("eth0.7@x:1", TRUE, TRUE);
  g_autoptr (SclNftTable) none = host_table (NULL, TRUE, FALSE);
  g_autofree char *text = text_of (table);
  g_autofree char *text_none = text_of (none);

  assert_contains (text, "set gateway {\n    type ifname\n    elements = { \"eth0.7@x:1\" }");
  assert_contains (text, "elements = { \"sclu-default\" . 192.168.10.1 }");
  assert_contains (text, "set marked {\n    type ipv4_addr\n    elements = { 192.168.10.1 }");
  assert_contains (text_none, "set gateway {\n    type ifname\n  }");
  assert_contains (text_none, "set closed {\n    type ifname\n  }");
  assert_contains (text_none, "set marked {\n    type ipv4_addr\n  }");
  /* Exact names only. */
  assert_null (strchr (text, '*'));
}

static void
test_comments_are_digests (void **state)
{
  g_autoptr (SclNetworkSpec) spec = make_spec ("192.168.20.1", 24);
  g_autoptr (SclNetworkSpec) other = make_spec ("192.168.20.2", 24);
  g_autoptr (SclNftTable) a = network_table (spec);
  g_autoptr (SclNftTable) b = network_table (spec);
  g_autoptr (SclNftTable) c = network_table (other);
  g_autoptr (GPtrArray) same = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) different = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  _scl_nft_table_compare (a, b, same);
  assert_int_equal (same->len, 0);
  _scl_nft_table_compare (a, c, different);
  assert_int_equal (different->len, 1);
  assert_string_equal (different->pdata[0],
                       "nft chain postrouting of table inet scl has other rules");
  for (guint i = 0; i < a->chains->len; i++)
    {
      SclNftChain *chain = a->chains->pdata[i];

      for (guint j = 0; j < chain->rules->len; j++)
        {
          SclNftRule *rule = chain->rules->pdata[j];

          assert_int_equal (strlen (rule->comment), 12);
          assert_true (g_hash_table_add (seen, rule->comment));
        }
    }
}

static const char *listing
    = "{\"nftables\": [{\"metainfo\": {\"version\": \"1.0.6\"}},"
      "{\"table\": {\"family\": \"inet\", \"name\": \"scl\", \"handle\": 5}},"
      "{\"map\": {\"family\": \"inet\", \"name\": \"forwards\", \"table\": \"scl\","
      "\"type\": [\"inet_proto\", \"inet_service\"], \"map\": \"ipv4_addr . inet_service\","
      "\"elem\": [[{\"concat\": [\"udp\", 53]}, {\"concat\": [\"192.168.20.2\", 5353]}],"
      "[{\"concat\": [\"tcp\", 2222]}, {\"concat\": [\"192.168.20.2\", 22]}]]}},"
      "{\"set\": {\"family\": \"inet\", \"name\": \"empty\", \"table\": \"scl\", \"type\": "
      "\"ifname\"}},"
      "{\"set\": {\"family\": \"inet\", \"name\": \"macs\", \"table\": \"scl\", \"elem\": "
      "[{\"elem\": {\"val\": {\"concat\": [\"x\", \"52:00:00:00:00:01\"]}, \"comment\": "
      "\"demo-0\"}}]}},"
      "{\"chain\": {\"family\": \"inet\", \"table\": \"scl\", \"name\": \"fw\", \"type\": "
      "\"filter\","
      "\"hook\": \"forward\", \"prio\": -150, \"policy\": \"drop\"}},"
      "{\"rule\": {\"family\": \"inet\", \"table\": \"scl\", \"chain\": \"fw\", \"handle\": 9,"
      "\"comment\": \"scl:abcdefgh\", \"expr\": [{\"match\": {}}, {\"drop\": null}]}},"
      "{\"rule\": {\"family\": \"inet\", \"table\": \"scl\", \"chain\": \"fw\", \"handle\": 10,"
      "\"expr\": [{\"counter\": {\"packets\": 1}}, {\"reject\": {\"type\": \"icmpx\"}}]}}]}";

static void
test_parse (void **state)
{
  g_autoptr (GPtrArray) tables = _scl_nft_parse (listing, -1, NULL);
  SclNftTable *table = _scl_nft_tables_find (tables, "inet", "scl");
  SclNftSet *forwards, *macs;
  SclNftChain *chain;
  SclNftRule *first, *second;

  assert_non_null (table);
  forwards = _scl_nft_table_find_set (table, "forwards");
  assert_int_equal (forwards->elements->len, 2);
  assert_string_equal (((SclNftElement *)forwards->elements->pdata[1])->key, "tcp . 2222");
  assert_string_equal (((SclNftElement *)forwards->elements->pdata[1])->value, "192.168.20.2 . 22");
  assert_int_equal (_scl_nft_table_find_set (table, "empty")->elements->len, 0);
  macs = _scl_nft_table_find_set (table, "macs");
  assert_string_equal (((SclNftElement *)macs->elements->pdata[0])->key, "x . 52:00:00:00:00:01");
  assert_string_equal (((SclNftElement *)macs->elements->pdata[0])->comment, "demo-0");
  chain = _scl_nft_table_find_chain (table, "fw");
  assert_int_equal (chain->priority, -150);
  assert_string_equal (chain->policy, "drop");
  first = chain->rules->pdata[0];
  second = chain->rules->pdata[1];
  assert_string_equal (first->comment, "scl:abcdefgh");
  assert_null (first->verdict);
  assert_int_equal (first->handle, 9);
  assert_null (second->comment);
  assert_string_equal (second->verdict, "reject");
}

/* Whatever another version of nft may print: an error or a listing, never a crash. */
static void
test_parse_odd (void **state)
{
  static const char *const odd[] = {
    "",
    "[",
    "[]",
    "{}",
    "null",
    "7",
    "{\"nftables\": 7}",
    "{\"nftables\": [7, null, [], {}]}",
    "{\"nftables\": [{\"table\": 7}, {\"table\": {}}, {\"table\": {\"family\": 1, \"name\": 2}}]}",
    "{\"nftables\": [{\"rule\": {\"family\": \"inet\", \"table\": \"x\", \"chain\": \"y\"}}]}",
    "{\"nftables\": [{\"table\": {\"family\": \"ip\", \"name\": \"t\"}}, {\"set\": {\"family\": "
    "\"ip\","
    "\"table\": \"t\", \"name\": \"s\", \"elem\": [[], [1], {}, {\"elem\": 1}, {\"prefix\": {}}, "
    "null]}},"
    "{\"chain\": {\"family\": \"ip\", \"table\": \"t\", \"name\": \"c\"}},"
    "{\"rule\": {\"family\": \"ip\", \"table\": \"t\", \"chain\": \"c\", \"expr\": [7, {}]}}]}",
  };
  static const char *const silent[] = { "", "{}", "null", "[]", "{\"nftables\": 7}" };

  for (gsize i = 0; i < G_N_ELEMENTS (odd); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) tables = _scl_nft_parse (odd[i], -1, &error);

      assert_true ((tables == NULL) == (error != NULL));
    }
  /* It says nothing of the host's rules, which is not to say that there are none. */
  for (gsize i = 0; i < G_N_ELEMENTS (silent); i++)
    {
      g_autoptr (GError) error = NULL;

      assert_null (_scl_nft_parse (silent[i], -1, &error));
      assert_true (g_error_matches (error, SCL_ERROR, SCL_ERROR_BACKEND));
    }
  /* Every truncation of a good one. */
  for (gsize n = 0; n < strlen (listing); n++)
    {
      g_autoptr (GPtrArray) tables = _scl_nft_parse (listing, (gssize)n, NULL);

      assert_null (tables);
    }
}

static void
test_compare (void **state)
{
  g_autoptr (SclNftTable) expected = _scl_nft_table_new ("inet", "scl");
  g_autoptr (SclNftTable) observed = _scl_nft_table_new ("inet", "scl");
  SclNftChain *wanted = _scl_nft_table_add_chain (expected, "fw", "filter", "forward", 0, "drop");
  SclNftChain *found = _scl_nft_table_add_chain (observed, "fw", "filter", "forward", 0, "drop");
  SclNftSet *wanted_set = _scl_nft_table_add_set (expected, "s", "ifname");
  SclNftSet *found_set = _scl_nft_table_add_set (observed, "s", NULL);
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);

  _scl_nft_chain_add (wanted, "accept");
  _scl_nft_chain_add (wanted, "drop");
  for (guint i = 0; i < 2; i++)
    _scl_nft_chain_add_read (found, ((SclNftRule *)wanted->rules->pdata[i])->comment, 0);
  _scl_nft_set_add (wanted_set, "a", NULL, NULL);
  _scl_nft_set_add (wanted_set, "a", NULL, NULL);
  _scl_nft_set_add (found_set, "a", NULL, NULL);
  _scl_nft_table_compare (expected, observed, problems);
  assert_int_equal (problems->len, 0);

  /* Another order. */
  g_ptr_array_add (found->rules, g_ptr_array_steal_index (found->rules, 0));
  _scl_nft_set_add (found_set, "b", NULL, NULL);
  _scl_nft_table_compare (expected, observed, problems);
  assert_int_equal (problems->len, 2);
  assert_string_equal (problems->pdata[0], "nft set s of table inet scl has other elements");
  assert_string_equal (problems->pdata[1], "nft chain fw of table inet scl has other rules");
}

static void
assert_change (SclNftTable *expected, SclNftTable *observed, const char *wanted)
{
  g_autoptr (GString) text = g_string_new (NULL);

  _scl_nft_table_append_change (expected, observed, text);
  assert_string_equal (text->str, wanted);
}

/* Only what differs, so that the rest keeps what the kernel has counted in it. */
static void
test_change (void **state)
{
  g_autoptr (SclNftTable) expected = host_table ("eth0", FALSE, FALSE);
  g_autoptr (SclNftTable) other = host_table ("eth1", FALSE, FALSE);
  g_autoptr (SclNftTable) none = host_table (NULL, FALSE, FALSE);
  g_autoptr (SclNetworkSpec) spec = make_spec ("192.168.20.1", 24);
  g_autoptr (SclNftTable) network = network_table (spec);
  g_autoptr (SclNftTable) flushed = network_table (spec);
  g_autoptr (SclNftTable) edited = network_table (spec);
  g_autofree char *whole = text_of (network);

  assert_change (expected, expected, "");
  assert_change (expected, other,
                 "flush set inet scl gateway\nadd element inet scl gateway { \"eth0\" }\n");
  assert_change (none, expected, "flush set inet scl gateway\n");
  _scl_nft_set_add (_scl_nft_table_find_set (edited, "forwards"), "tcp . 80", "192.168.20.2 . 80",
                    NULL);
  assert_change (network, edited,
                 "flush map inet scl forwards\nadd element inet scl forwards { tcp . 2222 : "
                 "192.168.20.2 . 22, udp . 53 : 192.168.20.2 . 5353 }\n");
  g_ptr_array_set_size (_scl_nft_table_find_chain (flushed, "out")->rules, 0);
  assert_change (network, flushed, whole);
  assert_change (network, NULL, whole);
}

static void
test_foreign (void **state)
{
  g_autoptr (SclNftTable) expected = host_table ("eth0", FALSE, FALSE);
  g_autoptr (SclNftTable) observed = _scl_nft_table_new ("inet", "scl");
  SclNftChain *chain;

  assert_false (_scl_nft_table_is_foreign (observed, expected));
  chain = _scl_nft_table_add_chain (observed, "forward", "filter", "forward", 0, "accept");
  /* Ours, flushed. */
  assert_false (_scl_nft_table_is_foreign (observed, expected));
  _scl_nft_chain_add_read (chain, NULL, 1);
  assert_true (_scl_nft_table_is_foreign (observed, expected));
  /* Ours, with a rule of somebody else. */
  _scl_nft_chain_add_read (chain, "scl:abcdefgh", 2);
  assert_false (_scl_nft_table_is_foreign (observed, expected));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_network_text), cmocka_unit_test (test_ports_text),
    cmocka_unit_test (test_host_text),    cmocka_unit_test (test_comments_are_digests),
    cmocka_unit_test (test_parse),        cmocka_unit_test (test_parse_odd),
    cmocka_unit_test (test_compare),      cmocka_unit_test (test_change),
    cmocka_unit_test (test_foreign),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
