/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Other programs of the host: those that set up every link they see, and firewalls that drop what they do
 * not know, until they are told. */
#include "network-fixture.h"

#define MAC1 "52:00:00:00:00:01"

static GPtrArray *
demo (void)
{
  return make_targets (make_target (make_spec ("default", "192.168.10.1", "192.168.20.1", 24, NULL),
                                    "demo=" MAC1, NULL),
                       NULL);
}

static void
make_gateway (void)
{
  sh ("ip link add gw0 type bridge; ip addr add 203.0.113.2/24 dev gw0; ip link set gw0 up");
  sh ("ip route add default via 203.0.113.1");
}

static char *
list_notes (SclNetworkBackend *backend)
{
  g_autoptr (SclObservation) seen = observe_networks (backend);

  g_ptr_array_add (seen->host.notes, NULL);
  return g_strjoinv ("\n", (char **)seen->host.notes->pdata);
}

/* As dhcpcd does where it gets no answer. */
static void
test_dhcp_client_on_uplink (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();
  g_autofree char *problems = NULL;
  g_autofree char *routes = NULL;

  make_gateway ();
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  assert_clean (f->backend);
  sh ("ip addr add 169.254.33.44/16 broadcast 169.254.255.255 dev tknu-default");
  sh ("ip route add default dev tknu-default metric 1005");
  problems = list_problems (f->backend);
  assert_non_null (strstr (problems, "host: the host has a default route through tknu-default, which is "
                                     "not ours: keep DHCP clients off our links\n"));
  assert_non_null (strstr (problems, "default: the addresses of link tknu-default"));
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  assert_clean (f->backend);
  routes = sh_output ("ip route show default");
  assert_string_equal (routes, "default via 203.0.113.1 dev gw0");
}

/* One that comes before the host's own would also turn the guests' way. */
static void
test_better_route (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();
  g_autofree char *problems = NULL;
  g_autofree char *rules = NULL;

  make_gateway ();
  sh ("ip route replace default via 203.0.113.1 metric 100; ip route del default metric 0");
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  sh ("ip route add default dev tknu-default metric 5");
  problems = list_problems (f->backend);
  assert_non_null (strstr (problems, "host: the host has a default route through tknu-default"));
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  assert_clean (f->backend);
  rules = sh_output ("ip rule | grep -c 'fwmark' || true");
  assert_string_equal (rules, "0");
}

static void
test_dhcp_client_on_nic (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  for (guint i = 0; i < 2; i++)
    {
      const char *link = i == 0 ? "tknn-demo-0" : "tknm-demo-0";
      g_autofree char *problems = NULL;
      g_autofree char *wanted = g_strdup_printf ("host: link %s has the address 169.254.9.9, which is not "
                                                 "ours: keep DHCP clients off our links\n",
                                                 link);

      sh ("ip addr add 169.254.9.9/16 dev %s", link);
      problems = list_problems (f->backend);
      assert_non_null (strstr (problems, wanted));
      assert_ok (apply_networks (f->backend, NULL, targets, &error));
      assert_clean (f->backend);
    }
}

#define NOT_CLIENTS                                                                                 \
  "the host has a default route through tknu-default (table %u) that no DHCP client made: it is left " \
  "alone; remove it unless it is meant"

/* COMMAND makes a default route through our link that no DHCP client makes. */
static void
assert_kept (Fixture *f, GPtrArray *targets, const char *command, const char *undo, guint table)
{
  const char *all = "ip -N route show table all | grep default";
  g_autofree char *wanted = g_strdup_printf (NOT_CLIENTS, table);
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autofree char *notes = NULL;

  sh ("%s", command);
  before = sh_output ("%s", all);
  notes = list_notes (f->backend);
  if (strstr (notes, wanted) == NULL)
    fail_msg ("after \"%s\" the notes were \"%s\"", command, notes);
  assert_clean (f->backend);
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  after = sh_output ("%s", all);
  assert_string_equal (after, before);
  sh ("%s", undo);
}

#define HOST_HOP "nexthop via 203.0.113.1 dev gw0"
#define OUR_HOP "nexthop via 192.168.10.1 dev tknu-default"

/* The administrator's own: of several next hops the kernel would take the whole route away, and a table of
 * somebody's own, or "static", says that it is meant. */
static void
test_administrators_routes_stay (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();

  make_gateway ();
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  assert_kept (f, targets, "ip route add default metric 9 " OUR_HOP " " HOST_HOP,
               "ip route del default metric 9", 254);
  assert_kept (f, targets, "ip route add default metric 9 " HOST_HOP " " OUR_HOP,
               "ip route del default metric 9", 254);
  assert_kept (f, targets,
               "ip nexthop add id 7 via 192.168.10.1 dev tknu-default; ip route add default nhid 7 metric 9",
               "ip nexthop del id 7", 254);
  assert_kept (f, targets, "ip route add default dev tknu-default metric 1005 proto static",
               "ip route del default metric 1005", 254);
  assert_kept (f, targets, "ip route add default dev tknu-default table 100",
               "ip route flush table 100", 100);
  /* Which of the two the kernel would take cannot be said to it. */
  assert_kept (f, targets,
               "ip route add default metric 9 " OUR_HOP " " HOST_HOP "; "
               "ip route append default via 192.168.10.1 dev tknu-default metric 9",
               "ip route del default metric 9; ip route del default metric 9", 254);
}

static void
test_secondary_addresses (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  sh ("sysctl -qw net.ipv4.conf.all.promote_secondaries=0 net.ipv4.conf.tknn-demo-0.promote_secondaries=0 "
      "net.ipv4.conf.tknm-demo-0.promote_secondaries=0");
  for (guint i = 0; i < 2; i++)
    sh ("ip addr add 169.254.9.9/16 dev tkn%1$s-demo-0; ip addr add 169.254.9.10/16 dev tkn%1$s-demo-0",
        i == 0 ? "n" : "m");
  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  assert_clean (f->backend);
}

/* A namespace that only looks like ours has no address that anybody could know. */
static void
test_sets_beside_foreign_namespace (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();
  g_autofree char *problems = NULL;

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  sh ("ip netns add tkn-zzz");
  assert_clean (f->backend);
  sh ("nft 'add element inet tkn externals { \"tknu-evil\" . 10.6.6.6 }'");
  problems = list_problems (f->backend);
  assert_non_null (strstr (problems, "host: nft set externals of table inet tkn has tknu-evil . 10.6.6.6, which "
                                     "no network of this instance has"));
  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  assert_clean (f->backend);
}

/* Another link's default route, and another instance's links, are nobody's business. */
static void
test_own_routes_stay (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  const char *all = "ip -4 route show table all dev tknu-else; ip -4 -o a show dev tknu-else; "
                    "ip route show default";

  make_gateway ();
  sh ("ip link add tknu-else type bridge; ip link set tknu-else up; ip addr add 10.9.9.9/24 dev tknu-else");
  sh ("ip route add default dev tknu-else metric 900; ip route add 10.8.0.0/16 dev tknu-else");
  before = sh_output ("%s", all);
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  assert_clean (f->backend);
  after = sh_output ("%s", all);
  assert_string_equal (before, after);
}

/* --- firewalls --- */

/* As `ufw enable` leaves it (0.36.2), by iptables-nft, without what is of other hooks. */
#define UFW                                                                                        \
  "table ip filter {\n"                                                                            \
  "chain ufw-before-logging-forward { }\n"                                                         \
  "chain ufw-user-forward { %s\n}\n"                                                              \
  "chain ufw-before-forward {\n"                                                                   \
  "ct state related,established counter accept\n"                                                  \
  "ip protocol icmp icmp type destination-unreachable counter accept\n"                            \
  "counter jump ufw-user-forward\n"                                                                \
  "}\n"                                                                                            \
  "chain ufw-after-forward { }\n"                                                                  \
  "chain ufw-reject-forward { }\n"                                                                 \
  "chain FORWARD { type filter hook forward priority filter; policy drop;\n"                       \
  "counter jump ufw-before-logging-forward\n"                                                      \
  "counter jump ufw-before-forward\n"                                                              \
  "counter jump ufw-after-forward\n"                                                               \
  "counter jump ufw-reject-forward\n"                                                              \
  "}\n"                                                                                            \
  "}\n"

#define UFW_NOTE                                                                                   \
  "ufw drops forwarded packets: let them pass with \"ufw route allow in on tknu-+ out on gw0\" and " \
  "\"ufw route allow in on gw0 out on tknu-+\""

static void
load_ufw (const char *user_rules)
{
  sh ("nft delete table ip filter 2>/dev/null; nft -f - <<'END'\n" UFW "END\n", user_rules);
}

static void
assert_ufw (Fixture *f, const char *user_rules, gboolean warns)
{
  g_autofree char *notes = NULL;

  load_ufw (user_rules);
  notes = list_notes (f->backend);
  if ((strstr (notes, UFW_NOTE) != NULL) != warns)
    fail_msg ("with \"%s\" the notes were \"%s\"", user_rules, notes);
  if (!warns && strstr (notes, "drops") != NULL)
    fail_msg ("with \"%s\" the notes were \"%s\"", user_rules, notes);
}

static void
test_ufw (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();

  make_gateway ();
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  assert_ufw (f, "", TRUE);
  assert_ufw (f, "iifname \"tknu-*\" oifname \"gw0\" counter accept", TRUE);
  assert_ufw (f, "iifname \"tknu-*\" oifname \"gw1\" counter accept; iifname \"gw0\" oifname \"tknu-*\" accept", TRUE);
  assert_ufw (f,
              "iifname \"tknu-*\" oifname \"gw0\" counter accept; iifname \"gw0\" oifname \"tknu-*\" "
              "counter accept",
              FALSE);
  assert_ufw (f,
              "iifname \"tknu-default\" oifname \"gw0\" counter accept; iifname \"gw0\" oifname "
              "\"tknu-default\" counter accept",
              FALSE);
  /* Only some packets are accepted, and the same of one that is dropped before. */
  assert_ufw (f, "iifname \"tknu-*\" tcp dport 80 accept; iifname \"gw0\" oifname \"tknu-*\" accept", TRUE);
  assert_ufw (f, "iifname \"tknu-*\" drop; iifname \"tknu-*\" accept; oifname \"tknu-*\" accept", TRUE);
  assert_ufw (f, "iifname != \"gw0\" accept; oifname \"tknu-*\" accept", TRUE);
}

/* Each of the networks has to pass, those that are yet to be made too. */
static void
test_ufw_second_network (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = make_targets (
      make_target (make_spec ("default", "192.168.10.1", "192.168.20.1", 24, NULL), NULL),
      make_target (make_spec ("more", "192.168.10.2", "192.168.21.1", 24, NULL), NULL), NULL);

  make_gateway ();
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  assert_ufw (f, "iifname \"tknu-default\" accept; oifname \"tknu-default\" accept", TRUE);
  assert_ufw (f, "iifname \"tknu-*\" accept; oifname \"tknu-*\" accept", FALSE);
}

#define OWN_NOTE                                                                                   \
  "nft chain forward of table inet mine drops forwarded packets by its policy: accept iifname and " \
  "oifname \"tknu-*\" there"

static void
assert_own_chain (Fixture *f, const char *text, gboolean warns)
{
  g_autofree char *notes = NULL;

  sh ("nft delete table inet mine 2>/dev/null; nft -f - <<'END'\ntable inet mine {\n%s\n"
      "}\nEND\n", text);
  notes = list_notes (f->backend);
  if ((strstr (notes, OWN_NOTE) != NULL) != warns)
    fail_msg ("with \"%s\" the notes were \"%s\"", text, notes);
}

/* Of a loaded machine; it takes less than one. */
#define MANY_WAYS_SECONDS 120

#define FORWARD "chain forward { type filter hook forward priority 0; policy drop; "

static void
test_own_chain (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  assert_own_chain (f, FORWARD "}", TRUE);
  assert_own_chain (f, FORWARD "iifname \"tknu-*\" accept; }", TRUE);
  assert_own_chain (f, FORWARD "iifname \"tknu-*\" accept; oifname \"tknu-*\" accept; }", FALSE);
  /* Through chains of its own: what returns from them goes on behind them, what was sent there does not. */
  assert_own_chain (f, "chain a { return; }\n chain b { accept; }\n " FORWARD "jump a; jump b; }", FALSE);
  assert_own_chain (f, "chain a { return; }\n chain b { accept; }\n " FORWARD "goto a; jump b; }", TRUE);
  assert_own_chain (f, "chain a { iifname \"eth9\" accept; }\n " FORWARD "jump a; }", TRUE);
}

/* Of 14 chains each calls the next one in six ways: to go each way takes years. */
static void
test_many_ways (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();
  g_autoptr (GString) text = g_string_new ("chain c13 { iifname \"eth9\" accept; }\n");

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  for (int i = 12; i >= 0; i--)
    {
      g_string_append_printf (text, "chain c%d {\n", i);
      for (guint j = 0; j < 6; j++)
        g_string_append_printf (text, "jump c%d;\n", i + 1);
      g_string_append (text, "}\n");
    }
  g_string_append (text, FORWARD "jump c0; }");
  (void)alarm (MANY_WAYS_SECONDS);
  assert_own_chain (f, text->str, TRUE);
  (void)alarm (0);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    network_test (test_dhcp_client_on_uplink), network_test (test_better_route),
    network_test (test_dhcp_client_on_nic),    network_test (test_own_routes_stay),
    network_test (test_administrators_routes_stay),
    network_test (test_secondary_addresses),   network_test (test_sets_beside_foreign_namespace),
    network_test (test_ufw),                   network_test (test_ufw_second_network),
    network_test (test_own_chain),             network_test (test_many_ways),
  };

  if (fixture_enter () < 0)
    return skip_program ("root");
  return cmocka_run_group_tests (tests, NULL, NULL);
}
