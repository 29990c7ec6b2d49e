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
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "test-between.h"

static void
test_of_this_process (void **state)
{
  g_autofree char *first = _scl_stop_owner_begin (60);
  g_autofree char *second = _scl_stop_owner_begin (60);

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
  g_autofree char *owner = _scl_stop_owner_begin (60);

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
  later = g_strdup_printf ("%s:%s:%s9:%s:%s:%s", parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]);
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

static gboolean
is_elsewhere_alive (const char *boot, gint64 until)
{
  g_autofree char *owner = g_strdup_printf ("1:1:1:1:%s:%" G_GINT64_FORMAT, boot, until);

  return _scl_stop_owner_is_alive (owner);
}

/* It cannot be looked at, so it has the time that it took for itself, and not for ever. */
static void
test_of_another_pid_namespace (void **state)
{
  g_autofree char *owner = _scl_stop_owner_begin (3600);
  g_auto (GStrv) parts = g_strsplit (owner, ":", -1);
  struct timespec now;

  _scl_stop_owner_end (owner);
  assert_int_equal (g_strv_length (parts), 6);
  assert_int_equal (clock_gettime (CLOCK_BOOTTIME, &now), 0);
  assert_between (g_ascii_strtoll (parts[5], NULL, 10), now.tv_sec + 3600, now.tv_sec + 2 * 3600);
  assert_true (is_elsewhere_alive (parts[4], now.tv_sec + 3600));
  assert_false (is_elsewhere_alive (parts[4], now.tv_sec - 1));
  assert_false (is_elsewhere_alive ("another boot", now.tv_sec + 3600));
  assert_false (_scl_stop_owner_is_alive ("1:1:1:1"));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_of_this_process),
    cmocka_unit_test (test_of_nobody),
    cmocka_unit_test (test_of_another_process),
    cmocka_unit_test (test_of_another_pid_namespace),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
