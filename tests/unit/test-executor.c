/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The executor: order, parallelism, what failures, refusals and cancellations leave undone. */
#include "base-test.h"
#include "base/scl-throw-private.h"
#include "engine/scl-executor-private.h"
#include <scl/scl-step-result.h>

/* Nothing here may take longer; a test that waits for it has failed. */
#define BOUND (60 * G_TIME_SPAN_SECOND)

/* What the steps of a test do, by name: "fail…" fails, "cancel…" cancels everything, "meet…" waits until
 * as many as MEETING are in it at once, and "fail-late" until two others have ended. All others are done at once. */
typedef struct
{
  GMutex mutex;
  GCond cond;
  GPtrArray *begun; /* names */
  GPtrArray *ended;
  guint inside;
  guint most;
  guint meeting;
  gboolean missed;
  GCancellable *cancellable;
} World;

static int
world_setup (void **state)
{
  World *world = g_new0 (World, 1);

  g_mutex_init (&world->mutex);
  g_cond_init (&world->cond);
  world->begun = g_ptr_array_new ();
  world->ended = g_ptr_array_new ();
  world->cancellable = g_cancellable_new ();
  *state = world;
  return 0;
}

static int
world_teardown (void **state)
{
  World *world = *state;

  g_ptr_array_unref (world->begun);
  g_ptr_array_unref (world->ended);
  g_object_unref (world->cancellable);
  g_mutex_clear (&world->mutex);
  g_cond_clear (&world->cond);
  g_free (world);
  return 0;
}

static void
meet (World *world)
{
  gint64 end = g_get_monotonic_time () + BOUND;

  while (world->most < world->meeting)
    if (!g_cond_wait_until (&world->cond, &world->mutex, end))
      {
        world->missed = TRUE;
        return;
      }
}

static void
await_others (World *world)
{
  gint64 end = g_get_monotonic_time () + BOUND;

  while (world->ended->len < 2 && !world->missed)
    world->missed = !g_cond_wait_until (&world->cond, &world->mutex, end);
}

static gboolean
run_step (SclStep *step, const SclProgress *progress, gpointer user_data, GError **error)
{
  World *world = user_data;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&world->mutex);
  const char *name = scl_step_get_name (step);

  g_ptr_array_add (world->begun, (gpointer) name);
  world->inside++;
  world->most = MAX (world->most, world->inside);
  g_cond_broadcast (&world->cond);
  if (g_str_has_prefix (name, "meet"))
    meet (world);
  if (g_str_equal (name, "fail-late"))
    await_others (world);
  world->inside--;
  g_ptr_array_add (world->ended, (gpointer) name);
  g_cond_broadcast (&world->cond);
  if (g_str_has_prefix (name, "silent"))
    return FALSE;
  if (g_str_has_prefix (name, "fail"))
    return scl_throw (error, SCL_ERROR_NO_SPACE, "volume \"%s\": no space", name);
  if (g_str_has_prefix (name, "cancel"))
    {
      g_cancellable_cancel (world->cancellable);
      return !g_cancellable_set_error_if_cancelled (world->cancellable, error);
    }
  if (g_str_has_prefix (name, "last"))
    g_cancellable_cancel (world->cancellable);
  return TRUE;
}

/* "name<need,need" for each step; "-name" is a removal. */
static SclPlan *
plan_new (const char *const *words)
{
  SclPlan *plan = _scl_plan_new ();
  g_autoptr (GHashTable) by_name = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (; *words != NULL; words++)
    {
      gboolean removal = (*words)[0] == '-';
      g_auto (GStrv) halves = g_strsplit (*words + removal, "<", 2);
      g_auto (GStrv) needs = g_strsplit (halves[1] == NULL ? "" : halves[1], ",", -1);
      SclStep *step = _scl_plan_take (
          plan, _scl_step_new (SCL_JOB_VM_START, SCL_ACTION_START, SCL_OBJECT_KIND_VM, halves[0]));

      step->removal = removal;
      for (guint i = 0; needs[i] != NULL; i++)
        {
          SclStep *needed = g_hash_table_lookup (by_name, needs[i]);

          assert_non_null (needed);
          _scl_step_add_need (step, needed);
        }
      g_hash_table_insert (by_name, g_strdup (halves[0]), step);
    }
  return plan;
}

#define PLAN(...) plan_new ((const char *[]){ __VA_ARGS__, NULL })

static int
index_of (GPtrArray *names, const char *name)
{
  for (guint i = 0; i < names->len; i++)
    if (strcmp (names->pdata[i], name) == 0)
      return (int) i;
  return -1;
}

static gboolean
execute (World *world, SclPlan *plan, SclApplyFlags flags, guint workers, GError **error)
{
  return _scl_executor_run (plan, flags, workers, run_step, world, NULL, world->cancellable, error);
}

static void
test_failure_without_an_error (void **state)
{
  World *world = *state;
  g_autoptr (SclPlan) one = PLAN ("silent");
  g_autoptr (SclPlan) two = PLAN ("silent", "start");
  GError *error = NULL;

  assert_false (execute (world, one, SCL_APPLY_NONE, 2, &error));
  assert_error_is (error, SCL_ERROR_FAILED, "failed without saying why");
  assert_false (execute (world, two, SCL_APPLY_NONE, 1, &error));
  assert_error_is (error, SCL_ERROR_PARTIAL, "failed without saying why");
}

static void
test_empty_plan (void **state)
{
  g_autoptr (SclPlan) plan = _scl_plan_new ();

  assert_true (execute (*state, plan, SCL_APPLY_NONE, 4, NULL));
}

static void
test_order (void **state)
{
  World *world = *state;

  for (guint workers = 1; workers <= 4; workers++)
    {
      g_autoptr (SclPlan) plan = PLAN ("host", "net<host", "vol1", "vol2", "vm1<net,vol1", "vm2<net,vol2");

      g_ptr_array_set_size (world->begun, 0);
      assert_true (execute (world, plan, SCL_APPLY_NONE, workers, NULL));
      assert_int_equal (world->begun->len, 6);
      assert_true (index_of (world->begun, "host") < index_of (world->begun, "net"));
      assert_true (index_of (world->begun, "net") < index_of (world->begun, "vm1"));
      assert_true (index_of (world->begun, "vol1") < index_of (world->begun, "vm1"));
      assert_true (index_of (world->begun, "vol2") < index_of (world->begun, "vm2"));
    }
}

static void
test_one_worker_keeps_the_order (void **state)
{
  World *world = *state;
  static const char *const names[] = { "a", "b", "c", "d" };
  g_autoptr (SclPlan) plan = PLAN ("a", "b", "c", "d");

  assert_true (execute (world, plan, SCL_APPLY_NONE, 1, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    assert_string_equal (world->begun->pdata[i], names[i]);
  assert_int_equal (world->most, 1);
}

static void
test_independent_steps_run_at_once (void **state)
{
  World *world = *state;
  g_autoptr (SclPlan) plan = PLAN ("meet1", "meet2", "meet3", "meet4", "after<meet1,meet2,meet3,meet4");

  world->meeting = 4;
  assert_true (execute (world, plan, SCL_APPLY_NONE, 4, NULL));
  assert_false (world->missed);
  assert_int_equal (world->most, 4);
  assert_int_equal (world->begun->len, 5);
}

static void
test_workers_are_bounded (void **state)
{
  World *world = *state;
  g_autoptr (SclPlan) plan = PLAN ("meet1", "meet2", "meet3", "meet4", "meet5", "meet6");

  world->meeting = 2;
  assert_true (execute (world, plan, SCL_APPLY_NONE, 2, NULL));
  assert_int_equal (world->most, 2);
}

static void
test_failure_skips_dependants_only (void **state)
{
  World *world = *state;
  g_autoptr (SclPlan) plan = PLAN ("fail", "ok", "child<fail", "grandchild<child", "both<ok,fail", "other<ok");
  GError *error = NULL;

  assert_false (execute (world, plan, SCL_APPLY_NONE, 2, &error));
  assert_error_is (error, SCL_ERROR_PARTIAL,
                   "1 of 6 steps failed, 2 were done; the first error: volume \"fail\": no space");
  assert_int_equal (world->begun->len, 3);
  assert_true (index_of (world->begun, "other") >= 0);
  assert_int_equal (index_of (world->begun, "child"), -1);
  assert_int_equal (index_of (world->begun, "grandchild"), -1);
  assert_int_equal (index_of (world->begun, "both"), -1);
}

/* The same each time: the first of the plan, not of those that end. */
static void
test_first_error_is_that_of_the_plan (void **state)
{
  World *world = *state;
  g_autoptr (SclPlan) plan = PLAN ("fail-late", "fail-early", "fail");
  GError *error = NULL;

  assert_false (execute (world, plan, SCL_APPLY_NONE, 2, &error));
  assert_false (world->missed);
  assert_string_equal (world->ended->pdata[2], "fail-late");
  assert_error_is (error, SCL_ERROR_NO_SPACE, "volume \"fail-late\": no space");
}

static void
test_only_failure_keeps_its_code (void **state)
{
  g_autoptr (SclPlan) plan = PLAN ("fail", "child<fail");
  GError *error = NULL;

  assert_false (execute (*state, plan, SCL_APPLY_NONE, 2, &error));
  assert_error_is (error, SCL_ERROR_NO_SPACE, "volume \"fail\": no space");
}

static void
test_removals_are_refused (void **state)
{
  World *world = *state;
  g_autoptr (SclPlan) plan = PLAN ("ok", "-old", "-older", "after<old");
  GError *error = NULL;

  assert_false (execute (world, plan, SCL_APPLY_NONE, 2, &error));
  assert_error_is (error, SCL_ERROR_CONFIRM, "2 removals were not carried out because they were not confirmed");
  assert_int_equal (world->begun->len, 1);
  g_ptr_array_set_size (world->begun, 0);
  assert_true (execute (world, plan, SCL_APPLY_PRUNE, 2, NULL));
  assert_int_equal (world->begun->len, 4);
}

static void
test_failure_outranks_refusal (void **state)
{
  g_autoptr (SclPlan) plan = PLAN ("ok", "fail", "-old");
  GError *error = NULL;

  assert_false (execute (*state, plan, SCL_APPLY_NONE, 1, &error));
  assert_error_is (error, SCL_ERROR_PARTIAL, "1 of 3 steps failed, 1 were done");
}

static void
test_cancellation_begins_nothing_more (void **state)
{
  World *world = *state;
  g_autoptr (SclPlan) plan = PLAN ("ok", "cancel<ok", "never<ok", "nor<cancel");
  g_autoptr (GError) error = NULL;

  assert_false (execute (world, plan, SCL_APPLY_NONE, 1, &error));
  assert_true (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  assert_string_equal (error->message, "interrupted: 1 of 4 steps were done; the same again does the rest");
  assert_int_equal (world->begun->len, 2);
}

/* A step under way is finished, not torn; if it was the last one, all is done. */
static void
test_cancellation_after_the_last_step (void **state)
{
  g_autoptr (SclPlan) plan = PLAN ("ok", "last<ok");

  assert_true (execute (*state, plan, SCL_APPLY_NONE, 1, NULL));
}

static void
test_cancelled_before (void **state)
{
  World *world = *state;
  g_autoptr (SclPlan) plan = PLAN ("a", "b");
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (world->cancellable);
  assert_false (execute (world, plan, SCL_APPLY_NONE, 2, &error));
  assert_true (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  assert_int_equal (world->begun->len, 0);
}

static void
test_large_graph (void **state)
{
  World *world = *state;
  g_autoptr (SclPlan) plan = _scl_plan_new ();
  SclStep *last = NULL;

  for (int i = 0; i < 2000; i++)
    {
      g_autofree char *name = g_strdup_printf ("s%d", i);
      SclStep *step = _scl_plan_take (
          plan, _scl_step_new (SCL_JOB_VM_START, SCL_ACTION_START, SCL_OBJECT_KIND_VM, name));

      if (i % 3 == 0)
        _scl_step_add_need (step, last);
      last = step;
    }
  assert_true (execute (world, plan, SCL_APPLY_NONE, 8, NULL));
  assert_int_equal (world->ended->len, 2000);
}

/* --- what an operation tells of it --- */

typedef struct
{
  World *world;
  SclPlan *plan;
} Work;

static gboolean
run_plan (SclOperation *operation, gpointer data, GCancellable *cancellable, GError **error)
{
  Work *work = data;

  return _scl_executor_run (work->plan, SCL_APPLY_NONE, 2, run_step, work->world, operation, cancellable, error);
}

static SclStepStatus
status_of (SclOperation *operation, guint id)
{
  g_autoptr (SclStepResult) result = g_list_model_get_item (scl_operation_get_results (operation), id);

  return scl_step_result_get_status (result);
}

static void
test_results (void **state)
{
  g_autoptr (SclPlan) plan = PLAN ("ok", "fail", "child<fail", "-old");
  Work work = { *state, plan };
  g_autoptr (SclOperation) operation = _scl_operation_start (NULL, "apply", run_plan, &work, NULL);
  g_autoptr (SclStepResult) failed = NULL;
  const GError *why;
  GError *error = NULL;

  assert_false (scl_operation_wait (operation, NULL, &error));
  assert_error_is (error, SCL_ERROR_PARTIAL, "1 of 4 steps failed");
  assert_int_equal (g_list_model_get_n_items (scl_operation_get_results (operation)), 4);
  assert_int_equal (status_of (operation, 0), SCL_STEP_STATUS_DONE);
  assert_int_equal (status_of (operation, 1), SCL_STEP_STATUS_FAILED);
  assert_int_equal (status_of (operation, 2), SCL_STEP_STATUS_SKIPPED);
  assert_int_equal (status_of (operation, 3), SCL_STEP_STATUS_REFUSED);
  failed = g_list_model_get_item (scl_operation_get_results (operation), 1);
  why = scl_step_result_get_error (failed);
  assert_true (g_error_matches (why, SCL_ERROR, SCL_ERROR_NO_SPACE));
  assert_true (scl_operation_get_fraction (operation) == 1.0);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, world_setup, world_teardown)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    TEST (test_empty_plan),
    TEST (test_failure_without_an_error),
    TEST (test_order),
    TEST (test_one_worker_keeps_the_order),
    TEST (test_independent_steps_run_at_once),
    TEST (test_workers_are_bounded),
    TEST (test_failure_skips_dependants_only),
    TEST (test_first_error_is_that_of_the_plan),
    TEST (test_only_failure_keeps_its_code),
    TEST (test_removals_are_refused),
    TEST (test_failure_outranks_refusal),
    TEST (test_cancellation_begins_nothing_more),
    TEST (test_cancellation_after_the_last_step),
    TEST (test_cancelled_before),
    TEST (test_large_graph),
    TEST (test_results),
  };

  return cmocka_run_group_tests_name ("executor", tests, NULL, NULL);
}
