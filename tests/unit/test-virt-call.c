/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Work that is given to a thread, with a bound, and what becomes of it. */
#include "backend/vm/scl-virt-call-private.h"
#include "base-test.h"
#include "gate-test.h"
#include <sys/resource.h>
#include <unistd.h>

#define NOBODY 65534

/* What a job does: says that it runs, and waits until it is let go on. */
typedef struct
{
  Gate gate;
  gboolean runs, may_end;
  gint64 microseconds; /* that the work takes */
  gboolean may_change; /* what it was told */
  SclVirtCall *handed_on;
  guint n_runs, n_changes;
} Job;

static void
take_time (gpointer data, gpointer user_data)
{
  g_usleep ((gulong) ((Job *) data)->microseconds);
}

/* 2^32 microseconds are not quite 4295 s. */
static void
test_long_limit (void **state)
{
  Job job = { .microseconds = 300 * G_TIME_SPAN_MILLISECOND };
  g_autoptr (SclVirtCall) call = _scl_virt_call_start (take_time, &job, NULL, "working");
  g_autoptr (GError) error = NULL;

  assert_true (_scl_virt_call_wait (call, "demo", 4295, 0, NULL, &error));
  assert_true (_scl_virt_call_is_done (call));
}

static gpointer
ask_elsewhere (gpointer data)
{
  Job *job = data;

  _scl_virt_call_set_current (job->handed_on);
  job->may_change = _scl_virt_call_check ("changing", NULL);
  _scl_virt_call_set_current (NULL);
  return NULL;
}

static void
hand_on (gpointer data, gpointer user_data)
{
  Job *job = data;

  job->handed_on = _scl_virt_call_get_current ();
  gate_set (&job->gate, &job->runs);
  g_assert_true (gate_await (&job->gate, &job->may_end));
  g_thread_join (g_thread_new ("elsewhere", ask_elsewhere, job));
}

/* Threads that work for a call change as little as it does when it is left behind. */
static void
test_other_threads_are_left_behind_too (void **state)
{
  static const gboolean abandoned[] = { FALSE, TRUE };

  for (gsize i = 0; i < G_N_ELEMENTS (abandoned); i++)
    {
      g_autoptr (SclVirtCall) call = NULL;
      g_autoptr (GError) error = NULL;
      Job job = { .runs = FALSE };

      gate_init (&job.gate);
      call = _scl_virt_call_start (hand_on, &job, NULL, "working");
      assert_true (gate_await (&job.gate, &job.runs));
      if (abandoned[i])
        _scl_virt_call_abandon (call);
      gate_set (&job.gate, &job.may_end);
      assert_true (_scl_virt_call_wait (call, "demo", 30, 0, NULL, &error));
      assert_int_equal (job.may_change, !abandoned[i]);
      gate_clear (&job.gate);
    }
}

static void
occupy (gpointer data, gpointer user_data)
{
  Job *job = data;

  g_assert_true (gate_await (&job->gate, &job->may_end));
  g_mutex_lock (&job->gate.mutex);
  job->n_changes += _scl_virt_call_check ("changing", NULL) ? 1 : 0;
  g_mutex_unlock (&job->gate.mutex);
  gate_count (&job->gate, &job->n_runs);
}

/* Each thread that there is gets something to do, until another one were needed. */
static void
occupy_all (Job *job, GPtrArray *calls)
{
  struct rlimit former, limit;
  SclVirtCall *call = _scl_virt_call_start (occupy, job, NULL, "looking");

  g_ptr_array_add (calls, call);
  assert_int_equal (getrlimit (RLIMIT_NPROC, &former), 0);
  limit = (struct rlimit){ .rlim_cur = 1, .rlim_max = former.rlim_max };
  assert_int_equal (setrlimit (RLIMIT_NPROC, &limit), 0);
  do
    {
      call = _scl_virt_call_start (occupy, job, NULL, "looking");
      g_ptr_array_add (calls, call);
    }
  while (!_scl_virt_call_is_refused (call));
  assert_int_equal (setrlimit (RLIMIT_NPROC, &former), 0);
}

static void
test_no_thread (void **state)
{
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func ((GDestroyNotify) _scl_virt_call_unref);
  GError *error = NULL;
  Job job = { .runs = FALSE };

  gate_init (&job.gate);
  occupy_all (&job, calls);
  assert_true (calls->len > 1);
  assert_false (_scl_virt_call_wait (calls->pdata[calls->len - 1], "demo", 30, 0, NULL, &error));
  assert_error_is (error, SCL_ERROR_FAILED, "demo: no thread for it (looking): ");
  gate_set (&job.gate, &job.may_end);
  assert_true (gate_await_count (&job.gate, &job.n_runs, calls->len));
  /* The last one had its thread later, when nobody waited for it any more. */
  assert_int_equal (job.n_changes, calls->len - 1);
  for (guint i = 0; i < calls->len - 1; i++)
    assert_true (_scl_virt_call_wait (calls->pdata[i], "demo", 30, 0, NULL, &error));
  gate_clear (&job.gate);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_long_limit),
    cmocka_unit_test (test_other_threads_are_left_behind_too),
    cmocka_unit_test (test_no_thread),
  };

  /* The limit of threads is not root's. */
  if (geteuid () == 0 && setresuid (NOBODY, NOBODY, NOBODY) < 0)
    return 1;
  return cmocka_run_group_tests_name ("virt-call", tests, NULL, NULL);
}
