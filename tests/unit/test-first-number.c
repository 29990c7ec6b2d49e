/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first number that a process reads, while its other threads register types. */
#include "base-test.h"
#include <scl/scl.h>

#define N_THREADS 4
#define N_PROCESSES 60

static gint n_running, stop;

static gpointer
register_types (gpointer data)
{
  (void) data;
  g_atomic_int_inc (&n_running);
  while (!g_atomic_int_get (&stop))
    {
      gsize once = 0;

      if (g_once_init_enter (&once))
        g_once_init_leave (&once, 1);
    }
  return NULL;
}

/* Returns the status of the process: 0 if the number was read. */
static int
read_first_number (void)
{
  GThread *threads[N_THREADS];
  g_autoptr (SclForwardSpec) forward = NULL;

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("types", register_types, NULL);
  while (g_atomic_int_get (&n_running) < N_THREADS)
    g_thread_yield ();
  forward = scl_forward_spec_new_from_string (SCL_PROTOCOL_TCP, "2222:192.168.20.2:22", NULL);
  g_atomic_int_set (&stop, 1);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  return forward == NULL;
}

static void
test_number_is_read (void **state)
{
  char *argv[] = { *state, (char *) "child", NULL };

  for (guint i = 0; i < N_PROCESSES; i++)
    {
      g_autoptr (GError) error = NULL;
      int status = -1;

      assert_true (g_spawn_sync (NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status,
                                 &error));
      assert_int_equal (status, 0);
    }
}

int
main (int argc, char **argv)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test_prestate (test_number_is_read, argv[0]) };

  if (argc > 1)
    return read_first_number ();
  return cmocka_run_group_tests_name ("first-number", tests, NULL, NULL);
}
