/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What preflight says about images, sizes, cloud-init files and folders. */

#include "file-volumes-fixture.h"

static GPtrArray *
preflight (Fixture *fixture, SclVolumeBackend *backend, SclManifest *manifest)
{
  GPtrArray *diagnostics = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (SclObservation) seen = observe (fixture, manifest);

  assert_true (_scl_volume_backend_preflight (backend, manifest, seen, diagnostics, NULL, NULL));
  return diagnostics;
}

static void
assert_diagnostic (Fixture *fixture, SclVmSpec *vm, SclSeverity severity, const char *path,
                   const char *part)
{
  g_autoptr (SclManifest) manifest = make_manifest (vm, NULL);
  g_autoptr (GPtrArray) diagnostics = preflight (fixture, fixture->backend, manifest);
  SclDiagnostic *diagnostic;

  assert_int_equal (diagnostics->len, 1);
  diagnostic = g_ptr_array_index (diagnostics, 0);
  if (scl_diagnostic_get_severity (diagnostic) != severity
      || !g_str_equal (scl_diagnostic_get_path (diagnostic), path)
      || strstr (scl_diagnostic_get_message (diagnostic), part) == NULL)
    fail_msg ("%s: %s", scl_diagnostic_get_path (diagnostic),
              scl_diagnostic_get_message (diagnostic));
}

static void
test_preflight (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *absent = in_root (fixture, "absent");
  g_autofree char *gzip = put_file (fixture, "image.raw.gz", "\x1f\x8b\x08");
  g_autoptr (SclVmSpec) user = make_vm ("demo", fixture->image, 64, fixture->image, NULL);
  g_autoptr (SclVmSpec) fine = make_vm ("demo", fixture->image, 64, NULL, NULL);
  g_autoptr (SclVmSpec) small = make_vm ("demo", fixture->image, 40, NULL, NULL);
  g_autoptr (SclVmSpec) gone = make_vm ("demo", absent, 64, NULL, NULL);
  g_autoptr (SclVmSpec) packed = make_vm ("demo", gzip, 64, NULL, NULL);
  g_autoptr (SclVmSpec) network = make_vm ("demo", fixture->image, 64, NULL, absent);
  g_autoptr (SclManifest) manifest = make_manifest (fine, NULL);
  g_autoptr (GPtrArray) none = preflight (fixture, fixture->backend, manifest);

  assert_int_equal (none->len, 0);
  assert_false (g_file_test (fixture->state, G_FILE_TEST_EXISTS));
  assert_diagnostic (fixture, user, SCL_SEVERITY_ERROR,
                     "virtualMachines.demo.cloudInitUserConfigFile", "1048576");
  assert_diagnostic (fixture, small, SCL_SEVERITY_ERROR, "virtualMachines.demo.imageSize", "41");
  assert_diagnostic (fixture, gone, SCL_SEVERITY_ERROR, "virtualMachines.demo.image", "absent");
  assert_diagnostic (fixture, packed, SCL_SEVERITY_ERROR, "virtualMachines.demo.image", "gunzip");
  assert_diagnostic (fixture, network, SCL_SEVERITY_ERROR,
                     "virtualMachines.demo.cloudInitNetworkConfigFile", "absent");
}

/* What cloud-init would pass over is said here: in the guest nobody looks. */
static void
test_preflight_user_data (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *tab = put_file (fixture, "tab.yaml", "#cloud-config\nusers:\n\t- default\n");
  g_autofree char *latin = put_file (fixture, "latin.yaml", "name: J\xfcrgen\n");
  g_autofree char *good = put_file (fixture, "good.yaml", "users: [default]\n");
  g_autoptr (SclVmSpec) ignored = make_vm ("demo", fixture->image, 64, tab, NULL);
  g_autoptr (SclVmSpec) refused = make_vm ("demo", fixture->image, 64, latin, NULL);
  g_autofree char *quoted = put_file (fixture, "net.yaml", "version: '2'\n");
  g_autofree char *glob = put_file (fixture, "glob.yaml", "version: 2\nethernets: {a: {match: {name: enp*}}}\n");
  g_autoptr (SclVmSpec) fine = make_vm ("demo", fixture->image, 64, good, NULL);
  g_autoptr (SclVmSpec) useless = make_vm ("demo", fixture->image, 64, good, quoted);
  g_autoptr (SclVmSpec) netplan = make_vm ("demo", fixture->image, 64, good, glob);
  g_autoptr (SclManifest) manifest = make_manifest (fine, NULL);
  g_autoptr (GPtrArray) none = preflight (fixture, fixture->backend, manifest);

  assert_int_equal (none->len, 0);
  assert_diagnostic (fixture, ignored, SCL_SEVERITY_WARNING,
                     "virtualMachines.demo.cloudInitUserConfigFile", "tab.yaml:3:1: not valid YAML");
  assert_diagnostic (fixture, refused, SCL_SEVERITY_ERROR,
                     "virtualMachines.demo.cloudInitUserConfigFile", "latin.yaml: line 1 is not UTF-8");
  assert_diagnostic (fixture, useless, SCL_SEVERITY_WARNING,
                     "virtualMachines.demo.cloudInitNetworkConfigFile", "net.yaml:1:10: the version must be");
  assert_diagnostic (fixture, netplan, SCL_SEVERITY_NOTE,
                     "virtualMachines.demo.cloudInitNetworkConfigFile", "glob.yaml:2:24: \"match\" without");
}

static void
test_preflight_existing (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *absent = in_root (fixture, "absent");
  g_autofree char *path = _scl_volume_backend_volume_path (fixture->backend, "demo");
  g_autoptr (SclVmSpec) shrunk = make_vm ("demo", fixture->image, 64, NULL, NULL);
  g_autoptr (SclVmSpec) gone = make_vm ("demo", absent, 100, NULL, NULL);

  assert_true (create (fixture, "demo", 100, NULL));
  assert_diagnostic (fixture, gone, SCL_SEVERITY_WARNING, "virtualMachines.demo.image", "absent");
  assert_true (_scl_volume_backend_remove (fixture->backend, "demo", NULL, NULL, NULL));
  assert_int_equal (mkdir (path, 0700), 0);
  assert_diagnostic (fixture, shrunk, SCL_SEVERITY_ERROR, "virtualMachines.demo.image", "a folder");
}

static void
test_preflight_reach (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclVolumeBackend) backend
      = _scl_file_volumes_new (fixture->state, NULL, "scl", "nobody", NULL);
  g_autoptr (SclVmSpec) vm = make_vm ("demo", fixture->image, 64, NULL, NULL);
  g_autoptr (SclManifest) manifest = make_manifest (vm, NULL);
  g_autoptr (GPtrArray) closed = preflight (fixture, backend, manifest);
  g_autoptr (GPtrArray) open = NULL;

  assert_int_equal (closed->len, 1);
  assert_non_null (
      strstr (scl_diagnostic_get_message (g_ptr_array_index (closed, 0)), "chmod o+x"));
  assert_non_null (
      strstr (scl_diagnostic_get_message (g_ptr_array_index (closed, 0)), fixture->root));
  assert_int_equal (chmod (fixture->root, 0711), 0);
  open = preflight (fixture, backend, manifest);
  assert_int_equal (open->len, 0);
}

static void
assert_state_refused (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SclManifest) manifest = make_manifest (NULL, NULL);
  g_autoptr (GPtrArray) diagnostics = preflight (fixture, fixture->backend, manifest);
  mode_t mode = stat_of (fixture->state).st_mode;

  assert_int_equal (diagnostics->len, 1);
  assert_false (create (fixture, "demo", 0, &error));
  assert_error (error, SCL_ERROR_INVALID, "state folder");
  assert_int_equal (stat_of (fixture->state).st_mode, mode);
  assert_int_equal (count_entries (fixture->state), 0);
}

/* Somebody named /tmp, or another one's folder: it stays as it is. */
static void
test_state_folder (void **state)
{
  Fixture *fixture = *state;

  assert_int_equal (mkdir (fixture->state, 0700), 0);
  assert_int_equal (chmod (fixture->state, 01777), 0);
  assert_state_refused (fixture);
  assert_int_equal (chmod (fixture->state, 0770), 0);
  assert_state_refused (fixture);
  assert_int_equal (chmod (fixture->state, 0700), 0);
  if (chown (fixture->state, 65534, 65534) == 0)
    assert_state_refused (fixture);
  assert_int_equal (chown (fixture->state, geteuid (), getegid ()), 0);
  assert_true (create (fixture, "demo", 0, NULL));
  assert_int_equal (stat_of (fixture->state).st_mode & 07777, 0711);
}

static void
put_in_state (Fixture *fixture, const char *name)
{
  g_autofree char *path = g_build_filename (fixture->state, name, NULL);

  assert_true (g_file_set_contents (path, "x", -1, NULL));
}

/* Somebody named /srv: it is shared with SCL, and not closed to those who list it. */
static void
test_state_folder_with_files (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (GError) error = NULL;

  assert_int_equal (g_mkdir (fixture->state, 0755), 0);
  put_in_state (fixture, "website");
  assert_int_equal (chmod (fixture->state, 0700), 0);
  assert_false (create (fixture, "demo", 0, &error));
  assert_error (error, SCL_ERROR_INVALID, "holds files of others, so that its mode 0700 is left as it is");
  assert_non_null (strstr (error->message, "chmod o+x"));
  assert_int_equal (count_entries (fixture->state), 1);
  assert_int_equal (chmod (fixture->state, 0755), 0);
  assert_true (create (fixture, "demo", 0, NULL));
  assert_true (create (fixture, "other", 0, NULL));
  assert_int_equal (stat_of (fixture->state).st_mode & 07777, 0755);
  assert_int_equal (stat_of (fixture->volumes).st_mode & 07777, 0711);
}

/* One that has only SCL's own things in it gets its mode again. */
static void
test_state_folder_of_ours (void **state)
{
  Fixture *fixture = *state;

  assert_true (create (fixture, "demo", 0, NULL));
  put_in_state (fixture, "instance");
  put_in_state (fixture, "machine-id");
  put_in_state (fixture, ".scl.lock");
  assert_int_equal (chmod (fixture->state, 0700), 0);
  assert_true (create (fixture, "other", 0, NULL));
  assert_int_equal (stat_of (fixture->state).st_mode & 07777, 0711);
}

#define TEST(function) cmocka_unit_test_setup_teardown (function, fixture_setup, fixture_teardown)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    TEST (test_preflight),
    TEST (test_preflight_user_data),
    TEST (test_preflight_existing),
    TEST (test_preflight_reach),
    TEST (test_state_folder),
    TEST (test_state_folder_with_files),
    TEST (test_state_folder_of_ours),
  };

  return cmocka_run_group_tests_name ("file-volumes-preflight", tests, NULL, NULL);
}
