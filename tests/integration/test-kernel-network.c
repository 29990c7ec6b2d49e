/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Networks on the real kernel: made, read back, changed in place, repaired, removed. */
#include "network-fixture.h"

#define MAC1 "52:00:00:00:00:01"
#define MAC2 "52:00:00:00:00:02"
#define NS(name) "ip netns exec " PREFIX "-" name " "

static GPtrArray *
demo (void)
{
  return make_targets (
      make_target (make_spec ("default", "192.168.10.1", "192.168.20.1", 24,
                              "tcp:2222:192.168.20.2:22", "udp:5353:192.168.20.2:53", NULL),
                   "demo=" MAC1, "web=" MAC2, NULL),
      NULL);
}

static void
expect (const char *wanted, const char *command)
{
  g_autofree char *output = sh_output ("%s", command);

  if (strcmp (output, wanted) != 0)
    fail_msg ("%s printed \"%s\", not \"%s\"", command, output, wanted);
}

static void
test_create (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  assert_observed (f->backend, targets);
  expect ("169.254.77.1 peer 192.168.10.1/32",
          "ip -4 -o a show dev tknu-default | awk '{print $4,$5,$6}'");
  expect ("192.168.10.1 peer 169.254.77.1/32",
          NS ("default") "ip -4 -o a show dev uplink | awk '{print $4,$5,$6}'");
  expect ("192.168.20.1/24", NS ("default") "ip -4 -o a show dev lan | awk '{print $4}'");
  expect ("default via 169.254.77.1 dev uplink proto 83",
          NS ("default") "ip r show default | sed 's/ *$//'");
  expect ("1", NS ("default") "sysctl -n net.ipv4.ip_forward");
  expect ("1", NS ("default") "sysctl -n net.ipv6.conf.lan.disable_ipv6");
  expect ("0", NS ("default") "ip -6 a | wc -l");
  expect ("8", "sysctl -n net.ipv4.conf.tknn-demo-0.arp_ignore");
  expect ("0", "sysctl -n net.ipv4.conf.tknn-demo-0.forwarding");
  expect ("1", "sysctl -n net.ipv6.conf.tknn-demo-0.disable_ipv6");
  expect ("2", NS ("default") "ip -o link show master lan | wc -l");
  expect ("0", "sysctl -n net.ipv4.ip_forward");
  expect (MAC1, "ip -o link show tknn-demo-0 | sed 's/.*ether //;s/ .*//'");
  expect ("1", "ip -o link show tknn-demo-0 | grep -c NOARP");
  expect ("0",
          NS ("default") "ip -d -j link show lan | grep -o '\"stp_state\":[01]' | cut -d: -f2");
  expect (
      "0",
      NS ("default") "ip -d -j link show lan | grep -o '\"mcast_snooping\":[01]' | cut -d: -f2");
  expect (
      "0",
      NS ("default") "ip -d -j link show lan | grep -o '\"forward_delay\":[0-9]*' | cut -d: -f2");
}

static void
test_twice (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  const char *all
      = "ip -d -o a; ip r; ip rule; nft list ruleset; " NS ("default") "ip -d -o a; " NS (
          "default") "nft list ruleset; sysctl -a 2>/dev/null | grep 'tkn.*forwarding'";

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  before = sh_output ("{ %s; } | sed 's/handle [0-9]*//;s/valid_lft.*//' | grep -v elements", all);
  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  after = sh_output ("{ %s; } | sed 's/handle [0-9]*//;s/valid_lft.*//' | grep -v elements", all);
  assert_string_equal (before, after);
  assert_observed (f->backend, targets);
}

static void
test_remove (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();
  g_autoptr (GPtrArray) none = g_ptr_array_new ();

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  assert_ok (_scl_network_backend_remove (f->backend, "default", NULL, &error));
  assert_ok (_scl_network_backend_remove (f->backend, "default", NULL, &error));
  assert_ok (_scl_network_backend_remove (f->backend, "never", NULL, &error));
  assert_ok (apply_networks (f->backend, NULL, none, &error));
  assert_nothing_left ();
}

static void
test_recreate_at_once (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();

  for (guint i = 0; i < 10; i++)
    {
      assert_ok (apply_networks (f->backend, NULL, targets, &error));
      if (i % 2 == 0)
        assert_ok (_scl_network_backend_remove (f->backend, "default", NULL, &error));
      else
        sh ("ip netns del tkn-default");
    }
  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  assert_observed (f->backend, targets);
}

/* What somebody may do to a network, and the word that the problem must hold. */
static const struct
{
  const char *command;
  const char *word;
} drifts[] = {
  { "ip link set tknu-default down", "tknu-default is down" },
  { NS ("default") "ip link set lan down", "lan is down" },
  { NS ("default") "ip link set uplink down", "uplink is down" },
  { "ip link set tknn-demo-0 down", "tknn-demo-0 is down" },
  { NS ("default") "ip link set tknn-demo-0 down", "tknn-demo-0 is down" },
  { "ip link del tknn-demo-0", "tknn-demo-0 is missing" },
  { "ip link del tknu-default", "tknu-default is missing" },
  { NS ("default") "ip link del lan", "lan is missing" },
  { NS ("default") "ip link set tknn-demo-0 nomaster", "no port of lan" },
  { "ip link set tknn-demo-0 address 52:00:00:00:00:99", "has the MAC" },
  { NS ("default") "ip link set lan address 02:00:00:00:00:99", "has the MAC" },
  { NS ("default") "ip addr flush dev lan", "address of lan is missing" },
  { NS ("default") "ip addr flush dev uplink", "address of uplink is missing" },
  { "ip addr flush dev tknu-default", "addresses of link tknu-default" },
  { "ip addr add 10.9.9.9/32 dev tknu-default", "addresses of link tknu-default" },
  { NS ("default") "ip addr add 10.9.9.9/24 dev lan", "more than one address" },
  { NS ("default") "ip route del default", "default route" },
  { NS ("default") "ip route add default via 192.168.20.9 metric 7", "default route" },
  { NS ("default") "nft flush ruleset", "is missing" },
  { NS ("default") "nft delete table bridge tkn", "is missing" },
  { NS ("default") "nft flush chain inet tkn forward", "other rules" },
  { NS ("default") "nft add rule inet tkn forward accept", "other rules" },
  { NS ("default") "nft insert rule bridge tkn prerouting accept", "other rules" },
  { NS ("default") "nft chain inet tkn forward '{ policy accept; }'", "policy" },
  { NS ("default") "nft add chain inet tkn more '{ type filter hook input priority -5; }'",
    "not ours" },
  { NS ("default") "sysctl -qw net.ipv4.ip_forward=0", "ip_forward" },
  { NS ("default") "sysctl -qw net.ipv6.conf.all.disable_ipv6=0", "disable_ipv6" },
  { "sysctl -qw net.ipv4.conf.tknn-demo-0.arp_ignore=0", "arp_ignore" },
  { "sysctl -qw net.ipv4.conf.tknn-demo-0.forwarding=1", "forwarding" },
  { "sysctl -qw net.ipv6.conf.tknn-demo-0.disable_ipv6=0", "disable_ipv6" },
  { "sysctl -qw net.ipv4.conf.tknu-default.forwarding=0", "forwarding" },
  { NS ("default") "sysctl -qw net.ipv4.conf.lan.arp_ignore=0", "arp_ignore" },
  { "ip link set tknn-demo-0 arp on", "answers ARP" },
  { NS ("default") "ip link set lan type bridge no_linklocal_learn 0", "lan learns senders" },
  { "ip link set tknm-demo-0 allmulticast off", "tknm-demo-0 keeps multicast" },
  { "ip link set tknu-default alias other", "tknu-default" },
  { NS ("default") "ip link set tknn-demo-0 alias ''", "lost its mark" },
  { "ip link set tknu-default group 7", "group" },
  { "nft flush ruleset", "" },
  { "nft flush chain inet tkn raw", "other rules" },
  { "nft delete element inet tkn nics '{ \"tknn-demo-0\" }'", "nics of table inet tkn lacks tknn-demo-0" },
  { "nft delete element inet tkn nics '{ \"tknm-web-0\" }'", "nics of table inet tkn lacks tknm-web-0" },
  { "nft flush set inet tkn nics", "lacks tknm-demo-0, tknm-web-0, tknn-demo-0, tknn-web-0" },
  { "nft flush set inet tkn uplinks", "uplinks of table inet tkn lacks tknu-default" },
  { "nft add element inet tkn uplinks '{ \"eth0\" }'", "tkn has eth0, which no network" },
  { "nft flush set inet tkn externals; nft flush set inet tkn addresses", "lacks tknu-default . 192.168.10.1" },
};

static gboolean
is_foreign_drift (const char *command)
{
  return strstr (command, "alias other") != NULL;
}

static void
test_drift (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();

  if (g_file_test ("/proc/sys/net/bridge", G_FILE_TEST_IS_DIR))
    sh ("sysctl -qw net.bridge.bridge-nf-call-iptables=1");
  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  for (gsize i = 0; i < G_N_ELEMENTS (drifts); i++)
    {
      g_autofree char *problems = NULL;

      sh ("%s", drifts[i].command);
      if (is_foreign_drift (drifts[i].command))
        {
          assert_throws (apply_networks (f->backend, NULL, targets, &error), SCL_ERROR_EXISTS);
          sh ("ip link set tknu-default alias scl:tkn:default");
          continue;
        }
      problems = list_problems (f->backend);
      if (strstr (problems, drifts[i].word) == NULL)
        fail_msg ("after \"%s\" the problems were \"%s\"", drifts[i].command, problems);
      assert_ok (apply_networks (f->backend, NULL, targets, &error));
      problems = (g_free (problems), list_problems (f->backend));
      if (problems[0] != '\0')
        fail_msg ("\"%s\" was not repaired: %s", drifts[i].command, problems);
    }
  assert_observed (f->backend, targets);
}

static void
test_change_in_place (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) first = demo ();
  g_autoptr (GPtrArray) second
      = make_targets (make_target (make_spec ("default", "192.168.11.1", "10.1.2.1", 28,
                                              "udp:2222:10.1.2.3:22", NULL),
                                   "demo=" MAC1, "more=" MAC2, NULL),
                      NULL);
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  assert_ok (apply_networks (f->backend, NULL, first, &error));
  before = sh_output ("ip -o link show tknn-demo-0 | cut -d: -f1");
  assert_ok (apply_networks (f->backend, NULL, second, &error));
  assert_observed (f->backend, second);
  after = sh_output ("ip -o link show tknn-demo-0 | cut -d: -f1");
  assert_string_equal (before, after);
  expect ("0", "ip -o link show | grep -c tknn-web-0 || true");
  assert_ok (apply_networks (f->backend, NULL, first, &error));
  assert_observed (f->backend, first);
}

static GPtrArray *
two (const char *a, const char *b)
{
  return make_targets (
      make_target (make_spec ("a", "192.168.10.1", "192.168.20.1", 24, NULL), a, NULL),
      make_target (make_spec ("b", "192.168.10.2", "192.168.20.1", 24, NULL), b, NULL), NULL);
}

static void
test_move_port (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) first = two ("demo=" MAC1, NULL);
  g_autoptr (GPtrArray) second = two (NULL, "demo=" MAC1);
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  assert_ok (apply_networks (f->backend, NULL, first, &error));
  before = sh_output ("ip -o link show tknn-demo-0 | cut -d: -f1");
  assert_ok (apply_networks (f->backend, NULL, second, &error));
  assert_observed (f->backend, second);
  after = sh_output ("ip -o link show tknn-demo-0 | cut -d: -f1");
  assert_string_equal (before, after);
  expect ("1", "ip -o link show tknm-demo-0 | wc -l");
  assert_ok (apply_networks (f->backend, NULL, first, &error));
  assert_observed (f->backend, first);
}

/* The network that the NIC moves to is not there yet, the one that it leaves goes. */
static void
test_move_to_new (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) first = make_targets (
      make_target (make_spec ("a", "192.168.10.1", "192.168.20.1", 24, NULL), "demo=" MAC1, NULL),
      NULL);
  g_autoptr (GPtrArray) second
      = make_targets (make_target (make_spec ("b", "192.168.10.2", "192.168.20.1", 24, NULL),
                                   "web=" MAC2, "demo=" MAC1, NULL),
                      NULL);
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  assert_ok (apply_networks (f->backend, NULL, first, &error));
  before = sh_output ("ip -o link show tknn-demo-0 | cut -d: -f1");
  assert_ok (apply_networks (f->backend, NULL, second, &error));
  after = sh_output ("ip -o link show tknn-demo-0 | cut -d: -f1");
  assert_string_equal (before, after);
  assert_ok (_scl_network_backend_remove (f->backend, "a", NULL, &error));
  assert_observed (f->backend, second);
}

static void
test_swap_addresses (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) first = two (NULL, NULL);
  g_autoptr (GPtrArray) second = make_targets (
      make_target (make_spec ("a", "192.168.10.2", "192.168.20.1", 24, NULL), NULL),
      make_target (make_spec ("b", "192.168.10.1", "192.168.20.1", 24, NULL), NULL), NULL);

  assert_ok (apply_networks (f->backend, NULL, first, &error));
  assert_ok (apply_networks (f->backend, NULL, second, &error));
  assert_observed (f->backend, second);
  expect ("192.168.10.2 dev tknu-a", "ip r get 192.168.10.2 | awk '{print $1,$2,$3;exit}'");
}

static void
test_foreign_namespace (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();
  g_autoptr (SclObservation) seen = NULL;

  sh ("ip netns add tkn-default");
  sh (NS ("default") "ip link add keep type bridge");
  seen = observe_networks (f->backend);
  assert_int_equal (seen->networks->len, 0);
  assert_throws (apply_networks (f->backend, NULL, targets, &error), SCL_ERROR_EXISTS);
  assert_throws (_scl_network_backend_remove (f->backend, "default", NULL, &error),
                 SCL_ERROR_EXISTS);
  expect ("1", NS ("default") "ip -o link show keep | wc -l");
}

static void
assert_foreign_wanted (Fixture *f, const char *what)
{
  g_autoptr (GPtrArray) targets = demo ();
  g_autoptr (GListStore) networks = g_list_store_new (SCL_TYPE_NETWORK_SPEC);
  g_autoptr (GListStore) vms = g_list_store_new (SCL_TYPE_VM_SPEC);
  g_autoptr (SclManifest) manifest = NULL;
  g_autoptr (SclObservation) seen = _scl_observation_new ();
  SclObservedNetwork *network;

  g_list_store_append (networks, ((SclNetworkTarget *)targets->pdata[0])->spec);
  manifest = scl_manifest_new (NULL, G_LIST_MODEL (networks), G_LIST_MODEL (vms));
  assert_ok (_scl_network_backend_observe (f->backend, manifest, seen, NULL, &error));
  network = _scl_observation_lookup_network (seen, "default");
  assert_non_null (network);
  assert_true (network->foreign);
  assert_string_equal (network->foreign_what, what);
}

static void
test_foreign_is_reported (void **state)
{
  Fixture *f = *state;

  sh ("ip netns add tkn-default");
  assert_foreign_wanted (f, "namespace /run/netns/tkn-default");
  sh ("ip netns del tkn-default; mkdir /run/netns/tkn-default");
  assert_foreign_wanted (f, "file /run/netns/tkn-default");
  sh ("rmdir /run/netns/tkn-default; ip link add tknu-default type bridge");
  assert_foreign_wanted (f, "link tknu-default");
}

static void
test_foreign_links (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();

  sh ("ip link add tknn-web-0 type bridge; ip link set tknn-web-0 alias mine");
  assert_throws (apply_networks (f->backend, NULL, targets, &error), SCL_ERROR_EXISTS);
  expect ("mine",
          "cat /sys/class/net/tknn-web-0/ifalias 2>/dev/null || ip -d link show tknn-web-0 | "
          "sed -n 's/.*alias //p'");
  sh ("ip link del tknn-web-0; ip link add tknu-default type bridge");
  assert_throws (apply_networks (f->backend, NULL, targets, &error), SCL_ERROR_EXISTS);
  sh ("ip link del tknu-default");
  expect ("0", "ls /run/netns | grep -c tkn || true");
  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  assert_observed (f->backend, targets);
}

static void
test_foreign_table (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();
  g_autoptr (SclObservation) seen = NULL;

  sh ("nft add table inet tkn; nft add chain inet tkn mine; nft add rule inet tkn mine counter");
  assert_throws (apply_networks (f->backend, NULL, targets, &error), SCL_ERROR_EXISTS);
  seen = observe_networks (f->backend);
  assert_false (seen->host.present);
  assert_int_equal (seen->host.notes->len, 1);
  expect ("1", "nft list table inet tkn | grep -c counter");
}

static void
test_leftover_file (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();

  sh ("touch /run/netns/tkn-default");
  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  assert_observed (f->backend, targets);
}

/* A namespace whose name is gone but which a process keeps alive: its host ends stay. */
static void
test_nameless_namespace (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();
  int fd = -1;

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  assert_int_equal (_scl_netns_open ("tkn-default", &fd), SCL_NETNS_FOUND);
  sh ("ip netns del tkn-default");
  expect ("1", "ip -o link show tknu-default | wc -l");
  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  assert_observed (f->backend, targets);
  close (fd);
}

static void
test_orphans (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  g_autofree char *problems = NULL;
  int fd = -1;

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  assert_int_equal (_scl_netns_open ("tkn-default", &fd), SCL_NETNS_FOUND);
  sh ("ip netns del tkn-default");
  problems = list_problems (f->backend);
  assert_non_null (strstr (problems, "tknn-web-0 is left over"));
  assert_ok (apply_networks (f->backend, NULL, none, &error));
  assert_nothing_left ();
  close (fd);
}

static void
test_two_instances (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();
  g_autoptr (GPtrArray) others
      = make_targets (make_target (make_spec ("default", "192.168.10.9", "192.168.20.1", 24,
                                              "tcp:2222:192.168.20.2:22", NULL),
                                   "demo=" MAC1, NULL),
                      NULL);
  g_autoptr (GPtrArray) none = g_ptr_array_new ();

  f->other = _scl_kernel_networks_new_at ("tknb", RUN_DIR, NULL);
  sh ("ip link add gw0 type bridge; ip addr add 203.0.113.2/24 dev gw0; ip link set gw0 up");
  sh ("ip route add default via 203.0.113.1");
  assert_ok (apply_networks (f->backend, "gw0", targets, &error));
  assert_ok (apply_networks (f->other, "gw0", others, &error));
  assert_observed (f->backend, targets);
  assert_observed (f->other, others);
  expect ("1", "sysctl -n net.ipv4.conf.gw0.forwarding");
  assert_ok (_scl_network_backend_remove (f->backend, "default", NULL, &error));
  assert_ok (apply_networks (f->backend, NULL, none, &error));
  /* The second instance still needs it, and knows what it was. */
  expect ("1", "sysctl -n net.ipv4.conf.gw0.forwarding");
  assert_observed (f->other, others);
  assert_ok (_scl_network_backend_remove (f->other, "default", NULL, &error));
  assert_ok (apply_networks (f->other, NULL, none, &error));
  expect ("0", "sysctl -n net.ipv4.conf.gw0.forwarding");
  assert_nothing_left ();
}

static void
test_neighbours (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();
  g_autoptr (GPtrArray) found = NULL;
  g_autofree char *text = NULL;

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  sh (NS ("default") "ip neigh add 192.168.20.7 lladdr " MAC1 " dev lan");
  found = _scl_network_backend_list_neighbours (f->backend, "default", MAC1);
  assert_int_equal (found->len, 1);
  text = g_inet_address_to_string (found->pdata[0]);
  assert_string_equal (text, "192.168.20.7");
}

/* Networks are made and removed at the same time, each in a thread of its own. */
typedef struct
{
  SclNetworkBackend *backend;
  guint number;
  gboolean remove;
} Job;

static gpointer
run_job (gpointer data)
{
  Job *job = data;
  g_autofree char *name = g_strdup_printf ("n%u", job->number);
  g_autofree char *external = g_strdup_printf ("192.168.10.%u", job->number + 1);
  g_autofree char *port = g_strdup_printf ("vm%u=52:00:00:00:01:%02x", job->number, job->number);
  g_autoptr (GPtrArray) targets = NULL;

  if (job->remove)
    return GINT_TO_POINTER (_scl_network_backend_remove (job->backend, name, NULL, NULL));
  targets = make_targets (
      make_target (make_spec (name, external, "192.168.20.1", 24, NULL), port, NULL), NULL);
  return GINT_TO_POINTER (_scl_network_backend_ensure (job->backend, targets, NULL, NULL));
}

#define JOBS 8

static void
run_jobs (Fixture *f, gboolean remove)
{
  GThread *threads[JOBS];
  Job jobs[JOBS];
  guint done = 0;

  for (guint i = 0; i < JOBS; i++)
    {
      jobs[i] = (Job){ f->backend, i, remove };
      threads[i] = g_thread_new ("job", run_job, &jobs[i]);
    }
  for (guint i = 0; i < JOBS; i++)
    done += g_thread_join (threads[i]) != NULL;
  assert_int_equal (done, JOBS);
}

static void
test_parallel (void **state)
{
  Fixture *f = *state;

  for (guint round = 0; round < 3; round++)
    {
      g_autoptr (SclObservation) seen = NULL;

      run_jobs (f, FALSE);
      seen = observe_networks (f->backend);
      assert_int_equal (seen->networks->len, JOBS);
      for (guint i = 0; i < JOBS; i++)
        assert_int_equal (((SclObservedNetwork *)seen->networks->pdata[i])->problems->len, 0);
      run_jobs (f, TRUE);
      assert_nothing_left ();
    }
}

static void
test_long_names (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = make_targets (
      make_target (make_spec ("a-network-with-a-very-long-name-indeed", "192.168.10.1",
                              "192.168.20.1", 24, NULL),
                   "a-machine-with-a-name-that-is-even-longer-than-that-1=" MAC1, NULL),
      NULL);
  g_autoptr (GPtrArray) none = g_ptr_array_new ();

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  assert_observed (f->backend, targets);
  assert_ok (_scl_network_backend_remove (f->backend, "a-network-with-a-very-long-name-indeed",
                                          NULL, &error));
  assert_ok (apply_networks (f->backend, NULL, none, &error));
  assert_nothing_left ();
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    network_test (test_create),
    network_test (test_twice),
    network_test (test_remove),
    network_test (test_recreate_at_once),
    network_test (test_drift),
    network_test (test_change_in_place),
    network_test (test_move_port),
    network_test (test_move_to_new),
    network_test (test_swap_addresses),
    network_test (test_foreign_namespace),
    network_test (test_foreign_is_reported),
    network_test (test_foreign_links),
    network_test (test_foreign_table),
    network_test (test_leftover_file),
    network_test (test_nameless_namespace),
    network_test (test_orphans),
    network_test (test_two_instances),
    network_test (test_neighbours),
    network_test (test_parallel),
    network_test (test_long_names),
  };

  if (fixture_enter () < 0)
    return skip_program ("root");
  return cmocka_run_group_tests (tests, NULL, NULL);
}
