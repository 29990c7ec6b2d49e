/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest gets at after the host's ruleset was flushed, and what still works. */
#include "network-lab.h"

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

/* Links are born with the host's default. */
static void
test_flushed_host_without_policies_by_default (void **state)
{
  const char *const addresses[] = { "172.31.9.1", NULL };
  g_autoptr (GPtrArray) targets = NULL;

  sh ("sysctl -qw net.ipv4.conf.default.disable_policy=1");
  targets = start (*state, "gw0");
  sh ("ip addr add 172.31.9.1/16 dev alt0");
  flush_host ();
  assert_host_is_closed (addresses);
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

int
main (void)
{
  const struct CMUnitTest tests[] = {
    network_test (test_flushed_host_is_closed),
    network_test (test_flushed_host_with_a_new_address),
    network_test (test_flushed_host_without_policies_by_default),
    network_test (test_flushed_host_hears_no_protocol),
    network_test (test_flushed_host_gets_answers),
    network_test (test_new_address_of_the_host),
  };

  if (fixture_enter () < 0)
    return skip_program ("root");
  return cmocka_run_group_tests (tests, NULL, NULL);
}
