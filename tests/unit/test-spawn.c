/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a helper program gets of the process that starts it, and what that keeps. */
#include "base-test.h"
#include "base/scl-run-private.h"
#include "base/scl-spawn-private.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define N_THREADS 8
#define N_RUNS 20

static char *
run_text (const char *const *argv, const char *user)
{
  g_autoptr (SclRunResult) result = _scl_run (argv, NULL, -1, user, 60, NULL, NULL);

  if (result == NULL || result->exit_status != 0)
    return NULL;
  return g_strndup (g_bytes_get_data (result->output, NULL), g_bytes_get_size (result->output));
}

static void
assert_others_are_closed (void)
{
  const char *argv[] = { "/bin/sh", "-c", "test -e /proc/$$/fd/2 && test ! -e /proc/$$/fd/100 && echo right", NULL };
  int inheritable = open ("/dev/null", O_RDONLY);
  int high = dup2 (inheritable, 100);
  g_autofree char *text = run_text (argv, NULL);

  close (inheritable);
  close (high);
  assert_int_equal (high, 100);
  assert_non_null (text);
  assert_string_equal (text, "right\n");
}

static void
test_descriptors_are_closed (void **state)
{
  assert_others_are_closed ();
}

static gpointer
run_without_close_range (gpointer data)
{
  struct sock_filter filter[]
      = { BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
          BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 0, 1),
          BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
          BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
  struct sock_fprog program = { G_N_ELEMENTS (filter), filter };

  assert_int_equal (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  assert_int_equal (prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
  assert_others_are_closed ();
  return NULL;
}

/* An old kernel; the filter is the thread's own. */
static void
test_descriptors_are_closed_one_by_one (void **state)
{
  g_thread_join (g_thread_new ("old kernel", run_without_close_range, NULL));
}

static guint64
mask_of (const char *status, const char *key)
{
  const char *line = strstr (status, key);

  assert_non_null (line);
  return g_ascii_strtoull (line + strlen (key), NULL, 16);
}

static void
nothing (int number)
{
}

static void
test_signals (void **state)
{
  const char *argv[] = { "cat", "/proc/self/status", NULL };
  struct sigaction ignore = { .sa_handler = SIG_IGN }, own = { .sa_handler = nothing };
  struct sigaction pipe_before, hup_before, usr_before;
  g_autofree char *status = NULL;

  sigaction (SIGPIPE, &ignore, &pipe_before);
  sigaction (SIGHUP, &ignore, &hup_before);
  sigaction (SIGUSR1, &own, &usr_before);
  status = run_text (argv, NULL);
  sigaction (SIGPIPE, &pipe_before, NULL);
  sigaction (SIGHUP, &hup_before, NULL);
  assert_non_null (status);
  /* nohup's wish is kept; that it may not end by SIGPIPE is not for programs. Of the two signals that
   * the C library keeps for itself nobody can say anything: whoever is started by its posix_spawn()
   * has them ignored. */
  assert_int_equal (mask_of (status, "SigIgn:") & ~(3ull << 31), 1u << (SIGHUP - 1));
  assert_int_equal (mask_of (status, "SigBlk:"), 0);
  sigaction (SIGUSR1, NULL, &own);
  assert_ptr_equal (own.sa_handler, nothing);
  sigaction (SIGUSR1, &usr_before, NULL);
}

/* A process that gives up rights may not be looked into from then on; that is not for us. */
static void
test_other_user_leaves_us_alone (void **state)
{
  const char *argv[] = { "id", "-un", NULL };
  g_autofree char *name = NULL;

  if (geteuid () != 0)
    skip_because ("root");
  name = run_text (argv, "nobody");
  assert_string_equal (name, "nobody\n");
  assert_int_equal (prctl (PR_GET_DUMPABLE), 1);
  assert_int_equal (geteuid (), 0);
}

static void
be_without_streams (void)
{
  const char *argv[] = { "cat", NULL };
  g_autoptr (GBytes) input = g_bytes_new_static ("told\n", 5);
  g_autoptr (SclRunResult) result = NULL;

  for (int fd = 0; fd < 3; fd++)
    close (fd);
  result = _scl_run (argv, input, -1, NULL, 60, NULL, NULL);
  _exit (result != NULL && g_bytes_equal (result->output, input) ? 0 : 1);
}

/* Pipes get the numbers of the streams then. */
static void
test_closed_streams (void **state)
{
  int status = -1;
  pid_t pid = fork ();

  if (pid == 0)
    be_without_streams ();
  assert_int_equal (waitpid (pid, &status, 0), pid);
  assert_true (WIFEXITED (status));
  assert_int_equal (WEXITSTATUS (status), 0);
}

static gpointer
run_often (gpointer word)
{
  const char *argv[] = { "echo", word, NULL };
  g_autofree char *wanted = g_strconcat (word, "\n", NULL);
  guint right = 0;

  for (guint i = 0; i < N_RUNS; i++)
    {
      g_autofree char *text = run_text (argv, NULL);

      right += g_strcmp0 (text, wanted) == 0;
    }
  g_free (word);
  return GUINT_TO_POINTER (right);
}

static void
test_threads (void **state)
{
  GThread *threads[N_THREADS];

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("run", run_often, g_strdup_printf ("word%u", i));
  for (guint i = 0; i < N_THREADS; i++)
    assert_int_equal (GPOINTER_TO_UINT (g_thread_join (threads[i])), N_RUNS);
}

/* The PATH of a su without dash, or of cron, has no folder for root's programs. */
static void
test_programs_of_root_are_found (void **state)
{
  const char *argv[] = { "chroot", "--version", NULL };
  g_autofree char *path = g_strdup (g_getenv ("PATH"));
  g_autofree char *found = NULL;
  g_autofree char *missing = NULL;
  g_autofree char *text = NULL;

  assert_true (g_setenv ("PATH", "/nonexistent", TRUE));
  found = _scl_find_program ("chroot");
  missing = _scl_find_program ("scl-no-such-program");
  text = run_text (argv, NULL);
  assert_true (g_setenv ("PATH", path, TRUE));
  assert_non_null (found);
  assert_true (g_str_has_suffix (found, "/chroot"));
  assert_null (missing);
  assert_non_null (text);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_closed_streams),
    cmocka_unit_test (test_descriptors_are_closed),
    cmocka_unit_test (test_descriptors_are_closed_one_by_one),
    cmocka_unit_test (test_signals),
    cmocka_unit_test (test_other_user_leaves_us_alone),
    cmocka_unit_test (test_threads),
    cmocka_unit_test (test_programs_of_root_are_found),
  };

  return cmocka_run_group_tests_name ("spawn", tests, NULL, NULL);
}
