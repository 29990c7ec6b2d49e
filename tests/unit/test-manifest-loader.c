/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manifest-test.h"
#include <scl/scl-disk-spec.h>
#include <scl/scl-nic-spec.h>

/* tests/data/manifest/bad/X has exactly the errors in X.errors, and good/X is written back as
 * X.written. SCL_TEST_UPDATE=1 writes the results down, to be read by a person. */

static char *
load_errors (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (SCL_TEST_DATA, folder, name, NULL);
  g_autoptr (SclManifestLoader) loader = scl_manifest_loader_new ();
  g_autoptr (SclManifest) manifest = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = read_bytes (path);

  assert_true (scl_manifest_loader_add_bytes (loader, bytes, name, "/base", &error));
  manifest = scl_manifest_loader_load (loader, NULL, &error);
  if (manifest != NULL)
    return scl_manifest_to_string (manifest, SCL_MANIFEST_FORMAT_YAML, NULL);
  assert_true (g_error_matches (error, SCL_ERROR, SCL_ERROR_INVALID));
  return g_strconcat (error->message, "\n", NULL);
}

static void
check_case (const char *folder, const char *name, const char *suffix)
{
  g_autofree char *file = g_strconcat (name, suffix, NULL);
  g_autofree char *path = g_build_filename (SCL_TEST_DATA, folder, file, NULL);
  g_autofree char *actual = load_errors (folder, name);
  g_autofree char *expected = NULL;

  if (g_getenv ("SCL_TEST_UPDATE") != NULL)
    assert_true (g_file_set_contents (path, actual, -1, NULL));
  assert_true (g_file_get_contents (path, &expected, NULL, NULL));
  if (strcmp (actual, expected) != 0)
    print_error ("%s\n", name);
  assert_string_equal (actual, expected);
}

static guint
check_folder (const char *folder, const char *suffix)
{
  g_autofree char *path = g_build_filename (SCL_TEST_DATA, folder, NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;
  guint n = 0;

  assert_non_null (dir);
  while ((name = g_dir_read_name (dir)) != NULL)
    if (!g_str_has_suffix (name, suffix))
      {
        check_case (folder, name, suffix);
        n++;
      }
  return n;
}

static void
test_bad_input (void **state)
{
  guint n = check_folder ("bad", ".errors");

  print_message ("%u wrong manifests\n", n);
  assert_true (n >= 200);
}

static void
test_good_input (void **state)
{
  assert_true (check_folder ("good", ".written") >= 15);
}

static void
check_example (SclManifest *manifest)
{
  SclNetworkSpec *network = scl_manifest_lookup_network (manifest, "default");
  SclVmSpec *vm = scl_manifest_lookup_vm (manifest, "demo");
  g_autoptr (SclForwardSpec) forward
      = g_list_model_get_item (scl_network_spec_get_forwards (network), 0);
  g_autoptr (SclDiskSpec) disk = g_list_model_get_item (scl_vm_spec_get_disks (vm), 0);
  g_autoptr (SclNicSpec) nic = g_list_model_get_item (scl_vm_spec_get_nics (vm), 0);

  assert_string_equal (scl_manifest_get_gateway_interface (manifest), "eth0");
  assert_int_equal (g_list_model_get_n_items (scl_manifest_get_networks (manifest)), 1);
  assert_int_equal (g_list_model_get_n_items (scl_manifest_get_vms (manifest)), 1);
  assert_address (scl_network_spec_get_external_ip (network), "192.168.10.1");
  assert_address (scl_network_spec_get_gateway_ip (network), "192.168.20.1");
  assert_int_equal (scl_network_spec_get_prefix_length (network), 24);
  assert_int_equal (g_list_model_get_n_items (scl_network_spec_get_forwards (network)), 1);
  assert_int_equal (scl_forward_spec_get_protocol (forward), SCL_PROTOCOL_TCP);
  assert_int_equal (scl_forward_spec_get_host_port (forward), 2222);
  assert_address (scl_forward_spec_get_address (forward), "192.168.20.2");
  assert_int_equal (scl_forward_spec_get_port (forward), 22);
  assert_string_equal (scl_disk_spec_get_volume (disk), "demo");
  assert_string_equal (scl_disk_spec_get_image (disk), "/path/to/image.raw");
  assert_int_equal (scl_disk_spec_get_size_mib (disk), 4096);
  assert_string_equal (scl_nic_spec_get_network (nic), "default");
  assert_null (scl_nic_spec_get_mac (nic));
  assert_int_equal (scl_vm_spec_get_cores (vm), 2);
  assert_int_equal (scl_vm_spec_get_memory_mib (vm), 2048);
  assert_true (scl_vm_spec_get_auto_start (vm));
  assert_int_equal (scl_vm_spec_get_firmware (vm), SCL_FIRMWARE_UEFI);
  assert_int_equal (scl_vm_spec_get_accelerator (vm), SCL_ACCELERATOR_AUTO);
  assert_int_equal (scl_vm_spec_get_shutdown_timeout (vm), 90);
  assert_int_equal (scl_vm_spec_get_on_change (vm), SCL_ON_CHANGE_NEXT_BOOT);
  assert_string_equal (scl_vm_spec_get_user_config_file (vm),
                       "/path/to/cloud-init-user-config.yaml");
  assert_string_equal (scl_vm_spec_get_network_config_file (vm),
                       "/path/to/cloud-init-network-config.yaml");
}

static void
test_example (void **state)
{
  static const char *const names[] = { "good/example.yaml", "good/example.json" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (SCL_TEST_DATA, names[i], NULL);
      g_autoptr (SclManifestLoader) loader = scl_manifest_loader_new ();
      g_autoptr (SclManifest) manifest = NULL;
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) diagnostics = NULL;

      assert_true (scl_manifest_loader_add_path (loader, path, NULL, &error));
      manifest = scl_manifest_loader_load (loader, NULL, &error);
      assert_non_null (manifest);
      check_example (manifest);
      diagnostics = scl_manifest_loader_list_diagnostics (loader);
      assert_int_equal (diagnostics->len, 0);
    }
}

/* The second example of the guide: the default network is off, a network of its own is there. */
static void
test_extended_example (void **state)
{
  g_autofree char *text = read_text ("good/extended.yaml");
  g_autoptr (SclManifest) manifest = load_text (text);
  SclNetworkSpec *network = scl_manifest_lookup_network (manifest, "demo");
  g_autoptr (SclForwardSpec) udp = NULL;

  assert_null (scl_manifest_lookup_network (manifest, "default"));
  assert_address (scl_network_spec_get_external_ip (network), "192.168.44.1");
  assert_address (scl_network_spec_get_gateway_ip (network), "10.0.0.1");
  assert_int_equal (scl_network_spec_get_prefix_length (network), 8);
  udp = g_list_model_get_item (scl_network_spec_get_forwards (network), 1);
  assert_int_equal (scl_forward_spec_get_protocol (udp), SCL_PROTOCOL_UDP);
  assert_int_equal (scl_forward_spec_get_host_port (udp), 8000);
}

static void
test_diagnostics_are_located (void **state)
{
  g_autoptr (SclManifestLoader) loader = scl_manifest_loader_new ();
  g_autoptr (GBytes) bytes = g_bytes_new_static ("version: 1\nhosts: {}\n", 21);
  g_autoptr (GPtrArray) diagnostics = NULL;
  SclDiagnostic *diagnostic;

  assert_true (scl_manifest_loader_add_bytes (loader, bytes, "a.yaml", NULL, NULL));
  assert_null (scl_manifest_loader_load (loader, NULL, NULL));
  diagnostics = scl_manifest_loader_list_diagnostics (loader);
  assert_int_equal (diagnostics->len, 1);
  diagnostic = diagnostics->pdata[0];
  assert_int_equal (scl_diagnostic_get_severity (diagnostic), SCL_SEVERITY_ERROR);
  assert_string_equal (scl_diagnostic_get_file (diagnostic), "a.yaml");
  assert_string_equal (scl_diagnostic_get_path (diagnostic), "hosts");
  assert_int_equal (scl_diagnostic_get_line (diagnostic), 2);
  assert_int_equal (scl_diagnostic_get_column (diagnostic), 1);
}

/* Each of the bad inputs cut at every byte: an answer, never a crash, always the same. */
static void
test_truncated_anywhere (void **state)
{
  g_autofree char *text = read_text ("good/all-keys.yaml");
  g_autofree char *json = read_text ("good/example.json");
  const char *texts[] = { text, json };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    for (gsize n = 0; n < strlen (texts[i]); n++)
      {
        g_autofree char *part = g_strndup (texts[i], n);
        g_autoptr (GError) error = NULL;
        g_autoptr (SclManifest) manifest = scl_manifest_new_from_string (part, "/base", &error);

        if (manifest == NULL)
          assert_true (g_error_matches (error, SCL_ERROR, SCL_ERROR_INVALID));
        else
          assert_null (error);
        /* JSON is complete at its end only. */
        assert_true (i == 0 || manifest == NULL);
      }
}

static void
test_many_vms (void **state)
{
  g_autoptr (GString) text = g_string_new ("virtualMachines:\n");
  g_autoptr (SclManifest) manifest = NULL;
  gint64 begin;

  for (guint i = 0; i < 10000; i++)
    g_string_append_printf (
        text,
        "  vm-%u:\n    image: /images/a.raw\n    imageSize: 4096\n    cores: 2\n"
        "    memorySize: 2048\n    network: default\n    autoStart: true\n"
        "    cloudInitUserConfigFile: /user.yaml\n"
        "    cloudInitNetworkConfigFile: /net.yaml\n",
        i);
  begin = g_get_monotonic_time ();
  manifest = load_text (text->str);
  print_message ("10,000 VMs, %.1f MiB: %.2f s\n", (double) text->len / 1048576.0,
                 (double) (g_get_monotonic_time () - begin) / 1e6);
  assert_int_equal (g_list_model_get_n_items (scl_manifest_get_vms (manifest)), 10000);
}

static void
add_generated (SclManifestLoader *loader, const char *json, const char *origins)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (json, strlen (json));
  g_autoptr (GError) error = NULL;
  GVariant *list = g_variant_new_parsed (origins);

  if (!scl_manifest_loader_add_generated (loader, bytes, "vms.nix", "/base", list, &error))
    fail_msg ("%s", error->message);
}

/* What is wrong in the text is told about what the text was made of, in the order of that. */
static void
test_generated (void **state)
{
  g_autoptr (SclManifestLoader) loader = scl_manifest_loader_new ();
  g_autoptr (SclManifest) manifest = NULL;
  g_autoptr (GPtrArray) found = NULL;
  g_autoptr (GError) error = NULL;

  add_generated (
      loader,
      "{\"version\": 1, \"virtualMachines\": {\n\"a\": {\"cores\": 0,\n\"image\": \"/a\"},\n"
      "\"b\": {\"image\": \"/b\", \"network\": \"lan\"},\n\"c\": {}\n}}",
      "@a(suu) [('', 0, 0), ('vms.nix', 40, 3), ('vms.nix', 41, 5), ('more/b.nix', 7, 2),"
      " ('vms.nix', 12, 3)]");
  manifest = scl_manifest_loader_load (loader, NULL, &error);
  assert_null (manifest);
  assert_string_equal (
      error->message,
      "more/b.nix:7:2: virtualMachines.b.network: network \"lan\" is not defined (defined: "
      "default)\n"
      "vms.nix:12:3: virtualMachines.c.image: is missing: the VM needs it, e.g. image: "
      "/var/lib/images/debian.raw\n"
      "vms.nix:40:3: virtualMachines.a.cores: 0 is out of range: from 1 to 255");
  found = scl_manifest_loader_list_diagnostics (loader);
  assert_string_equal (scl_diagnostic_get_file (found->pdata[0]), "more/b.nix");
  assert_int_equal (scl_diagnostic_get_line (found->pdata[0]), 7);
}

static void
test_generated_beside_written (void **state)
{
  static const char written[] = "virtualMachines:\n  a: {image: /x}\n";
  g_autoptr (SclManifestLoader) loader = scl_manifest_loader_new ();
  g_autoptr (GBytes) bytes = g_bytes_new_static (written, strlen (written));
  g_autoptr (GError) error = NULL;

  add_generated (loader, "{\"virtualMachines\": {\n\"a\": {\"image\": \"/a\"}}}",
                 "@a(suu) [('', 0, 0), ('vms.nix', 40, 3)]");
  assert_true (scl_manifest_loader_add_bytes (loader, bytes, "more.yaml", NULL, NULL));
  assert_null (scl_manifest_loader_load (loader, NULL, &error));
  assert_string_equal (
      error->message,
      "more.yaml:2:3: virtualMachines.a: the VM is declared in two files; the other place is "
      "vms.nix:40:3");
}

/* Nothing is known of a line: the file has to do. */
static void
test_generated_without_origins (void **state)
{
  g_autoptr (SclManifestLoader) loader = scl_manifest_loader_new ();
  g_autoptr (GBytes) bytes = g_bytes_new_static ("{\"wrong\": 1}", 12);
  g_autoptr (GError) wrong = NULL;
  g_autoptr (GError) error = NULL;

  assert_false (scl_manifest_loader_add_generated (loader, bytes, "vms.nix", NULL,
                                                   g_variant_new_string ("x"), &wrong));
  assert_true (g_error_matches (wrong, SCL_ERROR, SCL_ERROR_INVALID));
  add_generated (loader, "{\"wrong\": 1}", "@a(suu) []");
  assert_null (scl_manifest_loader_load (loader, NULL, &error));
  assert_true (g_str_has_prefix (error->message, "vms.nix: wrong: unknown key"));
}

/* The loader is as usable afterwards as before. */
static void
test_cancelled (void **state)
{
  g_autofree char *path = g_build_filename (SCL_TEST_DATA, "good", "all-keys.yaml", NULL);
  g_autoptr (SclManifestLoader) loader = scl_manifest_loader_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (SclManifest) manifest = NULL;
  g_autoptr (GError) unread = NULL;
  g_autoptr (GError) unloaded = NULL;
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  assert_false (scl_manifest_loader_add_path (loader, path, cancellable, &unread));
  assert_true (g_error_matches (unread, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  assert_true (scl_manifest_loader_add_path (loader, path, NULL, &error));
  assert_null (scl_manifest_loader_load (loader, cancellable, &unloaded));
  assert_true (g_error_matches (unloaded, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  g_cancellable_reset (cancellable);
  manifest = scl_manifest_loader_load (loader, cancellable, &error);
  assert_non_null (manifest);
  assert_null (error);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_bad_input),
    cmocka_unit_test (test_good_input),
    cmocka_unit_test (test_example),
    cmocka_unit_test (test_extended_example),
    cmocka_unit_test (test_diagnostics_are_located),
    cmocka_unit_test (test_generated),
    cmocka_unit_test (test_generated_beside_written),
    cmocka_unit_test (test_generated_without_origins),
    cmocka_unit_test (test_cancelled),
    cmocka_unit_test (test_truncated_anywhere),
    cmocka_unit_test (test_many_vms),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
