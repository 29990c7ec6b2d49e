/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a hostile guest gets at: the host after its ruleset was flushed, ports of the host's own
 * services, tables of the kernel that all share. */
#include "network-lab.h"

#define LAN_IP "198.51.100.2"
#define CLIENT_IP "198.51.100.9"
#define SERVER_IP "203.0.113.80"

static void
flush_host (void)
{
  sh ("nft flush ruleset");
  wire_guest ("one");
  wire_guest ("three");
}

/* What the guest sends to the host does not arrive, and neither does anything later on the path. */
static void
assert_host_is_closed (const char *const *addresses)
{
  int tcp = serve (NULL, SOCK_STREAM, "0.0.0.0", 8080);
  int udp = serve (NULL, SOCK_DGRAM, "0.0.0.0", 8080);
  int from = socket_in ("g-one", AF_INET, SOCK_DGRAM, 0);

  for (gsize i = 0; addresses[i] != NULL; i++)
    {
      assert_no_tcp ("g-one", addresses[i], 8080);
      send_udp (from, addresses[i], 8080, "PROBE");
    }
  assert_false (wait_for (udp, POLLIN, NOTHING_MS));
  close (tcp);
  close (udp);
  close (from);
}

static const char *const host_addresses[]
    = { LAN_IP, "198.51.100.255", "10.77.0.2", "10.77.0.255", "169.254.77.1", NULL };

static void
test_flushed_host_is_closed (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = start (f, "gw0");
  g_autofree char *problems = NULL;
  int ssh = serve ("g-one", SOCK_STREAM, "0.0.0.0", 22);
  int other = serve ("g-three", SOCK_STREAM, "0.0.0.0", 22);

  flush_host ();
  assert_host_is_closed (host_addresses);
  assert_no_tcp ("g-one", "192.168.10.2", 2222);
  assert_tcp (NULL, "192.168.10.2", 2222, other, "192.168.20.1");
  assert_tcp (NULL, "192.168.10.1", 2222, ssh, "192.168.20.1");
  assert_tcp ("client", "192.168.10.1", 2222, ssh, CLIENT_IP);
  problems = list_problems (f->backend);
  assert_non_null (strstr (problems, "host: nft table inet tkn is missing"));
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  assert_clean (f->backend);
  close (ssh);
  close (other);
}

/* Nobody has applied since, and no daemon runs: by the kernel's own decision what is local. */
static void
test_flushed_host_with_a_new_address (void **state)
{
  const char *const addresses[] = { "198.51.100.77", "172.31.9.1", "172.31.255.255", NULL };
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (*state, "gw0");
  int ssh = serve ("g-one", SOCK_STREAM, "0.0.0.0", 22);
  int bound, peer;

  sh ("ip addr add 198.51.100.77/24 dev gw0; "
      "ip addr add 172.31.9.1/16 broadcast 172.31.255.255 dev alt0");
  flush_host ();
  assert_host_is_closed (addresses);
  assert_tcp (NULL, "192.168.10.1", 2222, ssh, "192.168.20.1");
  /* A program of the host that has chosen such an address gets its answers. */
  bound = socket_in (NULL, AF_INET, SOCK_STREAM, 0);
  {
    struct sockaddr_in own = address_of ("172.31.9.1", 0), to = address_of ("192.168.10.1", 2222);

    assert_int_equal (bind (bound, (struct sockaddr *)&own, sizeof own), 0);
    assert_int_equal (connect (bound, (struct sockaddr *)&to, sizeof to), 0);
  }
  peer = accept_one (ssh, NULL);
  close (peer);
  close (bound);
  close (ssh);
}

/* What has no ports, and what has them and is no forward: numbers of protocols; of ICMP, types. */
static const struct
{
  int protocol;
  guint8 type;
} strange_kinds[] = { { 47, 0 }, { 50, 0 }, { 51, 0 }, { 89, 0 }, { 112, 0 },
                      { 253, 0 }, { IPPROTO_ICMP, 8 }, { IPPROTO_ICMP, 13 }, { IPPROTO_ICMP, 17 } };

static guint16
internet_checksum (const guint8 *bytes, gsize size)
{
  guint32 sum = 0;

  for (gsize i = 0; i + 1 < size; i += 2)
    sum += (guint32)bytes[i] << 8 | bytes[i + 1];
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  return (guint16)~sum;
}

/* MARK is the packet's last byte. */
static void
send_strange (gsize kind, const char *ip, guint8 mark)
{
  int fd = socket_in ("g-one", AF_INET, SOCK_RAW, strange_kinds[kind].protocol);
  struct sockaddr_in to = address_of (ip, 0);
  guint8 packet[24] = { strange_kinds[kind].type };
  guint16 sum;

  packet[sizeof packet - 1] = mark;
  if (strange_kinds[kind].protocol == IPPROTO_ICMP)
    {
      sum = internet_checksum (packet, sizeof packet);
      packet[2] = (guint8)(sum >> 8);
      packet[3] = (guint8)sum;
    }
  assert_int_equal (
      sendto (fd, packet, sizeof packet, 0, (struct sockaddr *)&to, sizeof to), sizeof packet);
  close (fd);
}

/* The host's socket hears what of it is delivered to ADDRESS; the mark of the next. */
static int
next_mark (int fd, const char *address, int timeout)
{
  while (wait_for (fd, POLLIN, timeout))
    {
      guint8 packet[128];
      gssize n = recv (fd, packet, sizeof packet, 0);
      struct sockaddr_in own = address_of (address, 0);

      if (n == 20 + 24 && memcmp (packet + 16, &own.sin_addr, 4) == 0)
        return packet[n - 1];
    }
  return -1;
}

/* Whatever it is that a guest begins. Without the policies the same packets arrive, in their order:
 * nothing of what was sent before them. */
static void
test_flushed_host_hears_no_protocol (void **state)
{
  const char *const addresses[] = { "198.51.100.77", "172.31.9.1" };
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (*state, "gw0");
  int fds[G_N_ELEMENTS (strange_kinds)];

  sh ("ip addr add 198.51.100.77/24 dev gw0; ip addr add 172.31.9.1/16 dev alt0");
  flush_host ();
  for (gsize kind = 0; kind < G_N_ELEMENTS (strange_kinds); kind++)
    fds[kind] = socket_in (NULL, AF_INET, SOCK_RAW, strange_kinds[kind].protocol);
  for (guint8 mark = 1; mark <= 2; mark++)
    {
      for (gsize a = 0; a < G_N_ELEMENTS (addresses); a++)
        for (gsize kind = 0; kind < G_N_ELEMENTS (strange_kinds); kind++)
          send_strange (kind, addresses[a], mark);
      if (mark == 1)
        sh ("ip xfrm policy flush");
    }
  for (gsize kind = 0; kind < G_N_ELEMENTS (strange_kinds); kind++)
    for (gsize a = 0; a < G_N_ELEMENTS (addresses); a++)
      {
        int mark = next_mark (fds[kind], addresses[a], ARRIVES_MS);

        if (mark != 2)
          fail_msg ("protocol %d, type %u to %s: %d", strange_kinds[kind].protocol,
                    strange_kinds[kind].type, addresses[a], mark);
      }
  for (gsize kind = 0; kind < G_N_ELEMENTS (strange_kinds); kind++)
    close (fds[kind]);
}

static int
connected_from (const char *own, const char *peer, guint16 port)
{
  int fd = socket_in (NULL, AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in from = address_of (own, 0), to = address_of (peer, port);

  assert_int_equal (bind (fd, (struct sockaddr *)&from, sizeof from), 0);
  assert_int_equal (connect (fd, (struct sockaddr *)&to, sizeof to), 0);
  return fd;
}

/* The host's own: answers through a forward, to an address that it has had for long and
 * to a new one; and the error that says that nobody is there. */
static void
test_flushed_host_gets_answers (void **state)
{
  const char *const own[] = { LAN_IP, "172.31.9.1" };
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (*state, "gw0");

  sh ("ip addr add 172.31.9.1/16 dev alt0");
  flush_host ();
  wire_guest ("two");
  for (gsize i = 0; i < G_N_ELEMENTS (own); i++)
    {
      int dns = serve ("g-one", SOCK_DGRAM, "0.0.0.0", 53);
      int fd = connected_from (own[i], "192.168.10.1", 5353);
      struct sockaddr_in from;
      socklen_t length = sizeof from;
      char buffer[16];

      assert_int_equal (send (fd, "question", 8, 0), 8);
      assert_true (wait_for (dns, POLLIN, ARRIVES_MS));
      assert_int_equal (
          recvfrom (dns, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &length), 8);
      assert_int_equal (sendto (dns, "answer", 6, 0, (struct sockaddr *)&from, length), 6);
      assert_true (wait_for (fd, POLLIN, ARRIVES_MS));
      assert_int_equal (recv (fd, buffer, sizeof buffer, 0), 6);
      close (dns);
      assert_int_equal (send (fd, "question", 8, 0), 8);
      assert_true (wait_for (fd, POLLERR, ARRIVES_MS));
      assert_int_equal (recv (fd, buffer, sizeof buffer, 0), -1);
      assert_int_equal (errno, ECONNREFUSED);
      close (fd);
    }
  sh ("ip netns exec g-one ping -qc1 -W30 192.168.20.1; "
      "ip netns exec g-one ping -qc1 -W30 192.168.20.12");
}

/* Its answers come from a port as guests' own connections do. */
static void
test_forward_with_a_high_port (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets
      = make_targets (make_target (make_spec ("a", "192.168.10.1", "192.168.20.1", 24,
                                              "tcp:50022:192.168.20.11:22", NULL),
                                   "one=" MAC1, NULL),
                      NULL);
  int server, ssh;

  make_lab ();
  sh ("ip route add default via 198.51.100.1 dev gw0");
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  start_guest ("one", "192.168.20.11", "192.168.20.1");
  server = serve ("server", SOCK_STREAM, SERVER_IP, 80);
  ssh = serve ("g-one", SOCK_STREAM, "0.0.0.0", 22);
  assert_tcp (NULL, "192.168.10.1", 50022, ssh, "192.168.20.1");
  assert_tcp ("client", "192.168.10.1", 50022, ssh, CLIENT_IP);
  assert_tcp ("g-one", SERVER_IP, 80, server, LAN_IP);
  close (server);
  close (ssh);
}

/* Each part that is missing is named, on the host and in the namespace. */
static void
test_what_is_missing_is_named (void **state)
{
  const struct
  {
    const char *command, *problem;
  } cases[] = {
    { "nft delete table inet tkn", "host: nft table inet tkn is missing" },
    { "ip rule del iif tknu-a", "host: the guard of the uplinks" },
    { "ip xfrm policy flush", "host: the guard of the uplinks" },
    { "nft flush chain inet tkn input", "host: nft chain input of table inet tkn has other rules" },
    { "ip netns exec tkn-a nft flush ruleset", "a: nft table inet tkn is missing" },
    { "ip netns exec tkn-a nft flush chain inet tkn out",
      "a: nft chain out of table inet tkn has other rules" },
    { "ip netns exec tkn-a nft flush set inet tkn hosts",
      "a: nft set hosts of table inet tkn has other elements" },
    { "sysctl -qw net.ipv4.ip_local_reserved_ports=",
      "host: sysctl ipv4/ip_local_reserved_ports is , not 61000-65535" },
  };
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = start (f, "gw0");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *problems = NULL;

      sh ("%s", cases[i].command);
      problems = list_problems (f->backend);
      if (strstr (problems, cases[i].problem) == NULL)
        fail_msg ("\"%s\": no \"%s\" in:\n%s", cases[i].command, cases[i].problem, problems);
      assert_ok (apply_networks (f->backend, "gw0", targets, &error));
      assert_clean (f->backend);
    }
}

static void
test_new_address_of_the_host (void **state)
{
  const char *const addresses[] = { "198.51.100.77", "172.31.9.1", NULL };
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = start (f, "gw0");
  g_autofree char *problems = NULL;

  sh ("ip addr add 198.51.100.77/24 dev gw0; ip addr add 172.31.9.1/16 dev alt0");
  problems = list_problems (f->backend);
  assert_non_null (strstr (problems, "a: nft set hosts of table inet tkn has other elements"));
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  assert_clean (f->backend);
  flush_host ();
  assert_host_is_closed (addresses);
}

/* The cloud's metadata service would take the guest for the host. */
static void
test_link_local_is_not_forwarded (void **state)
{
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (*state, "gw0");
  int metadata;

  sh ("ip -n server addr add 169.254.169.254/32 dev lo");
  metadata = serve ("server", SOCK_STREAM, "169.254.169.254", 80);
  assert_tcp (NULL, "169.254.169.254", 80, metadata, NULL);
  assert_no_tcp ("g-one", "169.254.169.254", 80);
  close (metadata);
}

/* --- ports of the host --- */

static int
udp_at (const char *netns, const char *ip, guint16 port)
{
  return serve (netns, SOCK_DGRAM, ip, port);
}

/* A guest speaks to a peer from a port that the host serves; what the peer then sends to the host
 * is the host's, and what the host sends leaves from its port. */
static void
assert_port_is_the_hosts (guint16 port)
{
  int service = udp_at (NULL, "0.0.0.0", port);
  int peer = udp_at ("client", CLIENT_IP, port);
  int guest = udp_at ("g-one", "192.168.20.11", port);
  struct sockaddr_in from;
  socklen_t length = sizeof from;
  char buffer[16];

  send_udp (guest, CLIENT_IP, port, "guest");
  assert_true (wait_for (peer, POLLIN, ARRIVES_MS));
  assert_int_equal (recvfrom (peer, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &length),
                    5);
  if (ntohs (from.sin_port) < 61000)
    fail_msg ("the guest's %u left as %u", port, ntohs (from.sin_port));
  send_udp (peer, LAN_IP, port, "secret");
  if (!wait_for (service, POLLIN, ARRIVES_MS))
    fail_msg ("what was sent to the host's port %u did not reach the host", port);
  assert_int_equal (recv (service, buffer, sizeof buffer, 0), 6);
  assert_false (wait_for (guest, POLLIN, 0));
  send_udp (service, CLIENT_IP, port, "host");
  assert_true (wait_for (peer, POLLIN, ARRIVES_MS));
  assert_int_equal (recvfrom (peer, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &length),
                    4);
  assert_int_equal (ntohs (from.sin_port), port);
  close (service);
  close (peer);
  close (guest);
}

static void
test_ports_of_the_host (void **state)
{
  const guint16 ports[] = { 68, 123, 5000, 51820 };
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (*state, "gw0");

  for (gsize i = 0; i < G_N_ELEMENTS (ports); i++)
    assert_port_is_the_hosts (ports[i]);
}

/* The same inside: a neighbour's flow does not stand for the answers of a forward. While the host
 * translates, its own table keeps the two apart. */
static void
test_ports_of_a_forward (void **state)
{
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (*state, "gw0");
  int dns = udp_at ("g-one", "0.0.0.0", 53);
  int neighbour = udp_at ("g-two", "192.168.20.12", 5353);
  int peer = udp_at ("client", CLIENT_IP, 6000);

  flush_host ();
  wire_guest ("two");
  send_udp (neighbour, CLIENT_IP, 6000, "shadow");
  assert_true (wait_for (peer, POLLIN, ARRIVES_MS));
  send_udp (peer, "192.168.10.1", 5353, "question");
  assert_true (wait_for (dns, POLLIN, ARRIVES_MS));
  assert_false (wait_for (neighbour, POLLIN, NOTHING_MS));
  close (dns);
  close (neighbour);
  close (peer);
}

static void
assert_reserved (const char *wanted)
{
  g_autofree char *value = sh_output ("sysctl -n net.ipv4.ip_local_reserved_ports");

  assert_string_equal (value, wanted);
}

static void
test_reserved_ports (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  g_autoptr (GPtrArray) targets = NULL;

  sh ("sysctl -qw net.ipv4.ip_local_reserved_ports=8080,61002-61003");
  targets = start (f, "gw0");
  assert_reserved ("8080,61000-65535");
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  assert_reserved ("8080,61000-65535");
  /* Somebody else reserves some meanwhile: those stay. */
  sh ("sysctl -qw net.ipv4.ip_local_reserved_ports=8080,9000-9005,61000-65535");
  assert_clean (f->backend);
  sh ("ip netns del g-one; ip netns del g-two; ip netns del g-three");
  assert_ok (_scl_network_backend_remove (f->backend, "a", NULL, &error));
  assert_ok (_scl_network_backend_remove (f->backend, "b", NULL, &error));
  assert_ok (apply_networks (f->backend, NULL, none, &error));
  assert_reserved ("8080,9000-9005,61002-61003");
  assert_nothing_left ();
}

static gboolean
has_note (SclNetworkBackend *backend, const char *part)
{
  g_autoptr (SclObservation) seen = observe_networks (backend);

  for (guint i = 0; i < seen->host.notes->len; i++)
    if (strstr (seen->host.notes->pdata[i], part) != NULL)
      return TRUE;
  return FALSE;
}

static void
test_listeners_in_the_range_are_named (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (f, "gw0");
  int udp, tcp;

  assert_false (has_note (f->backend, "listens on"));
  assert_false (has_note (f->backend, "ip_local_port_range"));
  udp = udp_at (NULL, "0.0.0.0", 61820);
  tcp = serve (NULL, SOCK_STREAM, LAN_IP, 65535);
  assert_true (has_note (f->backend, "listens on UDP port 61820"));
  assert_true (has_note (f->backend, "listens on TCP port 65535"));
  sh ("sysctl -qw net.ipv4.ip_local_port_range='1024 65535'");
  assert_true (has_note (f->backend, "ip_local_port_range is 1024 to 65535"));
  close (udp);
  close (tcp);
}

/* --- bounds --- */

static guint
send_flows (const char *netns, const char *ip, guint16 first, guint n, int server)
{
  char buffer[16];
  guint got = 0;

  for (guint i = 0; i < n; i++)
    {
      int fd = udp_at (netns, ip, (guint16)(first + i));

      send_udp (fd, SERVER_IP, 53, "flow");
      close (fd);
      /* Not more at a time than a socket's buffer holds. */
      while (wait_for (server, POLLIN, i + 1 < n ? 0 : NOTHING_MS))
        got += recv (server, buffer, sizeof buffer, 0) == 4;
    }
  return got;
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

/* Neighbours of the whole machine share one table. */
static void
test_senders_of_one_port (void **state)
{
  g_autoptr (GPtrArray) targets
      = make_targets (make_target (make_spec ("a", "192.168.10.1", "10.20.0.1", 16, NULL),
                                   "one=" MAC1, "two=" MAC2, NULL),
                      NULL);
  Fixture *f = *state;
  g_autofree char *count = NULL;
  Wire one, two;

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  start_guest ("one", "10.20.0.11", NULL);
  start_guest ("two", "10.20.0.12", NULL);
  one = wire_open ("g-one", "eth0");
  two = wire_open ("g-two", "eth0");
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
  if (atoi (count) > 257 || atoi (count) < 250)
    fail_msg ("%s neighbours", count);
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

static void
test_no_guest_is_a_dhcp_server (void **state)
{
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (*state, NULL);
  Wire one = wire_open ("g-one", "eth0");
  Wire two = wire_open ("g-two", "eth0");
  Frame offer = frame_udp ("ff:ff:ff:ff:ff:ff", MAC1, "192.168.20.11", "255.255.255.255", 67, 68,
                           "PROBE");
  Frame marker = frame_udp ("ff:ff:ff:ff:ff:ff", MAC1, "192.168.20.11", "192.168.20.255", 7, 7,
                            "MARKER");

  wire_send (&one, &offer);
  wire_send (&one, &marker);
  assert_false (wire_saw_before (&two, "PROBE", 5, "MARKER"));
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
    network_test (test_flushed_host_is_closed),
    network_test (test_flushed_host_with_a_new_address),
    network_test (test_flushed_host_hears_no_protocol),
    network_test (test_flushed_host_gets_answers),
    network_test (test_forward_with_a_high_port),
    network_test (test_what_is_missing_is_named),
    network_test (test_new_address_of_the_host),
    network_test (test_link_local_is_not_forwarded),
    network_test (test_ports_of_the_host),
    network_test (test_ports_of_a_forward),
    network_test (test_reserved_ports),
    network_test (test_listeners_in_the_range_are_named),
    network_test (test_flows_to_one_destination),
    network_test (test_senders_of_one_port),
    network_test (test_a_port_with_an_address),
    network_test (test_no_guest_is_a_dhcp_server),
    network_test (test_forged_external_address),
  };

  if (fixture_enter () < 0)
    return 77;
  return cmocka_run_group_tests (tests, NULL, NULL);
}
