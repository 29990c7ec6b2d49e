/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Volumes on the file system that holds the temporary folder. */

#include "file-volumes-fixture.h"

static void
test_create (void **state)
{
  Fixture *fixture = *state;
  struct stat info;

  assert_true (create (fixture, "demo", 100, NULL));
  assert_true (is_copy (fixture, "demo"));
  info = volume_stat (fixture, "demo");
  assert_int_equal (info.st_size, 100 * MIB);
  assert_true (info.st_blocks * 512 < 12 * MIB);
  assert_int_equal (info.st_mode & 07777, 0600);
  assert_int_equal (info.st_uid, geteuid ());
  assert_int_equal (stat_of (fixture->state).st_mode & 07777, 0711);
  assert_int_equal (stat_of (fixture->volumes).st_mode & 07777, 0711);
  assert_int_equal (count_entries (fixture->volumes), 2);
}

static void
test_observe (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclObservation) before = observe (fixture, NULL);
  g_autoptr (SclObservation) after = NULL;
  SclObservedVolume *volume;
  struct stat image = stat_of (fixture->image);
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  assert_int_equal (before->volumes->len, 0);
  assert_false (g_file_test (fixture->state, G_FILE_TEST_EXISTS));
  assert_true (create (fixture, "zz", 0, NULL));
  assert_true (create (fixture, "demo", 64, NULL));
  after = observe (fixture, NULL);
  assert_int_equal (after->volumes->len, 2);
  volume = g_ptr_array_index (after->volumes, 0);
  assert_string_equal (volume->name, "demo");
  assert_int_equal (volume->size, 64 * MIB);
  assert_true (volume->allocated >= 8 * MIB || image.st_blocks == 0);
  assert_string_equal (volume->image, fixture->image);
  assert_int_equal (volume->image_size, fixture->image_size);
  assert_true (volume->image_inode == image.st_ino);
  assert_true (volume->image_mtime
               == (gint64) image.st_mtim.tv_sec * 1000000000 + image.st_mtim.tv_nsec);
  assert_true (ABS (volume->created - now) < 60);
  assert_string_equal (volume->vm, "demo");
  /* 40 MiB and 777 bytes, rounded up. */
  assert_int_equal (((SclObservedVolume *) g_ptr_array_index (after->volumes, 1))->size, 41 * MIB);
}

static void
test_create_again (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (GError) error = NULL;
  struct stat before;
  struct stat after;

  assert_true (create (fixture, "demo", 100, NULL));
  before = volume_stat (fixture, "demo");
  assert_true (create (fixture, "demo", 100, NULL));
  assert_true (create (fixture, "demo", 50, NULL));
  assert_true (create (fixture, "demo", 0, NULL));
  assert_int_equal (g_unlink (fixture->image), 0);
  assert_true (create (fixture, "demo", 100, NULL));
  assert_false (create (fixture, "demo", 101, &error));
  assert_error (error, SCL_ERROR_EXISTS, "grow");
  after = volume_stat (fixture, "demo");
  assert_int_equal (before.st_ino, after.st_ino);
  assert_int_equal (before.st_size, after.st_size);
  assert_memory_equal (&before.st_mtim, &after.st_mtim, sizeof before.st_mtim);
}

static void
check_foreign (Fixture *fixture)
{
  g_autoptr (GError) created = NULL;
  g_autoptr (GError) grown = NULL;
  g_autoptr (GError) removed = NULL;
  g_autoptr (SclObservation) seen = observe (fixture, NULL);
  struct stat before = volume_stat (fixture, "demo");
  struct stat after;

  assert_int_equal (seen->volumes->len, 0);
  assert_false (create (fixture, "demo", 0, &created));
  assert_error (created, SCL_ERROR_EXISTS, "demo.raw");
  assert_false (_scl_volume_backend_grow (fixture->backend, "demo", 900, NULL, &grown));
  assert_error (grown, SCL_ERROR_EXISTS, "demo.raw");
  assert_false (_scl_volume_backend_remove (fixture->backend, "demo", NULL, NULL, &removed));
  assert_error (removed, SCL_ERROR_EXISTS, "demo.raw");
  after = volume_stat (fixture, "demo");
  assert_int_equal (before.st_ino, after.st_ino);
}

static void
test_foreign (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *victim = put_file (fixture, "victim", "precious");
  g_autofree char *path = _scl_volume_backend_volume_path (fixture->backend, "demo");

  assert_int_equal (g_mkdir_with_parents (fixture->volumes, 0711), 0);
  assert_int_equal (symlink (victim, path), 0);
  check_foreign (fixture);
  assert_int_equal (stat_of (victim).st_size, 8);
  assert_int_equal (g_unlink (path), 0);
  assert_int_equal (symlink ("/nonexistent/x", path), 0);
  check_foreign (fixture);
  assert_int_equal (g_unlink (path), 0);
  assert_int_equal (mkdir (path, 0700), 0);
  check_foreign (fixture);
  assert_int_equal (rmdir (path), 0);
  assert_int_equal (mkfifo (path, 0600), 0);
  check_foreign (fixture);
}

static void
assert_image_refused (Fixture *fixture, const char *image, guint64 size_mib, SclError code,
                      const char *part)
{
  g_autoptr (GError) error = NULL;

  assert_false (create_from (fixture, "demo", image, size_mib, NULL, &error));
  assert_error (error, code, part);
  assert_int_equal (count_entries (fixture->volumes), 0);
}

static void
test_bad_images (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *qcow2 = put_file (fixture, "disk.qcow2", "QFI\xfb");
  g_autofree char *empty = put_file (fixture, "empty.raw", "");
  g_autofree char *link = in_root (fixture, "link.raw");
  g_autofree char *absent = in_root (fixture, "absent.raw");
  g_autofree char *fifo = in_root (fixture, "fifo");

  assert_int_equal (symlink (absent, link), 0);
  assert_int_equal (mkfifo (fifo, 0600), 0);
  assert_image_refused (fixture, qcow2, 0, SCL_ERROR_UNSUPPORTED, "qemu-img convert -O raw");
  assert_image_refused (fixture, empty, 0, SCL_ERROR_INVALID, "empty");
  assert_image_refused (fixture, link, 0, SCL_ERROR_NOT_FOUND, absent);
  assert_image_refused (fixture, absent, 0, SCL_ERROR_NOT_FOUND, absent);
  assert_image_refused (fixture, fifo, 0, SCL_ERROR_INVALID, "regular file");
  assert_image_refused (fixture, fixture->root, 0, SCL_ERROR_INVALID, "regular file");
  assert_image_refused (fixture, fixture->image, 40, SCL_ERROR_INVALID, "41");
}

/* As `nix build` and storage pools leave images. What is opened is judged. */
static void
test_image_by_link (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *link = in_root (fixture, "result");
  g_autofree char *special = in_root (fixture, "special");
  g_autoptr (GError) error = NULL;

  make_image (fixture->image, MIB, 0);
  assert_int_equal (symlink ("/dev/null", special), 0);
  assert_image_refused (fixture, special, 0, SCL_ERROR_INVALID, "a special file, not a regular file");
  assert_int_equal (symlink (fixture->image, link), 0);
  if (!create_from (fixture, "demo", link, 0, NULL, &error))
    fail_msg ("%s", error->message);
  assert_int_equal (volume_stat (fixture, "demo").st_size, MIB);
  assert_true (create_from (fixture, "demo", link, 0, NULL, NULL));
}

typedef struct
{
  GCancellable *cancellable;
  Fixture *fixture;
  guint64 last;
  guint64 total;
  guint calls;
  gboolean (*hook) (Fixture *fixture);
} Watch;

static void
watch_report (guint64 done, guint64 total, const char *message, gpointer user_data)
{
  Watch *watch = user_data;

  assert_true (done >= watch->last && done <= total);
  watch->last = done;
  watch->total = total;
  if (watch->calls++ == 0 && watch->hook != NULL)
    assert_true (watch->hook (watch->fixture));
  if (watch->cancellable != NULL)
    g_cancellable_cancel (watch->cancellable);
}

static void
test_progress (void **state)
{
  Fixture *fixture = *state;
  Watch watch = { NULL, fixture, 0, 0, 0, NULL };
  SclProgress progress = { .report = watch_report, .user_data = &watch };

  assert_true (create_from (fixture, "demo", fixture->image, 0, &progress, NULL));
  assert_true (watch.calls >= 2);
  assert_int_equal (watch.total, fixture->image_size);
  assert_int_equal (watch.last, fixture->image_size);
}

static void
test_cancel (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  Watch watch = { cancellable, fixture, 0, 0, 0, NULL };
  SclProgress progress = { .cancellable = cancellable, .report = watch_report, .user_data = &watch };

  assert_false (create_from (fixture, "demo", fixture->image, 0, &progress, &error));
  assert_true (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  assert_int_equal (count_entries (fixture->volumes), 0);
}

static gboolean
touch_image (Fixture *fixture)
{
  const struct timespec times[] = { { 1000, 0 }, { 1000, 0 } };

  return utimensat (AT_FDCWD, fixture->image, times, 0) == 0;
}

static gboolean
shorten_image (Fixture *fixture)
{
  return truncate (fixture->image, 20 * MIB) == 0;
}

static gboolean
lengthen_image (Fixture *fixture)
{
  return truncate (fixture->image, 90 * MIB) == 0;
}

static void
test_image_changes (void **state)
{
  Fixture *fixture = *state;
  gboolean (*const hooks[]) (Fixture *) = { touch_image, shorten_image, lengthen_image };

  for (gsize i = 0; i < G_N_ELEMENTS (hooks); i++)
    {
      Watch watch = { NULL, fixture, 0, 0, 0, hooks[i] };
      SclProgress progress = { .report = watch_report, .user_data = &watch };
      g_autoptr (GError) error = NULL;

      assert_false (create_from (fixture, "demo", fixture->image, 0, &progress, &error));
      assert_error (error, SCL_ERROR_IN_USE, "while it was copied");
      assert_int_equal (count_entries (fixture->volumes), 0);
    }
}

/* Somebody puts a volume there at the last moment: theirs stays, without a sidecar of ours. */
static gboolean
intrude (Fixture *fixture)
{
  g_autofree char *path = _scl_volume_backend_volume_path (fixture->backend, "demo");

  return g_file_set_contents (path, "theirs", -1, NULL);
}

static void
test_intruder (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (GError) error = NULL;
  Watch watch = { NULL, fixture, 0, 0, 0, intrude };
  SclProgress progress = { .report = watch_report, .user_data = &watch };

  assert_false (create_from (fixture, "demo", fixture->image, 0, &progress, &error));
  assert_error (error, SCL_ERROR_EXISTS, "demo.raw");
  assert_int_equal (volume_stat (fixture, "demo").st_size, 6);
  assert_int_equal (count_entries (fixture->volumes), 1);
}

static void
test_grow (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (GError) shrunk = NULL;
  g_autoptr (GError) absent = NULL;
  struct stat before;

  assert_true (create (fixture, "demo", 50, NULL));
  before = volume_stat (fixture, "demo");
  assert_true (_scl_volume_backend_grow (fixture->backend, "demo", 80, NULL, NULL));
  assert_int_equal (volume_stat (fixture, "demo").st_size, 80 * MIB);
  assert_int_equal (volume_stat (fixture, "demo").st_ino, before.st_ino);
  assert_true (is_copy (fixture, "demo"));
  assert_true (_scl_volume_backend_grow (fixture->backend, "demo", 80, NULL, NULL));
  assert_false (_scl_volume_backend_grow (fixture->backend, "demo", 79, NULL, &shrunk));
  assert_error (shrunk, SCL_ERROR_WOULD_LOSE_DATA, "80 MiB");
  assert_int_equal (volume_stat (fixture, "demo").st_size, 80 * MIB);
  assert_false (_scl_volume_backend_grow (fixture->backend, "none", 80, NULL, &absent));
  assert_error (absent, SCL_ERROR_NOT_FOUND, "none");
}

static void
test_remove (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (GError) early = NULL;
  g_autoptr (GError) again = NULL;
  g_autofree char *path = _scl_volume_backend_volume_path (fixture->backend, "demo");

  assert_false (_scl_volume_backend_remove (fixture->backend, "demo", NULL, NULL, &early));
  assert_error (early, SCL_ERROR_NOT_FOUND, "demo");
  assert_true (create (fixture, "demo", 0, NULL));
  assert_true (create (fixture, "other", 0, NULL));
  assert_true (_scl_volume_backend_remove (fixture->backend, "demo", NULL, NULL, NULL));
  assert_int_equal (count_entries (fixture->volumes), 2);
  assert_false (_scl_volume_backend_remove (fixture->backend, "demo", NULL, NULL, &again));
  assert_error (again, SCL_ERROR_NOT_FOUND, "demo");
  /* Killed between the volume and its sidecar. */
  assert_true (create (fixture, "demo", 0, NULL));
  assert_int_equal (g_unlink (path), 0);
  assert_true (_scl_volume_backend_remove (fixture->backend, "demo", NULL, NULL, NULL));
  assert_int_equal (count_entries (fixture->volumes), 2);
}

static void
check_unknown_image (Fixture *fixture)
{
  g_autoptr (SclObservation) seen = observe (fixture, NULL);
  SclObservedVolume *volume = _scl_observation_lookup_volume (seen, "demo");

  assert_non_null (volume);
  assert_null (volume->image);
  assert_int_equal (volume->size, 41 * MIB);
  assert_int_equal (volume->created, 0);
  assert_false (volume->image_differs);
  assert_true (create (fixture, "demo", 0, NULL));
  assert_true (is_copy (fixture, "demo"));
}

static void
test_sidecar_damage (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *sidecar = g_build_filename (fixture->volumes, "demo.json", NULL);

  assert_true (create (fixture, "demo", 0, NULL));
  assert_true (g_file_set_contents (sidecar, "{\"id\": ", -1, NULL));
  check_unknown_image (fixture);
  assert_int_equal (truncate (sidecar, 100 * MIB), 0);
  check_unknown_image (fixture);
  assert_int_equal (g_unlink (sidecar), 0);
  check_unknown_image (fixture);
  assert_int_equal (symlink ("/etc/passwd", sidecar), 0);
  check_unknown_image (fixture);
  assert_int_equal (g_unlink (sidecar), 0);
  assert_int_equal (mkfifo (sidecar, 0600), 0);
  check_unknown_image (fixture);
}

static gboolean
image_differs (Fixture *fixture, const char *image)
{
  g_autoptr (SclVmSpec) vm = make_vm ("demo", image, 0, NULL, NULL);
  g_autoptr (SclManifest) manifest = make_manifest (vm, NULL);
  g_autoptr (SclObservation) seen = observe (fixture, manifest);

  return _scl_observation_lookup_volume (seen, "demo")->image_differs;
}

static void
test_image_differs (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *moved = in_root (fixture, "moved.raw");
  g_autofree char *other = in_root (fixture, "other.raw");

  make_image (other, 30 * MIB, 3);
  assert_true (create (fixture, "demo", 0, NULL));
  assert_false (image_differs (fixture, fixture->image));
  assert_true (image_differs (fixture, other));
  assert_int_equal (g_rename (fixture->image, moved), 0);
  assert_false (image_differs (fixture, moved));
  assert_false (image_differs (fixture, fixture->image));
  assert_int_equal (truncate (moved, 41 * MIB), 0);
  assert_true (image_differs (fixture, moved));
}

static void
test_names (void **state)
{
  Fixture *fixture = *state;
  static const char *const names[] = { "../x", "", ".", "a/b", "a.b", "@x", "-a" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      assert_false (create (fixture, names[i], 0, NULL));
      assert_false (_scl_volume_backend_grow (fixture->backend, names[i], 1, NULL, NULL));
      assert_false (_scl_volume_backend_remove (fixture->backend, names[i], NULL, NULL, NULL));
      assert_false (_scl_volume_backend_release (fixture->backend, names[i], NULL, NULL, NULL));
      assert_null (_scl_volume_backend_vm_folder (fixture->backend, names[i], NULL));
    }
  assert_false (g_file_test (fixture->state, G_FILE_TEST_EXISTS));
}

/* Not ours to show or to remove. */
static void
test_other_files (void **state)
{
  Fixture *fixture = *state;
  static const char *const names[]
      = { ".hidden.raw", "demo@2026.raw", "x.qcow2", "notes", ".notes.part", "a b.raw" };
  g_autoptr (SclObservation) seen = NULL;

  assert_int_equal (g_mkdir_with_parents (fixture->volumes, 0711), 0);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (fixture->volumes, names[i], NULL);

      assert_true (g_file_set_contents (path, "x", 1, NULL));
    }
  assert_true (create (fixture, "demo", 0, NULL));
  seen = observe (fixture, NULL);
  assert_int_equal (seen->volumes->len, 1);
  assert_true (_scl_volume_backend_remove (fixture->backend, "demo", NULL, NULL, NULL));
  assert_int_equal (count_entries (fixture->volumes), G_N_ELEMENTS (names));
}

static gpointer
flip_link (gpointer data)
{
  char **paths = data; /* an image, a link to another, non-NULL to stop */

  while (g_atomic_pointer_get (&paths[2]) == NULL)
    {
      (void) renameat2 (AT_FDCWD, paths[0], AT_FDCWD, paths[1], RENAME_EXCHANGE);
      g_thread_yield ();
    }
  return NULL;
}

/* However the name flips between an image and a link to another, the copy is of one of them, whole. */
static void
test_link_race (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *other = in_root (fixture, "other.raw");
  g_autofree char *link = in_root (fixture, "link.raw");
  char *paths[] = { fixture->image, link, NULL };
  g_autoptr (GThread) thread = NULL;
  guint copied = 0;
  off_t size;

  make_image (fixture->image, MIB, 0);
  make_image (other, 3 * MIB, 3);
  assert_int_equal (symlink (other, link), 0);
  thread = g_thread_new ("flip", flip_link, paths);
  for (guint i = 0; i < 300; i++)
    {
      if (!create (fixture, "demo", 0, NULL))
        continue;
      copied++;
      size = volume_stat (fixture, "demo").st_size;
      assert_true (size == MIB || size == 3 * MIB);
      assert_true (_scl_volume_backend_remove (fixture->backend, "demo", NULL, NULL, NULL));
    }
  g_atomic_pointer_set (&paths[2], link);
  g_thread_join (g_steal_pointer (&thread));
  assert_int_equal (count_entries (fixture->volumes), 0);
  assert_true (copied > 0);
}

static gpointer
create_in_thread (gpointer data)
{
  gpointer *arguments = data;

  return GINT_TO_POINTER (create (arguments[0], arguments[1], 0, NULL));
}

static void
test_parallel (void **state)
{
  Fixture *fixture = *state;
  gpointer arguments[4][2]
      = { { fixture, "a" }, { fixture, "b" }, { fixture, "c" }, { fixture, "d" } };
  GThread *threads[4];

  for (guint i = 0; i < 4; i++)
    threads[i] = g_thread_new ("create", create_in_thread, arguments[i]);
  for (guint i = 0; i < 4; i++)
    assert_true (GPOINTER_TO_INT (g_thread_join (threads[i])));
  for (guint i = 0; i < 4; i++)
    assert_true (is_copy (fixture, arguments[i][1]));
  assert_int_equal (count_entries (fixture->volumes), 8);
}

static void
test_constructor (void **state)
{
  g_autoptr (GError) relative = NULL;
  g_autoptr (GError) prefix = NULL;

  assert_null (_scl_file_volumes_new ("state", NULL, "scl", NULL, &relative));
  assert_error (relative, SCL_ERROR_INVALID, "absolute");
  assert_null (_scl_file_volumes_new ("/state", NULL, "S/", NULL, &prefix));
  assert_error (prefix, SCL_ERROR_INVALID, "S/");
}

#define TEST(function) cmocka_unit_test_setup_teardown (function, fixture_setup, fixture_teardown)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    TEST (test_create),        TEST (test_observe),       TEST (test_create_again),
    TEST (test_foreign),       TEST (test_bad_images),    TEST (test_image_by_link),
    TEST (test_progress),
    TEST (test_cancel),        TEST (test_image_changes), TEST (test_intruder),
    TEST (test_grow),          TEST (test_remove),        TEST (test_sidecar_damage),
    TEST (test_image_differs), TEST (test_names),         TEST (test_other_files),
    TEST (test_link_race),     TEST (test_parallel),      TEST (test_constructor),
  };

  return cmocka_run_group_tests_name ("file-volumes", tests, NULL, NULL);
}
