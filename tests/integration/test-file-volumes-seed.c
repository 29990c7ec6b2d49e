/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Seed disks as files: when they are written, what other programs see in them. */

#include "file-volumes-fixture.h"
#include "backend/volume/scl-seed-private.h"

/* What PROGRAM prints, or NULL if it is not installed. */
static char *
run (const char *const *argv)
{
  g_autofree char *program = g_find_program_in_path (argv[0]);
  char *output = NULL;
  int status = -1;

  if (program == NULL)
    return NULL;
  assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output,
                             NULL, &status, NULL));
  return output;
}

static char *
isoinfo (const char *iso, const char *names, const char *file)
{
  const char *const argv[]
      = { "isoinfo", "-i", iso, names, file != NULL ? "-x" : "-f", file, NULL };

  return run (argv);
}

static SclVmSpec *
demo (Fixture *fixture, const char *user, const char *network)
{
  return make_vm ("demo", fixture->image, 0, user, network);
}

static struct stat
ensure (Fixture *fixture, SclVmSpec *vm)
{
  g_autofree char *path = _scl_volume_backend_seed_path (fixture->backend, "demo");

  assert_true (_scl_volume_backend_ensure_seed (fixture->backend, vm, NULL, NULL, NULL));
  return stat_of (path);
}

static void
test_written (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *user = put_file (fixture, "user", "users: []\n");
  g_autofree char *network = put_file (fixture, "net", "version: 2\n");
  g_autoptr (SclVmSpec) vm = demo (fixture, user, network);
  struct stat info = ensure (fixture, vm);
  g_autofree char *vms = g_build_filename (fixture->state, "vms", NULL);
  g_autofree char *folder = g_build_filename (vms, "demo", NULL);

  assert_true (S_ISREG (info.st_mode));
  assert_int_equal (info.st_mode & 07777, 0600);
  assert_int_equal (stat_of (fixture->state).st_mode & 07777, 0711);
  assert_int_equal (stat_of (vms).st_mode & 07777, 0711);
  assert_int_equal (stat_of (folder).st_mode & 07777, 0711);
  assert_int_equal (count_entries (folder), 1);
}

static void
check_names (const char *iso, const char *option)
{
  g_autofree char *names = isoinfo (iso, option, NULL);
  g_autofree char *user = isoinfo (iso, option, "/user-data");
  g_autofree char *network = isoinfo (iso, option, "/network-config");
  g_autofree char *meta = isoinfo (iso, option, "/meta-data");

  skip_unless (names != NULL, "isoinfo");
  assert_string_equal (names, "/meta-data\n/network-config\n/user-data\n");
  assert_string_equal (user, "#cloud-config\nusers: []\n");
  assert_string_equal (network, "version: 2\n");
  assert_non_null (strstr (meta, "local-hostname: \"demo\"\n"));
}

static void
test_seen_by_others (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *user = put_file (fixture, "user", "users: []\n");
  g_autofree char *network = put_file (fixture, "net", "version: 2\n");
  g_autoptr (SclVmSpec) vm = demo (fixture, user, network);
  g_autofree char *iso = _scl_volume_backend_seed_path (fixture->backend, "demo");
  const char *const argv[] = { "blkid", "-p", "-o", "export", iso, NULL };
  g_autofree char *blkid = NULL;

  (void) ensure (fixture, vm);
  blkid = run (argv);
  skip_unless (blkid != NULL, "blkid");
  assert_non_null (strstr (blkid, "LABEL=cidata\n"));
  assert_non_null (strstr (blkid, "TYPE=iso9660\n"));
  check_names (iso, "-R");
  check_names (iso, "-J");
}

static void
assert_unchanged (struct stat before, struct stat after)
{
  assert_int_equal (before.st_ino, after.st_ino);
  assert_memory_equal (&before.st_mtim, &after.st_mtim, sizeof before.st_mtim);
}

static void
test_rewritten_on_change_only (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *user = put_file (fixture, "user", "a: 1\n");
  g_autoptr (SclVmSpec) vm = demo (fixture, user, NULL);
  g_autoptr (SclVmSpec) with_network = demo (fixture, user, user);
  const struct timespec times[] = { { 1, 0 }, { 1, 0 } };
  struct stat first = ensure (fixture, vm);
  struct stat last;

  assert_unchanged (first, ensure (fixture, vm));
  /* The same text in a newer file. */
  assert_int_equal (utimensat (AT_FDCWD, user, times, 0), 0);
  assert_unchanged (first, ensure (fixture, vm));
  assert_true (g_file_set_contents (user, "a: 2\n", -1, NULL));
  last = ensure (fixture, vm);
  assert_int_not_equal (first.st_ino, last.st_ino);
  assert_unchanged (last, ensure (fixture, vm));
  assert_int_not_equal (last.st_ino, ensure (fixture, with_network).st_ino);
}

static void
test_taken_back (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *user = put_file (fixture, "user", "a: 1\n");
  g_autofree char *iso = _scl_volume_backend_seed_path (fixture->backend, "demo");
  g_autoptr (SclVmSpec) vm = demo (fixture, user, NULL);
  struct stat before = ensure (fixture, vm);
  struct stat after;

  skip_unless (geteuid () == 0, "root");
  assert_int_equal (chown (iso, 65534, 65534), 0);
  assert_int_equal (chmod (iso, 0644), 0);
  after = ensure (fixture, vm);
  assert_unchanged (before, after);
  assert_int_equal (after.st_uid, 0);
  assert_int_equal (after.st_gid, 0);
  assert_int_equal (after.st_mode & 07777, 0600);
}

static gboolean
seed_differs (Fixture *fixture, SclVmSpec *vm)
{
  g_autoptr (SclManifest) manifest = make_manifest (vm, NULL);
  g_autoptr (SclObservation) out = _scl_observation_new ();
  SclObservedVm *observed = _scl_observed_vm_new ("demo");

  g_ptr_array_add (out->vms, observed);
  assert_true (_scl_volume_backend_observe (fixture->backend, manifest, out, NULL, NULL));
  return observed->seed_differs;
}

static void
test_observed (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *user = put_file (fixture, "user", "a: 1\n");
  g_autofree char *iso = _scl_volume_backend_seed_path (fixture->backend, "demo");
  g_autoptr (SclVmSpec) vm = demo (fixture, user, NULL);
  g_autoptr (SclVmSpec) without = demo (fixture, NULL, NULL);

  assert_false (seed_differs (fixture, without));
  assert_true (seed_differs (fixture, vm));
  assert_false (g_file_test (fixture->state, G_FILE_TEST_EXISTS));
  assert_true (create (fixture, "demo", 0, NULL));
  (void) ensure (fixture, vm);
  assert_false (seed_differs (fixture, vm));
  assert_true (seed_differs (fixture, without));
  assert_true (g_file_set_contents (user, "a: 2\n", -1, NULL));
  assert_true (seed_differs (fixture, vm));
  /* Preflight's to report. */
  assert_int_equal (g_unlink (user), 0);
  assert_false (seed_differs (fixture, vm));
  assert_true (g_file_set_contents (user, "a: 1\n", -1, NULL));
  assert_false (seed_differs (fixture, vm));
  assert_true (g_file_set_contents (iso, "garbage", -1, NULL));
  assert_true (seed_differs (fixture, vm));
  (void) ensure (fixture, vm);
  assert_false (seed_differs (fixture, vm));
  (void) ensure (fixture, without);
  assert_false (g_file_test (iso, G_FILE_TEST_EXISTS));
  assert_false (seed_differs (fixture, without));
}

/* Applying a second time must not find a change: so the first has to know that one is coming. */
static void
test_observed_with_new_volume (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *user = put_file (fixture, "user", "a: 1\n");
  g_autoptr (SclVmSpec) vm = demo (fixture, user, NULL);

  assert_true (create (fixture, "demo", 0, NULL));
  (void) ensure (fixture, vm);
  assert_false (seed_differs (fixture, vm));
  assert_true (_scl_volume_backend_remove (fixture->backend, "demo", NULL, NULL, NULL));
  assert_true (seed_differs (fixture, vm));
  assert_true (create (fixture, "demo", 0, NULL));
  assert_true (seed_differs (fixture, vm));
  (void) ensure (fixture, vm);
  assert_false (seed_differs (fixture, vm));
}

static void
test_foreign_domain (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *user = put_file (fixture, "user", "a: 1\n");
  g_autoptr (SclVmSpec) vm = demo (fixture, user, NULL);
  g_autoptr (SclManifest) manifest = make_manifest (vm, NULL);
  g_autoptr (SclObservation) out = _scl_observation_new ();
  SclObservedVm *foreign = _scl_observed_vm_new ("demo");
  SclObservedVm *other = _scl_observed_vm_new ("other");

  foreign->foreign = TRUE;
  g_ptr_array_add (out->vms, foreign);
  g_ptr_array_add (out->vms, other);
  assert_true (_scl_volume_backend_observe (fixture->backend, manifest, out, NULL, NULL));
  assert_false (foreign->seed_differs);
  assert_false (other->seed_differs);
}

static void
test_errors (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *absent = in_root (fixture, "absent");
  g_autofree char *user = put_file (fixture, "user", "a: 1\n");
  g_autoptr (SclVmSpec) vm = demo (fixture, user, NULL);
  g_autoptr (SclVmSpec) broken = demo (fixture, absent, NULL);
  struct stat before = ensure (fixture, vm);
  g_autofree char *iso = _scl_volume_backend_seed_path (fixture->backend, "demo");
  g_autoptr (GError) error = NULL;

  assert_false (_scl_volume_backend_ensure_seed (fixture->backend, broken, NULL, NULL, &error));
  assert_error (error, SCL_ERROR_NOT_FOUND, absent);
  assert_unchanged (before, stat_of (iso));
}

static char *
get_instance_id (Fixture *fixture, SclVmSpec *vm)
{
  g_autofree char *iso = _scl_volume_backend_seed_path (fixture->backend, "demo");
  g_autofree char *folder = g_path_get_dirname (iso);
  g_auto (SclFd) fd = -1;
  g_autoptr (SclSeed) seed = NULL;

  (void) ensure (fixture, vm);
  fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  seed = _scl_seed_load (fd);
  return _scl_seed_get_instance_id (seed);
}

/* It is the guest's identity: a new one makes cloud-init set the guest up anew. */
static void
test_instance_id (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *user = put_file (fixture, "user", "a: 1\n");
  g_autofree char *sidecar = g_build_filename (fixture->volumes, "demo.json", NULL);
  g_autofree char *moved = in_root (fixture, "moved");
  g_autoptr (SclVmSpec) vm = demo (fixture, user, NULL);
  g_autoptr (SclVolumeBackend) old_backend = NULL;
  g_autofree char *first = NULL;
  g_autofree char *after_text = NULL;
  g_autofree char *after_release = NULL;
  g_autofree char *after_move = NULL;
  g_autofree char *after_damage = NULL;
  g_autofree char *after_rebuild = NULL;

  assert_true (create (fixture, "demo", 0, NULL));
  first = get_instance_id (fixture, vm);
  assert_true (g_str_has_prefix (first, "scl-demo-"));
  assert_true (g_file_set_contents (user, "a: 2\n", -1, NULL));
  after_text = get_instance_id (fixture, vm);
  assert_string_equal (first, after_text);
  assert_true (_scl_volume_backend_release (fixture->backend, "demo", NULL, NULL, NULL));
  after_release = get_instance_id (fixture, vm);
  assert_string_equal (first, after_release);
  assert_int_equal (g_unlink (sidecar), 0);
  after_damage = get_instance_id (fixture, vm);
  assert_string_equal (first, after_damage);
  assert_true (_scl_volume_backend_remove (fixture->backend, "demo", NULL, NULL, NULL));
  assert_true (create (fixture, "demo", 0, NULL));
  after_rebuild = get_instance_id (fixture, vm);
  assert_string_not_equal (first, after_rebuild);
  assert_int_equal (g_rename (fixture->state, moved), 0);
  old_backend = g_steal_pointer (&fixture->backend);
  fixture->backend = _scl_file_volumes_new (moved, NULL, "scl", NULL, NULL);
  assert_true (_scl_volume_backend_release (fixture->backend, "demo", NULL, NULL, NULL));
  after_move = get_instance_id (fixture, vm);
  assert_string_equal (after_rebuild, after_move);
}

static void
put_in (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  assert_true (g_file_set_contents (path, "x", 1, NULL));
}

static void
test_release (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *user = put_file (fixture, "user", "a: 1\n");
  g_autoptr (SclVmSpec) vm = demo (fixture, user, NULL);
  g_autofree char *folder = NULL;
  g_autofree char *nvram = NULL;

  assert_true (_scl_volume_backend_release (fixture->backend, "demo", NULL, NULL, NULL));
  assert_false (g_file_test (fixture->state, G_FILE_TEST_EXISTS));
  folder = _scl_volume_backend_vm_folder (fixture->backend, "demo", NULL);
  nvram = g_build_filename (folder, "nvram.fd", NULL);
  (void) ensure (fixture, vm);
  put_in (folder, "console.log");
  put_in (folder, "console.log.0");
  put_in (folder, "nvram.fd");
  put_in (folder, ".seed.iso.0123abcd.part");
  assert_true (_scl_volume_backend_release (fixture->backend, "demo", NULL, NULL, NULL));
  assert_int_equal (count_entries (folder), 1);
  assert_true (g_file_test (nvram, G_FILE_TEST_EXISTS));
  assert_int_equal (g_unlink (nvram), 0);
  assert_true (_scl_volume_backend_release (fixture->backend, "demo", NULL, NULL, NULL));
  assert_false (g_file_test (folder, G_FILE_TEST_EXISTS));
}

/* What stands in the seed's place is replaced, not written through. */
static void
test_link_in_place (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *user = put_file (fixture, "user", "a: 1\n");
  g_autofree char *victim = put_file (fixture, "victim", "precious");
  g_autofree char *iso = _scl_volume_backend_seed_path (fixture->backend, "demo");
  g_autofree char *folder = _scl_volume_backend_vm_folder (fixture->backend, "demo", NULL);
  g_autoptr (SclVmSpec) vm = demo (fixture, user, NULL);

  assert_int_equal (symlink (victim, iso), 0);
  assert_true (S_ISREG (ensure (fixture, vm).st_mode));
  assert_int_equal (stat_of (victim).st_size, 8);
  assert_int_equal (count_entries (folder), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown (function, fixture_setup, fixture_teardown)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    TEST (test_written),
    TEST (test_seen_by_others),
    TEST (test_rewritten_on_change_only),
    TEST (test_taken_back),
    TEST (test_observed),
    TEST (test_foreign_domain),
    TEST (test_observed_with_new_volume),
    TEST (test_errors),
    TEST (test_instance_id),
    TEST (test_release),
    TEST (test_link_in_place),
  };

  return cmocka_run_group_tests_name ("file-volumes-seed", tests, NULL, NULL);
}
