/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The thread contract of a connection, through the public interface only: what any thread may do, where
 * lists and objects change, what is refused, and a crowd on one connection and on one each. */
#include "base-test.h"
#include <scl/scl.h>
#include <stdlib.h>

#define BOUND (60 * G_TIME_SPAN_SECOND)

static const char first[] = "version: 1\n"
                            "networks:\n"
                            "  a: {externalIP: 192.168.33.1, gatewayIP: 10.0.0.1}\n"
                            "  b: {externalIP: 192.168.34.1, gatewayIP: 10.0.1.1}\n"
                            "virtualMachines: {v1: {image: /x.raw, network: a}, v2: {image: /x.raw, network: b}}\n";
static const char second[] = "version: 1\n"
                             "networks:\n"
                             "  b: {externalIP: 192.168.33.1, gatewayIP: 10.0.1.1}\n"
                             "  c: {externalIP: 192.168.35.1, gatewayIP: 10.0.2.1}\n"
                             "virtualMachines: {v2: {image: /x.raw, network: c}, v3: {image: /x.raw, network: b}}\n";

static SclManifest *
manifest_new (const char *text)
{
  GError *error = NULL;
  SclManifest *manifest = scl_manifest_new_from_string (text, NULL, &error);

  if (manifest == NULL)
    print_error ("%s\n", error->message);
  assert_non_null (manifest);
  return manifest;
}

static SclConnection *
open_host (const char *hypervisor)
{
  static int number;
  g_autofree char *uri = g_strdup_printf ("local:?hypervisor=%s&prefix=t%d", hypervisor,
                                          g_atomic_int_add (&number, 1));
  SclConnection *connection = scl_connection_open (uri, NULL, NULL);

  assert_non_null (connection);
  return connection;
}

static SclConnection *
open_memory (void)
{
  return open_host ("memory");
}

static void
apply (SclConnection *connection, const char *text)
{
  g_autoptr (SclManifest) manifest = manifest_new (text);
  g_autoptr (SclOperation) operation = scl_connection_apply (connection, manifest, SCL_APPLY_PRUNE);

  assert_true (scl_operation_wait (operation, NULL, NULL));
}

static guint
count_vms (SclConnection *connection)
{
  return g_list_model_get_n_items (scl_connection_get_vms (connection));
}

/* --- where lists and objects change --- */

typedef struct
{
  GThread *home;
  int here;
  int elsewhere;
} Notices;

static void
note (Notices *notices)
{
  g_atomic_int_inc (g_thread_self () == notices->home ? &notices->here : &notices->elsewhere);
}

static void
on_items_changed (GListModel *list, guint position, guint removed, guint added, gpointer notices)
{
  note (notices);
}

static void
on_notify (GObject *object, GParamSpec *pspec, gpointer notices)
{
  note (notices);
}

static gpointer
refresh_often (gpointer connection)
{
  for (int i = 0; i < 50; i++)
    if (!scl_connection_refresh (connection, NULL, NULL))
      return "refresh failed";
  return NULL;
}

static void
iterate (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
test_read_elsewhere_taken_at_home (void **state)
{
  g_autoptr (SclConnection) connection = open_memory ();
  Notices notices = { .home = g_thread_self () };
  GThread *thread;

  g_signal_connect (scl_connection_get_vms (connection), "items-changed", G_CALLBACK (on_items_changed),
                    &notices);
  apply (connection, first);
  thread = g_thread_new ("reader", refresh_often, connection);
  assert_null (g_thread_join (thread));
  assert_int_equal (notices.here + notices.elsewhere, 0);
  assert_int_equal (count_vms (connection), 0);
  iterate ();
  assert_int_equal (count_vms (connection), 2);
  assert_true (notices.here > 0);
  assert_int_equal (notices.elsewhere, 0);
}

/* What another thread read is older than what the opener reads next. */
static void
test_own_refresh_is_enough (void **state)
{
  g_autoptr (SclConnection) connection = open_memory ();
  GThread *thread;

  apply (connection, first);
  thread = g_thread_new ("reader", refresh_often, connection);
  assert_null (g_thread_join (thread));
  apply (connection, second);
  assert_true (scl_connection_refresh (connection, NULL, NULL));
  assert_non_null (scl_connection_lookup_vm (connection, "v3"));
  iterate ();
  assert_non_null (scl_connection_lookup_vm (connection, "v3"));
  assert_null (scl_connection_lookup_vm (connection, "v1"));
}

static void
test_only_changes_are_told (void **state)
{
  g_autoptr (SclConnection) connection = open_memory ();
  Notices notices = { .home = g_thread_self () };
  g_autoptr (SclOperation) operation = NULL;
  GObject *objects[3];

  apply (connection, first);
  assert_true (scl_connection_refresh (connection, NULL, NULL));
  objects[0] = G_OBJECT (scl_connection_lookup_vm (connection, "v1"));
  objects[1] = G_OBJECT (scl_connection_lookup_network (connection, "a"));
  objects[2] = G_OBJECT (scl_connection_lookup_volume (connection, "v1"));
  for (int i = 0; i < 3; i++)
    g_signal_connect (objects[i], "notify::name", G_CALLBACK (on_notify), &notices);
  g_signal_connect (objects[0], "notify::state", G_CALLBACK (on_notify), &notices);
  g_signal_connect (objects[0], "notify::spec", G_CALLBACK (on_notify), &notices);
  g_signal_connect (objects[0], "notify::addresses", G_CALLBACK (on_notify), &notices);
  g_signal_connect (objects[0], "notify::pending", G_CALLBACK (on_notify), &notices);
  g_signal_connect (objects[1], "notify", G_CALLBACK (on_notify), &notices);
  g_signal_connect (objects[2], "notify", G_CALLBACK (on_notify), &notices);
  assert_null (refresh_often (connection));
  assert_int_equal (notices.here, 0);
  operation = scl_vm_stop (SCL_VM (objects[0]), TRUE);
  assert_true (scl_operation_wait (operation, NULL, NULL));
  assert_true (scl_connection_refresh (connection, NULL, NULL));
  assert_int_equal (notices.here, 1);
}

/* A worker without a main context of its own, beside a loop in the main thread. */
static gpointer
work_alone (gpointer data)
{
  g_autoptr (SclConnection) connection = open_memory ();
  g_autoptr (SclManifest) manifest = manifest_new (first);
  g_autoptr (SclOperation) operation = scl_connection_apply (connection, manifest, SCL_APPLY_PRUNE);

  if (!scl_operation_wait (operation, NULL, NULL)
      || g_list_model_get_n_items (scl_operation_get_results (operation)) == 0
      || !scl_connection_refresh (connection, NULL, NULL) || count_vms (connection) != 2)
    return "not its own";
  g_main_loop_quit (data);
  return NULL;
}

static void
test_worker_beside_a_loop (void **state)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  GThread *thread = g_thread_new ("worker", work_alone, loop);

  g_main_loop_run (loop);
  assert_null (g_thread_join (thread));
}

static gpointer
wait_elsewhere (gpointer operation)
{
  return scl_operation_wait (operation, NULL, NULL) ? NULL : "failed";
}

static void
test_waiting_elsewhere_delivers_nothing (void **state)
{
  g_autoptr (SclConnection) connection = open_memory ();
  g_autoptr (SclManifest) manifest = manifest_new (first);
  g_autoptr (SclOperation) operation = scl_connection_apply (connection, manifest, SCL_APPLY_NONE);
  Notices notices = { .home = g_thread_self () };
  GThread *thread;

  g_signal_connect (operation, "notify", G_CALLBACK (on_notify), &notices);
  thread = g_thread_new ("waiter", wait_elsewhere, operation);
  assert_null (g_thread_join (thread));
  assert_int_equal (notices.here + notices.elsewhere, 0);
  assert_true (scl_operation_wait (operation, NULL, NULL));
  assert_true (notices.here > 0);
  assert_int_equal (notices.elsewhere, 0);
}

/* --- outside the contract: refused, never a crash --- */

static int criticals;

static GLogWriterOutput
count_criticals (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
  if ((level & G_LOG_LEVEL_CRITICAL) != 0)
    g_atomic_int_inc (&criticals);
  return G_LOG_WRITER_HANDLED;
}

static gpointer
read_lists (gpointer connection)
{
  (void) scl_connection_get_vms (connection);
  (void) scl_connection_get_networks (connection);
  (void) scl_connection_get_volumes (connection);
  (void) scl_connection_get_diagnostics (connection);
  (void) scl_connection_lookup_vm (connection, "v1");
  (void) scl_connection_lookup_network (connection, "a");
  return scl_connection_lookup_volume (connection, "v1");
}

static gpointer
read_vm (gpointer vm)
{
  g_autoptr (SclOperation) operation = scl_vm_stop (vm, TRUE);
  gboolean ok = strcmp (scl_vm_get_name (vm), "v1") == 0 && scl_operation_wait (operation, NULL, NULL);

  (void) scl_vm_get_state_reason (vm);
  return ok ? NULL : "verbs are for all";
}

/* In a program of its own: criticals are fatal in the tests. */
static int
run_outside (void)
{
  g_autoptr (SclConnection) connection = open_memory ();

  g_log_set_always_fatal (G_LOG_FATAL_MASK);
  g_log_set_writer_func (count_criticals, NULL, NULL);
  apply (connection, first);
  assert_true (scl_connection_refresh (connection, NULL, NULL));
  assert_null (g_thread_join (g_thread_new ("outside", read_lists, connection)));
  assert_int_equal (criticals, 7);
  assert_null (
      g_thread_join (g_thread_new ("outside", read_vm, scl_connection_lookup_vm (connection, "v1"))));
  assert_int_equal (criticals, 8);
  return 0;
}

static void
test_wrong_thread_is_refused (void **state)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  char *argv[] = { self, (char *) "outside", NULL };
  int status = -1;

  assert_true (g_spawn_sync (NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status, NULL));
  assert_int_equal (status, 0);
}

/* --- crowds --- */

typedef struct
{
  SclConnection *connection; /* NULL: one each */
  const char *hypervisor;
  guint number;
  int *stop;
} Actor;

static gboolean
is_expected (const GError *error)
{
  return error == NULL || g_error_matches (error, SCL_ERROR, SCL_ERROR_FAILED)
         || g_error_matches (error, SCL_ERROR, SCL_ERROR_INVALID);
}

static const char *
act_once (SclConnection *connection, guint turn)
{
  g_autoptr (SclManifest) manifest = manifest_new (turn % 2 == 0 ? first : second);
  g_autoptr (SclOperation) operation = NULL;
  g_autoptr (SclPlan) plan = NULL;
  g_autoptr (GError) error = NULL;

  switch (turn % 4)
    {
    case 0:
      (void) scl_connection_refresh (connection, NULL, &error);
      break;
    case 1:
      plan = scl_connection_plan (connection, manifest, SCL_APPLY_PRUNE, NULL, &error);
      break;
    case 2:
      if (scl_connection_lock (connection, NULL, &error))
        scl_connection_unlock (connection);
      break;
    default:
      operation = scl_connection_apply (connection, manifest, SCL_APPLY_PRUNE);
      (void) scl_operation_wait (operation, NULL, &error);
    }
  return is_expected (error) ? NULL : g_strdup (error->message);
}

static gpointer
act (gpointer data)
{
  Actor *actor = data;
  g_autoptr (SclConnection) own
      = actor->connection == NULL ? open_host (actor->hypervisor) : g_object_ref (actor->connection);
  const char *wrong = NULL;

  for (guint i = 0; i < 24 && wrong == NULL; i++)
    {
      wrong = act_once (own, i + actor->number);
      if (actor->connection != NULL || !scl_connection_refresh (own, NULL, NULL))
        continue;
      for (guint v = 0; v < count_vms (own); v++)
        {
          g_autoptr (SclVm) vm = g_list_model_get_item (scl_connection_get_vms (own), v);

          if (scl_vm_get_name (vm) == NULL || scl_vm_get_spec (vm) == NULL)
            wrong = "a VM without a name or spec";
        }
    }
  g_atomic_int_inc (actor->stop);
  return (gpointer) wrong;
}

#define CROWD 8

static void
run_crowd (SclConnection *connection, const char *hypervisor)
{
  Actor actors[CROWD];
  GThread *threads[CROWD];
  int stop = 0;

  for (guint i = 0; i < CROWD; i++)
    {
      actors[i] = (Actor){ connection, hypervisor, i, &stop };
      threads[i] = g_thread_new ("actor", act, &actors[i]);
    }
  /* Meanwhile the opener reads what they change, as an application's main loop does. */
  while (connection != NULL && g_atomic_int_get (&stop) < CROWD)
    {
      g_main_context_iteration (NULL, FALSE);
      for (guint i = 0; i < count_vms (connection); i++)
        {
          g_autoptr (SclVm) vm = g_list_model_get_item (scl_connection_get_vms (connection), i);

          assert_true (scl_vm_get_uptime (vm) >= -1); /* -1: the test driver does not know */
          (void) scl_vm_get_state_reason (vm);
        }
    }
  for (guint i = 0; i < CROWD; i++)
    {
      const char *wrong = g_thread_join (threads[i]);

      if (wrong != NULL)
        print_error ("%s\n", wrong);
      assert_null (wrong);
    }
  iterate ();
}

static void
on_object_changed (SclConnection *connection, SclObjectKind kind, const char *name, gpointer notices)
{
  note (notices);
}

static void
test_crowd_on_one (void **state)
{
  static const char *const hypervisors[] = { "memory", "test:///default" };

  for (gsize i = 0; i < G_N_ELEMENTS (hypervisors); i++)
    {
      g_autoptr (SclConnection) connection = open_host (hypervisors[i]);
      Notices notices = { .home = g_thread_self () };

      g_signal_connect (connection, "object-changed", G_CALLBACK (on_object_changed), &notices);
      g_signal_connect (scl_connection_get_vms (connection), "items-changed",
                        G_CALLBACK (on_items_changed), &notices);
      scl_connection_set_lock_timeout (connection, 300);
      run_crowd (connection, NULL);
      assert_true (notices.here > 0);
      assert_int_equal (notices.elsewhere, 0);
    }
}

static void
test_crowd_with_one_each (void **state)
{
  run_crowd (NULL, "memory");
  run_crowd (NULL, "test:///default");
}

static gpointer
act_until_closed (gpointer data)
{
  Actor *actor = data;

  for (guint i = actor->number; g_atomic_int_get (actor->stop) == 0; i++)
    {
      g_autoptr (SclManifest) manifest = manifest_new (first);
      g_autoptr (SclPlan) plan = scl_connection_plan (actor->connection, manifest, SCL_APPLY_PRUNE, NULL, NULL);

      if (i % 3 == 0)
        (void) scl_connection_refresh (actor->connection, NULL, NULL);
      if (i % 5 == 0)
        (void) scl_connection_get_prefix (actor->connection);
    }
  return NULL;
}

static void
test_closed_under_a_crowd (void **state)
{
  for (int round = 0; round < 60; round++)
    {
      g_autoptr (SclConnection) connection = open_memory ();
      Actor actors[3];
      GThread *threads[3];
      int stop = 0;
      GError *error = NULL;

      for (guint i = 0; i < 3; i++)
        {
          actors[i] = (Actor){ connection, NULL, i, &stop };
          threads[i] = g_thread_new ("actor", act_until_closed, &actors[i]);
        }
      for (int i = 0; i < round; i++)
        g_thread_yield ();
      scl_connection_close (connection);
      assert_false (scl_connection_refresh (connection, NULL, &error));
      assert_error_is (error, SCL_ERROR_FAILED, "the connection is closed");
      g_atomic_int_set (&stop, 1);
      for (guint i = 0; i < 3; i++)
        assert_null (g_thread_join (threads[i]));
      iterate ();
    }
}

int
main (int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_read_elsewhere_taken_at_home),
    cmocka_unit_test (test_own_refresh_is_enough),
    cmocka_unit_test (test_only_changes_are_told),
    cmocka_unit_test (test_worker_beside_a_loop),
    cmocka_unit_test (test_waiting_elsewhere_delivers_nothing),
    cmocka_unit_test (test_wrong_thread_is_refused),
    cmocka_unit_test (test_crowd_on_one),
    cmocka_unit_test (test_crowd_with_one_each),
    cmocka_unit_test (test_closed_under_a_crowd),
  };

  if (argc == 2 && strcmp (argv[1], "outside") == 0)
    return run_outside ();
  return cmocka_run_group_tests_name ("client-threads", tests, NULL, NULL);
}
