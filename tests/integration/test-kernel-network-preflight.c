/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host must offer before anything is changed. */
#include "network-fixture.h"
#include "base/scl-spawn-private.h"
#include <scl/scl-nic-spec.h>

#define MAC1 "52:00:00:00:00:01"

static SclManifest *
make_manifest (const char *external, const char *gateway)
{
  g_autoptr (SclNetworkSpec) spec = make_spec ("default", external, "192.168.20.1", 24, NULL);
  g_autoptr (SclNicSpec) nic = scl_nic_spec_new ("default", NULL);
  g_autoptr (GListStore) nics = g_list_store_new (SCL_TYPE_NIC_SPEC);
  g_autoptr (GListStore) networks = g_list_store_new (SCL_TYPE_NETWORK_SPEC);
  g_autoptr (GListStore) vms = g_list_store_new (SCL_TYPE_VM_SPEC);
  g_autoptr (SclVmSpec) vm = NULL;

  g_list_store_append (nics, nic);
  vm = g_object_new (SCL_TYPE_VM_SPEC, "name", "demo", "nics", nics, NULL);
  g_list_store_append (networks, spec);
  g_list_store_append (vms, vm);
  return scl_manifest_new (gateway, G_LIST_MODEL (networks), G_LIST_MODEL (vms));
}

/* All diagnostics: "SEVERITY PATH: MESSAGE", one per line. */
static char *
run_preflight (Fixture *f, const char *external, const char *gateway)
{
  g_autoptr (SclManifest) manifest = make_manifest (external, gateway);
  g_autoptr (GPtrArray) diagnostics = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GString) text = g_string_new (NULL);

  assert_ok (_scl_network_backend_preflight (f->backend, manifest, diagnostics, NULL, &error));
  for (guint i = 0; i < diagnostics->len; i++)
    {
      SclDiagnostic *d = diagnostics->pdata[i];

      g_string_append_printf (text, "%s %s: %s\n",
                              scl_diagnostic_get_severity (d) == SCL_SEVERITY_ERROR ? "error"
                                                                                    : "warning",
                              scl_diagnostic_get_path (d), scl_diagnostic_get_message (d));
    }
  return g_strdup (text->str);
}

/* WANTED NULL: nothing is said; else the only line begins so. */
static void
expect (Fixture *f, const char *external, const char *gateway, const char *wanted)
{
  g_autofree char *said = run_preflight (f, external, gateway);
  const char *end = strchr (said, '\n');

  if (wanted == NULL ? said[0] != '\0'
                     : !g_str_has_prefix (said, wanted) || end == NULL || end[1] != '\0')
    fail_msg ("externalIP %s: \"%s\", not \"%s\"", external, said, wanted);
}

#define EXTERNAL "networks.default.externalIP: "

static void
make_host_links (void)
{
  sh ("ip link add eth9 type bridge; ip link set eth9 up; ip addr add 198.51.100.2/24 dev eth9");
  sh ("ip route add default via 198.51.100.1; ip route add 172.20.0.0/16 via 198.51.100.7");
  sh ("ip route add blackhole 172.21.0.0/16");
}

static void
test_external (void **state)
{
  Fixture *f = *state;

  make_host_links ();
  expect (f, "192.168.10.1", "eth9", NULL);
  expect (f, "198.51.100.2", NULL,
          "error " EXTERNAL "198.51.100.2 is an address of this host (on eth9)");
  expect (f, "198.51.100.1", NULL,
          "error " EXTERNAL "198.51.100.1 is the next hop of a route on eth9");
  expect (f, "198.51.100.7", NULL,
          "error " EXTERNAL "198.51.100.7 is the next hop of a route on eth9");
  expect (f, "172.20.3.4", NULL, "error " EXTERNAL "172.20.3.4 is already routed to eth9");
  expect (f, "172.21.3.4", NULL, "error " EXTERNAL "172.21.3.4 is already routed to ");
  expect (f, "198.51.100.77", NULL,
          "warning " EXTERNAL "198.51.100.77 is inside the subnet of eth9");
}

static void
test_name_server (void **state)
{
  Fixture *f = *state;

  sh ("printf 'search x\\nnameserver\\t192.0.2.53\\nnameserver ::1\\n' > /run/netns/resolv.conf");
  assert_int_equal (mount ("/run/netns/resolv.conf", "/etc/resolv.conf", NULL, MS_BIND, NULL), 0);
  expect (f, "192.0.2.53", NULL, "error " EXTERNAL "192.0.2.53 is this host's DNS server");
  expect (f, "192.0.2.54", NULL, NULL);
  assert_int_equal (umount2 ("/etc/resolv.conf", MNT_DETACH), 0);
}

/* What we have made ourselves is no obstacle; what another instance has made is. */
static void
test_after_apply (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets
      = make_targets (make_target (make_spec ("default", "192.168.10.1", "192.168.20.1", 24, NULL),
                                   "demo=" MAC1, NULL),
                      NULL);
  g_autoptr (SclManifest) none = scl_manifest_new (NULL, NULL, NULL);
  g_autoptr (GPtrArray) diagnostics = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree char *said = NULL;

  make_host_links ();
  assert_ok (apply_networks (f->backend, "eth9", targets, &error));
  expect (f, "192.168.10.1", "eth9", NULL);
  g_set_object (&f->other, NULL);
  f->other = g_steal_pointer (&f->backend);
  f->backend = _scl_kernel_networks_new_at ("tknb", RUN_DIR, NULL);
  said = run_preflight (f, "192.168.10.1", "eth9");
  assert_true (
      g_str_has_prefix (said, "error " EXTERNAL "192.168.10.1 is taken by network \"default\" of "));
  /* A manifest that does not name it has it, too; without it nothing is in the way. */
  assert_non_null (strstr (said, ": take another address, or, "));
  assert_non_null (strstr (said, " declare networks: {default: null}\n"));
  assert_ok (_scl_network_backend_preflight (f->backend, none, diagnostics, NULL, &error));
  assert_int_equal (diagnostics->len, 0);
}

/* Without any alias a link is known by name and group, and an apply marks it again. */
static void
test_lost_mark (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets
      = make_targets (make_target (make_spec ("default", "192.168.10.1", "192.168.20.1", 24, NULL),
                                   "demo=" MAC1, NULL),
                      NULL);

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  sh ("ip link set tknu-default alias ''");
  expect (f, "192.168.10.1", NULL, NULL);
  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  assert_observed (f->backend, targets);
  sh ("ip link set tknu-default alias mine");
  expect (f, "192.168.10.1", NULL,
          "error networks.default: link tknu-default has lost SCL's mark, its alias is \"mine\": give it "
          "back (ip link set tknu-default alias scl:tkn:default), or delete the link");
  sh ("ip link set tknu-default alias scl:tkn:default");
  expect (f, "192.168.10.1", NULL, NULL);
}

/* The LAN of eth9 inside a network's own subnet. */
static void
test_subnet_over_a_lan (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) diagnostics = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GListStore) networks = g_list_store_new (SCL_TYPE_NETWORK_SPEC);
  g_autoptr (SclNetworkSpec) wide = make_spec ("wide", "172.31.0.1", "198.0.0.1", 8, NULL);
  g_autoptr (SclManifest) manifest = NULL;
  const char *said = NULL;

  make_host_links ();
  g_list_store_append (networks, wide);
  manifest = scl_manifest_new (NULL, G_LIST_MODEL (networks), NULL);
  assert_ok (_scl_network_backend_preflight (f->backend, manifest, diagnostics, NULL, &error));
  for (guint i = 0; i < diagnostics->len && said == NULL; i++)
    if (strstr (scl_diagnostic_get_message (diagnostics->pdata[i]), "inside the network's own subnet") != NULL)
      said = scl_diagnostic_get_path (diagnostics->pdata[i]);
  assert_string_equal (said, "networks.wide.gatewayIP");
}

static void
test_gateway (void **state)
{
  Fixture *f = *state;

  expect (f, "192.168.10.1", "eth9", "warning gatewayInterface: interface eth9 does not exist");
  make_host_links ();
  sh ("nft add table ip mine; nft add chain ip mine fw '{ type filter hook forward priority 1; "
      "policy drop; }'");
  expect (f, "192.168.10.1", "eth9",
          "warning gatewayInterface: nft chain fw of table ip mine drops");
  expect (f, "192.168.10.1", NULL, NULL);
}

static void
test_foreign_links (void **state)
{
  Fixture *f = *state;

  sh ("ip link add tknu-default type bridge");
  expect (f, "192.168.10.1", NULL,
          "error networks.default: link tknu-default exists and is not ours: remove or rename it");
  sh ("ip link del tknu-default; ip link add tknn-demo-0 type bridge");
  expect (f, "192.168.10.1", NULL,
          "error virtualMachines.demo: link tknn-demo-0 exists and is not ours");
  sh ("ip link del tknn-demo-0; ip link add tknm-demo-0 type bridge");
  expect (f, "192.168.10.1", NULL,
          "error virtualMachines.demo: link tknm-demo-0 exists and is not this VM's");
}

static void
test_tools (void **state)
{
  Fixture *f = *state;
  g_autofree char *path = g_strdup (g_getenv ("PATH"));
  g_autofree char *nft = NULL;

  /* It is looked for in the usual folders, too: there it is covered, in this program's own mounts. */
  g_setenv ("PATH", "/nonexistent", TRUE);
  nft = _scl_find_program ("nft");
  if (nft != NULL)
    assert_int_equal (mount ("/dev/null", nft, NULL, MS_BIND, NULL), 0);
  expect (f, "192.168.10.1", NULL,
          "error networks: nft is not installed: install the package nftables");
  if (nft != NULL)
    assert_int_equal (umount2 (nft, MNT_DETACH), 0);
  g_setenv ("PATH", path, TRUE);
  expect (f, "192.168.10.1", NULL, NULL);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    network_test (test_external),      network_test (test_name_server),
    network_test (test_after_apply),   network_test (test_lost_mark), network_test (test_subnet_over_a_lan), network_test (test_gateway),
    network_test (test_foreign_links), network_test (test_tools),
  };

  if (fixture_enter () < 0)
    return skip_program ("root");
  return cmocka_run_group_tests (tests, NULL, NULL);
}
