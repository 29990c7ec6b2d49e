/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lock of an instance between processes. The program runs itself as the other process:
 * `test-instance-lock hold RUN STATE PREFIX shared|exclusive TIMEOUT` takes the lock, says "locked", and
 * holds it until its stdin ends; with `fork` for `hold`, a fork that lives as long says so. */
#include "engine/scl-instance-lock-private.h"
#include "instance-folders.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int
hold (char **argv)
{
  SclLockMode mode = strcmp (argv[3], "shared") == 0 ? SCL_LOCK_SHARED : SCL_LOCK_EXCLUSIVE;
  g_autoptr (GError) error = NULL;
  g_autoptr (SclInstanceLock) lock = _scl_instance_lock_acquire (
      argv[0], argv[1], argv[2], mode, (guint) g_ascii_strtoull (argv[4], NULL, 10), NULL, &error);

  if (lock == NULL)
    return printf ("%s\n", error->message) < 0;
  (void) printf ("locked\n");
  (void) fflush (stdout);
  (void) getchar ();
  return 0;
}

static int
hold_and_fork (char **argv)
{
  SclLockMode mode = strcmp (argv[3], "shared") == 0 ? SCL_LOCK_SHARED : SCL_LOCK_EXCLUSIVE;
  g_autoptr (SclInstanceLock) lock = _scl_instance_lock_acquire (argv[0], argv[1], argv[2], mode, 0, NULL, NULL);
  pid_t child = lock == NULL ? -1 : fork ();

  if (child == 0)
    {
      (void) printf ("forked\n");
      (void) fflush (stdout);
      (void) getchar ();
      _exit (0);
    }
  return child < 0 || waitpid (child, NULL, 0) != child;
}

typedef struct
{
  GPid pid;
  int in;
  FILE *out;
} Holder;

static Holder
holder_start_as (Folders *folders, const char *what, const char *prefix, const char *mode, const char *timeout)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  char *argv[] = { self, (char *) what, folders->run, folders->state, (char *) prefix, (char *) mode, (char *) timeout, NULL };
  Holder holder;
  int out = -1;

  assert_true (g_spawn_async_with_pipes (NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &holder.pid,
                                         &holder.in, &out, NULL, NULL));
  holder.out = fdopen (out, "r");
  return holder;
}

static Holder
holder_start (Folders *folders, const char *prefix, const char *mode, const char *timeout)
{
  return holder_start_as (folders, "hold", prefix, mode, timeout);
}

static void
assert_says (Holder *holder, const char *text)
{
  char line[512] = "";

  (void) fgets (line, sizeof line, holder->out);
  if (strstr (line, text) == NULL)
    print_error ("says: %s", line);
  assert_non_null (strstr (line, text));
}

/* With a signal, or 0: by the end of its input. */
static void
holder_end (Holder *holder, int number)
{
  int status;

  if (number != 0)
    (void) kill (holder->pid, number);
  (void) close (holder->in);
  assert_int_equal (waitpid (holder->pid, &status, 0), holder->pid);
  (void) fclose (holder->out);
}

static SclInstanceLock *
take (Folders *folders, const char *prefix, SclLockMode mode, guint timeout, GError **error)
{
  return _scl_instance_lock_acquire (folders->run, folders->state, prefix, mode, timeout, NULL, error);
}

static void
test_alone (void **state)
{
  Folders *folders = *state;

  for (int i = 0; i < 3; i++)
    {
      g_autoptr (SclInstanceLock) lock = take (folders, "scl", SCL_LOCK_EXCLUSIVE, 0, NULL);

      assert_non_null (lock);
    }
}

/* Nothing is left for a name that may never be used again. */
static void
test_no_file_is_left (void **state)
{
  Folders *folders = *state;
  g_autofree char *run = g_build_filename (folders->run, ".lock", "scl.lock", NULL);
  g_autofree char *in_state = g_build_filename (folders->state, ".scl.lock", NULL);
  SclInstanceLock *first = take (folders, "scl", SCL_LOCK_SHARED, 0, NULL);
  SclInstanceLock *second = take (folders, "scl", SCL_LOCK_SHARED, 0, NULL);

  assert_non_null (first);
  assert_non_null (second);
  _scl_instance_lock_release (first);
  assert_true (g_file_test (run, G_FILE_TEST_EXISTS));
  _scl_instance_lock_release (second);
  assert_false (g_file_test (run, G_FILE_TEST_EXISTS));
  assert_false (g_file_test (in_state, G_FILE_TEST_EXISTS));
}

static void
test_second_process_is_busy (void **state)
{
  Folders *folders = *state;
  Holder holder = holder_start (folders, "scl", "exclusive", "0");
  g_autofree char *text = g_strdup_printf ("instance \"scl\" is locked by process %d (waited 0 s)", holder.pid);
  GError *error = NULL;

  assert_says (&holder, "locked");
  assert_null (take (folders, "scl", SCL_LOCK_EXCLUSIVE, 0, &error));
  assert_error_is (error, SCL_ERROR_BUSY, text);
  assert_null (take (folders, "scl", SCL_LOCK_SHARED, 0, &error));
  assert_error_is (error, SCL_ERROR_BUSY, text);
  holder_end (&holder, 0);
}

/* It is the process's that took it, whatever that has forked. */
static void
test_fork_of_a_killed_holder (void **state)
{
  Folders *folders = *state;
  Holder holder = holder_start_as (folders, "fork", "scl", "exclusive", "0");
  g_autoptr (SclInstanceLock) lock = NULL;
  int status;

  assert_says (&holder, "forked");
  assert_null (take (folders, "scl", SCL_LOCK_EXCLUSIVE, 0, NULL));
  assert_int_equal (kill (holder.pid, SIGKILL), 0);
  assert_int_equal (waitpid (holder.pid, &status, 0), holder.pid);
  lock = take (folders, "scl", SCL_LOCK_EXCLUSIVE, 0, NULL);
  assert_non_null (lock);
  /* It lives all the while. */
  (void) close (holder.in);
  assert_int_equal (fgetc (holder.out), EOF);
  (void) fclose (holder.out);
}

/* Nor does a fork keep what its parent has given back. */
static void
test_fork_of_one_that_goes_on (void **state)
{
  Folders *folders = *state;
  SclInstanceLock *lock = take (folders, "scl", SCL_LOCK_EXCLUSIVE, 0, NULL);
  int life[2];
  pid_t child;
  Holder next;

  assert_non_null (lock);
  assert_int_equal (pipe (life), 0);
  child = fork ();
  if (child == 0)
    {
      char byte;

      (void) close (life[1]);
      _exit (read (life[0], &byte, 1) != 0);
    }
  next = holder_start (folders, "scl", "exclusive", "60");
  _scl_instance_lock_release (lock);
  assert_says (&next, "locked");
  holder_end (&next, 0);
  (void) close (life[1]);
  (void) close (life[0]);
  assert_int_equal (waitpid (child, NULL, 0), child);
}

static void
test_other_prefix_is_free (void **state)
{
  Folders *folders = *state;
  Holder holder = holder_start (folders, "scl", "exclusive", "0");
  g_autoptr (SclInstanceLock) lock = NULL;

  assert_says (&holder, "locked");
  lock = take (folders, "lab", SCL_LOCK_EXCLUSIVE, 0, NULL);
  assert_non_null (lock);
  holder_end (&holder, 0);
}

/* Two machines' views of one host, e.g. in a container: the state folder is locked too. */
static void
test_same_state_other_run (void **state)
{
  Folders *folders = *state;
  Holder holder = holder_start (folders, "scl", "exclusive", "0");
  GError *error = NULL;

  assert_says (&holder, "locked");
  assert_null (_scl_instance_lock_acquire (folders->top, folders->state, "scl", SCL_LOCK_EXCLUSIVE, 0, NULL, &error));
  assert_error_is (error, SCL_ERROR_BUSY, "is locked by process");
  holder_end (&holder, 0);
}

static void
test_shared (void **state)
{
  Folders *folders = *state;
  Holder holder = holder_start (folders, "scl", "shared", "0");
  SclInstanceLock *lock;
  GError *error = NULL;

  assert_says (&holder, "locked");
  lock = take (folders, "scl", SCL_LOCK_SHARED, 0, NULL);
  assert_non_null (lock);
  _scl_instance_lock_release (lock);
  assert_null (take (folders, "scl", SCL_LOCK_EXCLUSIVE, 0, &error));
  assert_error_is (error, SCL_ERROR_BUSY, "instance \"scl\" is locked by process");
  holder_end (&holder, 0);
}

static void
test_killed_holder_leaves_nothing (void **state)
{
  Folders *folders = *state;

  for (int i = 0; i < 3; i++)
    {
      Holder holder = holder_start (folders, "scl", "exclusive", "0");
      g_autoptr (SclInstanceLock) lock = NULL;

      assert_says (&holder, "locked");
      holder_end (&holder, SIGKILL);
      lock = take (folders, "scl", SCL_LOCK_EXCLUSIVE, 0, NULL);
      assert_non_null (lock);
    }
}

static void
test_waits_until_the_holder_dies (void **state)
{
  Folders *folders = *state;
  Holder holder = holder_start (folders, "scl", "exclusive", "0");
  Holder waiter;

  assert_says (&holder, "locked");
  waiter = holder_start (folders, "scl", "exclusive", "30");
  /* However far it has come, the lock is not free until now. */
  holder_end (&holder, SIGKILL);
  assert_says (&waiter, "locked");
  holder_end (&waiter, 0);
}

typedef struct
{
  Folders *folders;
  SclInstanceLock *lock;
  gint64 cpu;
  GCancellable *cancellable;
  GError *error;
} Waiter;

static gint64
thread_cpu (void)
{
  struct timespec now;

  assert_int_equal (clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now), 0);
  return now.tv_sec * G_TIME_SPAN_SECOND + now.tv_nsec / 1000;
}

static gpointer
wait_for_lock (gpointer data)
{
  Waiter *waiter = data;

  waiter->lock = _scl_instance_lock_acquire (waiter->folders->run, waiter->folders->state, "scl", SCL_LOCK_EXCLUSIVE, 1,
                                             waiter->cancellable, &waiter->error);
  waiter->cpu = thread_cpu ();
  return NULL;
}

static void
test_times_out_without_burning (void **state)
{
  Folders *folders = *state;
  Holder holder = holder_start (folders, "scl", "exclusive", "0");
  Waiter waiter = { .folders = folders };
  gint64 begin = g_get_monotonic_time ();

  assert_says (&holder, "locked");
  g_thread_join (g_thread_new ("waiter", wait_for_lock, &waiter));
  assert_null (waiter.lock);
  assert_error_is (waiter.error, SCL_ERROR_BUSY, "(waited 1 s): wait until it has ended, or raise --timeout");
  assert_true (g_get_monotonic_time () - begin >= G_TIME_SPAN_SECOND);
  assert_true (waiter.cpu < 100 * G_TIME_SPAN_MILLISECOND);
  holder_end (&holder, 0);
}

typedef struct
{
  Waiter waiter;
  pthread_t thread;
  int begun, over; /* atomic */
} Disturbed;

static gpointer
wait_disturbed (gpointer data)
{
  Disturbed *disturbed = data;

  disturbed->thread = pthread_self ();
  g_atomic_int_set (&disturbed->begun, TRUE);
  (void) wait_for_lock (&disturbed->waiter);
  g_atomic_int_set (&disturbed->over, TRUE);
  return NULL;
}

static void
do_nothing (int number)
{
}

static void
test_signals_do_not_end_the_wait (void **state)
{
  struct sigaction action = { .sa_handler = do_nothing };
  Folders *folders = *state;
  Holder holder = holder_start (folders, "scl", "exclusive", "0");
  Disturbed disturbed = { .waiter = { .folders = folders } };
  gint64 begin;
  GThread *thread;

  assert_says (&holder, "locked");
  assert_int_equal (sigaction (SIGUSR1, &action, NULL), 0);
  begin = g_get_monotonic_time ();
  thread = g_thread_new ("waiter", wait_disturbed, &disturbed);
  while (!g_atomic_int_get (&disturbed.begun))
    g_thread_yield ();
  while (!g_atomic_int_get (&disturbed.over))
    {
      (void) pthread_kill (disturbed.thread, SIGUSR1);
      g_usleep (1000); /* how often it is disturbed */
    }
  g_thread_join (thread);
  assert_null (disturbed.waiter.lock);
  assert_error_is (disturbed.waiter.error, SCL_ERROR_BUSY, "(waited 1 s)");
  assert_true (g_get_monotonic_time () - begin >= G_TIME_SPAN_SECOND);
  holder_end (&holder, 0);
}

/* As many descriptors as are open, and MORE. */
static void
limit_descriptors (struct rlimit former, rlim_t more)
{
  struct rlimit limit = former;
  int next = dup (0);

  assert_true (next >= 0);
  (void) close (next);
  limit.rlim_cur = (rlim_t) next + more;
  assert_int_equal (setrlimit (RLIMIT_NOFILE, &limit), 0);
}

/* Enough for the lock's files, and none to wait with: the holder is named all the same. */
static void
test_no_descriptor_to_wait_with (void **state)
{
  Folders *folders = *state;
  Holder holder = holder_start (folders, "scl", "exclusive", "0");
  g_autofree char *text = g_strdup_printf ("is locked by process %d (%s/.lock/scl.lock is locked, and cannot be "
                                           "waited for: Too many open files)",
                                           holder.pid, folders->run);
  GError *error = NULL;
  struct rlimit former;

  assert_says (&holder, "locked");
  assert_int_equal (getrlimit (RLIMIT_NOFILE, &former), 0);
  for (rlim_t more = 1; !g_error_matches (error, SCL_ERROR, SCL_ERROR_BUSY); more++)
    {
      g_clear_error (&error);
      limit_descriptors (former, more);
      assert_null (take (folders, "scl", SCL_LOCK_EXCLUSIVE, 2, &error));
    }
  assert_error_is (error, SCL_ERROR_BUSY, text);
  /* Whoever does not wait needs none. */
  assert_null (take (folders, "scl", SCL_LOCK_EXCLUSIVE, 0, &error));
  assert_int_equal (setrlimit (RLIMIT_NOFILE, &former), 0);
  assert_error_is (error, SCL_ERROR_BUSY, "(waited 0 s)");
  holder_end (&holder, 0);
}

static void
test_waiting_is_cancelled (void **state)
{
  Folders *folders = *state;
  Holder holder = holder_start (folders, "scl", "exclusive", "0");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Waiter waiter = { .folders = folders, .cancellable = cancellable };
  GThread *thread;

  assert_says (&holder, "locked");
  thread = g_thread_new ("waiter", wait_for_lock, &waiter);
  g_cancellable_cancel (cancellable);
  g_thread_join (thread);
  assert_null (waiter.lock);
  assert_true (g_error_matches (waiter.error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  g_clear_error (&waiter.error);
  holder_end (&holder, 0);
}

static mode_t
mode_of (const char *path)
{
  struct stat info;

  assert_int_equal (stat (path, &info), 0);
  return info.st_mode & 07777;
}

static void
test_modes_of_new_folders (void **state)
{
  Folders *folders = *state;
  g_autofree char *locks = g_build_filename (folders->run, ".lock", NULL);
  mode_t mask = umask (077);
  g_autoptr (SclInstanceLock) lock = take (folders, "scl", SCL_LOCK_EXCLUSIVE, 0, NULL);

  umask (mask);
  assert_non_null (lock);
  assert_int_equal (mode_of (folders->run), 0755);
  assert_int_equal (mode_of (locks), 0700);
  assert_int_equal (mode_of (folders->state), 0711);
}

/* state=/tmp by mistake must not take /tmp away from everybody else. */
static void
test_mode_of_a_state_folder_is_kept (void **state)
{
  static const mode_t modes[] = { 01777, 0755, 0700 };
  Folders *folders = *state;

  assert_int_equal (mkdir (folders->state, 0755), 0);
  for (gsize i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autoptr (SclInstanceLock) lock = NULL;

      assert_int_equal (chmod (folders->state, modes[i]), 0);
      lock = take (folders, "scl", SCL_LOCK_EXCLUSIVE, 0, NULL);
      assert_non_null (lock);
      assert_int_equal (mode_of (folders->state), modes[i]);
    }
}

static void
test_state_is_no_folder (void **state)
{
  Folders *folders = *state;
  GError *error = NULL;

  assert_true (g_file_set_contents (folders->state, "", 0, NULL));
  assert_null (take (folders, "scl", SCL_LOCK_EXCLUSIVE, 0, &error));
  assert_error_is (error, SCL_ERROR_FAILED, "state: cannot open the folder");
}

static void
test_lock_file_is_a_link (void **state)
{
  Folders *folders = *state;
  g_autofree char *link = g_build_filename (folders->run, ".lock", "scl.lock", NULL);
  g_autofree char *folder = g_build_filename (folders->run, ".lock", NULL);
  g_autofree char *victim = g_build_filename (folders->top, "victim", NULL);
  g_autofree char *kept = NULL;
  g_autoptr (GError) error = NULL;

  assert_int_equal (g_mkdir_with_parents (folder, 0700), 0);
  assert_true (g_file_set_contents (victim, "keep", -1, NULL));
  assert_int_equal (symlink (victim, link), 0);
  assert_null (take (folders, "scl", SCL_LOCK_EXCLUSIVE, 0, &error));
  assert_non_null (error);
  assert_true (g_file_get_contents (victim, &kept, NULL, NULL));
  assert_string_equal (kept, "keep");
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, folders_setup, folders_teardown)

int
main (int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    TEST (test_alone),
    TEST (test_no_file_is_left),
    TEST (test_second_process_is_busy),
    TEST (test_fork_of_a_killed_holder),
    TEST (test_fork_of_one_that_goes_on),
    TEST (test_other_prefix_is_free),
    TEST (test_same_state_other_run),
    TEST (test_shared),
    TEST (test_killed_holder_leaves_nothing),
    TEST (test_waits_until_the_holder_dies),
    TEST (test_times_out_without_burning),
    TEST (test_signals_do_not_end_the_wait),
    TEST (test_no_descriptor_to_wait_with),
    TEST (test_waiting_is_cancelled),
    TEST (test_modes_of_new_folders),
    TEST (test_mode_of_a_state_folder_is_kept),
    TEST (test_state_is_no_folder),
    TEST (test_lock_file_is_a_link),
  };

  if (argc == 7 && strcmp (argv[1], "hold") == 0)
    return hold (argv + 2);
  if (argc == 7 && strcmp (argv[1], "fork") == 0)
    return hold_and_fork (argv + 2);
  return cmocka_run_group_tests_name ("instance-lock", tests, NULL, NULL);
}
