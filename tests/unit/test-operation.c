/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations: reports come in the creator's context, waiting needs no main loop, dropping ends nothing. */
#include "base-test.h"
#include "base/scl-throw-private.h"
#include "client/scl-operation-private.h"
#include "gate-test.h"

/* The work stands at a gate until the test opens it. */
typedef struct
{
  Gate gate;
  gboolean open;
  gboolean entered;
  gboolean freed;
  gboolean fail;
  gboolean until_cancelled;
  const char *remark;
} Stand;

static int
gate_setup (void **state)
{
  Stand *stand = g_new0 (Stand, 1);

  gate_init (&stand->gate);
  *state = stand;
  return 0;
}

static int
gate_teardown (void **state)
{
  Stand *stand = *state;

  gate_clear (&stand->gate);
  g_free (stand);
  return 0;
}

static void
open_gate (GCancellable *cancellable, gpointer data)
{
  Stand *stand = data;

  gate_set (&stand->gate, &stand->open);
}

static gboolean
work (SclOperation *operation, gpointer data, GCancellable *cancellable, GError **error)
{
  Stand *stand = data;
  gulong handler = 0;

  _scl_operation_progress (operation, 0.25, "waiting");
  if (stand->until_cancelled)
    handler = g_cancellable_connect (cancellable, G_CALLBACK (open_gate), stand, NULL);
  gate_set (&stand->gate, &stand->entered);
  if (!gate_await (&stand->gate, &stand->open))
    return scl_throw (error, SCL_ERROR_TIMEOUT, "nobody opened the gate");
  g_cancellable_disconnect (cancellable, handler);
  if (stand->remark != NULL)
    _scl_operation_remark (operation, stand->remark);
  _scl_operation_progress (operation, 0.75, "almost");
  if (stand->fail)
    return scl_throw (error, SCL_ERROR_BUSY, "vm \"demo\": is locked");
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

static void
work_free (gpointer data)
{
  Stand *stand = data;

  gate_set (&stand->gate, &stand->freed);
}

static void
test_wait_needs_no_loop (void **state)
{
  Stand *stand = *state;
  g_autoptr (SclOperation) operation = _scl_operation_start (NULL, "stop VM demo", work, stand, work_free);

  assert_string_equal (scl_operation_get_description (operation), "stop VM demo");
  assert_false (scl_operation_is_done (operation));
  gate_set (&stand->gate, &stand->open);
  assert_true (scl_operation_wait (operation, NULL, NULL));
  assert_true (scl_operation_is_done (operation));
  assert_null (scl_operation_get_message (operation));
  assert_true (scl_operation_get_fraction (operation) == 0.75);
  assert_true (stand->freed);
}

/* Progress that comes after it does not hide it, and while it runs it is not told. */
static void
test_remark_is_its_last_message (void **state)
{
  Stand *stand = *state;
  g_autoptr (SclOperation) operation = NULL;

  stand->open = TRUE;
  stand->remark = "its power was cut";
  operation = _scl_operation_start (NULL, "stop VM demo", work, stand, NULL);
  assert_true (scl_operation_wait (operation, NULL, NULL));
  assert_string_equal (scl_operation_get_message (operation), "its power was cut");
}

static void
test_error_is_kept (void **state)
{
  Stand *stand = *state;
  g_autoptr (SclOperation) operation = NULL;
  GError *error = NULL;

  stand->fail = stand->open = TRUE;
  operation = _scl_operation_start (NULL, "apply", work, stand, NULL);
  for (int i = 0; i < 2; i++)
    {
      assert_false (scl_operation_wait (operation, NULL, &error));
      assert_error_is (error, SCL_ERROR_BUSY, "vm \"demo\": is locked");
    }
  assert_false (scl_operation_wait (operation, NULL, NULL));
}

static void
test_already_failed (void **state)
{
  g_autoptr (SclOperation) operation
      = _scl_operation_new_failed ("apply", g_error_new (SCL_ERROR, SCL_ERROR_INVALID, "wrong"));
  GError *error = NULL;

  assert_true (scl_operation_is_done (operation));
  assert_false (scl_operation_wait (operation, NULL, &error));
  assert_error_is (error, SCL_ERROR_INVALID, "wrong");
}

static gboolean
fail_silently (SclOperation *operation, gpointer data, GCancellable *cancellable, GError **error)
{
  return FALSE;
}

static void
test_silent_failure_has_an_error (void **state)
{
  g_autoptr (SclOperation) operation = _scl_operation_start (NULL, "apply", fail_silently, NULL, NULL);
  g_autoptr (GError) error = NULL;

  assert_false (scl_operation_wait (operation, NULL, &error));
  assert_non_null (error);
}

static void
test_cancelled_wait_leaves_the_work (void **state)
{
  Stand *stand = *state;
  g_autoptr (SclOperation) operation = _scl_operation_start (NULL, "apply", work, stand, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  assert_false (scl_operation_wait (operation, cancellable, &error));
  assert_true (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  assert_false (scl_operation_is_done (operation));
  gate_set (&stand->gate, &stand->open);
  assert_true (scl_operation_wait (operation, NULL, NULL));
}

static gpointer
cancel_in_thread (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return NULL;
}

static void
test_wait_is_interrupted (void **state)
{
  Stand *stand = *state;
  g_autoptr (SclOperation) operation = _scl_operation_start (NULL, "apply", work, stand, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GThread *thread = g_thread_new ("cancel", cancel_in_thread, cancellable);

  assert_false (scl_operation_wait (operation, cancellable, NULL));
  g_thread_join (thread);
  gate_set (&stand->gate, &stand->open);
  assert_true (scl_operation_wait (operation, NULL, NULL));
}

static void
test_cancel (void **state)
{
  Stand *stand = *state;
  g_autoptr (SclOperation) operation = NULL;
  g_autoptr (GError) error = NULL;

  stand->until_cancelled = TRUE;
  operation = _scl_operation_start (NULL, "apply", work, stand, NULL);
  assert_true (gate_await (&stand->gate, &stand->entered));
  scl_operation_cancel (operation);
  assert_false (scl_operation_wait (operation, NULL, &error));
  assert_true (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
}

static void
test_dropping_ends_nothing (void **state)
{
  Stand *stand = *state;
  SclOperation *operation = _scl_operation_start (NULL, "apply", work, stand, work_free);

  g_object_unref (operation);
  gate_set (&stand->gate, &stand->open);
  assert_true (gate_await (&stand->gate, &stand->freed));
}

/* --- delivery --- */

typedef struct
{
  GThread *thread; /* in which it must be called */
  GString *seen;
  gboolean elsewhere;
  gboolean done;
} Listener;

static void
on_notify (SclOperation *operation, GParamSpec *pspec, gpointer data)
{
  Listener *listener = data;

  listener->elsewhere |= g_thread_self () != listener->thread;
  g_string_append_printf (listener->seen, "%s ", pspec->name);
  listener->done |= strcmp (pspec->name, "done") == 0;
}

static void
test_reports_come_in_the_creators_context (void **state)
{
  Stand *stand = *state;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (SclOperation) operation = NULL;
  Listener listener = { .thread = g_thread_self (), .seen = g_string_new (NULL) };

  g_main_context_push_thread_default (context);
  operation = _scl_operation_start (NULL, "apply", work, stand, NULL);
  g_main_context_pop_thread_default (context);
  g_signal_connect (operation, "notify", G_CALLBACK (on_notify), &listener);
  assert_true (gate_await (&stand->gate, &stand->entered));
  /* Nothing is delivered behind the back of the context's owner. */
  assert_string_equal (listener.seen->str, "");
  gate_set (&stand->gate, &stand->open);
  while (!listener.done)
    g_main_context_iteration (context, TRUE);
  assert_string_equal (listener.seen->str, "fraction message fraction message message done ");
  assert_false (listener.elsewhere);
  g_string_free (listener.seen, TRUE);
}

static void
on_waited (GObject *source, GAsyncResult *result, gpointer data)
{
  GError **error = data;
  gboolean ok = scl_operation_wait_finish (SCL_OPERATION (source), result, error);

  if (ok)
    *error = g_error_new (G_IO_ERROR, G_IO_ERROR_EXISTS, "no error");
}

static void
assert_wait_async (SclOperation *operation, Stand *stand, GCancellable *cancellable, GQuark domain, int code)
{
  GError *errors[3] = { NULL, NULL, NULL };

  for (gsize i = 0; i < G_N_ELEMENTS (errors); i++)
    scl_operation_wait_async (operation, cancellable, on_waited, &errors[i]);
  assert_null (errors[0]);
  gate_set (&stand->gate, &stand->open);
  for (gsize i = 0; i < G_N_ELEMENTS (errors); i++)
    {
      while (errors[i] == NULL)
        g_main_context_iteration (NULL, TRUE);
      assert_true (g_error_matches (errors[i], domain, code));
      g_clear_error (&errors[i]);
    }
}

static void
test_wait_async (void **state)
{
  Stand *stand = *state;
  g_autoptr (SclOperation) operation = _scl_operation_start (NULL, "apply", work, stand, NULL);

  assert_wait_async (operation, stand, NULL, G_IO_ERROR, G_IO_ERROR_EXISTS);
  /* Again, when it has long ended. */
  assert_wait_async (operation, stand, NULL, G_IO_ERROR, G_IO_ERROR_EXISTS);
}

static void
test_wait_async_error (void **state)
{
  Stand *stand = *state;
  g_autoptr (SclOperation) operation = NULL;

  stand->fail = TRUE;
  operation = _scl_operation_start (NULL, "apply", work, stand, NULL);
  assert_wait_async (operation, stand, NULL, SCL_ERROR, SCL_ERROR_BUSY);
}

/* The operation goes on: only the waiting has ended, and at once. */
static void
test_wait_async_is_cancelled (void **state)
{
  Stand *stand = *state;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (SclOperation) operation = _scl_operation_start (NULL, "apply", work, stand, NULL);
  GError *cancelled = NULL, *other = NULL;

  scl_operation_wait_async (operation, cancellable, on_waited, &cancelled);
  scl_operation_wait_async (operation, NULL, on_waited, &other);
  assert_true (gate_await (&stand->gate, &stand->entered));
  g_cancellable_cancel (cancellable);
  while (cancelled == NULL)
    g_main_context_iteration (NULL, TRUE);
  assert_true (g_error_matches (cancelled, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  assert_false (scl_operation_is_done (operation));
  assert_null (other);
  gate_set (&stand->gate, &stand->open);
  while (other == NULL)
    g_main_context_iteration (NULL, TRUE);
  assert_true (g_error_matches (other, G_IO_ERROR, G_IO_ERROR_EXISTS));
  g_clear_error (&cancelled);
  g_clear_error (&other);
}

static gboolean
do_nothing (SclOperation *operation, gpointer data, GCancellable *cancellable, GError **error)
{
  return TRUE;
}

static void
on_done (SclOperation *operation, GParamSpec *pspec, gpointer data)
{
  *(int *) data = scl_operation_is_done (operation) ? 1 : -1;
}

static void
test_done_when_it_is_told (void **state)
{
  for (int i = 0; i < 3000; i++)
    {
      g_autoptr (SclOperation) operation = _scl_operation_start (NULL, "apply", do_nothing, NULL, NULL);
      int told = 0;

      g_signal_connect (operation, "notify::done", G_CALLBACK (on_done), &told);
      while (told == 0)
        g_main_context_iteration (NULL, TRUE);
      assert_int_equal (told, 1);
    }
}

/* Where no main loop ever runs, nothing may stay behind in the context. */
static void
test_waiting_is_enough_to_free_it (void **state)
{
  Stand *stand = *state;
  SclOperation *operation = _scl_operation_start (NULL, "apply", work, stand, NULL);
  GWeakRef weak;

  g_weak_ref_init (&weak, operation);
  gate_set (&stand->gate, &stand->open);
  assert_true (scl_operation_wait (operation, NULL, NULL));
  g_object_unref (operation);
  /* Its own thread lets go a moment after it has said that it ended. */
  for (gint64 end = g_get_monotonic_time () + GATE_BOUND; g_get_monotonic_time () < end;)
    {
      g_autoptr (SclOperation) left = g_weak_ref_get (&weak);

      if (left == NULL)
        break;
      g_thread_yield ();
    }
  operation = g_weak_ref_get (&weak);
  assert_null (operation);
  g_weak_ref_clear (&weak);
}

static void
test_many (void **state)
{
  Stand *stand = *state;
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (g_object_unref);

  stand->open = TRUE;
  for (int i = 0; i < 100; i++)
    g_ptr_array_add (all, _scl_operation_start (NULL, "apply", work, stand, NULL));
  for (guint i = 0; i < all->len; i++)
    assert_true (scl_operation_wait (all->pdata[i], NULL, NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, gate_setup, gate_teardown)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    TEST (test_wait_needs_no_loop),
    TEST (test_remark_is_its_last_message),
    TEST (test_error_is_kept),
    TEST (test_already_failed),
    TEST (test_silent_failure_has_an_error),
    TEST (test_cancelled_wait_leaves_the_work),
    TEST (test_wait_is_interrupted),
    TEST (test_cancel),
    TEST (test_dropping_ends_nothing),
    TEST (test_reports_come_in_the_creators_context),
    TEST (test_wait_async),
    TEST (test_wait_async_error),
    TEST (test_wait_async_is_cancelled),
    TEST (test_done_when_it_is_told),
    TEST (test_waiting_is_enough_to_free_it),
    TEST (test_many),
  };

  return cmocka_run_group_tests_name ("operation", tests, NULL, NULL);
}
