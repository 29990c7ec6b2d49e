/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manifest-test.h"
#include <glib/gstdio.h>
#include <scl/scl-disk-spec.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct
{
  char *folder;
} Fixture;

static int
setup (void **state)
{
  Fixture *fixture = g_new0 (Fixture, 1);

  fixture->folder = g_dir_make_tmp ("scl-manifest-XXXXXX", NULL);
  *state = fixture;
  return fixture->folder == NULL;
}

static int
teardown (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (GDir) dir = g_dir_open (fixture->folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (fixture->folder, name, NULL);

      (void) g_remove (path);
    }
  (void) g_rmdir (fixture->folder);
  g_free (fixture->folder);
  g_free (fixture);
  return 0;
}

/* Merges the named texts; the errors, or the manifest written back. */
static char *
merge (const char *a, const char *b, const char *c)
{
  g_autoptr (SclManifestLoader) loader = scl_manifest_loader_new ();
  g_autoptr (SclManifest) manifest = NULL;
  g_autoptr (GError) error = NULL;
  const char *texts[] = { a, b, c };
  const char *names[] = { "a.yaml", "b.yaml", "c.json" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GBytes) bytes = NULL;

      if (texts[i] == NULL)
        continue;
      bytes = g_bytes_new (texts[i], strlen (texts[i]));
      assert_true (scl_manifest_loader_add_bytes (loader, bytes, names[i], NULL, NULL));
    }
  manifest = scl_manifest_loader_load (loader, NULL, &error);
  return manifest == NULL ? g_strdup (error->message)
                          : scl_manifest_to_string (manifest, SCL_MANIFEST_FORMAT_YAML, NULL);
}

static const struct
{
  const char *a, *b, *c, *result;
} cases[] = {
  /* networks here, VMs there */
  { "networks: {lan: {externalIP: 192.168.44.1, gatewayIP: 10.0.0.1}}\n",
    "virtualMachines: {b: {image: /b.raw, network: lan}}\n",
    "{\"virtualMachines\": {\"a\": {\"image\": \"/a.raw\"}}}",
    "version: 1\nnetworks:\n  lan:\n    externalIP: 192.168.44.1\n    gatewayIP: 10.0.0.1\n"
    "virtualMachines:\n  a:\n    image: /a.raw\n  b:\n    image: /b.raw\n    network: lan\n" },
  /* the same value twice, and null, are no contradiction */
  { "version: 1\ngatewayInterface: eth0\n", "version: 1\ngatewayInterface: eth0\n",
    "{\"gatewayInterface\": null, \"networks\": null}", "version: 1\ngatewayInterface: eth0\n" },
  { "gatewayInterface:\n", "gatewayInterface: eth0\n", NULL,
    "version: 1\ngatewayInterface: eth0\n" },
  { "gatewayInterface: eth0\n", "gatewayInterface: eth1\n", "{\"gatewayInterface\": \"eth2\"}",
    "b.yaml:1:19: gatewayInterface: has another value in another file; the other place is "
    "a.yaml:1:19\n"
    "c.json:1:22: gatewayInterface: has another value in another file; the other place is "
    "a.yaml:1:19" },
  { "virtualMachines: {demo: {image: /a.raw}}\n", "virtualMachines:\n  demo: {image: /a.raw}\n",
    NULL,
    "b.yaml:2:3: virtualMachines.demo: the VM is declared in two files; the other place is "
    "a.yaml:1:19" },
  { "networks: {default: {}}\n", "networks: {default: null}\n", NULL,
    "b.yaml:1:12: networks.default: the network is declared in two files; the other place is "
    "a.yaml:1:12" },
  /* errors of all files, in their order; one that cannot be read hides no other */
  { "cores: 1\n", "virtualMachines: [\n", "{\"version\": 2}",
    "a.yaml:1:1: cores: unknown key; the known ones are version, gatewayInterface, networks, "
    "virtualMachines\n"
    "b.yaml:2:1: not valid YAML: did not find expected node content\n"
    "c.json:1:13: version: this SCL reads version 1, not 2" },
  /* what a file that cannot be read may have declared is not reported as missing */
  { "networks: {lan: {\n", "virtualMachines: {demo: {image: /a.raw, network: lan}}\n", NULL,
    "a.yaml:2:1: not valid YAML: did not find expected node content" },
  { "networks: {*x : {}}\n", "virtualMachines: {demo: {image: /a.raw, network: lan}}\n", NULL,
    "a.yaml:1:12: networks: aliases (*x) are not accepted; write the value out" },
  /* checks go across files */
  { "networks: {default: null}\n", "virtualMachines: {demo: {image: /a.raw}}\n", NULL,
    "b.yaml:1:19: virtualMachines.demo.network: network \"default\" is not defined (defined: "
    "none)" },
  { "virtualMachines: {a: {image: /a.raw, mac: '52:54:00:00:00:01'}}\n",
    "virtualMachines: {b: {image: /a.raw, mac: '52:54:00:00:00:01'}}\n", NULL,
    "b.yaml:1:43: virtualMachines.b.mac: 52:54:00:00:00:01 is already the MAC address of "
    "virtualMachines.a.mac" },
  { "version: 1\n", "", NULL,
    "b.yaml:1:1: the input is empty; write {} if no VM and only the default network is meant" },
};

static void
test_merge (void **state)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *result = merge (cases[i].a, cases[i].b, cases[i].c);

      assert_string_equal (result, cases[i].result);
    }
}

static void
write_file (Fixture *fixture, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (fixture->folder, name, NULL);

  assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
test_folder (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclManifestLoader) loader = scl_manifest_loader_new ();
  g_autoptr (SclManifest) manifest = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *expected = NULL;
  g_autofree char *sub = g_build_filename (fixture->folder, "sub.yaml.d", NULL);
  g_autofree char *image = g_build_filename (fixture->folder, "images/a.raw", NULL);
  g_autoptr (SclDiskSpec) disk = NULL;

  write_file (fixture, "20-b.yml", "virtualMachines: {a: {image: images/a.raw}}\n");
  write_file (fixture, "10-a.json", "{\"gatewayInterface\": \"eth0\"}");
  write_file (fixture, ".hidden.yaml", "nonsense: true\n");
  write_file (fixture, "notes.txt", "not a manifest\n");
  assert_int_equal (g_mkdir (sub, 0700), 0);
  assert_true (scl_manifest_loader_add_path (loader, fixture->folder, NULL, &error));
  manifest = scl_manifest_loader_load (loader, NULL, &error);
  assert_non_null (manifest);
  assert_string_equal (scl_manifest_get_gateway_interface (manifest), "eth0");
  disk = g_list_model_get_item (scl_vm_spec_get_disks (scl_manifest_lookup_vm (manifest, "a")), 0);
  assert_string_equal (scl_disk_spec_get_image (disk), image);

  /* Errors name the files in the order of their names. */
  write_file (fixture, "10-a.json", "[]");
  write_file (fixture, "20-b.yml", "[]");
  g_clear_object (&loader);
  loader = scl_manifest_loader_new ();
  assert_true (scl_manifest_loader_add_path (loader, fixture->folder, NULL, &error));
  assert_null (scl_manifest_loader_load (loader, NULL, &error));
  expected = g_strdup_printf ("%s/10-a.json:1:1: expected a map with keys such as virtualMachines "
                              "and networks, found a list\n"
                              "%s/20-b.yml:1:1: expected a map with keys such as virtualMachines "
                              "and networks, found a list",
                              fixture->folder, fixture->folder);
  assert_string_equal (error->message, expected);
  assert_int_equal (g_rmdir (sub), 0);
}

/* Loads the fixture's folder. OUT_FOUND: file and message of each diagnostic, a line each. */
static SclManifest *
load_folder (Fixture *fixture, char **out_found, GError **error)
{
  g_autoptr (SclManifestLoader) loader = scl_manifest_loader_new ();
  g_autoptr (GString) found = g_string_new (NULL);
  g_autoptr (GPtrArray) diagnostics = NULL;
  SclManifest *manifest;

  assert_true (scl_manifest_loader_add_path (loader, fixture->folder, NULL, error));
  manifest = scl_manifest_loader_load (loader, NULL, error);
  diagnostics = scl_manifest_loader_list_diagnostics (loader);
  for (guint i = 0; i < diagnostics->len; i++)
    {
      g_autofree char *name = g_path_get_basename (scl_diagnostic_get_file (diagnostics->pdata[i]));

      g_string_append_printf (found, "%s: %s\n", name,
                              scl_diagnostic_get_message (diagnostics->pdata[i]));
    }
  *out_found = g_string_free (g_steal_pointer (&found), FALSE);
  return manifest;
}

/* What VMs name lies beside the manifests, whatever is in it: YAML that no manifest may have, too. */
static void
test_folder_with_cloud_init_files (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclManifest) manifest = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *found = NULL;

  write_file (fixture, "demo.yaml",
              "version: 1\nvirtualMachines:\n  demo:\n    image: /a.raw\n"
              "    cloudInitUserConfigFile: user.yaml\n"
              "    cloudInitNetworkConfigFile: ./net.yaml\n");
  write_file (fixture, "net.yaml", "version: 2\nethernets: {id0: {addresses: [192.168.20.2/24]}}\n");
  write_file (fixture, "user.yaml", "## template: jinja\na: &x {{ b }}\nc: *x\n");
  manifest = load_folder (fixture, &found, &error);
  if (manifest == NULL)
    fail_msg ("%s", error->message);
  assert_string_equal (found, "");
  assert_non_null (scl_manifest_lookup_vm (manifest, "demo"));
}

static void
test_folder_with_files_that_nobody_names (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclManifest) manifest = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *found = NULL;

  write_file (fixture, "demo.yaml", "virtualMachines: {demo: {image: /a.raw}}\n");
  write_file (fixture, "net.yaml", "version: 2\nethernets: {}\n");
  write_file (fixture, "user.yaml", "#cloud-config\npassword: x\n");
  manifest = load_folder (fixture, &found, &error);
  assert_non_null (manifest);
  assert_string_equal (found, "net.yaml: looks like a cloud-init file, but no VM names it: left out\n"
                              "user.yaml: looks like a cloud-init file, but no VM names it: left "
                              "out\n");
}

/* No VM is lost by a name that is wrong, and what is no cloud-init file is not taken for one. */
static void
test_folder_keeps_manifests (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclManifest) manifest = NULL;
  g_autoptr (SclManifest) wrong = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *found = NULL;
  g_autofree char *errors = NULL;

  write_file (fixture, "a.yaml",
              "virtualMachines: {a: {image: /a.raw, cloudInitUserConfigFile: b.yaml}}\n");
  write_file (fixture, "b.yaml", "#cloud-config\nvirtualMachines: {b: {image: /b.raw}}\n");
  manifest = load_folder (fixture, &found, &error);
  assert_non_null (manifest);
  assert_non_null (scl_manifest_lookup_vm (manifest, "b"));
  write_file (fixture, "c.yaml", "password: x\n");
  wrong = load_folder (fixture, &errors, &error);
  assert_null (wrong);
  assert_true (g_str_has_prefix (errors, "c.yaml: unknown key"));
}

static void
test_folder_without_manifest (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclManifest) manifest = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *found = NULL;

  write_file (fixture, "user.yaml", "#cloud-config\npassword: x\n");
  manifest = load_folder (fixture, &found, &error);
  assert_null (manifest);
  assert_true (g_error_matches (error, SCL_ERROR, SCL_ERROR_INVALID));
  assert_true (g_str_has_suffix (error->message, "of what was given, nothing is a manifest"));
}

static void
assert_add_fails (const char *path, SclError code, const char *message)
{
  g_autoptr (SclManifestLoader) loader = scl_manifest_loader_new ();
  g_autoptr (GError) error = NULL;

  assert_false (scl_manifest_loader_add_path (loader, path, NULL, &error));
  assert_string_equal (error->message, message);
  assert_true (g_error_matches (error, SCL_ERROR, (int) code));
}

/* A shell's <(…). */
static void
test_pipe_without_a_name (void **state)
{
  int ends[2];
  g_autofree char *path = NULL;
  g_autofree char *message = NULL;

  assert_int_equal (pipe (ends), 0);
  path = g_strdup_printf ("/dev/fd/%d", ends[0]);
  message = g_strdup_printf (
      "%s: is a pipe, not a regular file: give it as standard input, with - for its name", path);
  assert_add_fails (path, SCL_ERROR_INVALID, message);
  close (ends[0]);
  close (ends[1]);
}

static void
test_paths_that_cannot_be_read (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *missing = g_build_filename (fixture->folder, "missing.yaml", NULL);
  g_autofree char *fifo = g_build_filename (fixture->folder, "fifo", NULL);
  g_autofree char *huge = g_build_filename (fixture->folder, "huge", NULL);
  g_autofree char *message
      = g_strdup_printf ("%s: there is no such manifest: check the path, it is a file's or a folder's", missing);
  g_autofree char *here = g_get_current_dir ();
  g_autofree char *relative = g_strdup_printf (
      "absent/a.yaml: there is no such manifest: it was looked for in %s/absent; check the path, it is a file's or a "
      "folder's",
      here);
  g_autofree char *empty
      = g_strdup_printf ("%s: the folder has no *.yaml, *.yml or *.json file", fixture->folder);
  g_autofree char *special = g_strdup_printf ("%s: is a special file, not a regular file", fifo);
  g_autofree char *large = g_strdup_printf ("%s: larger than the limit of 16777216 bytes", huge);

  assert_add_fails (missing, SCL_ERROR_NOT_FOUND, message);
  assert_add_fails ("absent/a.yaml", SCL_ERROR_NOT_FOUND, relative);
  assert_add_fails (fixture->folder, SCL_ERROR_INVALID, empty);
  assert_add_fails ("", SCL_ERROR_INVALID, "the path of a manifest must not be empty");
  assert_int_equal (mkfifo (fifo, 0600), 0);
  assert_add_fails (fifo, SCL_ERROR_INVALID, special);
  write_file (fixture, "huge", "");
  assert_int_equal (truncate (huge, 16777217), 0);
  assert_add_fails (huge, SCL_ERROR_INVALID, large);
}

static void
test_link_and_relative_path (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *link = g_build_filename (fixture->folder, "link.yaml", NULL);
  g_autofree char *image = g_build_filename (fixture->folder, "a.raw", NULL);
  g_autofree char *before = g_get_current_dir ();
  g_autoptr (SclManifestLoader) loader = scl_manifest_loader_new ();
  g_autoptr (SclManifest) manifest = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (SclDiskSpec) disk = NULL;

  write_file (fixture, "target", "virtualMachines: {a: {image: a.raw}}\n");
  assert_int_equal (symlink ("target", link), 0);
  assert_int_equal (g_chdir (fixture->folder), 0);
  assert_true (scl_manifest_loader_add_path (loader, "link.yaml", NULL, &error));
  assert_int_equal (g_chdir (before), 0);
  manifest = scl_manifest_loader_load (loader, NULL, &error);
  assert_non_null (manifest);
  disk = g_list_model_get_item (scl_vm_spec_get_disks (scl_manifest_lookup_vm (manifest, "a")), 0);
  assert_string_equal (scl_disk_spec_get_image (disk), image);
}

static void
assert_string_fails (const char *text, const char *base_dir, const char *message)
{
  g_autoptr (GError) error = NULL;

  assert_null (scl_manifest_new_from_string (text, base_dir, &error));
  assert_true (g_error_matches (error, SCL_ERROR, SCL_ERROR_INVALID));
  assert_string_equal (error->message, message);
}

static void
test_input_without_a_folder (void **state)
{
  assert_string_fails (
      "virtualMachines: {a: {image: a.raw}}", NULL,
      "manifest:1:30: virtualMachines.a.image: must be an absolute path, since the "
      "manifest is not read from a file");
  assert_string_fails ("version: 1", "relative",
                       "manifest: the folder \"relative\" is not an absolute path");
  /* What begins like JSON is read as JSON, anything else as YAML. */
  assert_string_fails ("{\"version\": 1,}", NULL,
                       "manifest:1:15: not valid JSON: there is a \",\" before the \"}\"");
  assert_string_fails ("{version: 2}", NULL,
                       "manifest:1:11: version: this SCL reads version 1, not 2");
}

static void
test_loader_states (void **state)
{
  g_autoptr (SclManifestLoader) loader = scl_manifest_loader_new ();
  g_autoptr (GBytes) bytes = g_bytes_new_static ("{}", 2);
  g_autoptr (GPtrArray) before = scl_manifest_loader_list_diagnostics (loader);
  g_autoptr (GError) error = NULL;
  g_autoptr (SclManifest) first = NULL;
  g_autoptr (SclManifest) second = NULL;

  assert_int_equal (before->len, 0);
  assert_null (scl_manifest_loader_load (loader, NULL, &error));
  assert_string_equal (error->message, "no manifest was given");
  g_clear_error (&error);
  assert_true (scl_manifest_loader_add_bytes (loader, bytes, NULL, NULL, &error));
  first = scl_manifest_loader_load (loader, NULL, &error);
  second = scl_manifest_loader_load (loader, NULL, &error);
  assert_true (scl_manifest_equal (first, second));
  scl_manifest_loader_set_prefix (loader, "Bad");
  assert_null (scl_manifest_loader_load (loader, NULL, &error));
  assert_non_null (strstr (error->message, "prefix \"Bad\""));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_merge),
    cmocka_unit_test_setup_teardown (test_folder_keeps_manifests, setup, teardown),
    cmocka_unit_test_setup_teardown (test_folder_with_cloud_init_files, setup, teardown),
    cmocka_unit_test_setup_teardown (test_folder_with_files_that_nobody_names, setup, teardown),
    cmocka_unit_test_setup_teardown (test_folder_without_manifest, setup, teardown),
    cmocka_unit_test_setup_teardown (test_folder, setup, teardown),
    cmocka_unit_test_setup_teardown (test_paths_that_cannot_be_read, setup, teardown),
    cmocka_unit_test_setup_teardown (test_pipe_without_a_name, setup, teardown),
    cmocka_unit_test_setup_teardown (test_link_and_relative_path, setup, teardown),
    cmocka_unit_test (test_input_without_a_folder),
    cmocka_unit_test (test_loader_states),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
