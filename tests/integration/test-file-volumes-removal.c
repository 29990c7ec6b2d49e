/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What deleting a volume leaves when it is cut short, and whose files it never takes. */

#include "backend/volume/scl-volume-removal-private.h"
#include "file-volumes-fixture.h"

static gboolean
remove_demo (Fixture *fixture, GError **error)
{
  return _scl_volume_backend_remove (fixture->backend, "demo", NULL, NULL, error);
}

static char *
file_of (Fixture *fixture, const char *name)
{
  return g_build_filename (fixture->volumes, name, NULL);
}

static void
put (Fixture *fixture, const char *name, const char *text)
{
  g_autofree char *path = file_of (fixture, name);

  assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
assert_content (Fixture *fixture, const char *name, const char *text)
{
  g_autofree char *path = file_of (fixture, name);
  g_autofree char *content = NULL;

  assert_true (g_file_get_contents (path, &content, NULL, NULL));
  assert_string_equal (content, text);
}

/* As QEMU does it that writes to its disk. */
static int
lock_as_qemu (Fixture *fixture)
{
  g_autofree char *path = file_of (fixture, "demo.raw");
  struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 101, .l_len = 1 };
  int fd = open (path, O_RDWR | O_CLOEXEC);

  assert_int_equal (fcntl (fd, F_OFD_SETLK, &lock), 0);
  return fd;
}

static void
test_in_use (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (GError) error = NULL;
  g_autoptr (SclObservation) seen = NULL;
  g_auto (SclFd) user = -1;

  assert_true (create (fixture, "demo", 0, NULL));
  user = lock_as_qemu (fixture);
  assert_false (remove_demo (fixture, &error));
  assert_error (error, SCL_ERROR_IN_USE, "has demo.raw open");
  assert_true (is_copy (fixture, "demo"));
  seen = observe (fixture, NULL);
  assert_false (_scl_observation_lookup_volume (seen, "demo")->unclaimed);
  scl_fd_clear (&user);
  assert_true (remove_demo (fixture, NULL));
}

/* The name of its instance is what 0.1 did not write. */
static void
forget_instance (Fixture *fixture)
{
  g_autofree char *path = file_of (fixture, "demo.json");
  g_autofree char *text = NULL;
  char *at;

  assert_true (g_file_get_contents (path, &text, NULL, NULL));
  at = strstr (text, "\"instance\"");
  assert_non_null (at);
  memcpy (at, "\"inst____\"", strlen ("\"instance\""));
  assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
test_in_doubt_and_in_use (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclObservation) before = NULL;
  g_autoptr (SclObservation) after = NULL;
  g_auto (SclFd) user = -1;

  assert_true (create (fixture, "demo", 0, NULL));
  forget_instance (fixture);
  before = observe (fixture, NULL);
  assert_true (_scl_observation_lookup_volume (before, "demo")->in_doubt);
  assert_false (_scl_observation_lookup_volume (before, "demo")->held);
  user = lock_as_qemu (fixture);
  after = observe (fixture, NULL);
  assert_true (_scl_observation_lookup_volume (after, "demo")->held);
}

static int
open_volumes (Fixture *fixture)
{
  return open (fixture->volumes, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Killed after it was noted, before anything was deleted. */
static void
cut_short (Fixture *fixture)
{
  g_auto (SclFd) folder = -1;

  assert_true (create (fixture, "demo", 0, NULL));
  folder = open_volumes (fixture);
  assert_true (_scl_volume_removal_begin (folder, "demo", "scl", NULL));
}

/* Killed after the volume was deleted. */
static void
cut_short_late (Fixture *fixture)
{
  g_autofree char *path = file_of (fixture, "demo.raw");

  cut_short (fixture);
  assert_int_equal (g_unlink (path), 0);
}

static void
test_again (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclObservation) seen = NULL;
  SclObservedVolume *left;

  cut_short (fixture);
  assert_true (remove_demo (fixture, NULL));
  assert_int_equal (count_entries (fixture->volumes), 0);
  cut_short_late (fixture);
  seen = observe (fixture, NULL);
  assert_null (_scl_observation_lookup_volume (seen, "demo"));
  left = _scl_observation_lookup_remains (seen, "demo");
  assert_non_null (left);
  assert_true (left->leftover && !left->foreign);
  assert_true (remove_demo (fixture, NULL));
  assert_int_equal (count_entries (fixture->volumes), 0);
}

/* What somebody puts there afterwards is his, whatever the note says. */
static void
test_stranger (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclObservation) seen = NULL;
  SclObservedVolume *volume;

  cut_short_late (fixture);
  put (fixture, "demo.raw", "precious");
  seen = observe (fixture, NULL);
  assert_true (_scl_volume_backend_claim (fixture->backend, seen, NULL));
  volume = _scl_observation_lookup_volume (seen, "demo");
  assert_true (volume->foreign);
  assert_null (volume->image);
  g_clear_pointer (&seen, _scl_observation_unref);
  seen = observe (fixture, NULL);
  assert_true (_scl_observation_lookup_volume (seen, "demo")->foreign);
  assert_content (fixture, "demo.raw", "precious");
}

/* A leftover is never noted as whole: what comes there later would be taken for it. */
static void
test_leftover_is_not_claimed (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclObservation) seen = NULL;

  cut_short_late (fixture);
  seen = observe (fixture, NULL);
  assert_true (_scl_volume_backend_claim (fixture->backend, seen, NULL));
  put (fixture, "demo.raw", "precious");
  g_clear_pointer (&seen, _scl_observation_unref);
  seen = observe (fixture, NULL);
  assert_true (_scl_observation_lookup_volume (seen, "demo")->foreign);
}

/* The volume is still there and in use again; later a backup is put back, another file with the same note. */
static void
test_kept_after_all (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *path = file_of (fixture, "demo.raw");
  g_autofree char *copy = file_of (fixture, "backup");
  g_autoptr (SclObservation) seen = NULL;

  cut_short (fixture);
  seen = observe (fixture, NULL);
  assert_false (_scl_observation_lookup_volume (seen, "demo")->foreign);
  assert_true (_scl_volume_backend_claim (fixture->backend, seen, NULL));
  assert_int_equal (g_rename (path, copy), 0);
  put (fixture, "demo.raw", "from the backup");
  g_clear_pointer (&seen, _scl_observation_unref);
  seen = observe (fixture, NULL);
  assert_false (_scl_observation_lookup_volume (seen, "demo")->foreign);
}

static void
test_nvram_alone (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *folder = NULL;
  g_autofree char *nvram = NULL;
  g_autoptr (GError) error = NULL;

  assert_true (create (fixture, "other", 0, NULL));
  folder = _scl_volume_backend_vm_folder (fixture->backend, "demo", NULL);
  nvram = g_build_filename (folder, SCL_NVRAM_FILE, NULL);
  assert_true (g_file_set_contents (nvram, "boot entries", -1, NULL));
  assert_true (remove_demo (fixture, NULL));
  assert_false (g_file_test (folder, G_FILE_TEST_EXISTS));
  assert_false (remove_demo (fixture, &error));
  assert_error (error, SCL_ERROR_NOT_FOUND, "demo");
}

/* NAME.json is anybody's idea of a name. */
static void
test_another_note (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (GError) made = NULL;
  g_autoptr (GError) removed = NULL;
  g_autofree char *other = file_of (fixture, "demo.json");

  assert_true (create (fixture, "other", 0, NULL));
  put (fixture, "demo.json", "{\"my\": \"recipe\"}");
  assert_false (create (fixture, "demo", 0, &made));
  assert_error (made, SCL_ERROR_EXISTS, "demo.json");
  put (fixture, "demo.raw", "precious");
  assert_false (remove_demo (fixture, &removed));
  assert_error (removed, SCL_ERROR_EXISTS, "demo.json");
  assert_content (fixture, "demo.json", "{\"my\": \"recipe\"}");
  assert_content (fixture, "demo.raw", "precious");
  assert_int_equal (g_unlink (other), 0);
  assert_true (remove_demo (fixture, NULL));
}

static void
move (Fixture *fixture, const char *from, const char *to)
{
  g_autofree char *source = g_build_filename (fixture->state, from, NULL);
  g_autofree char *target = g_build_filename (fixture->state, to, NULL);
  g_autofree char *folder = g_path_get_dirname (target);

  assert_int_equal (g_mkdir_with_parents (folder, 0711), 0);
  assert_int_equal (g_rename (source, target), 0);
}

/* Volumes of both places are found, whatever their names' order is. */
static void
test_old_and_new (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *home = g_build_filename (fixture->state, "instances", "doc", NULL);
  g_autoptr (SclVolumeBackend) own = fixture->backend;
  g_autofree char *user = put_file (fixture, "user", "a: 1\n");
  g_autoptr (SclVmSpec) vm = make_vm ("early", fixture->image, 0, user, NULL);
  g_autoptr (SclManifest) manifest = make_manifest (vm, NULL);
  g_autoptr (SclObservation) seen = _scl_observation_new ();
  SclObservedVm *observed = _scl_observed_vm_new ("early");

  fixture->backend = _scl_file_volumes_new (home, fixture->state, "doc", NULL, NULL);
  assert_true (create (fixture, "early", 0, NULL) && create (fixture, "late", 0, NULL)
               && create (fixture, "later", 0, NULL));
  assert_true (_scl_volume_backend_ensure_seed (fixture->backend, vm, NULL, NULL, NULL));
  move (fixture, "instances/doc/volumes/early.raw", "volumes/early.raw");
  move (fixture, "instances/doc/volumes/early.json", "volumes/early.json");
  move (fixture, "instances/doc/vms", "vms");
  g_ptr_array_add (seen->vms, observed);
  assert_true (_scl_volume_backend_observe (fixture->backend, manifest, seen, NULL, NULL));
  assert_non_null (_scl_observation_lookup_volume (seen, "early"));
  assert_false (observed->seed_differs);
}

/* --- the NVRAM of a VM that is gone, as is its volume --- */

static char *
put_nvram (Fixture *fixture, const char *vm)
{
  g_autofree char *folder = g_build_filename (fixture->state, "vms", vm, NULL);
  char *path = g_build_filename (folder, SCL_NVRAM_FILE, NULL);

  assert_int_equal (g_mkdir_with_parents (folder, 0711), 0);
  assert_true (g_file_set_contents (path, "variables", -1, NULL));
  return path;
}

static SclObservation *
see (Fixture *fixture)
{
  SclObservation *seen = _scl_observation_new ();

  assert_true (_scl_volume_backend_observe (fixture->backend, NULL, seen, NULL, NULL));
  return seen;
}

static void
assert_lone (Fixture *fixture, gboolean lone)
{
  g_autoptr (SclObservation) seen = see (fixture);
  const SclObservedVolume *nvram = _scl_observation_lookup_remains (seen, "demo");

  assert_true (lone == (nvram != NULL && nvram->nvram));
  assert_true (!lone || (nvram->leftover && !nvram->foreign && nvram->size == 9
                         && g_str_has_suffix (nvram->path, "/vms/demo/nvram.fd")));
}

static void
test_lone_nvram (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *path = put_nvram (fixture, "demo");
  g_autofree char *folder = g_path_get_dirname (path);

  /* No volume was ever made here. */
  assert_lone (fixture, TRUE);
  assert_true (remove_demo (fixture, NULL));
  assert_false (g_file_test (folder, G_FILE_TEST_EXISTS));
  assert_lone (fixture, FALSE);
  assert_false (remove_demo (fixture, NULL));
  assert_true (create (fixture, "demo", 0, NULL));
  g_free (put_nvram (fixture, "demo"));
  assert_lone (fixture, FALSE);
}

static void
test_nvram_of_a_vm (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *path = put_nvram (fixture, "demo");
  g_autoptr (SclObservation) seen = _scl_observation_new ();

  g_ptr_array_add (seen->vms, _scl_observed_vm_new ("demo"));
  assert_true (_scl_volume_backend_observe (fixture->backend, NULL, seen, NULL, NULL));
  assert_null (_scl_observation_lookup_remains (seen, "demo"));
}

/* What is there under that name need not be a file of ours, or may be in use. */
static void
test_nvram_that_is_kept (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *path = put_nvram (fixture, "demo");
  g_autofree char *other = put_nvram (fixture, "other");
  g_autoptr (SclSources) sources = _scl_sources_new ();
  g_autoptr (GError) error = NULL;
  struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 101, .l_len = 1 };
  g_auto (SclFd) qemu = open (path, O_RDWR | O_CLOEXEC);

  assert_int_equal (fcntl (qemu, F_OFD_SETLK, &lock), 0);
  assert_false (remove_demo (fixture, &error));
  assert_true (g_error_matches (error, SCL_ERROR, SCL_ERROR_IN_USE));
  assert_non_null (strstr (error->message, "nvram.fd"));
  scl_fd_clear (&qemu);
  _scl_sources_add (sources, "clone", NULL, NULL, path);
  assert_false (_scl_volume_backend_remove (fixture->backend, "demo", sources, NULL, NULL));
  assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  assert_int_equal (unlink (path), 0);
  assert_int_equal (symlink (other, path), 0);
  assert_lone (fixture, FALSE);
}

#define TEST(function) cmocka_unit_test_setup_teardown (function, fixture_setup, fixture_teardown)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    TEST (test_in_use),         TEST (test_in_doubt_and_in_use),
    TEST (test_again),          TEST (test_stranger),
    TEST (test_lone_nvram), TEST (test_nvram_of_a_vm), TEST (test_nvram_that_is_kept),
    TEST (test_kept_after_all), TEST (test_leftover_is_not_claimed),
    TEST (test_nvram_alone),    TEST (test_another_note),
    TEST (test_old_and_new),
  };

  return cmocka_run_group_tests_name ("file-volumes-removal", tests, NULL, NULL);
}
