/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who reaches whom: guests, host, a LAN client and an internet server, each in a namespace. */
#include "network-lab.h"

static void
test_same_network (void **state)
{
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (*state, "gw0");
  int server = serve ("g-one", SOCK_STREAM, "0.0.0.0", 22);

  assert_tcp ("g-two", "192.168.20.11", 22, server, "192.168.20.12");
  close (server);
}

static void
test_forwards (void **state)
{
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (*state, "gw0");
  int ssh = serve ("g-one", SOCK_STREAM, "0.0.0.0", 22);
  int dns = serve ("g-one", SOCK_DGRAM, "0.0.0.0", 53);
  int other = serve ("g-three", SOCK_STREAM, "0.0.0.0", 22);

  assert_tcp (NULL, "192.168.10.1", 2222, ssh, "192.168.20.1");
  assert_udp (NULL, "192.168.10.1", 5353, dns, "192.168.20.1");
  assert_tcp ("client", "192.168.10.1", 2222, ssh, "198.51.100.9");
  assert_udp ("client", "192.168.10.1", 5353, dns, "198.51.100.9");
  assert_tcp ("client", "192.168.10.2", 2222, other, "198.51.100.9");
  assert_tcp (NULL, "192.168.10.2", 2222, other, "192.168.20.1");
  /* Hairpin: another guest, and itself. */
  assert_tcp ("g-two", "192.168.10.1", 2222, ssh, "192.168.20.1");
  assert_tcp ("g-one", "192.168.10.1", 2222, ssh, "192.168.20.1");
  /* The other protocol, other ports. */
  assert_no_tcp (NULL, "192.168.10.1", 5353);
  assert_no_tcp (NULL, "192.168.10.1", 22);
  assert_no_tcp ("client", "192.168.10.1", 22);
  close (ssh);
  close (dns);
  close (other);
}

static void
test_no_way_in (void **state)
{
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (*state, "gw0");
  int ssh = serve ("g-one", SOCK_STREAM, "0.0.0.0", 22);

  /* A route straight to the guests. */
  sh ("ip route add 192.168.20.0/24 via 192.168.10.1 dev tknu-a onlink");
  assert_no_tcp (NULL, "192.168.20.11", 22);
  sh ("ip -n client route add 192.168.20.0/24 via 198.51.100.2");
  assert_no_tcp ("client", "192.168.20.11", 22);
  /* The gateway interface did not forward before us: the host is no router for its LAN now. */
  {
    int alt = serve ("altclient", SOCK_STREAM, "0.0.0.0", 80);

    sh ("ip -n client route add 10.77.0.0/24 via 198.51.100.2");
    assert_no_tcp ("client", "10.77.0.9", 80);
    close (alt);
  }
  close (ssh);
}

static void
test_isolation (void **state)
{
  const char *addresses[] = { "198.51.100.2", "10.77.0.2", "169.254.77.1", "127.0.0.1" };
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (*state, "gw0");
  int host = serve (NULL, SOCK_STREAM, "0.0.0.0", 8080);
  int udp = serve (NULL, SOCK_DGRAM, "0.0.0.0", 8080);
  int ssh = serve ("g-three", SOCK_STREAM, "0.0.0.0", 22);
  int alt = serve ("altclient", SOCK_STREAM, "0.0.0.0", 80);
  int from = socket_in ("g-one", AF_INET, SOCK_DGRAM, 0);

  for (gsize i = 0; i < G_N_ELEMENTS (addresses); i++)
    {
      if (i < 3)
        assert_tcp (NULL, addresses[i], 8080, host, NULL);
      assert_no_tcp ("g-one", addresses[i], 8080);
      send_udp (from, addresses[i], 8080, "PROBE");
    }
  assert_false (wait_for (udp, POLLIN, NOTHING_MS));
  /* Network b: its external IP is served to everybody but network a. */
  assert_tcp (NULL, "192.168.10.2", 2222, ssh, NULL);
  assert_no_tcp ("g-one", "192.168.10.2", 2222);
  assert_no_tcp ("g-two", "192.168.10.2", 2222);
  /* What is behind another interface of the host. */
  assert_tcp (NULL, "10.77.0.9", 80, alt, NULL);
  assert_no_tcp ("g-one", "10.77.0.9", 80);
  close (host);
  close (udp);
  close (ssh);
  close (alt);
  close (from);
}

/* An answer to an echo request from the guest; also from a second address. */
static gboolean
ping (const char *netns, const char *ip, int timeout)
{
  int fd = socket_in (netns, AF_INET, SOCK_RAW, IPPROTO_ICMP);
  struct sockaddr_in to = address_of (ip, 0);
  guint8 request[8] = { 8, 0, 0, 0, 0x12, 0x34, 0, 1 };
  guint8 reply[128];
  guint16 sum = (guint16) ~(0x0800 + 0x1234 + 1);
  gboolean answered = FALSE;

  request[2] = (guint8)(sum >> 8);
  request[3] = (guint8)sum;
  (void)sendto (fd, request, sizeof request, 0, (struct sockaddr *)&to, sizeof to);
  while (!answered && wait_for (fd, POLLIN, timeout))
    answered = recv (fd, reply, sizeof reply, 0) >= 28 && reply[20] == 0 && reply[24] == 0x12;
  close (fd);
  return answered;
}

static void
test_ping (void **state)
{
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (*state, "gw0");

  assert_true (ping ("g-one", "192.168.20.1", ARRIVES_MS));
  assert_true (ping ("g-one", "192.168.20.12", ARRIVES_MS));
  assert_true (ping ("g-one", "203.0.113.80", ARRIVES_MS));
  assert_true (ping ("g-one", "192.168.10.1", ARRIVES_MS));
  assert_false (ping ("g-one", "169.254.77.1", NOTHING_MS));
  assert_false (ping ("g-one", "198.51.100.2", NOTHING_MS));
  assert_false (ping ("g-one", "192.168.10.2", NOTHING_MS));
  assert_false (ping ("client", "192.168.10.1", NOTHING_MS));
}

static void
test_egress (void **state)
{
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (*state, "gw0");
  int server = serve ("server", SOCK_STREAM, "203.0.113.80", 80);
  int dns = serve ("server", SOCK_DGRAM, "203.0.113.80", 53);
  int lan = serve ("client", SOCK_STREAM, "198.51.100.9", 80);

  assert_tcp ("g-one", "203.0.113.80", 80, server, "198.51.100.2");
  assert_tcp ("g-three", "203.0.113.80", 80, server, "198.51.100.2");
  assert_udp ("g-one", "203.0.113.80", 53, dns, "198.51.100.2");
  assert_tcp ("g-two", "198.51.100.9", 80, lan, "198.51.100.2");
  close (server);
  close (dns);
  close (lan);
}

static void
test_no_gateway (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (f, NULL);
  int server = serve ("server", SOCK_STREAM, "203.0.113.80", 80);
  int ssh = serve ("g-one", SOCK_STREAM, "0.0.0.0", 22);
  int client, peer;

  assert_tcp (NULL, "203.0.113.80", 80, server, NULL);
  assert_no_tcp ("g-one", "203.0.113.80", 80);
  assert_tcp (NULL, "192.168.10.1", 2222, ssh, NULL);
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  client = try_connect ("g-one", "203.0.113.80", 80, ARRIVES_MS);
  assert_true (client >= 0);
  peer = accept_one (server, NULL);
  /* Switched off again: what was open ends too. */
  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  assert_no_tcp ("g-one", "203.0.113.80", 80);
  assert_int_equal (write (client, "x", 1), 1);
  assert_false (wait_for (peer, POLLIN, NOTHING_MS));
  {
    g_autofree char *value = sh_output ("sysctl -n net.ipv4.conf.gw0.forwarding");

    assert_string_equal (value, "0");
  }
  close (client);
  close (peer);
  close (server);
  close (ssh);
}

/* A guest that believes that 169.254/16 is on its own link, and one without a gateway. */
static void
test_odd_guests (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = two_networks ();
  int ssh, other;

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  start_guest ("one", "192.168.20.11", "192.168.20.1");
  start_guest ("three", "192.168.20.11", NULL);
  sh ("ip -n g-one addr add 169.254.3.4/16 dev eth0");
  ssh = serve ("g-one", SOCK_STREAM, "0.0.0.0", 22);
  other = serve ("g-three", SOCK_STREAM, "0.0.0.0", 22);
  assert_tcp (NULL, "192.168.10.1", 2222, ssh, "192.168.20.1");
  assert_tcp (NULL, "192.168.10.2", 2222, other, "192.168.20.1");
  close (ssh);
  close (other);
}

/* As kube-proxy's strictARP sets it. */
static void
test_strict_arp (void **state)
{
  g_autoptr (GPtrArray) targets = NULL;
  int server, ssh;

  sh ("sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2 "
      "net.ipv4.conf.all.rp_filter=1");
  targets = start (*state, "gw0");
  server = serve ("server", SOCK_STREAM, "203.0.113.80", 80);
  ssh = serve ("g-one", SOCK_STREAM, "0.0.0.0", 22);
  assert_tcp ("g-one", "203.0.113.80", 80, server, "198.51.100.2");
  assert_tcp (NULL, "192.168.10.1", 2222, ssh, "192.168.20.1");
  assert_tcp ("client", "192.168.10.1", 2222, ssh, "198.51.100.9");
  close (server);
  close (ssh);
}

static void
test_docker (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = NULL;
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  g_autofree char *problems = NULL;
  g_autofree char *rules = NULL;
  g_autofree char *left = NULL;
  int server, ssh;

  /* What dockerd leaves behind, made with the tool that it uses. */
  sh ("sysctl -qw net.ipv4.ip_forward=1; iptables-nft -P FORWARD DROP && "
      "iptables-nft -N DOCKER-USER && iptables-nft -A FORWARD -j DOCKER-USER && "
      "iptables-nft -A DOCKER-USER -j RETURN");
  targets = start (f, "gw0");
  server = serve ("server", SOCK_STREAM, "203.0.113.80", 80);
  ssh = serve ("g-one", SOCK_STREAM, "0.0.0.0", 22);
  assert_tcp ("g-one", "203.0.113.80", 80, server, "198.51.100.2");
  assert_tcp ("client", "192.168.10.1", 2222, ssh, "198.51.100.9");
  assert_tcp (NULL, "192.168.10.1", 2222, ssh, NULL);
  assert_tcp ("g-two", "192.168.20.11", 22, ssh, NULL);
  /* Docker still reads its own table. */
  rules = sh_output ("iptables-nft -S DOCKER-USER | grep -c -- '-j ACCEPT'");
  assert_string_equal (rules, "4");
  sh ("iptables-nft -F DOCKER-USER; iptables-nft -A DOCKER-USER -j RETURN");
  problems = list_problems (f->backend);
  assert_non_null (strstr (problems, "DOCKER-USER"));
  assert_no_tcp ("g-one", "203.0.113.80", 80);
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  assert_tcp ("g-one", "203.0.113.80", 80, server, "198.51.100.2");
  sh ("ip netns del g-one; ip netns del g-two; ip netns del g-three");
  assert_ok (_scl_network_backend_remove (f->backend, "a", NULL, &error));
  assert_ok (_scl_network_backend_remove (f->backend, "b", NULL, &error));
  assert_ok (apply_networks (f->backend, NULL, none, &error));
  left = sh_output (
      "iptables-nft -S DOCKER-USER | tr '\\n' ' '; sysctl -n net.ipv4.conf.gw0.forwarding");
  assert_string_equal (left, "-N DOCKER-USER -A DOCKER-USER -j RETURN 1");
  assert_nothing_left ();
  close (server);
  close (ssh);
}

static void
test_foreign_drop_is_named (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = two_networks ();
  g_autoptr (SclObservation) seen = NULL;

  sh ("nft add table inet mine; nft add chain inet mine fw "
      "'{ type filter hook forward priority 10; policy drop; }'");
  sh ("nft add table inet firewalld; nft add chain inet firewalld filter_FORWARD "
      "'{ type filter hook forward priority 10; policy accept; }'; "
      "nft add rule inet firewalld filter_FORWARD reject with icmpx admin-prohibited");
  make_lab ();
  sh ("ip route add default via 198.51.100.1 dev gw0");
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  seen = observe_networks (f->backend);
  assert_int_equal (seen->host.notes->len, 2);
  assert_non_null (strstr (seen->host.notes->pdata[0], "chain fw of table inet mine drops"));
  assert_non_null (strstr (seen->host.notes->pdata[1], "firewalld"));
}

static void
test_host_flush (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (f, "gw0");
  int server = serve ("server", SOCK_STREAM, "203.0.113.80", 80);
  int ssh = serve ("g-one", SOCK_STREAM, "0.0.0.0", 22);

  sh ("nft flush ruleset");
  wire_guest ("one");
  assert_tcp (NULL, "192.168.10.1", 2222, ssh, "192.168.20.1");
  assert_tcp ("client", "192.168.10.1", 2222, ssh, "198.51.100.9");
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  assert_tcp ("g-one", "203.0.113.80", 80, server, "198.51.100.2");
  close (server);
  close (ssh);
}

/* A connection lives through a change of the rules, and ends with its own forward. */
static void
test_established (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (f, "gw0");
  g_autoptr (GPtrArray) more = make_targets (
      make_target (make_spec ("a", "192.168.10.1", "192.168.20.1", 24, "tcp:2222:192.168.20.11:22",
                              "tcp:80:192.168.20.12:80", NULL),
                   "one=" MAC1, "two=" MAC2, NULL),
      NULL);
  g_autoptr (GPtrArray) less
      = make_targets (make_target (make_spec ("a", "192.168.10.1", "192.168.20.1", 24,
                                              "tcp:80:192.168.20.12:80", NULL),
                                   "one=" MAC1, "two=" MAC2, NULL),
                      NULL);
  int ssh = serve ("g-one", SOCK_STREAM, "0.0.0.0", 22);
  int client = try_connect ("client", "192.168.10.1", 2222, ARRIVES_MS);
  int peer;
  char byte;

  assert_true (client >= 0);
  peer = accept_one (ssh, NULL);
  assert_ok (_scl_network_backend_ensure (f->backend, more, NULL, &error));
  assert_int_equal (write (client, "x", 1), 1);
  assert_true (wait_for (peer, POLLIN, ARRIVES_MS));
  assert_int_equal (read (peer, &byte, 1), 1);
  assert_ok (_scl_network_backend_ensure (f->backend, less, NULL, &error));
  assert_int_equal (write (client, "y", 1), 1);
  assert_false (wait_for (peer, POLLIN, NOTHING_MS));
  assert_no_tcp ("client", "192.168.10.1", 2222);
  close (client);
  close (peer);
  close (ssh);
}

/* A guest moves to another network while it runs. */
static void
test_move_guest (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (f, "gw0");
  g_autoptr (GPtrArray) moved = make_targets (
      make_target (make_spec ("a", "192.168.10.1", "192.168.20.1", 24, NULL), "one=" MAC1, NULL),
      make_target (
          make_spec ("b", "192.168.10.2", "192.168.20.1", 24, "tcp:80:192.168.20.12:80", NULL),
          "three=" MAC3, "two=" MAC2, NULL),
      NULL);
  int two = serve ("g-two", SOCK_STREAM, "0.0.0.0", 80);

  assert_tcp ("g-one", "192.168.20.12", 80, two, NULL);
  assert_ok (apply_networks (f->backend, "gw0", moved, &error));
  assert_observed (f->backend, moved);
  assert_tcp ("g-three", "192.168.20.12", 80, two, "192.168.20.11");
  assert_tcp ("client", "192.168.10.2", 80, two, "198.51.100.9");
  assert_no_tcp ("g-one", "192.168.20.12", 80);
  close (two);
}

static char *
handle_of (const char *family)
{
  return sh_output ("ip netns exec tkn-a nft -a list table %s tkn | sed -n '1s/.*# handle //p'",
                    family);
}

/* A table whose rules are as they should be stays, with what it has counted, and so do ports; what
 * is wrong with a port is repaired all the same. */
static void
test_edit_of_a_forward_sets_what_differs (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) before = two_networks ();
  g_autoptr (GPtrArray) after = make_targets (
      make_target (make_spec ("a", "192.168.10.1", "192.168.20.1", 24, "tcp:2222:192.168.20.11:23",
                              NULL),
                   "one=" MAC1, "two=" MAC2, NULL),
      NULL);
  g_autofree char *ports = NULL, *forwards = NULL, *now = NULL, *others = NULL;
  int telnet;

  g_ptr_array_remove_index (before, 1);
  assert_ok (apply_networks (f->backend, NULL, before, &error));
  start_guest ("one", "192.168.20.11", "192.168.20.1");
  ports = handle_of ("bridge");
  forwards = handle_of ("inet");
  assert_string_not_equal (ports, "");
  sh ("ip link set tknn-two-0 down; ip netns exec tkn-a ip link set tknn-two-0 nomaster");
  assert_ok (apply_networks (f->backend, NULL, after, &error));
  assert_observed (f->backend, after);
  now = handle_of ("bridge");
  assert_string_equal (now, ports);
  others = handle_of ("inet");
  assert_string_equal (others, forwards);
  telnet = serve ("g-one", SOCK_STREAM, "0.0.0.0", 23);
  assert_tcp (NULL, "192.168.10.1", 2222, telnet, "192.168.20.1");
  close (telnet);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    network_test (test_same_network), network_test (test_forwards),
    network_test (test_no_way_in),    network_test (test_isolation),
    network_test (test_ping),         network_test (test_egress),
    network_test (test_no_gateway),
    network_test (test_odd_guests),   network_test (test_strict_arp),
    network_test (test_docker),       network_test (test_foreign_drop_is_named),
    network_test (test_host_flush),   network_test (test_established),
    network_test (test_move_guest),
    network_test (test_edit_of_a_forward_sets_what_differs),
  };

  if (fixture_enter () < 0)
    return skip_program ("root");
  return cmocka_run_group_tests (tests, NULL, NULL);
}
