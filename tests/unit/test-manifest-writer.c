/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manifest-test.h"
#include <scl/scl-disk-spec.h>
#include <scl/scl-nic-spec.h>

#define N_RANDOM 500

static const SclManifestFormat formats[] = { SCL_MANIFEST_FORMAT_YAML, SCL_MANIFEST_FORMAT_JSON };

/* Written, read, written: an equal manifest and the same bytes, in both notations. */
static void
assert_round_trip (SclManifest *manifest)
{
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_autofree char *text = scl_manifest_to_string (manifest, formats[i], NULL);
      g_autoptr (SclManifest) again = load_text (text);
      g_autofree char *text_again = scl_manifest_to_string (again, formats[i], NULL);

      assert_true (scl_manifest_equal (manifest, again));
      assert_string_equal (text, text_again);
    }
}

static GListModel *
take_list (GPtrArray *items)
{
  GListStore *store = g_list_store_new (G_TYPE_OBJECT);

  for (guint i = 0; i < items->len; i++)
    g_list_store_append (store, items->pdata[i]);
  g_ptr_array_unref (items);
  return G_LIST_MODEL (store);
}

static GPtrArray *
new_items (void)
{
  return g_ptr_array_new_with_free_func (g_object_unref);
}

/* Ports count up, so that no two of a network are the same. */
static GListModel *
random_forwards (GRand *rand)
{
  GPtrArray *items = new_items ();
  guint n = g_rand_int_range (rand, 0, 4);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *text
          = g_strdup_printf ("%u:172.16.%d.%d:%d", 1000 + i * 7919, g_rand_int_range (rand, 1, 255),
                             g_rand_int_range (rand, 1, 255), g_rand_int_range (rand, 1, 65536));

      g_ptr_array_add (
          items, scl_forward_spec_new_from_string (
                     g_rand_boolean (rand) ? SCL_PROTOCOL_TCP : SCL_PROTOCOL_UDP, text, NULL));
    }
  return take_list (items);
}

static SclNetworkSpec *
random_network (GRand *rand, const char *name, guint number)
{
  g_autofree char *external = g_strdup_printf ("10.%u.1.1", number);
  g_autoptr (GInetAddress) external_ip = g_inet_address_new_from_string (external);
  g_autoptr (GInetAddress) gateway_ip = g_inet_address_new_from_string ("172.16.0.1");
  g_autoptr (GListModel) forwards = random_forwards (rand);

  return g_object_new (SCL_TYPE_NETWORK_SPEC, "name", name, "external-ip", external_ip,
                       "gateway-ip", gateway_ip, "prefix-length",
                       (guint) g_rand_int_range (rand, 8, 17), "forwards", forwards, NULL);
}

/* Any text that a path can be, also what YAML and JSON have to quote. */
static char *
random_path (GRand *rand)
{
  static const char *const pieces[] = {
    "a", "Z",   "0", " ", "/x",     ":",      ": ", " #",   "\"",   "'",    "\\",  "%",  "&",
    "*", "!",   "|", ">", "{",      "}",      "[",  "]",    ",",    "-",    "?",   "@",  "`",
    "~", "\\n", "é", "😀", "\u00a0", "\u200d", "ﷺ",  "null", "true", "$(x)", "<a>", "..", "0x1"
  };
  GString *path = g_string_new ("/");
  gint n = g_rand_int_range (rand, 1, 12);

  while (n-- > 0)
    g_string_append (path, pieces[g_rand_int_range (rand, 0, G_N_ELEMENTS (pieces))]);
  g_string_append (path, "f");
  return g_string_free (path, FALSE);
}

static GListModel *
random_disks (GRand *rand, const char *name)
{
  g_autofree char *image = random_path (rand);
  GPtrArray *items = new_items ();

  g_ptr_array_add (items, scl_disk_spec_new (name, image,
                                             g_rand_boolean (rand)
                                                 ? 0
                                                 : (guint64) g_rand_int_range (rand, 1, 1 << 26)));
  return take_list (items);
}

static GListModel *
random_nics (GRand *rand, const char *network, guint number)
{
  g_autofree char *mac = g_strdup_printf ("52:54:00:%02x:00:%02x", number >> 8, number & 255);
  GPtrArray *items = new_items ();

  g_ptr_array_add (items, scl_nic_spec_new (network, g_rand_boolean (rand) ? mac : NULL));
  return take_list (items);
}

static SclVmSpec *
random_vm (GRand *rand, const char *name, const char *network, guint number)
{
  g_autoptr (GListModel) disks = random_disks (rand, name);
  g_autoptr (GListModel) nics = random_nics (rand, network, number);
  g_autofree char *user = g_rand_boolean (rand) ? random_path (rand) : NULL;
  g_autofree char *net = g_rand_boolean (rand) ? random_path (rand) : NULL;

  return g_object_new (SCL_TYPE_VM_SPEC, "name", name, "disks", disks, "nics", nics, "cores",
                       (guint) g_rand_int_range (rand, 1, 256), "memory-mib",
                       (guint64) g_rand_int_range (rand, 16, 16 << 20), "auto-start",
                       g_rand_boolean (rand), "firmware", (int) g_rand_int_range (rand, 0, 2),
                       "accelerator", (int) g_rand_int_range (rand, 0, 3), "shutdown-timeout",
                       (guint) g_rand_int_range (rand, 1, 86401), "on-change",
                       (int) g_rand_int_range (rand, 0, 2), "user-config-file", user,
                       "network-config-file", net, NULL);
}

static const char *const names[] = { "zoo", "no", "5", "default", "null", "a-b", "1e3", "Y" };

static SclManifest *
random_manifest (GRand *rand)
{
  GPtrArray *network_items = new_items ();
  GPtrArray *vm_items = new_items ();
  g_autoptr (GListModel) networks = NULL;
  g_autoptr (GListModel) vms = NULL;
  const char *network = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_rand_boolean (rand))
      {
        network = names[i];
        g_ptr_array_add (network_items, random_network (rand, network, i + 1));
      }
  for (guint i = 0; i < G_N_ELEMENTS (names) && network != NULL; i++)
    if (g_rand_boolean (rand))
      g_ptr_array_add (vm_items, random_vm (rand, names[i], network, i));
  networks = take_list (network_items);
  vms = take_list (vm_items);
  return scl_manifest_new (g_rand_boolean (rand) ? "eth0" : NULL, networks, vms);
}

static void
test_random_manifests (void **state)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (20250117);

  for (guint i = 0; i < N_RANDOM; i++)
    {
      g_autoptr (SclManifest) manifest = random_manifest (rand);
      g_autoptr (GError) error = NULL;

      if (!scl_manifest_validate (manifest, NULL, &error))
        fail_msg ("random manifest %u is wrong: %s", i, error->message);
      assert_round_trip (manifest);
    }
}

static void
test_examples (void **state)
{
  static const char *const files[]
      = { "good/example.yaml",  "good/extended.yaml",     "good/all-keys.yaml",
          "good/norway.yaml",   "good/strange-path.yaml", "good/unicode-path.json",
          "good/empty-map.yaml" };

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *text = read_text (files[i]);
      g_autoptr (SclManifest) manifest = load_text (text);

      assert_round_trip (manifest);
    }
}

static void
test_exact_text (void **state)
{
  g_autofree char *source = read_text ("good/extended.yaml");
  g_autoptr (SclManifest) manifest = load_text (source);
  g_autofree char *json = scl_manifest_to_string (manifest, SCL_MANIFEST_FORMAT_JSON, NULL);

  assert_string_equal (json, "{\n"
                             "  \"version\" : 1,\n"
                             "  \"gatewayInterface\" : \"eth0\",\n"
                             "  \"networks\" : {\n"
                             "    \"demo\" : {\n"
                             "      \"externalIP\" : \"192.168.44.1\",\n"
                             "      \"gatewayIP\" : \"10.0.0.1\",\n"
                             "      \"internalNetmask\" : \"255.0.0.0\",\n"
                             "      \"allowedTCPPorts\" : [\n"
                             "        \"2222:10.0.0.2:22\"\n"
                             "      ],\n"
                             "      \"allowedUDPPorts\" : [\n"
                             "        \"8000:10.0.0.3:8000\"\n"
                             "      ]\n"
                             "    },\n"
                             "    \"default\" : null\n"
                             "  }\n"
                             "}\n");
}

/* Objects made by hand may lack everything; writing them down does not crash. */
static void
test_incomplete_objects (void **state)
{
  GPtrArray *network_items = new_items ();
  GPtrArray *vm_items = new_items ();
  GPtrArray *nic_items = new_items ();
  g_autoptr (GListModel) networks = NULL;
  g_autoptr (GListModel) nics = NULL;
  g_autoptr (GListModel) vms = NULL;
  g_autoptr (SclManifest) manifest = NULL;

  g_ptr_array_add (network_items, scl_network_spec_new (NULL));
  g_ptr_array_add (network_items, scl_network_spec_new ("lan"));
  g_ptr_array_add (nic_items, scl_nic_spec_new (NULL, NULL));
  nics = take_list (nic_items);
  g_ptr_array_add (vm_items, scl_vm_spec_new (NULL, NULL, nics));
  g_ptr_array_add (vm_items, g_object_new (SCL_TYPE_VM_SPEC, "name", "\xff\n", "user-config-file",
                                           "/\xfe", "nics", nics, NULL));
  networks = take_list (network_items);
  vms = take_list (vm_items);
  manifest = scl_manifest_new ("\x01", networks, vms);
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_autofree char *text = scl_manifest_to_string (manifest, formats[i], NULL);

      assert_true (g_utf8_validate (text, -1, NULL));
      assert_non_null (strstr (text, "lan"));
    }
}

/* FIRST, SECOND: volumes of its disks; NULL: no such disk. */
static void
assert_not_said (const char *first, const char *second, guint n_nics, const char *message)
{
  GPtrArray *disk_items = new_items ();
  GPtrArray *nic_items = new_items ();
  GPtrArray *vm_items = new_items ();
  g_autoptr (GListModel) disks = NULL;
  g_autoptr (GListModel) nics = NULL;
  g_autoptr (GListModel) vms = NULL;
  g_autoptr (SclManifest) manifest = NULL;
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (disk_items, scl_disk_spec_new (first, "/image.raw", 0));
  if (second != NULL)
    g_ptr_array_add (disk_items, scl_disk_spec_new (second, "/image.raw", 0));
  while (n_nics-- > 0)
    g_ptr_array_add (nic_items, scl_nic_spec_new ("default", NULL));
  disks = take_list (disk_items);
  nics = take_list (nic_items);
  g_ptr_array_add (vm_items, scl_vm_spec_new ("demo", disks, nics));
  vms = take_list (vm_items);
  manifest = scl_manifest_new (NULL, NULL, vms);
  assert_null (scl_manifest_to_string (manifest, SCL_MANIFEST_FORMAT_YAML, &error));
  assert_true (g_error_matches (error, SCL_ERROR, SCL_ERROR_UNSUPPORTED));
  assert_string_equal (error->message, message);
}

/* Lost without a word, it would be removed by the next apply of the text. */
static void
test_what_text_cannot_say (void **state)
{
  assert_not_said ("demo", "data", 1,
                   "virtualMachines.demo.image: it has 2 disks, and the text of a manifest says only one; apply "
                   "the manifest as it is");
  assert_not_said ("demo", NULL, 2,
                   "virtualMachines.demo.network: it has 2 nics, and the text of a manifest says only one; apply "
                   "the manifest as it is");
  assert_not_said ("demo", NULL, 0,
                   "virtualMachines.demo.network: it has no nics, and the text of a manifest cannot say that; "
                   "apply the manifest as it is");
  assert_not_said ("other", NULL, 1,
                   "virtualMachines.demo: its volume is called \"other\", and in the text of a manifest it has the "
                   "name of the VM; apply the manifest as it is");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_random_manifests),
    cmocka_unit_test (test_examples),
    cmocka_unit_test (test_exact_text),
    cmocka_unit_test (test_incomplete_objects),
    cmocka_unit_test (test_what_text_cannot_say),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
