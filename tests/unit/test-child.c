/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a helper program ended, in processes that make it hard to know. */
#include "base-test.h"
#include "base/scl-run-private.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define NOT_KNOWN "whether it succeeded is not known"

static SclRunResult *
run_shell (const char *script, const char *word, guint timeout, GError **error)
{
  const char *argv[] = { "/bin/sh", "-c", script, word, NULL };

  return _scl_run (argv, NULL, -1, NULL, timeout, NULL, error);
}

static void
assert_status_lost (const char *script, const char *word)
{
  GError *error = NULL;

  assert_null (run_shell (script, word, 30, &error));
  assert_error_is (error, SCL_ERROR_FAILED, NOT_KNOWN);
}

static void
test_run_checked_names_the_signal (void **state)
{
  const char *argv[] = { "/bin/sh", "-c", "kill -TERM $$", NULL };
  const char *loud[] = { "/bin/sh", "-c", "echo why >&2; kill -KILL $$", NULL };
  GError *error = NULL;

  assert_null (_scl_run_checked (argv, NULL, -1, 10, NULL, &error));
  assert_error_is (error, SCL_ERROR_BACKEND, "/bin/sh was ended by signal 15 (Terminated)");
  assert_null (_scl_run_checked (loud, NULL, -1, 10, NULL, &error));
  assert_error_is (error, SCL_ERROR_BACKEND, "/bin/sh was ended by signal 9 (Killed): why");
}

static void
test_run_asked (void **state)
{
  const char *answers[] = { "printf", "{}", NULL };
  const char *mute[] = { "/bin/true", "-j", NULL };
  const char *binary[] = { "printf", "\\377", NULL };
  GError *error = NULL;
  g_autoptr (GBytes) answer = _scl_run_asked (answers, -1, 10, NULL, &error);

  assert_null (error);
  assert_memory_equal (g_bytes_get_data (answer, NULL), "{}", 2);
  assert_null (_scl_run_asked (mute, -1, 10, NULL, &error));
  assert_error_is (error, SCL_ERROR_BACKEND, "\"/bin/true -j\" printed nothing");
  assert_null (_scl_run_asked (binary, -1, 10, NULL, &error));
  assert_error_is (error, SCL_ERROR_BACKEND, "is not UTF-8");
}

/* The kernel reaps it at once; whether it failed or not cannot be told. */
static void
test_children_are_ignored (void **state)
{
  struct sigaction ignore = { .sa_handler = SIG_IGN }, before;

  sigaction (SIGCHLD, &ignore, &before);
  assert_status_lost ("exit 1", NULL);
  assert_status_lost ("exit 0", NULL);
  assert_status_lost ("kill -9 $$", NULL);
  sigaction (SIGCHLD, &before, NULL);
}

/* What another part of the application does: waits for whatever child there is. The program leaves
 * somebody behind who keeps its output open until it is gone, so that this comes first. */
#define LEAVES_A_KEEPER "exec 3>\"$0.begun\"; (read x <\"$0.gone\") & exit 1"

static gpointer
take_any_child (gpointer base)
{
  g_autofree char *begun = g_strconcat (base, ".begun", NULL);
  g_autofree char *gone = g_strconcat (base, ".gone", NULL);
  int fd = open (begun, O_RDONLY | O_CLOEXEC);
  int status = 0;
  pid_t pid = waitpid (-1, &status, 0);

  close (fd);
  fd = open (gone, O_WRONLY | O_CLOEXEC);
  close (fd);
  return GINT_TO_POINTER (pid > 0 && WIFEXITED (status) && WEXITSTATUS (status) == 1);
}

static void
test_somebody_else_waits (void **state)
{
  char *folder = test_folder_new ();
  g_autofree char *base = g_build_filename (folder, "x", NULL);
  g_autofree char *begun = g_strconcat (base, ".begun", NULL);
  g_autofree char *gone = g_strconcat (base, ".gone", NULL);
  GThread *thread;

  assert_int_equal (mkfifo (begun, 0600), 0);
  assert_int_equal (mkfifo (gone, 0600), 0);
  thread = g_thread_new ("taker", take_any_child, base);
  assert_status_lost (LEAVES_A_KEEPER, base);
  assert_true (GPOINTER_TO_INT (g_thread_join (thread)));
  test_folder_remove (folder);
}

/* --- a kernel or container without pidfd_open --- */

static gboolean
forbid_pidfd_open (void)
{
  struct sock_filter filter[]
      = { BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
          BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
          BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
          BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
  struct sock_fprog program = { G_N_ELEMENTS (filter), filter };

  return prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
         && prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0
         && syscall (SYS_pidfd_open, getpid (), 0) < 0 && errno == ENOSYS;
}

/* A filter cannot be taken back, but it is the thread's own. */
static gpointer
run_without_pidfd (gpointer data)
{
  GError *error = NULL;
  SclRunResult *result;

  assert_true (forbid_pidfd_open ());
  result = run_shell ("echo out; echo err >&2; exit 3", NULL, 30, &error);
  assert_non_null (result);
  assert_int_equal (result->exit_status, 3);
  assert_string_equal (result->message, "err");
  assert_int_equal (g_bytes_get_size (result->output), 4);
  _scl_run_result_free (result);
  /* Its streams end before it does, and nothing tells when. */
  assert_null (run_shell ("exec >&- 2>&-; kill -STOP $$", NULL, 1, &error));
  assert_error_is (error, SCL_ERROR_TIMEOUT, "did not end within 1 s");
  return NULL;
}

static void
test_without_pidfd (void **state)
{
  g_thread_join (g_thread_new ("old kernel", run_without_pidfd, NULL));
  assert_int_equal (waitpid (-1, NULL, WNOHANG), -1);
}

/* --- limits --- */

static void
test_no_descriptor_left (void **state)
{
  struct rlimit before, none;
  GError *error = NULL;
  int next = open ("/dev/null", O_RDONLY | O_CLOEXEC);

  close (next);
  getrlimit (RLIMIT_NOFILE, &before);
  none = (struct rlimit){ (rlim_t) next, before.rlim_max };
  setrlimit (RLIMIT_NOFILE, &none);
  assert_null (run_shell ("exit 0", NULL, 30, &error));
  setrlimit (RLIMIT_NOFILE, &before);
  assert_error_is (error, SCL_ERROR_FAILED, "/dev/null: cannot open");
}

static void
test_too_much_output (void **state)
{
  GError *error = NULL;

  assert_null (run_shell ("exec cat /dev/zero", NULL, 60, &error));
  assert_error_is (error, SCL_ERROR_BACKEND, "wrote more than 64 MiB");
}

/* Of a long message the end is kept, and it stays one that can be shown. */
static void
test_long_message (void **state)
{
  g_autoptr (SclRunResult) result
      = run_shell ("head -c 1000000 /dev/zero | tr '\\0' 'a' >&2; echo reason >&2", NULL, 60, NULL);

  assert_non_null (result);
  assert_int_equal (result->exit_status, 0);
  assert_true (strlen (result->message) < 300000);
  assert_true (g_str_has_suffix (result->message, "reason"));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_children_are_ignored),
    cmocka_unit_test (test_somebody_else_waits),
    cmocka_unit_test (test_without_pidfd),
    cmocka_unit_test (test_no_descriptor_left),
    cmocka_unit_test (test_too_much_output),
    cmocka_unit_test (test_long_message),
    cmocka_unit_test (test_run_checked_names_the_signal),
    cmocka_unit_test (test_run_asked),
  };

  return cmocka_run_group_tests_name ("child", tests, NULL, NULL);
}
