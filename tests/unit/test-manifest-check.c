/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can be wrong with a manifest without looking at a host, and what exactly is said of it. */
#include "base-test.h"
#include "model/scl-address-text-private.h"
#include <scl/scl-disk-spec.h>
#include <scl/scl-manifest.h>
#include <scl/scl-nic-spec.h>

/* --- building one --- */

typedef struct
{
  GListStore *networks;
  GListStore *vms;
} Parts;

static Parts
parts_new (void)
{
  return (Parts){ g_list_store_new (SCL_TYPE_NETWORK_SPEC), g_list_store_new (SCL_TYPE_VM_SPEC) };
}

static void
add_network (Parts *parts, const char *name, const char *external, const char *gateway, guint length,
             const char *const *forwards)
{
  g_autoptr (GInetAddress) external_ip = external == NULL ? NULL : g_inet_address_new_from_string (external);
  g_autoptr (GInetAddress) gateway_ip = gateway == NULL ? NULL : g_inet_address_new_from_string (gateway);
  g_autoptr (GListStore) list = g_list_store_new (SCL_TYPE_FORWARD_SPEC);
  g_autoptr (SclNetworkSpec) network = NULL;

  for (; forwards != NULL && *forwards != NULL; forwards++)
    {
      gboolean udp = g_str_has_prefix (*forwards, "udp ");
      g_autoptr (SclForwardSpec) forward = scl_forward_spec_new_from_string (
          udp ? SCL_PROTOCOL_UDP : SCL_PROTOCOL_TCP, *forwards + (udp ? 4 : 0), NULL);

      assert_non_null (forward);
      g_list_store_append (list, forward);
    }
  network = g_object_new (SCL_TYPE_NETWORK_SPEC, "name", name, "external-ip", external_ip, "gateway-ip",
                          gateway_ip, "prefix-length", length, "forwards", list, NULL);
  g_list_store_append (parts->networks, network);
}

static void
add_vm (Parts *parts, const char *name, const char *network, const char *image, const char *mac)
{
  g_autoptr (GListStore) disks = g_list_store_new (SCL_TYPE_DISK_SPEC);
  g_autoptr (GListStore) nics = g_list_store_new (SCL_TYPE_NIC_SPEC);
  g_autoptr (SclDiskSpec) disk = scl_disk_spec_new (name, image, 0);
  g_autoptr (SclNicSpec) nic = scl_nic_spec_new (network, mac);
  g_autoptr (SclVmSpec) vm = NULL;

  g_list_store_append (disks, disk);
  g_list_store_append (nics, nic);
  vm = g_object_new (SCL_TYPE_VM_SPEC, "name", name, "disks", disks, "nics", nics, NULL);
  g_list_store_append (parts->vms, vm);
}

static void
add_default (Parts *parts)
{
  add_network (parts, "default", "192.168.10.1", "192.168.20.1", 24, NULL);
}

/* Exactly these "path: message" lines, in this order. Frees the parts. */
static void
check_says (Parts *parts, const char *uplink, const char *prefix, const char *const *expected)
{
  g_autoptr (SclManifest) manifest
      = scl_manifest_new (uplink, G_LIST_MODEL (parts->networks), G_LIST_MODEL (parts->vms));
  g_autoptr (GPtrArray) found = scl_manifest_check (manifest, prefix);
  g_autoptr (GString) said = g_string_new (NULL);
  g_autoptr (GString) wanted = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < found->len; i++)
    g_string_append_printf (said, "%s: %s\n", scl_diagnostic_get_path (found->pdata[i]),
                            scl_diagnostic_get_message (found->pdata[i]));
  for (; *expected != NULL; expected++)
    g_string_append_printf (wanted, "%s\n", *expected);
  assert_string_equal (said->str, wanted->str);
  assert_int_equal (scl_manifest_validate (manifest, prefix, &error), found->len == 0);
  assert_int_equal (g_error_matches (error, SCL_ERROR, SCL_ERROR_INVALID), found->len != 0);
  g_object_unref (parts->networks);
  g_object_unref (parts->vms);
}

#define SAYS(parts, ...) check_says (parts, NULL, NULL, (const char *[]){ __VA_ARGS__, NULL })
#define SAYS_NOTHING(parts) check_says (parts, NULL, NULL, (const char *[]){ NULL })

/* --- the rules --- */

static void
test_right (void **state)
{
  static const char *const forwards[]
      = { "2222:192.168.20.2:22", "udp 2222:192.168.20.2:22", "1:192.168.20.254:65535", NULL };
  Parts parts = parts_new ();

  add_network (&parts, "default", "192.168.10.1", "192.168.20.1", 24, forwards);
  /* Equal subnets and equal forwards of two networks are no error. */
  add_network (&parts, "other", "192.168.10.2", "192.168.20.1", 24, forwards);
  add_vm (&parts, "demo", "default", "/image.raw", "52:54:00:00:00:01");
  add_vm (&parts, "web", "other", "/image.raw", NULL);
  check_says (&parts, "eth0", "lab", (const char *[]){ NULL });
}

static void
test_empty_is_right (void **state)
{
  Parts parts = parts_new ();

  SAYS_NOTHING (&parts);
}

static void
test_gateway_interface (void **state)
{
  Parts parts = parts_new ();

  check_says (&parts, "eth 0", NULL,
              (const char *[]){ "gatewayInterface: \"eth 0\" may only have letters, digits and _.:@-", NULL });
}

static void
test_names (void **state)
{
  Parts parts = parts_new ();

  add_network (&parts, "a.b", "192.168.10.1", "192.168.10.1", 24, NULL);
  add_vm (&parts, "-x", "nowhere", NULL, NULL);
  /* Of an object without a usable name nothing else is said. */
  SAYS (&parts,
        "networks.a.b: the name \"a.b\" may only have letters, digits and hyphens (it is a DNS label)",
        "virtualMachines.-x: the name \"-x\" must not begin or end with a hyphen (it is a DNS label)");
}

static void
test_names_collide (void **state)
{
  Parts parts = parts_new ();

  add_default (&parts);
  add_network (&parts, "Default", "192.168.11.1", "192.168.20.0", 24, NULL);
  add_vm (&parts, "demo", "default", "/i", NULL);
  add_vm (&parts, "DEMO", "nowhere", "/i", NULL);
  /* A network and a VM may have one name. */
  add_vm (&parts, "default", "default", "/i", NULL);
  /* The other mistakes of an object that collides are told in the same run. */
  SAYS (&parts,
        "networks.Default: collides with networks.default: names must differ in more than upper and lower case",
        "networks.Default.gatewayIP: is the network address of 192.168.20.0/24: take the next one",
        "virtualMachines.DEMO: collides with virtualMachines.demo: names must differ in more than upper and lower case",
        "virtualMachines.DEMO.network: network \"nowhere\" is not defined (defined: default, Default)");
}

static void
test_host_addresses (void **state)
{
  Parts parts = parts_new ();

  add_network (&parts, "a", "127.0.0.1", "0.1.2.3", 24, NULL);
  add_network (&parts, "b", "169.254.1.1", "224.0.0.5", 24, NULL);
  add_network (&parts, "c", NULL, "10.0.0.1", 24, NULL);
  add_network (&parts, "d", "10.1.0.1", NULL, 24, NULL);
  SAYS (&parts,
        "networks.a.gatewayIP: 0.1.2.3 is in 0.0.0.0/8 (\"this network\"): take one from a private range such as 192.168.0.0/16",
        "networks.a.externalIP: 127.0.0.1 is in 127.0.0.0/8 (loopback): take one from a private range such as 192.168.0.0/16",
        "networks.b.gatewayIP: 224.0.0.5 is in 224.0.0.0/4 (multicast): take one from a private range such as 192.168.0.0/16",
        "networks.b.externalIP: 169.254.1.1 is in 169.254.0.0/16 (link-local, used by SCL itself): take one from a private range "
        "such as 192.168.0.0/16",
        "networks.c.externalIP: is missing: say which IPv4 address, e.g. 192.168.30.1",
        "networks.d.gatewayIP: is missing: say which IPv4 address, e.g. 192.168.30.1");
}

static void
test_masks (void **state)
{
  Parts parts = parts_new ();

  add_network (&parts, "a", "192.168.10.1", "10.0.0.1", 0, NULL);
  add_network (&parts, "b", "192.168.10.2", "10.0.0.1", 31, NULL);
  add_network (&parts, "c", "192.168.10.3", "10.0.0.1", 30, NULL);
  SAYS (&parts, "networks.a.internalNetmask: the mask must have 1 to 30 bits, not 0",
        "networks.b.internalNetmask: the mask must have 1 to 30 bits, not 31");
}

static void
test_gateways (void **state)
{
  Parts parts = parts_new ();

  add_network (&parts, "a", "192.168.10.1", "10.0.0.0", 24, NULL);
  add_network (&parts, "b", "192.168.10.2", "10.0.0.255", 24, NULL);
  add_network (&parts, "c", "10.0.0.9", "10.0.0.1", 24, NULL);
  add_network (&parts, "d", "10.0.1.0", "10.0.0.1", 24, NULL);
  SAYS (&parts, "networks.a.gatewayIP: is the network address of 10.0.0.0/24: take the next one",
        "networks.b.gatewayIP: is the broadcast address of 10.0.0.0/24: take the one before",
        "networks.c.externalIP: is inside the network's own subnet 10.0.0.0/24: take an address outside of it");
}

static void
test_external_ips_differ (void **state)
{
  Parts parts = parts_new ();

  add_default (&parts);
  add_network (&parts, "other", "192.168.10.1", "10.0.0.1", 24, NULL);
  SAYS (&parts, "networks.other.externalIP: is already the external IP of network \"default\"");
}

static void
test_forwards (void **state)
{
  static const char *const forwards[] = { "1:10.0.1.2:22", "udp 1:10.0.0.1:22", "2:10.0.0.0:22", "3:10.0.0.255:22",
                                          "1:10.0.0.2:23", "udp 2:10.0.0.2:22", NULL };
  Parts parts = parts_new ();

  add_network (&parts, "a", "192.168.10.1", "10.0.0.1", 24, forwards);
  SAYS (&parts, "networks.a.allowedTCPPorts[0]: 10.0.1.2 is outside the network's subnet 10.0.0.0/24",
        "networks.a.allowedUDPPorts[0]: 10.0.0.1 is the network's gateway: name a VM's address",
        "networks.a.allowedTCPPorts[1]: 10.0.0.0 is the network address of 10.0.0.0/24: name a VM's address",
        "networks.a.allowedTCPPorts[2]: 10.0.0.255 is the broadcast address of 10.0.0.0/24: name a VM's address",
        "networks.a.allowedTCPPorts[3]: host port 1 is already forwarded by networks.a.allowedTCPPorts[0]");
}

static void
test_forward_ports (void **state)
{
  Parts parts = parts_new ();
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string ("10.0.0.2");
  g_autoptr (GInetAddress) external = g_inet_address_new_from_string ("192.168.10.1");
  g_autoptr (GInetAddress) gateway = g_inet_address_new_from_string ("10.0.0.1");
  g_autoptr (SclForwardSpec) forward = scl_forward_spec_new (SCL_PROTOCOL_TCP, 0, address, 22);
  g_autoptr (GListStore) list = g_list_store_new (SCL_TYPE_FORWARD_SPEC);
  g_autoptr (SclNetworkSpec) network = NULL;

  g_list_store_append (list, forward);
  network = g_object_new (SCL_TYPE_NETWORK_SPEC, "name", "a", "external-ip", external, "gateway-ip", gateway,
                          "forwards", list, NULL);
  g_list_store_append (parts.networks, network);
  SAYS (&parts, "networks.a.allowedTCPPorts[0]: ports are numbers from 1 to 65535");
}

static void
test_vm_network (void **state)
{
  Parts parts = parts_new ();

  add_vm (&parts, "demo", "default", "/i", NULL);
  add_vm (&parts, "web", NULL, "/i", NULL);
  SAYS (&parts, "virtualMachines.demo.network: network \"default\" is not defined (defined: none)",
        "virtualMachines.web.network: network \"\" is not defined (defined: none)");
}

static void
test_known_networks_are_few (void **state)
{
  Parts parts = parts_new ();

  for (int i = 0; i < 10; i++)
    {
      g_autofree char *name = g_strdup_printf ("n%d", i);
      g_autofree char *external = g_strdup_printf ("192.168.10.%d", i + 1);

      add_network (&parts, name, external, "10.0.0.1", 24, NULL);
    }
  add_vm (&parts, "demo", "n99", "/i", NULL);
  SAYS (&parts,
        "virtualMachines.demo.network: network \"n99\" is not defined (defined: n0, n1, n2, n3, n4, n5, n6, n7, …)");
}

static void
test_macs (void **state)
{
  Parts parts = parts_new ();

  add_default (&parts);
  add_vm (&parts, "a", "default", "/i", "52:54:00:12:34:5");
  add_vm (&parts, "b", "default", "/i", "53:54:00:12:34:56");
  add_vm (&parts, "c", "default", "/i", "00:00:00:00:00:00");
  add_vm (&parts, "d", "default", "/i", "52:54:00:12:34:AB");
  add_vm (&parts, "e", "default", "/i", "52:54:00:12:34:ab");
  SAYS (&parts,
        "virtualMachines.a.mac: \"52:54:00:12:34:5\" is not a MAC address (e.g. 52:54:00:12:34:56)",
        "virtualMachines.b.mac: 53:54:00:12:34:56 cannot be the address of a card: the first byte must be even, e.g. 52:…",
        "virtualMachines.c.mac: 00:00:00:00:00:00 cannot be the address of a card: the first byte must be even, e.g. 52:…",
        "virtualMachines.e.mac: 52:54:00:12:34:ab is already the MAC address of virtualMachines.d.mac");
}

static void
test_files (void **state)
{
  Parts parts = parts_new ();
  g_autoptr (GListStore) disks = g_list_store_new (SCL_TYPE_DISK_SPEC);
  g_autoptr (SclDiskSpec) disk = scl_disk_spec_new ("other", "image.raw", 0);
  g_autoptr (SclVmSpec) vm = NULL;
  g_autoptr (SclVmSpec) bare = NULL;

  g_list_store_append (disks, disk);
  vm = g_object_new (SCL_TYPE_VM_SPEC, "name", "a", "disks", disks, "cores", 0u, "memory-mib", G_GUINT64_CONSTANT (0),
                     "user-config-file", "u.yaml", "network-config-file", "n.yaml", NULL);
  bare = g_object_new (SCL_TYPE_VM_SPEC, "name", "b", NULL);
  g_list_store_append (parts.vms, vm);
  g_list_store_append (parts.vms, bare);
  SAYS (&parts, "virtualMachines.a.cores: must be at least 1",
        "virtualMachines.a.memorySize: must be at least 1 MiB",
        "virtualMachines.a.image: \"image.raw\" is not an absolute path",
        "virtualMachines.a.image: a boot volume is named after its VM, not \"other\"",
        "virtualMachines.a.cloudInitUserConfigFile: \"u.yaml\" is not an absolute path",
        "virtualMachines.a.cloudInitNetworkConfigFile: \"n.yaml\" is not an absolute path",
        "virtualMachines.b.image: is missing: say which raw image the VM boots from");
}

static void
add_disk (GListStore *disks, const char *volume, const char *image)
{
  g_autoptr (SclDiskSpec) disk = scl_disk_spec_new (volume, image, 0);

  g_list_store_append (disks, disk);
}

/* Only a library can build these: a manifest's text has one disk and one NIC of a VM. */
static void
test_several_disks_and_nics (void **state)
{
  Parts parts = parts_new ();
  g_autoptr (GListStore) disks = g_list_store_new (SCL_TYPE_DISK_SPEC);
  g_autoptr (GListStore) nics = g_list_store_new (SCL_TYPE_NIC_SPEC);
  g_autoptr (SclNicSpec) nic = scl_nic_spec_new ("default", "52:54:00:00:00:01");
  g_autoptr (SclNicSpec) same = scl_nic_spec_new ("nowhere", "52:54:00:00:00:01");
  g_autoptr (SclVmSpec) vm = NULL;

  add_default (&parts);
  add_disk (disks, "a", "/image.raw");
  add_disk (disks, "data", "/image.raw");
  add_disk (disks, "DATA", "/image.raw");
  add_disk (disks, "B", NULL);
  add_disk (disks, "../x", "image.raw");
  g_list_store_append (nics, nic);
  g_list_store_append (nics, same);
  vm = g_object_new (SCL_TYPE_VM_SPEC, "name", "a", "disks", disks, "nics", nics, NULL);
  g_list_store_append (parts.vms, vm);
  add_vm (&parts, "b", "default", "/image.raw", NULL);
  SAYS (&parts,
        "virtualMachines.a.disks[2]: volume \"DATA\" is already that of virtualMachines.a.disks[1]: each disk needs one "
        "of its own",
        "virtualMachines.a.disks[3]: is missing: say which raw image it is made from",
        "virtualMachines.a.disks[3]: volume \"B\" is already that of virtualMachines.b: each disk needs one of its own",
        "virtualMachines.a.disks[4]: \"image.raw\" is not an absolute path",
        "virtualMachines.a.disks[4]: \"../x\" cannot be the name of its volume: it may only have letters, digits and "
        "hyphens (it is a DNS label)",
        "virtualMachines.a.nics[1].network: network \"nowhere\" is not defined (defined: default)",
        "virtualMachines.a.nics[1].mac: 52:54:00:00:00:01 is already the MAC address of virtualMachines.a.mac");
}

/* Two long names whose digests meet are too rare to find; a name that looks like another's digest is
 * easy: the digest of "a-very-long-name" is nqkyqqva. */
static void
test_link_names_meet (void **state)
{
  Parts parts = parts_new ();

  add_network (&parts, "a-very-long-name", "192.168.10.1", "10.0.0.1", 24, NULL);
  add_network (&parts, "nqkyqqva", "192.168.10.2", "10.0.0.1", 24, NULL);
  SAYS (&parts,
        "networks.nqkyqqva: needs the link name sclu-nqkyqqva, as networks.a-very-long-name does: rename one of the two");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_right),
    cmocka_unit_test (test_empty_is_right),
    cmocka_unit_test (test_gateway_interface),
    cmocka_unit_test (test_names),
    cmocka_unit_test (test_names_collide),
    cmocka_unit_test (test_host_addresses),
    cmocka_unit_test (test_masks),
    cmocka_unit_test (test_gateways),
    cmocka_unit_test (test_external_ips_differ),
    cmocka_unit_test (test_forwards),
    cmocka_unit_test (test_forward_ports),
    cmocka_unit_test (test_vm_network),
    cmocka_unit_test (test_known_networks_are_few),
    cmocka_unit_test (test_macs),
    cmocka_unit_test (test_files),
    cmocka_unit_test (test_several_disks_and_nics),
    cmocka_unit_test (test_link_names_meet),
  };

  return cmocka_run_group_tests_name ("manifest-check", tests, NULL, NULL);
}
