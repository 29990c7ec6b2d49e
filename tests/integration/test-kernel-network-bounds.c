/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one guest may use up of what many share, and what it may say that it is. */
#include "backend/network/scl-netlink-private.h"
#include "backend/network/scl-network-guard-private.h"
#include "network-lab.h"
#include "test-between.h"

/* --- bounds --- */

/* From ports that follow each other to IP:PORT, which is SERVER's; how many arrived. */
static guint
send_flows_to (const char *to, guint16 port, const char *netns, const char *ip, guint16 first,
               guint n, int server)
{
  char buffer[16];
  guint got = 0;

  for (guint i = 0; i < n; i++)
    {
      int fd = udp_at (netns, ip, (guint16)(first + i));

      send_udp (fd, to, port, "flow");
      close (fd);
      /* Not more at a time than a socket's buffer holds. */
      while (wait_for (server, POLLIN, i + 1 < n ? 0 : NOTHING_MS))
        got += recv (server, buffer, sizeof buffer, 0) == 4;
    }
  return got;
}

static guint
send_flows (const char *netns, const char *ip, guint16 first, guint n, int server)
{
  return send_flows_to (SERVER_IP, 53, netns, ip, first, n, server);
}

static void
test_flows_to_one_destination (void **state)
{
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (*state, "gw0");
  int dns = udp_at ("server", SERVER_IP, 53);
  int ntp = udp_at ("server", SERVER_IP, 123);

  assert_int_equal (send_flows ("g-one", "192.168.20.11", 2000, 1124, dns), 1024);
  /* Its network's other guest is bound too; everybody else is not, nor is another destination. */
  assert_int_equal (send_flows ("g-two", "192.168.20.12", 2000, 1, dns), 0);
  assert_udp ("g-three", SERVER_IP, 53, dns, LAN_IP);
  assert_udp (NULL, SERVER_IP, 53, dns, NULL);
  assert_udp ("g-one", SERVER_IP, 123, ntp, LAN_IP);
  close (dns);
  close (ntp);
}

/* By the external address, to a guest of the same network, itself even: the kernel remembers them all
 * the same. Those of others to that forward are not in the way of it. */
static void
test_flows_to_a_forward_of_the_same_network (void **state)
{
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (*state, "gw0");
  int dns = udp_at ("g-one", "0.0.0.0", 53);

  assert_int_equal (
      send_flows_to ("192.168.10.1", 5353, "g-one", "192.168.20.11", 2000, 1124, dns), 1024);
  assert_int_equal (send_flows_to ("192.168.10.1", 5353, "g-two", "192.168.20.12", 2000, 1, dns),
                    0);
  assert_udp ("client", "192.168.10.1", 5353, dns, CLIENT_IP);
  assert_udp (NULL, "192.168.10.1", 5353, dns, "192.168.20.1");
  close (dns);
}

static void
send_ping (int fd, const char *ip, guint16 id)
{
  struct sockaddr_in to = address_of (ip, 0);
  guint8 packet[8] = { 8, 0, 0, 0, (guint8) (id >> 8), (guint8) id, 0, 0 };
  guint sum = 0x0800u + id;

  sum = ~((sum & 0xffff) + (sum >> 16));
  packet[2] = (guint8) (sum >> 8);
  packet[3] = (guint8) sum;
  assert_int_equal (sendto (fd, packet, sizeof packet, 0, (struct sockaddr *) &to, sizeof to),
                    sizeof packet);
}

/* Answers to N pings, each of another number. */
static guint
count_answers (const char *netns, const char *ip, guint n)
{
  int fd = socket_in (netns, AF_INET, SOCK_RAW, IPPROTO_ICMP);
  guint8 packet[64];
  guint got = 0;

  for (guint i = 0; i < n; i++)
    {
      send_ping (fd, ip, (guint16) (1000 + i));
      while (wait_for (fd, POLLIN, i + 1 < n ? 0 : NOTHING_MS))
        got += recv (fd, packet, sizeof packet, 0) == 28 && packet[20] == 0;
    }
  close (fd);
  return got;
}

static void
test_pings_of_the_gateway (void **state)
{
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (*state, "gw0");
  int dns = udp_at ("server", SERVER_IP, 53);

  assert_int_equal (count_answers ("g-one", "192.168.20.1", 1124), 1024);
  assert_int_equal (count_answers ("g-two", "192.168.20.1", 1), 0);
  assert_int_equal (count_answers ("g-three", "192.168.20.1", 1), 1);
  assert_udp ("g-one", SERVER_IP, 53, dns, LAN_IP);
  close (dns);
}

/* What the kernel says of its table of connections, to this program only. */
static void
set_conntrack_max (const char *value)
{
  sh ("echo %s > /run/netns/max", value);
  assert_int_equal (mount ("/run/netns/max", "/proc/sys/net/netfilter/nf_conntrack_max", NULL,
                           MS_BIND, NULL),
                    0);
}

static void
unset_conntrack_max (void)
{
  assert_int_equal (umount2 ("/proc/sys/net/netfilter/nf_conntrack_max", MNT_DETACH), 0);
}

static guint
flows_of_the_guard (void)
{
  g_autoptr (GArray) none = g_array_new (FALSE, FALSE, sizeof (SclLinkAddress));
  g_autoptr (SclNetworkGuard) guard = _scl_network_guard_new (none);

  return guard->flows;
}

/* 0 is no bound. */
static void
test_part_of_all_connections (void **state)
{
  const struct
  {
    const char *max;
    guint flows;
  } cases[] = { { "262144", 65536 }, { "8192", 2048 }, { "100", 1024 }, { "0", 16384 } };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      guint flows;

      set_conntrack_max (cases[i].max);
      flows = flows_of_the_guard ();
      unset_conntrack_max ();
      assert_int_equal (flows, cases[i].flows);
    }
}

/* Wherever they go: to the internet, to a forward of the same network, to the gateway. */
static void
test_flows_of_one_network (void **state)
{
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = NULL;
  int dns, own;

  set_conntrack_max ("4800");
  targets = start (*state, "gw0");
  unset_conntrack_max ();
  dns = udp_at ("server", SERVER_IP, 53);
  own = udp_at ("g-one", "0.0.0.0", 53);
  assert_int_equal (send_flows ("g-one", "192.168.20.11", 2000, 1000, dns), 1000);
  assert_int_equal (
      send_flows_to ("192.168.10.1", 5353, "g-one", "192.168.20.11", 2000, 150, own), 150);
  assert_int_equal (count_answers ("g-one", "192.168.20.1", 100), 50);
  assert_int_equal (send_flows ("g-two", "192.168.20.12", 2000, 1, dns), 0);
  assert_udp ("g-three", SERVER_IP, 53, dns, LAN_IP);
  close (dns);
  close (own);
}

/* Another forward, another port, another address of the host: what was counted stays counted. */
static void
test_counts_outlive_an_edit (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) old = start (f, "gw0");
  g_autoptr (GPtrArray) targets
      = make_targets (make_target (make_spec ("a", "192.168.10.1", "192.168.20.1", 24,
                                              "tcp:2223:192.168.20.11:22", NULL),
                                   "one=" MAC1, "two=" MAC2, "four=52:00:00:00:00:04", NULL),
                      g_ptr_array_index (old, 1), NULL);
  int dns = udp_at ("server", SERVER_IP, 53);
  int ssh = serve ("g-one", SOCK_STREAM, "0.0.0.0", 22);

  (void) g_ptr_array_steal_index (old, 1);
  assert_int_equal (send_flows ("g-one", "192.168.20.11", 2000, 1100, dns), 1024);
  sh ("ip addr add 172.31.9.1/16 dev alt0");
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  assert_observed (f->backend, targets);
  assert_int_equal (send_flows ("g-one", "192.168.20.11", 4000, 10, dns), 0);
  assert_tcp (NULL, "192.168.10.1", 2223, ssh, "192.168.20.1");
  assert_no_tcp (NULL, "192.168.10.1", 2222);
  close (dns);
  close (ssh);
}

static void
start_wide (Fixture *f, Wire *one, Wire *two)
{
  g_autoptr (GPtrArray) targets
      = make_targets (make_target (make_spec ("a", "192.168.10.1", "10.20.0.1", 16, NULL),
                                   "one=" MAC1, "two=" MAC2, NULL),
                      NULL);

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  start_guest ("one", "10.20.0.11", NULL);
  start_guest ("two", "10.20.0.12", NULL);
  *one = wire_open ("g-one", "eth0");
  *two = wire_open ("g-two", "eth0");
}

/* Neighbours of the whole machine share one table. */
static void
test_senders_of_one_port (void **state)
{
  g_autofree char *count = NULL;
  Wire one, two;

  start_wide (*state, &one, &two);
  for (guint i = 0; i < 400; i++)
    {
      g_autofree char *ip = g_strdup_printf ("10.20.%u.%u", 1 + i / 200, 1 + i % 200);
      Frame frame = frame_arp (MAC1, MAC1, ip, "10.20.0.1", 1);

      wire_send (&one, &frame);
    }
  {
    Frame marker = frame_udp ("ff:ff:ff:ff:ff:ff", MAC2, "10.20.0.12", "10.20.255.255", 7, 7,
                              "MARKER");
    Frame late = frame_udp ("ff:ff:ff:ff:ff:ff", MAC1, "10.20.0.11", "10.20.255.255", 7, 7, "LATE");

    /* No more new ones, by IP either, while its neighbour still may. */
    wire_send (&one, &late);
    wire_send (&two, &marker);
    assert_false (wire_saw_before (&one, "LATE", 4, "MARKER"));
  }
  count = sh_output ("ip -n tkn-a neigh show dev lan | wc -l");
  if (atoi (count) > 140 || atoi (count) < 120)
    fail_msg ("%s neighbours", count);
  close (one.fd);
  close (two.fd);
}

/* However many one port has had, the other's first packet passes. */
static void
test_senders_of_two_ports (void **state)
{
  Frame frame
      = frame_udp ("ff:ff:ff:ff:ff:ff", MAC2, "10.20.0.12", "10.20.255.255", 7, 7, "MARKER");
  Wire one, two;

  start_wide (*state, &one, &two);
  /* In parts: what does not fit is not taken at all. */
  for (guint i = 1; i <= 8; i++)
    sh ("for n in $(seq 128); do echo \"add element bridge " PREFIX " senders { \\\"" PREFIX
        "n-one-0\\\" . 10.20.%u.$n }\"; done | ip netns exec " PREFIX "-a nft -f - 2>&1 || true",
        i);
  wire_send (&two, &frame);
  assert_false (wire_saw_before (&one, "PROBE", 5, "MARKER"));
  close (one.fd);
  close (two.fd);
}

/* An address that is used all the time makes room for another one as soon as one that is not. */
static void
test_no_sender_stays_for_ever (void **state)
{
  Frame frame
      = frame_udp ("ff:ff:ff:ff:ff:ff", MAC1, "10.20.0.11", "10.20.255.255", 7, 7, "MARKER");
  g_autofree char *left = NULL;
  Wire one, two;

  start_wide (*state, &one, &two);
  sh ("ip netns exec " PREFIX "-a nft 'add element bridge " PREFIX " senders { \"" PREFIX
      "n-one-0\" . 10.20.0.11 timeout 1h expires 10m }'");
  wire_send (&one, &frame);
  assert_false (wire_saw_before (&two, "PROBE", 5, "MARKER"));
  left = sh_output ("ip netns exec " PREFIX "-a nft list set bridge " PREFIX
                    " senders | sed -n 's/.*10.20.0.11 .*expires \\([0-9]*\\)m.*/\\1/p'");
  assert_between (atoi (left), 1, 10);
  close (one.fd);
  close (two.fd);
}

/* --- addresses --- */

static void
test_a_port_with_an_address (void **state)
{
  g_autoptr (GPtrArray) targets
      = make_targets (make_target (make_spec ("a", "192.168.10.1", "192.168.20.1", 24, NULL),
                                   "one=" MAC1, "two=" MAC2, NULL),
                      NULL);
  const struct
  {
    const char *ip;
    gboolean passes;
  } cases[] = { { "192.168.20.11", TRUE }, { "192.168.20.12", FALSE }, { "192.168.20.13", FALSE } };
  const guint8 arp[2] = { 0x08, 0x06 };
  Fixture *f = *state;
  SclNetworkTarget *target = targets->pdata[0];
  Wire one, two;

  ((SclPort *)target->ports->pdata[0])->address = g_strdup ("192.168.20.11");
  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  assert_observed (f->backend, targets);
  start_guest ("one", "192.168.20.11", NULL);
  start_guest ("two", "192.168.20.12", NULL);
  sh ("for g in one two; do ip -n g-$g link set eth0 arp off; ip -n g-$g -6 addr flush dev eth0; "
      "done");
  one = wire_open ("g-one", "eth0");
  two = wire_open ("g-two", "eth0");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Frame marker = frame_udp ("ff:ff:ff:ff:ff:ff", MAC1, "192.168.20.11", "192.168.20.255", 7, 7,
                                "MARKER");
      Frame frame
          = frame_udp ("ff:ff:ff:ff:ff:ff", MAC1, cases[i].ip, "192.168.20.255", 7, 7, "PROBE");
      Frame request = frame_arp (MAC1, MAC1, cases[i].ip, "192.168.20.9", 1);

      wire_send (&one, &frame);
      wire_send (&one, &marker);
      assert_int_equal (wire_saw_before (&two, "PROBE", 5, "MARKER"), cases[i].passes);
      wire_send (&one, &request);
      wire_send (&one, &marker);
      assert_int_equal (wire_saw_before (&two, arp, sizeof arp, "MARKER"), cases[i].passes);
    }
  close (one.fd);
  close (two.fd);
}

/* A machine of the LAN with the source address of network b, to a forward of network a. */
static void
test_forged_external_address (void **state)
{
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (*state, "gw0");
  g_autofree char *mac = sh_output ("ip -o link show gw0 | sed 's/.*ether \\([^ ]*\\) .*/\\1/'");
  int dns = udp_at ("g-one", "0.0.0.0", 53);
  Wire client = wire_open ("client", "eth0");
  g_autofree char *own
      = sh_output ("ip -n client -o link show eth0 | sed 's/.*ether \\([^ ]*\\) .*/\\1/'");
  char buffer[16] = "";
  Frame forged, honest;

  forged = frame_udp (mac, own, "192.168.10.2", "192.168.10.1", 7, 5353, "FORGED");
  honest = frame_udp (mac, own, CLIENT_IP, "192.168.10.1", 7, 5353, "HONEST");
  wire_send (&client, &forged);
  wire_send (&client, &honest);
  assert_true (wait_for (dns, POLLIN, ARRIVES_MS));
  assert_int_equal (recv (dns, buffer, sizeof buffer, 0), 6);
  assert_memory_equal (buffer, "HONEST", 6);
  assert_false (wait_for (dns, POLLIN, 0));
  close (dns);
  close (client.fd);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    network_test (test_flows_to_one_destination),
    network_test (test_flows_to_a_forward_of_the_same_network),
    network_test (test_pings_of_the_gateway),
    network_test (test_part_of_all_connections),
    network_test (test_flows_of_one_network),
    network_test (test_counts_outlive_an_edit),
    network_test (test_senders_of_one_port),
    network_test (test_senders_of_two_ports),
    network_test (test_no_sender_stays_for_ever),
    network_test (test_a_port_with_an_address),
    network_test (test_forged_external_address),
  };

  if (fixture_enter () < 0)
    return skip_program ("root");
  return cmocka_run_group_tests (tests, NULL, NULL);
}
