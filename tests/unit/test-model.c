/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses, forwards, equality of specs, and a VM's spec as text. */
#include "base-test.h"
#include "model/scl-address-text-private.h"
#include "model/scl-vm-spec-private.h"
#include <scl/scl-forward-spec.h>
#include <scl/scl-manifest.h>

/* --- addresses --- */

static void
test_addresses (void **state)
{
  static const char *const bad[] = { "",          "1.2.3",       "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ",
                                     " 1.2.3.4",  "1..2.3",      "1.2.3.-4",  "1.2.3.0x4", "1.2.3.4/24", "example.org",
                                     "1.2.3.1234" };
  g_autoptr (GInetAddress) address = _scl_address_parse ("192.168.20.2", NULL);
  GError *error = NULL;

  assert_non_null (address);
  assert_int_equal (_scl_address_number (address), 0xc0a81402);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      assert_null (_scl_address_parse (bad[i], &error));
      assert_error_is (error, SCL_ERROR_INVALID, "is not an IPv4 address (four numbers");
    }
  assert_null (_scl_address_parse ("fd00::1", &error));
  assert_error_is (error, SCL_ERROR_INVALID, "\"fd00::1\" is not an IPv4 address (IPv6 is not supported yet)");
}

static void
test_address_numbers (void **state)
{
  static const guint32 numbers[] = { 0, 1, 0x7f000001, 0xffffffff };

  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      g_autoptr (GInetAddress) address = _scl_address_from_number (numbers[i]);
      g_autofree char *text = g_inet_address_to_string (address);
      g_autoptr (GInetAddress) again = _scl_address_parse (text, NULL);

      assert_int_equal (_scl_address_number (address), numbers[i]);
      assert_true (_scl_address_equal (address, again));
    }
  assert_true (_scl_address_equal (NULL, NULL));
}

static void
test_netmasks (void **state)
{
  static const char *const bad[] = { "0.0.0.0", "255.255.255.254", "255.255.255.255", "255.0.255.0", "24", "" };
  GError *error = NULL;

  for (guint length = 1; length <= 30; length++)
    {
      g_autofree char *text = _scl_address_netmask (length);

      assert_int_equal (_scl_address_parse_netmask (text, NULL), length);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      assert_int_equal (_scl_address_parse_netmask (bad[i], &error), 0);
      assert_error_is (error, SCL_ERROR_INVALID, "is not a network mask from 128.0.0.0 to 255.255.255.252");
    }
  assert_int_equal (_scl_address_mask (0), 0);
  assert_int_equal (_scl_address_mask (32), 0xffffffff);
}

static void
test_unusable_addresses (void **state)
{
  static const struct
  {
    const char *address, *wrong;
  } cases[] = { { "0.1.2.3", "is in 0.0.0.0/8 (\"this network\")" },
                { "127.0.0.1", "is in 127.0.0.0/8 (loopback)" },
                { "169.254.77.1", "is in 169.254.0.0/16 (link-local, used by SCL itself)" },
                { "224.0.0.1", "is in 224.0.0.0/4 (multicast)" },
                { "239.255.255.255", "is in 224.0.0.0/4 (multicast)" },
                { "240.0.0.1", "is in 240.0.0.0/4 (reserved)" },
                { "255.255.255.255", "is in 240.0.0.0/4 (reserved)" },
                { "1.0.0.0", NULL },
                { "126.255.255.255", NULL },
                { "128.0.0.0", NULL },
                { "169.253.255.255", NULL },
                { "169.255.0.0", NULL },
                { "223.255.255.255", NULL } };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GInetAddress) address = _scl_address_parse (cases[i].address, NULL);
      const char *wrong = _scl_address_unusable (address);

      assert_int_equal (g_strcmp0 (wrong, cases[i].wrong), 0);
    }
}

/* --- forwards --- */

static void
test_forward_text (void **state)
{
  g_autoptr (SclForwardSpec) forward
      = scl_forward_spec_new_from_string (SCL_PROTOCOL_UDP, "2222:192.168.20.2:22", NULL);
  g_autofree char *text = scl_forward_spec_to_string (forward);

  assert_string_equal (text, "2222:192.168.20.2:22");
  assert_int_equal (scl_forward_spec_get_protocol (forward), SCL_PROTOCOL_UDP);
  assert_int_equal (scl_forward_spec_get_host_port (forward), 2222);
  assert_int_equal (scl_forward_spec_get_port (forward), 22);
}

static void
test_forward_text_refused (void **state)
{
  static const char *const bad[] = { "",
                                     "2222",
                                     "2222:192.168.20.2",
                                     "2222:192.168.20.2:22:1",
                                     "0:192.168.20.2:22",
                                     "65536:192.168.20.2:22",
                                     "2222:192.168.20.2:0",
                                     "2222:192.168.20.2:99999999999999999999",
                                     "-1:192.168.20.2:22",
                                     "+1:192.168.20.2:22",
                                     " 2222:192.168.20.2:22",
                                     "2222:192.168.20.2:22 ",
                                     "2222:host:22",
                                     "2222::22",
                                     "2222:[fd00::1]:22",
                                     "22;drop:192.168.20.2:22" };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      GError *error = NULL;

      if (scl_forward_spec_new_from_string (SCL_PROTOCOL_TCP, bad[i], &error) != NULL)
        print_error ("accepted: %s\n", bad[i]);
      assert_error_is (error, SCL_ERROR_INVALID, "");
    }
}

static void
test_forward_equal (void **state)
{
  static const struct
  {
    SclProtocol protocol;
    const char *text;
  } others[] = { { SCL_PROTOCOL_UDP, "1:10.0.0.2:2" },
                 { SCL_PROTOCOL_TCP, "2:10.0.0.2:2" },
                 { SCL_PROTOCOL_TCP, "1:10.0.0.3:2" },
                 { SCL_PROTOCOL_TCP, "1:10.0.0.2:3" } };
  g_autoptr (SclForwardSpec) one
      = scl_forward_spec_new_from_string (SCL_PROTOCOL_TCP, "1:10.0.0.2:2", NULL);
  g_autoptr (SclForwardSpec) same
      = scl_forward_spec_new_from_string (SCL_PROTOCOL_TCP, "1:10.0.0.2:2", NULL);

  assert_true (scl_forward_spec_equal (one, same));
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (SclForwardSpec) other
          = scl_forward_spec_new_from_string (others[i].protocol, others[i].text, NULL);

      assert_false (scl_forward_spec_equal (one, other));
    }
}

/* --- VMs --- */

static GListModel *
list_of (GType type, gpointer item)
{
  GListStore *list = g_list_store_new (type);

  g_list_store_append (list, item);
  g_object_unref (item);
  return G_LIST_MODEL (list);
}

/* A spec none of whose properties has its default; NAME stands in every text of it. */
static SclVmSpec *
vm_new (const char *name)
{
  g_autoptr (GListModel) disks = list_of (SCL_TYPE_DISK_SPEC, scl_disk_spec_new (name, name, 4096));
  g_autoptr (GListModel) nics = list_of (SCL_TYPE_NIC_SPEC, scl_nic_spec_new (name, name));

  return g_object_new (SCL_TYPE_VM_SPEC, "name", name, "cores", 7u, "memory-mib", G_GUINT64_CONSTANT (5000000000),
                       "auto-start", FALSE, "firmware", SCL_FIRMWARE_BIOS, "accelerator", SCL_ACCELERATOR_TCG,
                       "shutdown-timeout", 5u, "on-change", SCL_ON_CHANGE_RESTART, "user-config-file", name,
                       "network-config-file", name, "disks", disks, "nics", nics, NULL);
}

static void
test_vm_text_round_trip (void **state)
{
  static const char *const names[] = { "demo",
                                       "'",
                                       "\"",
                                       "\\",
                                       "</scl:vm>&amp;]]>",
                                       "a'b\"c\\d\n\t%s $(id) `id`",
                                       "{'name': <'x'>}",
                                       "größe \xf0\x9f\x98\x80",
                                       "@a{sv} {}" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (SclVmSpec) vm = vm_new (names[i]);
      g_autofree char *text = _scl_vm_spec_to_text (vm);
      g_autoptr (SclVmSpec) again = _scl_vm_spec_from_text (text, NULL);
      g_autofree char *second = NULL;

      assert_non_null (again);
      assert_true (scl_vm_spec_equal (vm, again));
      second = _scl_vm_spec_to_text (again);
      assert_string_equal (text, second);
    }
}

static void
test_vm_text_of_defaults (void **state)
{
  g_autoptr (SclVmSpec) vm = g_object_new (SCL_TYPE_VM_SPEC, "name", "demo", NULL);
  g_autofree char *text = _scl_vm_spec_to_text (vm);
  g_autoptr (SclVmSpec) again = _scl_vm_spec_from_text (text, NULL);
  g_autoptr (SclVmSpec) sparse = _scl_vm_spec_from_text ("{'name': <'demo'>}", NULL);
  g_autoptr (SclVmSpec) newer
      = _scl_vm_spec_from_text ("{'name': <'demo'>, 'ofTheFuture': <[1, 2]>, 'firmware': <'teleport'>}", NULL);

  assert_true (scl_vm_spec_equal (vm, again));
  assert_true (scl_vm_spec_equal (vm, sparse));
  assert_true (scl_vm_spec_equal (vm, newer));
}

static void
test_vm_text_refused (void **state)
{
  static const char *const bad[] = { "", "{", "'text'", "{'name': 'demo'}", "[1, 2]", "{'name': <'demo'>} rest" };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      GError *error = NULL;

      assert_null (_scl_vm_spec_from_text (bad[i], &error));
      assert_error_is (error, SCL_ERROR_INVALID, "the stored spec cannot be read: ");
    }
}

/* What libvirt hands back may be of the wrong type: never a crash, the default instead. */
static void
test_vm_text_of_wrong_types (void **state)
{
  g_autoptr (SclVmSpec) vm = _scl_vm_spec_from_text (
      "{'name': <'demo'>, 'cores': <'many'>, 'disks': <5>, 'nics': <['a']>, 'autoStart': <1>, 'firmware': <2>}", NULL);

  assert_non_null (vm);
  assert_int_equal (scl_vm_spec_get_cores (vm), 1);
  assert_int_equal (g_list_model_get_n_items (scl_vm_spec_get_disks (vm)), 0);
  assert_null (_scl_vm_spec_peek_boot_disk (vm));
  assert_null (_scl_vm_spec_peek_nic (vm, 0));
}

static void
test_vm_equal_sees_every_property (void **state)
{
  g_autoptr (SclVmSpec) vm = vm_new ("demo");
  g_autofree GParamSpec **specs = NULL;
  guint n = 0;

  specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (vm), &n);
  assert_int_equal (n, 12);
  for (guint changed = 0; changed < n; changed++)
    {
      const char *names[12];
      GValue values[12] = { 0 };
      g_autoptr (SclVmSpec) other = NULL;

      for (guint i = 0; i < n; i++)
        {
          names[i] = specs[i]->name;
          g_value_init (&values[i], specs[i]->value_type);
          /* The changed one gets its default, which no property of vm_new () has. */
          if (i == changed)
            g_param_value_set_default (specs[i], &values[i]);
          else
            g_object_get_property (G_OBJECT (vm), specs[i]->name, &values[i]);
        }
      other = SCL_VM_SPEC (g_object_new_with_properties (SCL_TYPE_VM_SPEC, n, names, values));
      if (scl_vm_spec_equal (vm, other))
        print_error ("%s does not count\n", specs[changed]->name);
      assert_false (scl_vm_spec_equal (vm, other));
      for (guint i = 0; i < n; i++)
        g_value_unset (&values[i]);
    }
}

static void
test_manifest_equal (void **state)
{
  g_autoptr (GListModel) vms = list_of (SCL_TYPE_VM_SPEC, vm_new ("demo"));
  g_autoptr (GListModel) networks = list_of (SCL_TYPE_NETWORK_SPEC, scl_network_spec_new ("default"));
  g_autoptr (SclManifest) empty = scl_manifest_new (NULL, NULL, NULL);
  g_autoptr (SclManifest) uplink = scl_manifest_new ("eth0", NULL, NULL);
  g_autoptr (SclManifest) with_vm = scl_manifest_new (NULL, NULL, vms);
  g_autoptr (SclManifest) with_network = scl_manifest_new (NULL, networks, NULL);
  SclManifest *all[] = { empty, uplink, with_vm, with_network };

  assert_true (scl_manifest_is_empty (empty));
  assert_false (scl_manifest_is_empty (with_vm));
  assert_non_null (scl_manifest_lookup_vm (with_vm, "demo"));
  assert_null (scl_manifest_lookup_vm (with_vm, "Demo"));
  for (gsize i = 0; i < G_N_ELEMENTS (all); i++)
    for (gsize j = 0; j < G_N_ELEMENTS (all); j++)
      assert_int_equal (scl_manifest_equal (all[i], all[j]), i == j);
}

/* A spec keeps what it was given, whatever happens to the list that it came from. */
static void
test_specs_are_immutable (void **state)
{
  g_autoptr (GListModel) disks = list_of (SCL_TYPE_DISK_SPEC, scl_disk_spec_new ("a", "/a", 1));
  g_autoptr (SclVmSpec) vm = g_object_new (SCL_TYPE_VM_SPEC, "name", "a", "disks", disks, NULL);

  g_list_store_remove_all (G_LIST_STORE (disks));
  assert_int_equal (g_list_model_get_n_items (scl_vm_spec_get_disks (vm)), 1);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_addresses),
    cmocka_unit_test (test_address_numbers),
    cmocka_unit_test (test_netmasks),
    cmocka_unit_test (test_unusable_addresses),
    cmocka_unit_test (test_forward_text),
    cmocka_unit_test (test_forward_text_refused),
    cmocka_unit_test (test_forward_equal),
    cmocka_unit_test (test_vm_text_round_trip),
    cmocka_unit_test (test_vm_text_of_defaults),
    cmocka_unit_test (test_vm_text_refused),
    cmocka_unit_test (test_vm_text_of_wrong_types),
    cmocka_unit_test (test_vm_equal_sees_every_property),
    cmocka_unit_test (test_manifest_equal),
    cmocka_unit_test (test_specs_are_immutable),
  };

  return cmocka_run_group_tests_name ("model", tests, NULL, NULL);
}
