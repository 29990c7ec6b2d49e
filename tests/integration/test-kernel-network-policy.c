/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A gateway interface that does not own the default route: policy routing, and its drift. */
#include "network-lab.h"

/* gw0 does not own the default route: alt0 does. Forwards are answered where the question came
 * from. */
static void
check_policy_routing (Fixture *f, GPtrArray *targets)
{
  int server = serve ("server", SOCK_STREAM, "203.0.113.80", 80);
  int ssh = serve ("g-one", SOCK_STREAM, "0.0.0.0", 22);

  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  assert_observed (f->backend, targets);
  assert_tcp ("g-one", "203.0.113.80", 80, server, "198.51.100.2");
  assert_tcp (NULL, "192.168.10.1", 2222, ssh, "192.168.20.1");
  assert_tcp ("client", "192.168.10.1", 2222, ssh, "198.51.100.9");
  assert_tcp ("altclient", "192.168.10.1", 2222, ssh, "10.77.0.9");
  assert_tcp ("g-two", "192.168.10.1", 2222, ssh, NULL);
  assert_no_tcp ("g-one", "10.77.0.9", 80);
  close (server);
  close (ssh);
}

static void
make_policy_lab (void)
{
  make_lab ();
  /* Somebody routes between his interfaces already, and filters strictly. */
  sh ("sysctl -qw net.ipv4.conf.alt0.forwarding=1 net.ipv4.conf.alt0.rp_filter=1 "
      "net.ipv4.conf.gw0.rp_filter=1");
  sh ("ip route add default via 10.77.0.9 dev alt0");
  sh ("ip route add default via 198.51.100.1 dev gw0 metric 500");
  /* The far client is not on the link, so only the right default route leads back to it. */
  sh ("ip -n altclient addr add 172.20.0.9/32 dev lo && ip -n altclient link set lo up");
}

static void
start_guests (void)
{
  start_guest ("one", "192.168.20.11", "192.168.20.1");
  start_guest ("two", "192.168.20.12", "192.168.20.1");
}

static void
test_policy_routing (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = two_networks ();
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  g_autofree char *value = NULL;
  int ssh, far;

  make_policy_lab ();
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  start_guests ();
  check_policy_routing (f, targets);

  /* From an address that only the main table's default route knows. */
  ssh = serve ("g-one", SOCK_STREAM, "0.0.0.0", 22);
  far = socket_in ("altclient", AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  {
    struct sockaddr_in own = address_of ("172.20.0.9", 0), to = address_of ("192.168.10.1", 2222);
    char seen[INET_ADDRSTRLEN];

    assert_int_equal (bind (far, (struct sockaddr *)&own, sizeof own), 0);
    (void)connect (far, (struct sockaddr *)&to, sizeof to);
    close (accept_one (ssh, seen));
    assert_string_equal (seen, "172.20.0.9");
  }
  close (far);
  close (ssh);

  sh ("ip netns del g-one; ip netns del g-two");
  assert_ok (_scl_network_backend_remove (f->backend, "a", NULL, &error));
  assert_ok (_scl_network_backend_remove (f->backend, "b", NULL, &error));
  assert_ok (apply_networks (f->backend, NULL, none, &error));
  assert_nothing_left ();
  value
      = sh_output ("sysctl -n net.ipv4.conf.gw0.rp_filter net.ipv4.conf.gw0.forwarding "
                   "net.ipv4.conf.alt0.forwarding net.ipv4.conf.all.src_valid_mark | tr '\\n' ' '");
  assert_string_equal (value, "1 0 1 0");
}

static void
test_policy_drift (void **state)
{
  const char *drifts[] = {
    "ip rule del iif tknu-a",
    "ip rule | sed -n 's/:.*fwmark.*//p' | xargs ip rule del pref",
    "ip route flush table $(ip rule | sed -n 's/.*iif tknu-a.*lookup //p')",
    "sysctl -qw net.ipv4.conf.all.src_valid_mark=0",
    "sysctl -qw net.ipv4.conf.gw0.forwarding=0",
    "nft flush ruleset",
    "nft delete element inet tkn marked '{ 192.168.10.1 }'",
  };
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = two_networks ();

  make_policy_lab ();
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  start_guests ();
  for (gsize i = 0; i < G_N_ELEMENTS (drifts); i++)
    {
      g_autoptr (SclObservation) seen = NULL;

      sh ("%s", drifts[i]);
      if (strcmp (drifts[i], "nft flush ruleset") == 0)
        {
          wire_guest ("one");
          wire_guest ("two");
        }
      seen = observe_networks (f->backend);
      if (seen->host.present && seen->host.problems->len == 0)
        fail_msg ("\"%s\" was not seen", drifts[i]);
      assert_ok (apply_networks (f->backend, "gw0", targets, &error));
      assert_observed (f->backend, targets);
    }
  check_policy_routing (f, targets);
  /* The default route moves to the gateway interface: no policy is needed any more, then again. */
  sh ("ip route del default via 10.77.0.9");
  {
    g_autofree char *problems = list_problems (f->backend);

    assert_non_null (strstr (problems, "policy routes"));
  }
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  assert_observed (f->backend, targets);
  {
    g_autofree char *rules = sh_output ("ip rule | wc -l");

    assert_string_equal (rules, "3");
  }
  sh ("ip route add default via 10.77.0.9 dev alt0");
  check_policy_routing (f, targets);
}

static void
test_gateway_without_default (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = two_networks ();
  g_autoptr (SclObservation) seen = NULL;
  int lan, far;

  make_lab ();
  sh ("ip route add default via 10.77.0.9 dev alt0");
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  start_guests ();
  lan = serve ("client", SOCK_STREAM, "198.51.100.9", 80);
  far = serve ("altclient", SOCK_STREAM, "10.77.0.9", 80);
  assert_tcp ("g-one", "198.51.100.9", 80, lan, "198.51.100.2");
  assert_no_tcp ("g-one", "203.0.113.80", 80);
  seen = observe_networks (f->backend);
  assert_int_equal (seen->host.notes->len, 1);
  assert_non_null (strstr (seen->host.notes->pdata[0], "no default route through gw0"));
  close (lan);
  close (far);
}

/* Two uplinks share the default route; the VMs' one is the second. */
static void
test_multipath (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = two_networks ();

  make_lab ();
  sh ("sysctl -qw net.ipv4.conf.alt0.forwarding=1");
  sh ("ip route add default nexthop via 10.77.0.9 dev alt0 nexthop via 198.51.100.1 dev gw0");
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  start_guests ();
  check_policy_routing (f, targets);
}

static void
test_gateway_comes_later (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = two_networks ();
  g_autoptr (SclObservation) seen = NULL;
  int server;

  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  seen = observe_networks (f->backend);
  assert_string_equal (seen->host.gateway_interface, "gw0");
  assert_int_equal (seen->host.problems->len, 0);
  assert_non_null (strstr (seen->host.notes->pdata[0], "gw0 does not exist"));
  make_lab ();
  sh ("ip route add default via 198.51.100.1 dev gw0");
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  start_guests ();
  server = serve ("server", SOCK_STREAM, "203.0.113.80", 80);
  assert_tcp ("g-one", "203.0.113.80", 80, server, "198.51.100.2");
  close (server);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    network_test (test_policy_routing),
    network_test (test_policy_drift),
    network_test (test_gateway_without_default),
    network_test (test_multipath),
    network_test (test_gateway_comes_later),
  };

  if (fixture_enter () < 0)
    return 77;
  return cmocka_run_group_tests (tests, NULL, NULL);
}
