/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether somebody is still at a stop: told from a name, by any process. */
#include "backend/vm/scl-stop-owner-private.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void
test_of_this_process (void **state)
{
  g_autofree char *first = _scl_stop_owner_begin ();
  g_autofree char *second = _scl_stop_owner_begin ();

  assert_string_not_equal (first, second);
  _scl_stop_owner_end (first);
  assert_false (_scl_stop_owner_is_alive (first));
  assert_true (_scl_stop_owner_is_alive (second));
  _scl_stop_owner_end (second);
  assert_false (_scl_stop_owner_is_alive (second));
}

static void
test_of_nobody (void **state)
{
  assert_false (_scl_stop_owner_is_alive (NULL));
  assert_false (_scl_stop_owner_is_alive (""));
  assert_false (_scl_stop_owner_is_alive ("1:2:3"));
  assert_false (_scl_stop_owner_is_alive ("what SCL never wrote"));
}

/* Begins something, says its name and waits for its end. */
static void
be_stopper (int out)
{
  g_autofree char *owner = _scl_stop_owner_begin ();

  if (write (out, owner, strlen (owner)) < 0)
    _exit (1);
  for (;;)
    pause ();
}

static void
test_of_another_process (void **state)
{
  char owner[200] = "";
  g_auto (GStrv) parts = NULL;
  g_autofree char *later = NULL;
  siginfo_t info;
  int ends[2];
  pid_t pid;

  assert_int_equal (pipe (ends), 0);
  pid = fork ();
  if (pid == 0)
    be_stopper (ends[1]);
  assert_true (read (ends[0], owner, sizeof owner - 1) > 0);
  assert_true (_scl_stop_owner_is_alive (owner));
  /* A later process with the same pid is another one. */
  parts = g_strsplit (owner, ":", -1);
  later = g_strdup_printf ("%s:%s:%s9:%s", parts[0], parts[1], parts[2], parts[3]);
  assert_false (_scl_stop_owner_is_alive (later));
  assert_int_equal (kill (pid, SIGKILL), 0);
  /* Dead, but not buried yet. */
  assert_int_equal (waitid (P_PID, (id_t) pid, &info, WEXITED | WNOWAIT), 0);
  assert_false (_scl_stop_owner_is_alive (owner));
  assert_int_equal (waitpid (pid, NULL, 0), pid);
  assert_false (_scl_stop_owner_is_alive (owner));
  close (ends[0]);
  close (ends[1]);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_of_this_process),
    cmocka_unit_test (test_of_nobody),
    cmocka_unit_test (test_of_another_process),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
