/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a process has open and its forks have not. */
#include "base-test.h"
#include "base/scl-own-fd-private.h"
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Neither the file nor, later, whatever has its number. */
static int
use_in_a_fork (SclOwnFd fd)
{
  int other = open ("/dev/null", O_RDONLY);

  if (other != fd)
    return 1;
  _scl_own_fd_clear (&fd);
  return fd == -1 && fcntl (other, F_GETFD) >= 0 ? 0 : 2;
}

static void
test_own_fd_is_in_no_fork (void **state)
{
  SclOwnFd first = _scl_own_fd_open (AT_FDCWD, "/dev/null", O_RDONLY, 0);
  SclOwnFd second = _scl_own_fd_open (AT_FDCWD, "/dev/null", O_RDONLY, 0);
  int number = second;
  pid_t child;
  int status;

  assert_true (first >= 0 && second > first);
  assert_int_equal (fcntl (first, F_GETFD), FD_CLOEXEC);
  child = fork ();
  if (child == 0)
    _exit (use_in_a_fork (first));
  assert_int_equal (waitpid (child, &status, 0), child);
  assert_int_equal (status, 0);
  assert_true (fcntl (first, F_GETFD) >= 0);
  _scl_own_fd_clear (&second);
  assert_int_equal (second, -1);
  assert_int_equal (fcntl (number, F_GETFD), -1);
  _scl_own_fd_clear (&first);
  assert_int_equal (_scl_own_fd_open (AT_FDCWD, "/nowhere", O_RDONLY, 0), -1);
  assert_int_equal (errno, ENOENT);
}

#define FORKS 200

static gpointer
fork_often (gpointer data)
{
  int *inherited = data;

  for (int i = 0; i < FORKS; i++)
    {
      int status = 0;
      pid_t child = fork ();

      if (child == 0)
        {
          char target[64] = "";

          for (int fd = 3; fd < 256; fd++)
            {
              char path[32];

              (void) g_snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
              if (readlink (path, target, sizeof target - 1) > 0 && strcmp (target, "/dev/full") == 0)
                _exit (1);
              memset (target, 0, sizeof target);
            }
          _exit (0);
        }
      (void) waitpid (child, &status, 0);
      *inherited += status != 0;
    }
  return NULL;
}

/* Whenever another thread forks. */
static void
test_own_fd_while_another_thread_forks (void **state)
{
  int inherited = 0;
  GThread *thread = g_thread_new ("forks", fork_often, &inherited);

  for (int i = 0; i < 20000; i++)
    {
      g_auto (SclOwnFd) fd = _scl_own_fd_open (AT_FDCWD, "/dev/full", O_RDONLY, 0);

      assert_true (fd >= 0);
    }
  (void) g_thread_join (thread);
  assert_int_equal (inherited, 0);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_own_fd_is_in_no_fork),
    cmocka_unit_test (test_own_fd_while_another_thread_forks),
  };

  return cmocka_run_group_tests_name ("own-fd", tests, NULL, NULL);
}
