/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is read from the kernel directly is what nft says is there. */
#include "backend/network/scl-nft-private.h"
#include "backend/network/scl-network-backend-private.h"
#include "backend/network/scl-ruleset-private.h"
#include "model/scl-names-private.h"
#include "network-fixture.h"
#include <linux/netlink.h>

static GPtrArray *
read_directly (void)
{
  GError *error = NULL;
  g_autoptr (SclNetlink) sock = _scl_netlink_open (-1, NETLINK_NETFILTER, &error);
  GPtrArray *tables = sock == NULL ? NULL : _scl_nft_read (sock, &error);

  if (tables == NULL)
    fail_msg ("%s", error->message);
  return tables;
}

static GPtrArray *
read_by_nft (void)
{
  GError *error = NULL;
  GPtrArray *tables = _scl_nft_list (-1, NULL, &error);

  if (tables == NULL)
    fail_msg ("%s", error->message);
  return tables;
}

static int
compare_lines (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Elements have no order; everything else has. */
static void
append_set (GString *text, SclNftSet *set)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < set->elements->len; i++)
    {
      SclNftElement *element = set->elements->pdata[i];

      g_ptr_array_add (lines, g_strdup_printf ("  %s = %s # %s\n", element->key, element->value,
                                               element->comment));
    }
  g_ptr_array_sort (lines, compare_lines);
  g_string_append_printf (text, " set %s\n", set->name);
  for (guint i = 0; i < lines->len; i++)
    g_string_append (text, lines->pdata[i]);
}

static void
append_chain (GString *text, SclNftChain *chain)
{
  g_string_append_printf (text, " chain %s %s %s %d %s\n", chain->name, chain->type, chain->hook,
                          chain->priority, chain->policy);
  for (guint i = 0; i < chain->rules->len; i++)
    {
      SclNftRule *rule = chain->rules->pdata[i];

      g_string_append_printf (text, "  %" G_GINT64_FORMAT " %s\n", rule->handle, rule->comment);
    }
}

static char *
describe (GPtrArray *tables)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < tables->len; i++)
    {
      SclNftTable *table = tables->pdata[i];

      g_string_append_printf (text, "table %s %s\n", table->family, table->name);
      for (guint k = 0; k < table->sets->len; k++)
        append_set (text, table->sets->pdata[k]);
      for (guint k = 0; k < table->chains->len; k++)
        append_chain (text, table->chains->pdata[k]);
    }
  return g_string_free (text, FALSE);
}

static void
assert_same (const char *must_have)
{
  g_autoptr (GPtrArray) ours = read_directly ();
  g_autoptr (GPtrArray) theirs = read_by_nft ();
  g_autofree char *one = describe (ours);
  g_autofree char *other = describe (theirs);

  assert_string_equal (one, other);
  assert_non_null (strstr (one, must_have));
}

static void
test_nothing (void **state)
{
  g_autoptr (GPtrArray) tables = read_directly ();

  assert_int_equal (tables->len, 0);
}

/* All types of elements that SCL uses, comments of both kinds, all hooks, both policies. */
static void
test_all_that_we_write (void **state)
{
  sh ("nft -f - <<'END'\n"
      "table inet tkn {\n"
      "  map forwards { type inet_proto . inet_service : ipv4_addr . inet_service\n"
      "    elements = { tcp . 2222 : 192.168.20.2 . 22, udp . 53 : 10.255.0.1 . 65535 } }\n"
      "  set uplinks { type ifname\n elements = { \"tknu-default\", \"a.b@c:d\", "
      "\"fifteen-letters\" } }\n"
      "  set externals { type ifname . ipv4_addr\n elements = { \"tknu-default\" . 192.168.10.1 } "
      "}\n"
      "  set addresses { type ipv4_addr\n elements = { 192.168.10.1, 255.255.255.255 } }\n"
      "  set empty { type ipv4_addr\n }\n"
      "  chain prerouting { type nat hook prerouting priority -100; policy accept;\n"
      "    ip daddr { 1.2.3.4, 1.2.3.5 } accept comment \"scl:01234567\"\n"
      "    counter accept\n"
      "    dnat ip to meta l4proto . th dport map @forwards comment \"x\"\n"
      "  }\n"
      "  chain input { type filter hook input priority 0; policy drop; }\n"
      "  chain forward { type filter hook forward priority 5; policy drop; }\n"
      "  chain output { type filter hook output priority -150; policy accept; }\n"
      "  chain postrouting { type nat hook postrouting priority 100; policy accept; }\n"
      "  chain plain { accept comment \"scl:plain\"\n }\n"
      "}\n"
      "table bridge tkn {\n"
      "  set macs { type ifname . ether_addr\n"
      "    elements = { \"tknn-demo-0\" . 52:54:00:ab:cd:ef comment \"demo-0\" } }\n"
      "  chain prerouting { type filter hook prerouting priority -300; policy drop;\n"
      "    iifname . ether saddr != @macs drop comment \"scl:89abcdef\"\n }\n"
      "}\n"
      "table ip6 other { }\ntable arp other { }\ntable netdev other { }\n"
      "END\n");
  assert_same ("tcp . 2222 = 192.168.20.2 . 22");
}

static void
test_many_elements (void **state)
{
  sh ("{ echo 'table bridge tkn { set macs { type ifname . ether_addr; elements = {'; "
      "for i in $(seq 2000); do printf '\"tknn-%%s\" . 52:54:00:00:%%02x:%%02x comment "
      "\"vm%%s-0\",\\n' "
      "$i $((i / 256)) $((i %% 256)) $i; done; echo '}; }; }'; } | nft -f -");
  assert_same ("tknn-2000 . 52:54:00:00:07:d0");
}

/* Somebody's element of a type that we do not know is a difference, not an error. */
static void
test_strange_types (void **state)
{
  g_autoptr (GPtrArray) tables = NULL;
  SclNftSet *set;

  sh ("nft 'table inet tkn { set forwards { type ipv6_addr . mark; elements = { fe80::1 . 7 }; }; "
      "}'");
  tables = read_directly ();
  set = _scl_nft_table_find_set (_scl_nft_tables_find (tables, "inet", "tkn"), "forwards");
  assert_int_equal (set->elements->len, 1);
  assert_string_equal (((SclNftElement *) set->elements->pdata[0])->key, "unknown");
}

static gpointer
change_all_the_time (gpointer data)
{
  int *over = data;

  for (guint i = 0; i < 40; i++)
    sh ("nft 'add table inet tkn2; add set inet tkn2 s { type ipv4_addr; }; "
        "add element inet tkn2 s { 1.1.1.1 }' && nft delete table inet tkn2");
  g_atomic_int_set (over, TRUE);
  return NULL;
}

/* Half of one ruleset and half of the next is never seen: the set without its element would be. */
static void
test_changes_meanwhile (void **state)
{
  int over = 0;
  GThread *thread = g_thread_new ("change", change_all_the_time, &over);
  guint halves = 0;

  while (!g_atomic_int_get (&over))
    {
      g_autoptr (SclNetlink) sock = _scl_netlink_open (-1, NETLINK_NETFILTER, NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) tables = _scl_nft_read (sock, &error);
      SclNftTable *table = tables != NULL ? _scl_nft_tables_find (tables, "inet", "tkn2") : NULL;
      SclNftSet *set = table != NULL ? _scl_nft_table_find_set (table, "s") : NULL;

      if (tables == NULL && !g_error_matches (error, SCL_ERROR, SCL_ERROR_TIMEOUT))
        halves++;
      if (table != NULL && (set == NULL || set->elements->len != 1))
        halves++;
    }
  g_thread_join (thread);
  assert_int_equal (halves, 0);
}

/* All that SCL says to nft of an instance of that name. */
static gboolean
can_be_called (const char *name)
{
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  SclHostRules rules = { .uplinks = none, .externals = none, .nics = none };
  g_autoptr (SclNftTable) host = _scl_ruleset_host (name, &rules);
  g_autoptr (SclNetworkSpec) spec
      = make_spec ("default", "192.168.10.1", "192.168.20.1", 24, "tcp:2222:192.168.20.2:22", NULL);
  g_autoptr (SclNftTable) ports = _scl_ruleset_ports (name, spec, none);
  g_autoptr (GString) text = g_string_new (NULL);

  _scl_nft_table_append_text (host, text);
  _scl_nft_table_append_text (ports, text);
  g_string_append_printf (text, "add element inet %s " SCL_SET_UPLINKS " { \"lo\" }\n", name);
  g_string_append_printf (text, "flush set inet %s " SCL_SET_UPLINKS "\n", name);
  g_string_append_printf (text, "delete table inet %s\ndelete table bridge %s\n", name, name);
  return _scl_nft_apply (-1, text->str, NULL, NULL);
}

/* Each word that is refused as a prefix cannot be one with this nft, and what is not refused can. */
static void
test_words_of_nft (void **state)
{
  static const char *const good[]
      = { "scl", "s", "r", "a1", "log1", "ip1", "rt02", "logs", "saddr", "dport", "proto", "state",
          "iifs", "drops", "vm", "net", "lab", "ci", "filter", "nat", "last", "to", "in", "on" };
  const char *const *words = _scl_names_list_nft_words ();
  g_autofree char *version = sh_output ("nft --version");

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      assert_false (_scl_names_is_nft_word (good[i]));
      if (!can_be_called (good[i]))
        fail_msg ("no table can be called %s, but a prefix can", good[i]);
    }
  /* Later ones have learned to take some. */
  for (gsize i = 0; strstr (version, " v1.0.6") != NULL && words[i] != NULL; i++)
    if (can_be_called (words[i]))
      fail_msg ("a table can be called %s, but no prefix", words[i]);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    network_test (test_nothing),           network_test (test_all_that_we_write),
    network_test (test_many_elements),     network_test (test_strange_types),
    network_test (test_changes_meanwhile), network_test (test_words_of_nft),
  };

  if (fixture_enter () < 0)
    return skip_program ("root");
  return cmocka_run_group_tests (tests, NULL, NULL);
}
