/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How often the host is looked at: SCL_APPLY_AS_PLANNED saves the second time, and only when it may. */
#include "base-test.h"
#include "backend/memory/scl-memory-host-private.h"
#include "engine/scl-engine-private.h"

static guint n_looks;
static SclDriver *intruder; /* (nullable): has an operation of its own during the next look */
static gboolean (*look) (SclVmBackend *self, SclManifest *desired, SclObservation *out,
                         GCancellable *cancellable, GError **error);

static gpointer
intrude (gpointer driver)
{
  assert_true (SCL_DRIVER_GET_IFACE (driver)->tear_down (driver, NULL, NULL, NULL));
  return NULL;
}

static gboolean
count_look (SclVmBackend *self, SclManifest *desired, SclObservation *out, GCancellable *cancellable,
            GError **error)
{
  SclDriver *driver = g_steal_pointer (&intruder);

  n_looks++;
  if (driver != NULL)
    g_thread_join (g_thread_new ("intruder", intrude, driver));
  return look (self, desired, out, cancellable, error);
}

typedef struct
{
  SclEngine *engine;
  SclDriver *driver;
  SclDriverInterface *iface;
  SclManifest *manifest;
} World;

static SclManifest *
make_manifest (void)
{
  g_autoptr (GListStore) networks = g_list_store_new (SCL_TYPE_NETWORK_SPEC);
  g_autoptr (GListStore) vms = g_list_store_new (SCL_TYPE_VM_SPEC);
  g_autoptr (GInetAddress) external = g_inet_address_new_from_string ("192.168.10.1");
  g_autoptr (GInetAddress) gateway = g_inet_address_new_from_string ("192.168.20.1");
  g_autoptr (SclNetworkSpec) network
      = g_object_new (SCL_TYPE_NETWORK_SPEC, "name", "default", "external-ip", external, "gateway-ip",
                      gateway, "prefix-length", 24, NULL);

  g_list_store_append (networks, network);
  return scl_manifest_new (NULL, G_LIST_MODEL (networks), G_LIST_MODEL (vms));
}

static int
setup (void **state)
{
  World *w = g_new0 (World, 1);
  g_autoptr (SclMemoryHost) host = _scl_memory_host_new ("scl");
  g_autoptr (SclNetworkBackend) networks = _scl_memory_networks_new (host);
  g_autoptr (SclVolumeBackend) volumes = _scl_memory_volumes_new (host);
  g_autoptr (SclVmBackend) vms = _scl_memory_vms_new (host);

  if (look == NULL)
    look = SCL_VM_BACKEND_GET_IFACE (vms)->observe;
  SCL_VM_BACKEND_GET_IFACE (vms)->observe = count_look;
  w->engine = _scl_engine_new ("scl", "machine", networks, volumes, vms);
  w->driver = SCL_DRIVER (w->engine);
  w->iface = SCL_DRIVER_GET_IFACE (w->driver);
  w->manifest = make_manifest ();
  *state = w;
  return 0;
}

static int
teardown (void **state)
{
  World *w = *state;

  g_object_unref (w->engine);
  g_object_unref (w->manifest);
  g_free (w);
  return 0;
}

static void
plan (World *w, SclManifest *manifest)
{
  g_autoptr (SclPlan) plan = w->iface->plan (w->driver, manifest, SCL_APPLY_NONE, NULL, NULL);

  assert_non_null (plan);
}

static guint
count_steps (World *w)
{
  g_autoptr (SclPlan) plan
      = w->iface->plan (w->driver, w->manifest, SCL_APPLY_NONE, NULL, NULL);

  return g_list_model_get_n_items (scl_plan_get_steps (plan));
}

/* How often apply looks. */
static guint
apply (World *w, SclManifest *manifest, SclApplyFlags flags)
{
  guint before = n_looks;
  g_autoptr (GError) error = NULL;

  if (!w->iface->apply (w->driver, manifest, flags, NULL, NULL, NULL, &error))
    fail_msg ("%s", error->message);
  return n_looks - before;
}

static void
lock (World *w)
{
  assert_true (w->iface->lock (w->driver, NULL, NULL));
}

static void
test_as_planned (void **state)
{
  World *w = *state;

  lock (w);
  plan (w, w->manifest);
  assert_int_equal (apply (w, w->manifest, SCL_APPLY_AS_PLANNED), 0);
  assert_int_equal (count_steps (w), 0);
}

static void
test_not_asked_for (void **state)
{
  World *w = *state;

  lock (w);
  plan (w, w->manifest);
  assert_int_equal (apply (w, w->manifest, SCL_APPLY_NONE), 1);
  assert_int_equal (count_steps (w), 0);
}

static void
test_not_locked (void **state)
{
  World *w = *state;

  plan (w, w->manifest);
  assert_int_equal (apply (w, w->manifest, SCL_APPLY_AS_PLANNED), 1);
  lock (w);
  plan (w, w->manifest);
  w->iface->unlock (w->driver);
  lock (w);
  assert_int_equal (apply (w, w->manifest, SCL_APPLY_AS_PLANNED), 1);
}

static void
test_another_plan (void **state)
{
  World *w = *state;
  g_autoptr (SclManifest) other = make_manifest ();

  lock (w);
  assert_int_equal (apply (w, w->manifest, SCL_APPLY_AS_PLANNED), 1);
  plan (w, other);
  assert_int_equal (apply (w, w->manifest, SCL_APPLY_AS_PLANNED), 1);
  plan (w, w->manifest);
  assert_int_equal (apply (w, w->manifest, SCL_APPLY_AS_PLANNED | SCL_APPLY_PRUNE), 1);
}

/* What was seen is used once, and not after an operation that may have changed it. */
static void
test_after_an_operation (void **state)
{
  World *w = *state;

  lock (w);
  plan (w, w->manifest);
  assert_int_equal (apply (w, w->manifest, SCL_APPLY_AS_PLANNED), 0);
  assert_int_equal (apply (w, w->manifest, SCL_APPLY_AS_PLANNED), 1);
  plan (w, w->manifest);
  assert_true (w->iface->tear_down (w->driver, NULL, NULL, NULL));
  assert_int_equal (apply (w, w->manifest, SCL_APPLY_AS_PLANNED), 1);
  assert_int_equal (count_steps (w), 0);
}

/* One that comes and goes while the host is looked at leaves nothing else behind. */
static void
test_during_an_operation (void **state)
{
  World *w = *state;

  lock (w);
  intruder = w->driver;
  plan (w, w->manifest);
  assert_null (intruder);
  assert_int_equal (apply (w, w->manifest, SCL_APPLY_AS_PLANNED), 1);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (test_as_planned, setup, teardown),
    cmocka_unit_test_setup_teardown (test_not_asked_for, setup, teardown),
    cmocka_unit_test_setup_teardown (test_not_locked, setup, teardown),
    cmocka_unit_test_setup_teardown (test_another_plan, setup, teardown),
    cmocka_unit_test_setup_teardown (test_after_an_operation, setup, teardown),
    cmocka_unit_test_setup_teardown (test_during_an_operation, setup, teardown),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
