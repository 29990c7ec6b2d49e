/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layer 2 of a network: what a guest may put on the wire, and how deaf the host is. A frame that
 * must not pass is followed by one that must: when that one arrives, the first has been dropped. */
#include "network-traffic.h"

#define MAC1 "52:00:00:00:00:01"
#define MAC2 "52:00:00:00:00:02"
#define BROADCAST "ff:ff:ff:ff:ff:ff"

static void
start (Fixture *f)
{
  g_autoptr (GPtrArray) targets
      = make_targets (make_target (make_spec ("a", "192.168.10.1", "192.168.20.1", 24, NULL),
                                   "one=" MAC1, "two=" MAC2, NULL),
                      NULL);

  sh ("ip link add eth7 type bridge; ip addr add 192.168.20.77/24 dev eth7; ip link set eth7 up");
  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  start_guest ("one", "192.168.20.11", "192.168.20.1");
  start_guest ("two", "192.168.20.12", "192.168.20.1");
  /* The guests' own kernels shall not answer or talk in between. */
  sh ("for g in one two; do ip -n g-$g link set eth0 arp off; ip -n g-$g -6 addr flush dev eth0; "
      "done");
}

static void
send_marker (const Wire *wire)
{
  Frame marker = frame_udp (BROADCAST, MAC1, "192.168.20.11", "192.168.20.255", 7, 7, "MARKER");

  wire_send (wire, &marker);
}

/* Both guests. */
typedef struct
{
  Wire one, two;
} Pair;

static Pair
pair_open (Fixture *f)
{
  Pair pair;

  start (f);
  pair.one = wire_open ("g-one", "eth0");
  pair.two = wire_open ("g-two", "eth0");
  return pair;
}

static void
pair_close (Pair *pair)
{
  close (pair->one.fd);
  close (pair->two.fd);
}

/* Whether FRAME of the first, which has PROBE in it, comes to the second. */
static gboolean
passes (Pair *pair, const Frame *frame, gconstpointer probe, gsize length)
{
  wire_send (&pair->one, frame);
  send_marker (&pair->one);
  return wire_saw_before (&pair->two, probe, length, "MARKER");
}

typedef struct
{
  const char *what;
  Frame frame;
  gboolean passes;
} Case;

static void
assert_cases (Fixture *f, const Case *cases, gsize n, gconstpointer probe, gsize length)
{
  Pair pair = pair_open (f);

  for (gsize i = 0; i < n; i++)
    if (passes (&pair, &cases[i].frame, probe, length) != cases[i].passes)
      fail_msg ("%s: should %s", cases[i].what, cases[i].passes ? "pass" : "be dropped");
  pair_close (&pair);
}

static void
test_spoof (void **state)
{
  const Case cases[] = {
    { "own address", frame_udp (BROADCAST, MAC1, "192.168.20.11", "192.168.20.12", 7, 7, "PROBE"),
      TRUE },
    { "MAC of another",
      frame_udp (BROADCAST, MAC2, "192.168.20.11", "192.168.20.12", 7, 7, "PROBE"), FALSE },
    { "unknown MAC",
      frame_udp (BROADCAST, "52:00:00:00:00:77", "192.168.20.11", "192.168.20.12", 7, 7, "PROBE"),
      FALSE },
    { "gateway's address",
      frame_udp (BROADCAST, MAC1, "192.168.20.1", "192.168.20.12", 7, 7, "PROBE"), FALSE },
    { "network address",
      frame_udp (BROADCAST, MAC1, "192.168.20.0", "192.168.20.12", 7, 7, "PROBE"), FALSE },
    { "broadcast address",
      frame_udp (BROADCAST, MAC1, "192.168.20.255", "192.168.20.12", 7, 7, "PROBE"), FALSE },
    { "outside the subnet",
      frame_udp (BROADCAST, MAC1, "192.168.10.1", "192.168.20.12", 7, 7, "PROBE"), FALSE },
    { "host's link address",
      frame_udp (BROADCAST, MAC1, "169.254.77.1", "192.168.20.12", 7, 7, "PROBE"), FALSE },
    { "0.0.0.0", frame_udp (BROADCAST, MAC1, "0.0.0.0", "192.168.20.12", 7, 7, "PROBE"), FALSE },
    { "0.0.0.0 to broadcast, not DHCP",
      frame_udp (BROADCAST, MAC1, "0.0.0.0", "255.255.255.255", 67, 68, "PROBE"), FALSE },
    { "offer of a DHCP server",
      frame_udp (BROADCAST, MAC1, "192.168.20.11", "255.255.255.255", 67, 68, "PROBE"), FALSE },
    { "offer from another port",
      frame_udp (BROADCAST, MAC1, "192.168.20.11", "255.255.255.255", 1067, 68, "PROBE"), FALSE },
    { "offer to one client",
      frame_udp (MAC2, MAC1, "192.168.20.11", "192.168.20.12", 1067, 68, "PROBE"), FALSE },
    { "from a client's port",
      frame_udp (MAC2, MAC1, "192.168.20.11", "192.168.20.12", 68, 69, "PROBE"), TRUE },
    { "DHCP", frame_udp (BROADCAST, MAC1, "0.0.0.0", "255.255.255.255", 68, 67, "PROBE"), TRUE },
  };

  assert_cases (*state, cases, G_N_ELEMENTS (cases), "PROBE", 5);
}

static void
test_spoof_arp (void **state)
{
  const Case cases[] = {
    { "request", frame_arp (MAC1, MAC1, "192.168.20.11", "192.168.20.12", 1), TRUE },
    { "reply", frame_arp (MAC1, MAC1, "192.168.20.11", "192.168.20.12", 2), TRUE },
    { "probe", frame_arp (MAC1, MAC1, "0.0.0.0", "192.168.20.12", 1), TRUE },
    { "reply of nobody", frame_arp (MAC1, MAC1, "0.0.0.0", "192.168.20.12", 2), FALSE },
    { "sender MAC of another", frame_arp (MAC1, MAC2, "192.168.20.11", "192.168.20.12", 1), FALSE },
    { "Ethernet MAC of another", frame_arp (MAC2, MAC1, "192.168.20.11", "192.168.20.12", 1),
      FALSE },
    { "gateway, request", frame_arp (MAC1, MAC1, "192.168.20.1", "192.168.20.12", 1), FALSE },
    { "gateway, reply", frame_arp (MAC1, MAC1, "192.168.20.1", "192.168.20.12", 2), FALSE },
    { "outside the subnet", frame_arp (MAC1, MAC1, "192.168.10.1", "192.168.20.12", 2), FALSE },
    { "broadcast address", frame_arp (MAC1, MAC1, "192.168.20.255", "192.168.20.12", 2), FALSE },
  };
  guint8 arp[2] = { 0x08, 0x06 };

  assert_cases (*state, cases, G_N_ELEMENTS (cases), arp, sizeof arp);
}

static void
test_other_types (void **state)
{
  const guint16 types[]
      = { ETH_P_IPV6, ETH_P_8021Q, ETH_P_8021AD, ETH_P_PPP_SES, ETH_P_LOOP, 0x88cc, 100 };
  Pair pair = pair_open (*state);

  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    {
      Frame frame = frame_new (BROADCAST, MAC1, types[i]);
      /* What follows would be good IPv4 if the tag were not looked at. */
      Frame inner = frame_udp (BROADCAST, MAC1, "192.168.20.11", "192.168.20.12", 7, 7, "PROBE");
      guint8 tag[2] = { 0, 5 };

      frame_put (&frame, tag, sizeof tag);
      frame_put (&frame, inner.bytes + 12, inner.length - 12);
      if (passes (&pair, &frame, "PROBE", 5))
        fail_msg ("a frame of type 0x%04x passed", types[i]);
    }
  pair_close (&pair);
}

/* The host has 192.168.20.77, 169.254.77.1 and 127.0.0.1; the namespace 192.168.10.1. Only the
 * gateway answers. */
static void
test_arp_sweep (void **state)
{
  const char *targets[]
      = { "192.168.20.77", "169.254.77.1", "127.0.0.1", "192.168.10.1", "0.0.0.0" };
  Fixture *f = *state;
  Frame last = frame_arp (MAC1, MAC1, "192.168.20.11", "192.168.20.1", 1);
  guint8 reply[2] = { 0, 2 };
  guint answers = 0;
  Wire one;

  start (f);
  one = wire_open ("g-one", "eth0");
  for (gsize i = 0; i < G_N_ELEMENTS (targets); i++)
    {
      Frame request = frame_arp (MAC1, MAC1, "192.168.20.11", targets[i], 1);

      wire_send (&one, &request);
    }
  wire_send (&one, &last);
  while (wait_for (one.fd, POLLIN, answers == 0 ? ARRIVES_MS : NOTHING_MS))
    {
      guint8 buffer[256];
      struct in_addr sender, gateway;
      struct sockaddr_ll from;
      socklen_t length = sizeof from;
      gssize n = recvfrom (one.fd, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &length);

      if (n < 42 || from.sll_pkttype == PACKET_OUTGOING || buffer[12] != 8 || buffer[13] != 6
          || memcmp (buffer + 20, reply, 2) != 0)
        continue;
      memcpy (&sender, buffer + 28, 4);
      assert_int_equal (inet_pton (AF_INET, "192.168.20.1", &gateway), 1);
      assert_int_equal (sender.s_addr, gateway.s_addr);
      answers++;
    }
  assert_int_equal (answers, 1);
  close (one.fd);
}

/* Also with the host's rules gone, ARP and unicast find nobody; DHCP is held off by the rules. */
static void
test_host_is_deaf (void **state)
{
  Fixture *f = *state;
  int dhcp, any, one_guest;
  Wire one;
  Frame discover = frame_udp (BROADCAST, MAC1, "0.0.0.0", "255.255.255.255", 68, 67, "PROBE");
  Frame unicast = frame_udp (MAC2, MAC1, "192.168.20.11", "192.168.20.77", 7, 7777, "PROBE");
  Frame broadcast = frame_udp (BROADCAST, MAC1, "192.168.20.11", "192.168.20.77", 7, 7777, "PROBE");
  Frame marker = frame_udp (BROADCAST, MAC1, "192.168.20.11", "192.168.20.255", 7, 7778, "MARKER");

  start (f);
  dhcp = serve (NULL, SOCK_DGRAM, "0.0.0.0", 67);
  any = serve (NULL, SOCK_DGRAM, "0.0.0.0", 7777);
  one_guest = serve ("g-two", SOCK_DGRAM, "0.0.0.0", 7778);
  one = wire_open ("g-one", "eth0");
  wire_send (&one, &discover);
  wire_send (&one, &unicast);
  wire_send (&one, &broadcast);
  wire_send (&one, &marker);
  assert_true (wait_for (one_guest, POLLIN, ARRIVES_MS));
  assert_false (wait_for (dhcp, POLLIN, NOTHING_MS));
  assert_false (wait_for (any, POLLIN, 0));

  /* The other guest is off: nothing takes its frames before the host's stack. */
  sh ("ip netns del g-two; nft flush ruleset");
  wire_guest ("one");
  close (one_guest);
  wire_send (&one, &unicast);
  wire_send (&one, &broadcast);
  assert_false (wait_for (any, POLLIN, NOTHING_MS));
  close (dhcp);
  close (any);
  close (one.fd);
}

/* Frames to these addresses never come to the rules: the bridge keeps most of them for itself, and
 * must not take them for a sign of where their sender is. */
static void
test_linklocal_teaches_nothing (void **state)
{
  Pair pair = pair_open (*state);
  g_autofree char *learned = NULL;

  for (guint i = 0; i < 16; i++)
    {
      g_autofree char *group = g_strdup_printf ("01:80:c2:00:00:%02x", i);
      g_autofree char *nobody = g_strdup_printf ("02:00:00:00:77:%02x", i);
      Frame as_neighbour = frame_new (group, MAC2, 0x88cc);
      Frame as_nobody = frame_new (group, nobody, 0x88cc);

      wire_send (&pair.one, &as_neighbour);
      wire_send (&pair.one, &as_nobody);
    }
  send_marker (&pair.one);
  assert_false (wire_saw_before (&pair.two, "\x88\xcc", 2, "MARKER"));
  learned = sh_output ("ip netns exec tkn-a bridge fdb show br lan | grep -v permanent | "
                       "grep '^" MAC2 "\\|^02:00:00:00:77'");
  assert_string_equal (learned, "");
  pair_close (&pair);
}

static void
test_multicast (void **state)
{
  const struct
  {
    const char *mac, *group;
  } groups[] = { { "01:00:5e:00:00:fb", "224.0.0.251" },
                 { "01:00:5e:00:00:12", "224.0.0.18" },
                 { "01:00:5e:01:02:03", "239.1.2.3" } };
  Pair pair = pair_open (*state);

  for (gsize i = 0; i < G_N_ELEMENTS (groups); i++)
    {
      Frame frame
          = frame_udp (groups[i].mac, MAC1, "192.168.20.11", groups[i].group, 5353, 5353, "PROBE");

      if (!passes (&pair, &frame, "PROBE", 5))
        fail_msg ("%s did not come to the neighbour", groups[i].group);
    }
  pair_close (&pair);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    network_test (test_spoof),        network_test (test_spoof_arp),
    network_test (test_other_types),  network_test (test_arp_sweep),
    network_test (test_host_is_deaf), network_test (test_linklocal_teaches_nothing),
    network_test (test_multicast),
  };

  if (fixture_enter () < 0)
    return skip_program ("root");
  return cmocka_run_group_tests (tests, NULL, NULL);
}
