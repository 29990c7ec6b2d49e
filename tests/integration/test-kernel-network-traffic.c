/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who reaches whom: guests, host, a LAN client and an internet server, each in a namespace. */
#include "network-traffic.h"

#define MAC1 "52:00:00:00:00:01"
#define MAC2 "52:00:00:00:00:02"
#define MAC3 "52:00:00:00:00:03"

/* The host's uplink "gw0" (198.51.100.2/24) with a LAN client (.9) and a router (.1) behind it,
 * which has an internet server at 203.0.113.80. A second uplink "alt0" (10.77.0.2/24) with a client
 * (.9). */
static void
make_lab (void)
{
  sh ("ip netns add client && ip netns add server && ip netns add altclient");
  sh ("ip netns add switch && ip -n switch link add br0 type bridge && ip -n switch link set br0 "
      "up");
  sh ("ip link add gw0 type veth peer name p1 netns switch && "
      "ip -n client link add eth0 type veth peer name p2 netns switch && "
      "ip -n server link add eth0 type veth peer name p3 netns switch && "
      "for l in p1 p2 p3; do ip -n switch link set $l master br0 up; done");
  sh ("ip addr add 198.51.100.2/24 dev gw0 && ip link set gw0 up");
  sh ("ip -n client addr add 198.51.100.9/24 dev eth0 && ip -n client link set eth0 up && "
      "ip -n client route add 192.168.10.0/24 via 198.51.100.2");
  sh ("ip -n server addr add 198.51.100.1/24 dev eth0 && ip -n server link set eth0 up && "
      "ip -n server link set lo up && ip -n server addr add 203.0.113.80/32 dev lo");
  sh ("ip link add alt0 type veth peer name eth0 netns altclient && "
      "ip addr add 10.77.0.2/24 dev alt0 && ip link set alt0 up && "
      "ip -n altclient addr add 10.77.0.9/24 dev eth0 && ip -n altclient link set eth0 up && "
      "ip -n altclient route add default via 10.77.0.2");
}

static GPtrArray *
two_networks (void)
{
  return make_targets (
      make_target (make_spec ("a", "192.168.10.1", "192.168.20.1", 24, "tcp:2222:192.168.20.11:22",
                              "udp:5353:192.168.20.11:53", NULL),
                   "one=" MAC1, "two=" MAC2, NULL),
      make_target (
          make_spec ("b", "192.168.10.2", "192.168.20.1", 24, "tcp:2222:192.168.20.11:22", NULL),
          "three=" MAC3, NULL),
      NULL);
}

static GPtrArray *
start (Fixture *f, const char *gateway)
{
  GPtrArray *targets = two_networks ();

  make_lab ();
  sh ("ip route add default via 198.51.100.1 dev gw0");
  assert_ok (apply_networks (f->backend, gateway, targets, &error));
  assert_observed (f->backend, targets);
  start_guest ("one", "192.168.20.11", "192.168.20.1");
  start_guest ("two", "192.168.20.12", "192.168.20.1");
  start_guest ("three", "192.168.20.11", "192.168.20.1");
  return targets;
}

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

int
main (void)
{
  const struct CMUnitTest tests[] = {
    network_test (test_same_network), network_test (test_forwards),
    network_test (test_no_way_in),    network_test (test_isolation),
    network_test (test_ping),         network_test (test_egress),
    network_test (test_no_gateway),   network_test (test_policy_routing),
    network_test (test_policy_drift), network_test (test_gateway_without_default),
    network_test (test_multipath),    network_test (test_gateway_comes_later),
    network_test (test_odd_guests),   network_test (test_strict_arp),
    network_test (test_docker),       network_test (test_foreign_drop_is_named),
    network_test (test_host_flush),   network_test (test_established),
    network_test (test_move_guest),
  };

  if (fixture_enter () < 0)
    return 77;
  return cmocka_run_group_tests (tests, NULL, NULL);
}
