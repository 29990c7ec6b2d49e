/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A gateway interface that does not own the default route: policy routing, and its drift. */
#include "network-lab.h"
#include <limits.h>
#include <sys/file.h>
#include <sys/inotify.h>

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
    "ip route flush table $(ip rule | sed -n 's/.*iif tknu-a.*lookup //p' | tail -1)",
    "ip route flush table $(ip rule | sed -n 's/.*iif tknu-a.*lookup //p' | head -1)",
    "ip xfrm policy flush",
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

    assert_string_equal (problems, "host: the host's default route goes through gw0 now: VMs need "
                                   "no routes of their own any more\n");
  }
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  assert_observed (f->backend, targets);
  {
    /* The kernel's own, and the guard of two uplinks. */
    g_autofree char *rules = sh_output ("ip rule | wc -l");

    assert_string_equal (rules, "5");
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

/* What status says of the host, one per line: problems, then notes. */
static char *
list_findings (SclNetworkBackend *backend)
{
  g_autoptr (SclObservation) seen = observe_networks (backend);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < seen->host.problems->len; i++)
    g_string_append_printf (text, "problem: %s\n", (char *) seen->host.problems->pdata[i]);
  for (guint i = 0; i < seen->host.notes->len; i++)
    g_string_append_printf (text, "note: %s\n", (char *) seen->host.notes->pdata[i]);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
assert_findings (SclNetworkBackend *backend, const char *when, const char *wanted)
{
  g_autofree char *findings = list_findings (backend);

  if (strcmp (findings, wanted) != 0)
    fail_msg ("%s:\n%s", when, findings);
}

#define NO_DEFAULT "note: there is no default route through gw0: only its own subnets are reached\n"
#define MOVED                                                                                      \
  "problem: the host's default route does not go through gw0 any more: VMs have no internet\n"

/* One line each. While nothing goes through the gateway interface there is nothing to repair, and
 * an apply changes nothing. */
static void
test_what_becomes_of_the_default_route (void **state)
{
  const struct
  {
    const char *command, *findings;
  } cases[] = {
    { "ip link set gw0 down", NO_DEFAULT },
    { "ip link set gw0 up", NO_DEFAULT },
    { "ip route add default via 198.51.100.1 dev gw0 metric 500", "" },
    { "ip route del default", NO_DEFAULT },
    { "ip route add default via 10.77.0.9 dev alt0", NO_DEFAULT },
    { "ip route add default via 198.51.100.1 dev gw0 metric 500", MOVED },
    { "ip link set gw0 down", NO_DEFAULT },
    { "ip link set gw0 up; ip route add default via 198.51.100.1 dev gw0 metric 500", MOVED },
    { "ip route del default via 10.77.0.9 dev alt0", "" },
    { "ip link del gw0", "note: interface gw0 does not exist: no internet for VMs until it does\n" },
  };
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = two_networks ();

  make_lab ();
  sh ("ip route add default via 198.51.100.1 dev gw0");
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      sh ("%s", cases[i].command);
      assert_findings (f->backend, cases[i].command, cases[i].findings);
      if (strcmp (cases[i].findings, NO_DEFAULT) != 0)
        continue;
      assert_ok (apply_networks (f->backend, "gw0", targets, &error));
      assert_findings (f->backend, cases[i].command, NO_DEFAULT);
    }
}

/* The same where VMs have routes of their own, which the kernel takes away with the link's. */
static void
test_what_becomes_of_policy_routes (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = two_networks ();

  make_policy_lab ();
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  assert_findings (f->backend, "at first", "");
  sh ("ip link set gw0 down");
  assert_findings (f->backend, "down", NO_DEFAULT);
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  sh ("ip link set gw0 up; ip route add default via 198.51.100.1 dev gw0 metric 500");
  assert_findings (f->backend, "up", "problem: policy routes are not what they should be\n");
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  start_guests ();
  check_policy_routing (f, targets);
  sh ("ip link del gw0");
  assert_findings (f->backend, "deleted",
                   "note: interface gw0 does not exist: no internet for VMs until it does\n");
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

/* All its numbers are those of PREFIX. */
#define TWIN "thte3"

static GPtrArray *
twin_networks (void)
{
  return make_targets (make_target (make_spec ("a", "192.168.10.9", "192.168.20.1", 24, NULL),
                                    "one=" MAC1, NULL),
                       NULL);
}

static char *
rules_of (const char *prefix)
{
  return sh_output ("ip rule | grep 'iif %su-'", prefix);
}

static guint
count_mark_rules (void)
{
  g_autofree char *text = sh_output ("ip rule | grep -c fwmark || true");

  return (guint) g_ascii_strtoull (text, NULL, 10);
}

/* Whichever comes second takes other numbers, and keeps them. */
static void
test_numbers_meet (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = two_networks ();
  g_autoptr (GPtrArray) twins = twin_networks ();
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  g_autofree char *before = NULL, *after = NULL, *twin = NULL, *left = NULL;
  int server;

  assert_int_equal (_scl_names_table (PREFIX, 0), _scl_names_table (TWIN, 0));
  f->other = _scl_kernel_networks_new_at (TWIN, RUN_DIR, NULL);
  make_policy_lab ();
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  start_guests ();
  before = rules_of (PREFIX);
  assert_ok (apply_networks (f->other, "gw0", twins, &error));
  assert_observed (f->other, twins);
  assert_observed (f->backend, targets);
  assert_int_equal (count_mark_rules (), 2);
  check_policy_routing (f, targets);
  after = rules_of (PREFIX);
  assert_string_equal (before, after);

  twin = rules_of (TWIN);
  assert_string_not_equal (twin, "");
  sh ("ip netns del g-one; ip netns del g-two");
  assert_ok (_scl_network_backend_remove (f->backend, "a", NULL, &error));
  assert_ok (_scl_network_backend_remove (f->backend, "b", NULL, &error));
  assert_ok (apply_networks (f->backend, NULL, none, &error));
  left = rules_of (TWIN);
  assert_string_equal (left, twin);
  assert_int_equal (count_mark_rules (), 1);
  assert_observed (f->other, twins);
  server = serve ("server", SOCK_STREAM, "203.0.113.80", 80);
  assert_tcp (TWIN "-a", "203.0.113.80", 80, server, "198.51.100.2");
  close (server);

  assert_ok (_scl_network_backend_remove (f->other, "a", NULL, &error));
  assert_ok (apply_networks (f->other, NULL, none, &error));
  assert_nothing_left ();
}

/* What somebody else put into our table is not ours, so the table is not either. */
static void
test_table_of_somebody (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = two_networks ();
  guint32 table = _scl_names_table (PREFIX, 0);
  g_autofree char *routes = NULL;

  make_policy_lab ();
  sh ("ip route add 10.55.0.0/16 via 10.77.0.9 dev alt0 table %u; ip rule add from 10.54.0.0/16 "
      "lookup %u pref 900",
      table, table);
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  assert_observed (f->backend, targets);
  routes = sh_output ("ip route show table %u | sed 's/ *$//'", table);
  assert_string_equal (routes, "10.55.0.0/16 via 10.77.0.9 dev alt0");
}

typedef struct
{
  SclNetworkBackend *backend;
  SclHostTarget *host;
  GCancellable *cancellable;
  GError *error;
} Ensure;

static gpointer
run_ensure (gpointer data)
{
  Ensure *ensure = data;
  SclProgress progress = { .cancellable = ensure->cancellable };

  return GINT_TO_POINTER (_scl_network_backend_ensure_host (ensure->backend, ensure->host,
                                                            &progress, &ensure->error));
}

/* Until somebody opens the watched folder itself. */
static void
wait_for_open (int notify_fd)
{
  union
  {
    struct inotify_event event;
    char bytes[sizeof (struct inotify_event) + NAME_MAX + 1];
  } buffer;

  do
    {
      if (!wait_for (notify_fd, POLLIN, ARRIVES_MS))
        fail_msg ("nobody asked for the lock of " RUN_DIR);
      assert_true (read (notify_fd, &buffer, sizeof buffer) > 0);
    }
  while (buffer.event.len != 0);
}

static void
test_shared_settings_are_locked (void **state)
{
  const char *path = "sysctl -n net.ipv4.conf.gw0.forwarding";
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = two_networks ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *during = NULL, *after = NULL;
  SclHostTarget *host = make_host ("gw0", targets);
  Ensure ensure = { f->backend, host, cancellable, NULL };
  int notify_fd = inotify_init1 (IN_CLOEXEC);
  GThread *thread;
  int lock;

  make_policy_lab ();
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  sh ("sysctl -qw net.ipv4.conf.gw0.forwarding=0");
  lock = open (RUN_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  assert_int_equal (flock (lock, LOCK_EX), 0);
  assert_true (inotify_add_watch (notify_fd, RUN_DIR, IN_OPEN) >= 0);
  thread = g_thread_new ("ensure", run_ensure, &ensure);
  wait_for_open (notify_fd);
  g_cancellable_cancel (cancellable);
  assert_null (g_thread_join (thread));
  assert_true (g_error_matches (ensure.error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  during = sh_output ("%s", path);
  assert_string_equal (during, "0");
  close (lock);
  assert_ok (_scl_network_backend_ensure_host (f->backend, host, NULL, &error));
  after = sh_output ("%s", path);
  assert_string_equal (after, "1");
  g_clear_error (&ensure.error);
  close (notify_fd);
  _scl_host_target_free (host);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    network_test (test_policy_routing),
    network_test (test_policy_drift),
    network_test (test_gateway_without_default),
    network_test (test_what_becomes_of_the_default_route),
    network_test (test_what_becomes_of_policy_routes),
    network_test (test_multipath),
    network_test (test_gateway_comes_later),
    network_test (test_numbers_meet),
    network_test (test_table_of_somebody),
    network_test (test_shared_settings_are_locked),
  };

  if (fixture_enter () < 0)
    return skip_program ("root");
  return cmocka_run_group_tests (tests, NULL, NULL);
}
