/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose turn it is, among the operations of one process: order, what may run at the same time, what is
 * held, what is let through, and when the file lock behind it is given up. */
#include "engine/scl-engine-queue-private.h"
#include "instance-folders.h"

#define BOUND (20 * G_TIME_SPAN_SECOND)

typedef struct
{
  Folders at;
  SclEngineQueue *queue;
  GMutex mutex;
  GCond cond;
  GString *order;
} World;

static int
world_setup (void **state)
{
  World *world = g_new0 (World, 1);

  folders_init (&world->at);
  world->queue = _scl_engine_queue_get (world->at.run, "scl");
  world->order = g_string_new (NULL);
  g_mutex_init (&world->mutex);
  g_cond_init (&world->cond);
  *state = world;
  return 0;
}

static int
world_teardown (void **state)
{
  World *world = *state;

  _scl_engine_queue_unref (world->queue);
  folders_clear (&world->at);
  g_string_free (world->order, TRUE);
  g_mutex_clear (&world->mutex);
  g_cond_clear (&world->cond);
  g_free (world);
  return 0;
}

static SclTurnRequest
want (World *world, const char *owner, const char *what, guint timeout)
{
  return (SclTurnRequest){ .owner = owner,
                           .what = what,
                           .alone = TRUE,
                           .state_dir = world->at.state,
                           .timeout = timeout };
}

static SclTurnRequest
want_vm (World *world, const char *owner, const char *vm, guint timeout)
{
  SclTurnRequest request = want (world, owner, "power", timeout);

  request.vm = vm;
  request.alone = FALSE;
  return request;
}

static SclTurn *
enter (World *world, SclTurnRequest request)
{
  g_autoptr (GError) error = NULL;
  SclTurn *turn = _scl_engine_queue_enter (world->queue, &request, &error);

  if (turn == NULL)
    print_error ("%s\n", error->message);
  assert_non_null (turn);
  return turn;
}

static void
assert_busy (World *world, SclTurnRequest request, const char *by)
{
  GError *error = NULL;

  assert_null (_scl_engine_queue_enter (world->queue, &request, &error));
  assert_error_is (error, SCL_ERROR_BUSY, by);
}

static void
hold (World *world, const char *owner)
{
  SclTurnRequest request = want (world, owner, "scl_connection_lock()", 0);

  assert_true (_scl_engine_queue_hold (world->queue, &request, NULL));
}

/* --- one that waits in a thread of its own --- */

typedef struct
{
  World *world;
  SclTurnRequest request;
  char name;
  gboolean holds; /* the one called 'h' */
  SclTurn *turn;
  GError *error;
  GThread *thread;
} Waiter;

static gpointer
wait_in_line (gpointer data)
{
  Waiter *waiter = data;
  World *world = waiter->world;

  if (waiter->holds)
    (void) _scl_engine_queue_hold (world->queue, &waiter->request, &waiter->error);
  else
    waiter->turn = _scl_engine_queue_enter (world->queue, &waiter->request, &waiter->error);
  g_mutex_lock (&world->mutex);
  g_string_append_c (world->order, waiter->name);
  g_cond_broadcast (&world->cond);
  g_mutex_unlock (&world->mutex);
  return NULL;
}

/* Until it stands in line: there is no event for that, so the line is looked at. */
static void
waiter_start (Waiter *waiter, World *world, char name, SclTurnRequest request)
{
  guint length = _scl_engine_queue_get_length (world->queue);
  gint64 end = g_get_monotonic_time () + BOUND;

  *waiter = (Waiter){ .world = world, .request = request, .name = name, .holds = name == 'h' };
  waiter->thread = g_thread_new ("waiter", wait_in_line, waiter);
  while (_scl_engine_queue_get_length (world->queue) == length && g_get_monotonic_time () < end)
    g_thread_yield ();
  assert_int_equal (_scl_engine_queue_get_length (world->queue), length + 1);
}

static void
assert_order (World *world, const char *order)
{
  gint64 end = g_get_monotonic_time () + BOUND;

  g_mutex_lock (&world->mutex);
  while (strlen (order) > world->order->len && g_cond_wait_until (&world->cond, &world->mutex, end))
    ;
  assert_string_equal (world->order->str, order);
  g_mutex_unlock (&world->mutex);
}

static void
waiter_end (Waiter *waiter)
{
  (void) g_thread_join (waiter->thread);
  assert_non_null (waiter->turn);
  _scl_turn_leave (waiter->turn);
}

/* --- cases --- */

static void
test_first_come_first_served (void **state)
{
  World *world = *state;
  SclTurn *turn = enter (world, want (world, "a", "apply", 0));
  Waiter waiters[4];
  char order[5] = "";

  for (int i = 0; i < 4; i++)
    waiter_start (&waiters[i], world, (char) ('0' + i), want (world, i % 2 == 0 ? "a" : "b", "apply", 30));
  _scl_turn_leave (turn);
  for (int i = 0; i < 4; i++)
    {
      order[i] = (char) ('0' + i);
      assert_order (world, order);
      waiter_end (&waiters[i]);
    }
  assert_int_equal (_scl_engine_queue_get_length (world->queue), 0);
}

static void
test_vms_beside_each_other (void **state)
{
  World *world = *state;
  g_autoptr (SclTurn) one = enter (world, want_vm (world, "a", "one", 0));
  g_autoptr (SclTurn) two = enter (world, want_vm (world, "b", "two", 0));

  assert_non_null (one);
  assert_busy (world, want_vm (world, "b", "one", 0), "locked in this process, by: power (waited 0 s)");
  assert_busy (world, want (world, "a", "apply", 0), "by: power");
  _scl_turn_leave (g_steal_pointer (&two));
  two = enter (world, want_vm (world, "a", "two", 0));
}

/* Those who could share would otherwise keep it from whoever wants it alone, for ever. */
static void
test_nobody_overtakes (void **state)
{
  World *world = *state;
  SclTurn *running = enter (world, want_vm (world, "a", "one", 0));
  Waiter waiter;

  waiter_start (&waiter, world, 'x', want (world, "a", "apply", 30));
  assert_busy (world, want_vm (world, "a", "two", 0), "by: apply");
  _scl_turn_leave (running);
  waiter_end (&waiter);
}

static void
test_wait_is_bounded (void **state)
{
  World *world = *state;
  g_autoptr (SclTurn) turn = enter (world, want (world, "a", "stop VM \"web\"", 0));

  assert_busy (world, want (world, "b", "apply", 1),
               "instance \"scl\" is locked in this process, by: stop VM \"web\" (waited 1 s): wait until");
  assert_int_equal (_scl_engine_queue_get_length (world->queue), 1);
}

static void
test_wait_is_cancelled (void **state)
{
  World *world = *state;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (SclTurn) turn = enter (world, want (world, "a", "apply", 0));
  SclTurnRequest request = want (world, "a", "apply", 3600);
  Waiter waiter;

  request.cancellable = cancellable;
  waiter_start (&waiter, world, 'x', request);
  g_cancellable_cancel (cancellable);
  assert_order (world, "x");
  (void) g_thread_join (waiter.thread);
  assert_true (g_error_matches (waiter.error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  g_clear_error (&waiter.error);
  assert_int_equal (_scl_engine_queue_get_length (world->queue), 1);
}

static gboolean
file_is_free (World *world)
{
  g_autoptr (SclInstanceLock) lock
      = _scl_instance_lock_acquire (world->at.run, world->at.state, "scl", SCL_LOCK_EXCLUSIVE, 0, NULL, NULL);

  return lock != NULL;
}

static void
test_file_is_held_by_whoever_has_a_turn (void **state)
{
  World *world = *state;
  SclTurn *one = enter (world, want_vm (world, "a", "one", 0));
  SclTurn *two = enter (world, want_vm (world, "a", "two", 0));

  assert_false (file_is_free (world));
  _scl_turn_leave (one);
  assert_false (file_is_free (world));
  _scl_turn_leave (two);
  assert_true (file_is_free (world));
}

static void
test_another_process_has_the_file (void **state)
{
  World *world = *state;
  SclInstanceLock *other
      = _scl_instance_lock_acquire (world->at.run, world->at.state, "scl", SCL_LOCK_EXCLUSIVE, 0, NULL, NULL);

  assert_busy (world, want (world, "a", "apply", 0), "is locked by process");
  assert_int_equal (_scl_engine_queue_get_length (world->queue), 0);
  _scl_instance_lock_release (other);
  _scl_turn_leave (enter (world, want (world, "a", "apply", 0)));
}

static void
test_held_turns_follow_each_other (void **state)
{
  World *world = *state;
  const char *owner = "a", *stranger = "b";
  SclTurn *turn;

  hold (world, owner);
  hold (world, owner);
  turn = enter (world, want (world, owner, "apply", 0));
  assert_busy (world, want (world, owner, "prune volumes", 0), "by: apply");
  assert_busy (world, want (world, stranger, "apply", 0), "by: scl_connection_lock()");
  _scl_turn_leave (turn);
  _scl_turn_leave (enter (world, want_vm (world, owner, "one", 0)));
  assert_busy (world, want (world, stranger, "apply", 0), "by: scl_connection_lock()");
  _scl_engine_queue_release (world->queue, owner);
  _scl_turn_leave (enter (world, want (world, stranger, "apply", 0)));
  assert_true (file_is_free (world));
}

/* Neither an end nor a close of the connection takes it from under an operation. */
static void
test_release_waits_for_the_last_turn (void **state)
{
  World *world = *state;
  const char *owner = "a";
  SclTurn *turn;
  Waiter waiter;

  hold (world, owner);
  turn = enter (world, want (world, owner, "apply", 0));
  waiter_start (&waiter, world, 'x', want (world, owner, "tear down", 30));
  _scl_engine_queue_release (world->queue, owner);
  assert_busy (world, want (world, "b", "apply", 0), "by: scl_connection_lock()");
  assert_false (file_is_free (world));
  _scl_turn_leave (turn);
  assert_order (world, "x");
  assert_busy (world, want (world, "b", "apply", 0), "by: scl_connection_lock()");
  waiter_end (&waiter);
  assert_int_equal (_scl_engine_queue_get_length (world->queue), 0);
  assert_true (file_is_free (world));
}

/* Its owner would wait for itself. */
static void
test_who_waits_behind_a_hold_comes_under_it (void **state)
{
  World *world = *state;
  SclTurn *turn = enter (world, want (world, "b", "apply", 0));
  const char *owner = "a";
  SclTurnRequest request = want (world, owner, "scl_connection_lock()", 30);
  Waiter holder, waiter;

  waiter_start (&holder, world, 'h', request);
  waiter_start (&waiter, world, 'x', want (world, owner, "apply", 30));
  _scl_turn_leave (turn);
  (void) g_thread_join (holder.thread);
  waiter_end (&waiter);
  assert_busy (world, want (world, "b", "apply", 0), "locked in this process");
  _scl_engine_queue_release (world->queue, owner);
  assert_true (file_is_free (world));
}

/* A guest that does not shut down can be switched off while others wait for it. */
static void
test_power_is_cut_beside_a_stop (void **state)
{
  World *world = *state;
  SclTurnRequest down = want (world, "a", "tear down", 30);
  SclTurnRequest cut = want_vm (world, "b", "web", 0);
  SclTurn *turn = enter (world, want (world, "a", "apply", 0));
  Waiter waiting;

  cut.cut = TRUE;
  assert_busy (world, cut, "by: apply");
  _scl_engine_queue_begin_stop (world->queue, "web");
  _scl_turn_leave (enter (world, cut));
  cut.vm = "other";
  assert_busy (world, cut, "by: apply");
  cut.vm = "web";
  _scl_engine_queue_end_stop (world->queue, "web");
  assert_busy (world, cut, "by: apply");
  down.stops = TRUE;
  waiter_start (&waiting, world, 'x', down);
  cut.timeout = 30;
  _scl_turn_leave (turn);
  waiter_end (&waiting);
  _scl_turn_leave (enter (world, cut));
}

/* What waits and will stop it anyway is overtaken; what runs and does not stop it is not. */
static void
test_power_is_cut_before_a_stop (void **state)
{
  World *world = *state;
  SclTurnRequest down = want (world, "a", "tear down", 30);
  SclTurnRequest cut = want_vm (world, "a", "web", 0);
  SclTurn *turn = enter (world, want_vm (world, "a", "one", 0));
  Waiter waiting;

  cut.cut = TRUE;
  down.stops = TRUE;
  waiter_start (&waiting, world, 'x', down);
  assert_busy (world, want_vm (world, "a", "web", 0), "by: tear down");
  _scl_turn_leave (enter (world, cut));
  _scl_turn_leave (turn);
  waiter_end (&waiting);
}

/* All are stopped, some at a time: those that have not had their turn can be switched off, too. */
static void
test_power_is_cut_while_all_are_stopped (void **state)
{
  World *world = *state;
  SclTurnRequest down = want (world, "a", "tear down", 0);
  SclTurnRequest cut = want_vm (world, "a", "ninth", 0);
  SclTurn *turn;

  cut.cut = TRUE;
  down.stops = TRUE;
  turn = enter (world, down);
  _scl_turn_leave (enter (world, cut));
  assert_busy (world, want_vm (world, "a", "ninth", 0), "by: tear down");
  _scl_turn_leave (turn);
}

static void
test_one_queue_per_instance (void **state)
{
  World *world = *state;
  SclEngineQueue *same = _scl_engine_queue_get (world->at.run, "scl");
  SclEngineQueue *other = _scl_engine_queue_get (world->at.run, "other");
  SclEngineQueue *none = _scl_engine_queue_get (NULL, "scl");

  assert_ptr_equal (same, world->queue);
  assert_ptr_not_equal (other, world->queue);
  assert_ptr_not_equal (none, world->queue);
  _scl_engine_queue_unref (same);
  _scl_engine_queue_unref (other);
  _scl_engine_queue_unref (none);
}

typedef struct
{
  World *world;
  int *inside;
  int *worst;
  guint number;
} Crowd;

static gpointer
push_and_shove (gpointer data)
{
  Crowd *crowd = data;
  World *world = crowd->world;
  const char *owner = crowd->number % 2 == 0 ? "a" : "b";

  for (guint i = 0; i < 50; i++)
    {
      gboolean holding = (i + crowd->number) % 7 == 0;
      SclTurnRequest request = want (world, owner, "apply", 60);
      SclTurn *turn;

      if (holding && !_scl_engine_queue_hold (world->queue, &request, NULL))
        return "not held";
      turn = _scl_engine_queue_enter (world->queue, &request, NULL);
      if (turn == NULL)
        return "no turn";
      if (g_atomic_int_add (crowd->inside, 1) != 0)
        g_atomic_int_inc (crowd->worst);
      g_thread_yield ();
      g_atomic_int_add (crowd->inside, -1);
      _scl_turn_leave (turn);
      if (holding)
        _scl_engine_queue_release (world->queue, owner);
    }
  return NULL;
}

static void
test_a_crowd (void **state)
{
  World *world = *state;
  int inside = 0, worst = 0;
  Crowd crowd[8];
  GThread *threads[8];

  for (guint i = 0; i < 8; i++)
    {
      crowd[i] = (Crowd){ world, &inside, &worst, i };
      threads[i] = g_thread_new ("crowd", push_and_shove, &crowd[i]);
    }
  for (guint i = 0; i < 8; i++)
    assert_null (g_thread_join (threads[i]));
  assert_int_equal (worst, 0);
  assert_int_equal (_scl_engine_queue_get_length (world->queue), 0);
  assert_true (file_is_free (world));
}

#define CASE(name) cmocka_unit_test_setup_teardown (name, world_setup, world_teardown)

/* --- places --- */

/* Entered in the other order, and by another thread; what only passes through leaves no gap. */
static void
test_places_keep_the_order (void **state)
{
  World *world = *state;
  SclTurn *first = _scl_engine_queue_reserve (world->queue, "a", "first");
  SclTurn *unused = _scl_engine_queue_reserve (world->queue, "a", "unused");
  SclTurnRequest request = want (world, "a", "first", 20);
  Waiter second;

  waiter_start (&second, world, 's', want (world, "b", "second", 20));
  assert_order (world, "");
  assert_busy (world, want (world, "c", "third", 0), "first");
  request.place = first;
  first = enter (world, request);
  _scl_turn_leave (unused);
  assert_order (world, "");
  _scl_turn_leave (first);
  assert_order (world, "s");
  waiter_end (&second);
}

/* Behind a place that turns out to be about another VM nobody waits any longer. */
static void
test_place_that_needs_little (void **state)
{
  World *world = *state;
  SclTurnRequest request = want_vm (world, "a", "one", 20);
  SclTurn *turn;
  Waiter other;

  request.place = _scl_engine_queue_reserve (world->queue, "a", "start VM \"one\"");
  waiter_start (&other, world, 'o', want_vm (world, "b", "two", 20));
  assert_order (world, "");
  turn = enter (world, request);
  assert_order (world, "o");
  waiter_end (&other);
  _scl_turn_leave (turn);
}

/* What is held is kept for a place that was taken under it. */
static void
test_place_under_a_hold (void **state)
{
  World *world = *state;
  SclTurnRequest request = want (world, "a", "apply", 20);

  hold (world, "a");
  request.place = _scl_engine_queue_reserve (world->queue, "a", "apply");
  _scl_engine_queue_release (world->queue, "a");
  assert_busy (world, want (world, "b", "other", 0), "scl_connection_lock()");
  _scl_turn_leave (enter (world, request));
  _scl_turn_leave (enter (world, want (world, "b", "other", 0)));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    CASE (test_first_come_first_served),
    CASE (test_vms_beside_each_other),
    CASE (test_nobody_overtakes),
    CASE (test_wait_is_bounded),
    CASE (test_wait_is_cancelled),
    CASE (test_file_is_held_by_whoever_has_a_turn),
    CASE (test_another_process_has_the_file),
    CASE (test_held_turns_follow_each_other),
    CASE (test_release_waits_for_the_last_turn),
    CASE (test_who_waits_behind_a_hold_comes_under_it),
    CASE (test_power_is_cut_beside_a_stop),
    CASE (test_power_is_cut_before_a_stop),
    CASE (test_power_is_cut_while_all_are_stopped),
    CASE (test_places_keep_the_order),
    CASE (test_place_that_needs_little),
    CASE (test_place_under_a_hold),
    CASE (test_one_queue_per_instance),
    CASE (test_a_crowd),
  };

  return cmocka_run_group_tests_name ("engine-queue", tests, NULL, NULL);
}
