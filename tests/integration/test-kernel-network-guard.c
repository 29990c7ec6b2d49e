/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a hostile guest gets at: ports of the host's own services, tables of the kernel that all
 * share. */
#include "backend/network/scl-netlink-private.h"
#include "backend/network/scl-uplink-guard-private.h"
#include "network-lab.h"
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

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
    { "sysctl -qw net.ipv4.conf.tknu-a.disable_policy=1",
      "a: sysctl ipv4/conf/tknu-a/disable_policy is 1, not 0" },
    { "nft flush chain inet tkn input", "host: nft chain input of table inet tkn has other rules" },
    { "ip netns exec tkn-a nft flush ruleset", "a: nft table inet tkn is missing" },
    { "ip netns exec tkn-a nft flush chain inet tkn out",
      "a: nft chain out of table inet tkn has other rules" },
    { "ip netns exec tkn-a nft flush set inet tkn hosts",
      "a: nft set hosts of table inet tkn has other elements" },
    { "sysctl -qw net.ipv4.ip_local_reserved_ports=",
      "host: sysctl ipv4/ip_local_reserved_ports is empty, not 61000-65535" },
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

static gboolean
has_note (SclNetworkBackend *backend, const char *part)
{
  g_autoptr (SclObservation) seen = observe_networks (backend);

  for (guint i = 0; i < seen->host.notes->len; i++)
    if (strstr (seen->host.notes->pdata[i], part) != NULL)
      return TRUE;
  return FALSE;
}

/* Somebody else's, so it is named and stays. */
static void
test_policies_that_are_not_asked (void **state)
{
  const char *note = "net.ipv4.conf.all.disable_policy is 1";
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = start (f, "gw0");
  g_autofree char *value = NULL;

  assert_false (has_note (f->backend, note));
  sh ("sysctl -qw net.ipv4.conf.all.disable_policy=1");
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  assert_true (has_note (f->backend, note));
  assert_clean (f->backend);
  value = sh_output ("sysctl -n net.ipv4.conf.all.disable_policy");
  assert_string_equal (value, "1");
}

typedef struct
{
  int failure; /* of socket () for IPsec */
  gboolean filtered, done, same;
  GPtrArray *notes;
  GError *error;
} Look;

/* In the calling thread only. */
static gboolean
refuse_ipsec (int failure)
{
  struct sock_filter code[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 3),
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, args[2])),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, NETLINK_XFRM, 0, 1),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (guint32) failure),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = { G_N_ELEMENTS (code), code };

  return prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static gpointer
look (gpointer data)
{
  Look *self = data;
  g_autoptr (SclNetlink) root = _scl_netlink_open (-1, NETLINK_ROUTE, NULL);
  g_autoptr (GPtrArray) externals = g_ptr_array_new ();

  g_ptr_array_add (externals, (char *) "tknu-a 192.168.10.1");
  g_ptr_array_add (externals, (char *) "tknu-b 192.168.10.2");
  self->filtered = refuse_ipsec (self->failure);
  self->done = _scl_uplink_guard_check (root, PREFIX, externals, &self->same, self->notes,
                                        &self->error);
  return NULL;
}

/* A kernel without IPsec, and one that cannot be asked now, which may have it. */
static void
test_kernel_without_ipsec (void **state)
{
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (*state, "gw0");
  g_autoptr (GPtrArray) notes = g_ptr_array_new_with_free_func (g_free);
  Look without = { .failure = EPROTONOSUPPORT, .notes = notes };
  Look unknown = { .failure = ENOBUFS, .notes = notes };

  g_thread_join (g_thread_new ("without", look, &without));
  assert_true (without.filtered);
  assert_true (without.done);
  assert_true (without.same);
  assert_int_equal (notes->len, 1);
  assert_non_null (strstr (notes->pdata[0], "this kernel has no IPsec"));
  g_thread_join (g_thread_new ("unknown", look, &unknown));
  assert_true (unknown.filtered);
  assert_false (unknown.done);
  assert_non_null (strstr (unknown.error->message, "the guard of the uplinks: cannot open"));
  assert_int_equal (notes->len, 1);
  g_clear_error (&unknown.error);
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

#define PEER_PORT 6000

/* A guest speaks to a peer from a port that the host serves; what the peer then sends to the host
 * is the host's, and what the host sends leaves from its port. */
static void
assert_port_is_the_hosts (guint16 port)
{
  int service = udp_at (NULL, "0.0.0.0", port);
  int peer = udp_at ("client", CLIENT_IP, PEER_PORT);
  int guest = udp_at ("g-one", "192.168.20.11", port);
  struct sockaddr_in from;
  socklen_t length = sizeof from;
  char buffer[16];

  send_udp (guest, CLIENT_IP, PEER_PORT, "guest");
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
  send_udp (service, CLIENT_IP, PEER_PORT, "host");
  assert_true (wait_for (peer, POLLIN, ARRIVES_MS));
  assert_int_equal (recvfrom (peer, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &length),
                    4);
  assert_int_equal (ntohs (from.sin_port), port);
  close (service);
  close (peer);
  close (guest);
}

/* The same over TCP: what comes back to the host's port is no guest's connection. */
static void
assert_tcp_port_is_not_kept (guint16 port)
{
  int peer = serve ("client", SOCK_STREAM, CLIENT_IP, PEER_PORT);
  int guest = socket_in ("g-one", AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in own = address_of ("192.168.20.11", port);
  struct sockaddr_in to = address_of (CLIENT_IP, PEER_PORT);
  struct sockaddr_in from;
  socklen_t length = sizeof from;
  int accepted;

  assert_int_equal (bind (guest, (struct sockaddr *)&own, sizeof own), 0);
  assert_int_equal (connect (guest, (struct sockaddr *)&to, sizeof to), 0);
  assert_true (wait_for (peer, POLLIN, ARRIVES_MS));
  accepted = accept (peer, (struct sockaddr *)&from, &length);
  assert_true (accepted >= 0);
  if (ntohs (from.sin_port) < 61000)
    fail_msg ("the guest's %u left as %u", port, ntohs (from.sin_port));
  close (accepted);
  close (guest);
  close (peer);
}

static void
test_ports_of_the_host (void **state)
{
  const guint16 ports[] = { 68, 123, 5000, 51820 };
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (*state, "gw0");

  for (gsize i = 0; i < G_N_ELEMENTS (ports); i++)
    assert_port_is_the_hosts (ports[i]);
  assert_tcp_port_is_not_kept (179);
  assert_tcp_port_is_not_kept (50000);
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

/* What is meant for a guest does not get there. */
static void
test_listeners_that_hear_no_guest (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets G_GNUC_UNUSED = start (f, "gw0");
  const int loopback = udp_at (NULL, "127.0.0.1", 61820);
  const int ipv6 = socket (AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int both = socket (AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons (61001) };
  const int yes = 1, no = 0;

  assert_int_equal (setsockopt (ipv6, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes), 0);
  assert_int_equal (bind (ipv6, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal (listen (ipv6, 1), 0);
  assert_false (has_note (f->backend, "listens on"));
  address.sin6_port = htons (61002);
  assert_int_equal (setsockopt (both, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no), 0);
  assert_int_equal (bind (both, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal (listen (both, 1), 0);
  assert_true (has_note (f->backend, "listens on TCP port 61002"));
  assert_false (has_note (f->backend, "port 61001"));
  assert_false (has_note (f->backend, "UDP port 61820"));
  close (loopback);
  close (ipv6);
  close (both);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    network_test (test_forward_with_a_high_port),
    network_test (test_what_is_missing_is_named),
    network_test (test_policies_that_are_not_asked),
    network_test (test_kernel_without_ipsec),
    network_test (test_link_local_is_not_forwarded),
    network_test (test_ports_of_the_host),
    network_test (test_ports_of_a_forward),
    network_test (test_reserved_ports),
    network_test (test_listeners_in_the_range_are_named),
    network_test (test_listeners_that_hear_no_guest),
  };

  if (fixture_enter () < 0)
    return skip_program ("root");
  return cmocka_run_group_tests (tests, NULL, NULL);
}
