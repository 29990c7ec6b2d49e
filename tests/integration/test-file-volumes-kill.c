/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* kill -9 at random moments: what is left is nothing or all, and the same call again converges. */

#include "file-volumes-fixture.h"
#include <signal.h>
#include <sys/wait.h>

#define ROUNDS 50
/* Of which many are behind the end: the last steps are the delicate ones. */
#define BEYOND 1.3

typedef struct
{
  Fixture *fixture;
  SclVmSpec *vm;
} Work;

static gboolean
do_create (Work *work)
{
  return create (work->fixture, "demo", 64, NULL);
}

static gboolean
do_seed (Work *work)
{
  return _scl_volume_backend_ensure_seed (work->fixture->backend, work->vm, NULL, NULL, NULL);
}

static gboolean
do_remove (Work *work)
{
  return _scl_volume_backend_remove (work->fixture->backend, "demo", NULL, NULL, NULL);
}

/* The child says when it begins, so that the fork's own time does not count. */
static pid_t
start (gboolean (*call) (Work *), Work *work)
{
  int ready[2];
  pid_t pid;
  char byte;

  assert_int_equal (pipe2 (ready, O_CLOEXEC), 0);
  pid = fork ();
  assert_true (pid >= 0);
  if (pid == 0)
    {
      (void) !write (ready[1], "x", 1);
      _exit (call (work) ? 0 : 1);
    }
  assert_int_equal (read (ready[0], &byte, 1), 1);
  (void) close (ready[0]);
  (void) close (ready[1]);
  return pid;
}

static gint64
measure (gboolean (*call) (Work *), Work *work)
{
  pid_t pid = start (call, work);
  gint64 begin = g_get_monotonic_time ();
  int status;

  assert_int_equal (waitpid (pid, &status, 0), pid);
  assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 0);
  return g_get_monotonic_time () - begin;
}

/* TRUE if it was killed before it had ended. */
static gboolean
kill_after (gboolean (*call) (Work *), Work *work, gint64 delay)
{
  pid_t pid = start (call, work);
  int status;

  g_usleep ((gulong) delay);
  (void) kill (pid, SIGKILL);
  assert_int_equal (waitpid (pid, &status, 0), pid);
  return WIFSIGNALED (status);
}

static void
check_all_or_nothing (Fixture *fixture)
{
  struct stat info = volume_stat (fixture, "demo");
  g_autoptr (SclObservation) seen = NULL;

  if (info.st_nlink == 0)
    return;
  assert_int_equal (info.st_size, 64 * MIB);
  assert_true (is_copy (fixture, "demo"));
  seen = observe (fixture, NULL);
  assert_string_equal (_scl_observation_lookup_volume (seen, "demo")->image, fixture->image);
}

static void
test_create (void **state)
{
  Work work = { *state, NULL };
  Fixture *fixture = work.fixture;
  gint64 whole = measure (do_create, &work);
  guint killed = 0;

  assert_true (do_remove (&work));
  for (guint i = 0; i < ROUNDS; i++)
    {
      killed
          += kill_after (do_create, &work, (gint64) (g_random_double () * BEYOND * (double) whole));
      check_all_or_nothing (fixture);
      assert_true (do_create (&work));
      assert_int_equal (volume_stat (fixture, "demo").st_size, 64 * MIB);
      assert_true (is_copy (fixture, "demo"));
      assert_int_equal (count_entries (fixture->volumes), 2);
      assert_true (do_remove (&work));
      assert_int_equal (count_entries (fixture->volumes), 0);
    }
  print_message ("create: %u of %u killed within %" G_GINT64_FORMAT " us\n", killed, ROUNDS, whole);
  assert_true (killed >= ROUNDS / 5);
}

static void
test_remove (void **state)
{
  Work work = { *state, NULL };
  Fixture *fixture = work.fixture;
  gint64 whole;

  assert_true (do_create (&work));
  whole = measure (do_remove, &work);
  for (guint i = 0; i < ROUNDS; i++)
    {
      g_autoptr (GError) error = NULL;

      assert_true (do_create (&work));
      (void) kill_after (do_remove, &work, (gint64) (g_random_double () * BEYOND * (double) whole));
      if (!_scl_volume_backend_remove (fixture->backend, "demo", NULL, NULL, &error))
        assert_error (error, SCL_ERROR_NOT_FOUND, "demo");
      assert_int_equal (count_entries (fixture->volumes), 0);
    }
}

static void
test_seed (void **state)
{
  Work work = { *state, NULL };
  Fixture *fixture = work.fixture;
  g_autofree char *user = put_file (fixture, "user", "a: 1\n");
  g_autofree char *folder = NULL;
  gint64 whole;

  work.vm = make_vm ("demo", fixture->image, 0, user, NULL);
  folder = _scl_volume_backend_vm_folder (fixture->backend, "demo", NULL);
  assert_true (do_create (&work));
  whole = measure (do_seed, &work);
  for (guint i = 0; i < ROUNDS; i++)
    {
      g_autofree char *text = g_strdup_printf ("a: %u\n", i);
      g_autoptr (SclManifest) manifest = make_manifest (work.vm, NULL);
      g_autoptr (SclObservation) out = _scl_observation_new ();
      SclObservedVm *observed = _scl_observed_vm_new ("demo");

      g_ptr_array_add (out->vms, observed);
      assert_true (g_file_set_contents (user, text, -1, NULL));
      (void) kill_after (do_seed, &work, (gint64) (g_random_double () * BEYOND * (double) whole));
      assert_true (do_seed (&work));
      assert_true (_scl_volume_backend_observe (fixture->backend, manifest, out, NULL, NULL));
      assert_false (observed->seed_differs);
      assert_true (count_entries (folder) == 1);
    }
  g_object_unref (work.vm);
}

static int
setup_large (void **state)
{
  g_autofree char *root = g_dir_make_tmp ("test-file-volumes-kill-XXXXXX", NULL);

  *state = fixture_new (root, 48 * MIB + 777, 30);
  return 0;
}

#define TEST(function, setup) cmocka_unit_test_setup_teardown (function, setup, fixture_teardown)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    TEST (test_create, setup_large),
    TEST (test_remove, fixture_setup),
    TEST (test_seed, fixture_setup),
  };

  return cmocka_run_group_tests_name ("file-volumes-kill", tests, NULL, NULL);
}
