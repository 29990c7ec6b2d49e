/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is asked, and who is waited for, before a volume of another instance is taken over. On a host in memory, with
 * the locks and notes of a real one. */
#include "base-test.h"
#include "backend/memory/scl-memory-host-private.h"
#include "client/scl-operation-private.h"
#include "engine/scl-engine-private.h"
#include "engine/scl-instance-lock-private.h"

#define PATIENCE 20 /* s */

typedef struct
{
  char *top;
  char *run;
  char *state;
  SclMemoryHost *host;
  SclEngine *engine;
  SclDriver *driver;
  SclDriverInterface *iface;
} World;

/* A domain that names the volume: on our hypervisor, on another one. */
static const char *user;
static const char *user_elsewhere;
static const char *asked;
static SclError open_error;
static SclVmBackend *elsewhere;

static SclSources *
list_sources (SclVmBackend *self, SclObservation *known, GCancellable *cancellable, GError **error)
{
  const char *name = self == elsewhere ? user_elsewhere : user;
  SclSources *sources = _scl_sources_new ();
  gboolean is_vm = name != NULL && g_str_has_prefix (name, "lab-");

  if (name != NULL)
    _scl_sources_add (sources, name, is_vm ? "lab" : NULL, is_vm ? name + 4 : NULL, "memory:demo");
  return sources;
}

static SclVmBackend *
open_elsewhere (const char *hypervisor, const char *prefix, const char *state_dir,
                GCancellable *cancellable, GError **error)
{
  asked = g_intern_string (hypervisor);
  if (elsewhere != NULL)
    return g_object_ref (elsewhere);
  g_set_error (error, SCL_ERROR, (int) open_error, "nobody serves it");
  return NULL;
}

static void
put_volume (SclMemoryHost *host, const char *name, const char *instance)
{
  SclObservedVolume *volume = _scl_observed_volume_new (name);

  volume->path = g_strdup_printf ("memory:%s", name);
  volume->foreign = instance != NULL;
  volume->instance = g_strdup (instance);
  g_hash_table_insert (host->volumes, g_strdup (name), volume);
}

/* Of instance PREFIX, on HOST. */
static SclEngine *
make_engine (World *w, SclMemoryHost *host, const char *prefix)
{
  g_autoptr (SclNetworkBackend) networks = _scl_memory_networks_new (host);
  g_autoptr (SclVolumeBackend) volumes = _scl_memory_volumes_new (host);
  g_autoptr (SclVmBackend) vms = _scl_memory_vms_new (host);
  SclEngine *engine = _scl_engine_new (prefix, "machine", networks, volumes, vms);

  SCL_VM_BACKEND_GET_IFACE (vms)->list_sources = list_sources;
  _scl_engine_set_folders (engine, w->run, w->state);
  _scl_engine_set_claim (engine, _scl_instance_claim_new (w->run, w->state, prefix, "qemu:///mine"));
  _scl_engine_set_opener (engine, open_elsewhere);
  return engine;
}

static int
setup (void **state)
{
  World *w = g_new0 (World, 1);

  w->top = test_folder_new ();
  w->run = g_build_filename (w->top, "run", NULL);
  w->state = g_build_filename (w->top, "state", NULL);
  w->host = _scl_memory_host_new ("scl");
  w->engine = make_engine (w, w->host, "scl");
  w->driver = SCL_DRIVER (w->engine);
  w->iface = SCL_DRIVER_GET_IFACE (w->driver);
  w->iface->set_lock_timeout (w->driver, 0);
  put_volume (w->host, "demo", "lab");
  user = user_elsewhere = asked = NULL;
  open_error = SCL_ERROR_BACKEND;
  *state = w;
  return 0;
}

static int
teardown (void **state)
{
  World *w = *state;

  g_clear_object (&elsewhere);
  g_object_unref (w->engine);
  g_object_unref (w->host);
  test_folder_remove (w->top);
  g_free (w->run);
  g_free (w->state);
  g_free (w);
  return 0;
}

static gboolean
adopt (World *w, const char *from, GError **error)
{
  return w->iface->adopt_volume (w->driver, "demo", from, NULL, NULL, error);
}

static gboolean
is_ours (World *w)
{
  const SclObservedVolume *volume = g_hash_table_lookup (w->host->volumes, "demo");

  return !volume->foreign && volume->instance == NULL;
}

static void
refuse (World *w, const char *from, SclError code, const char *part)
{
  GError *error = NULL;

  assert_false (adopt (w, from, &error));
  assert_error_is (error, code, part);
  assert_false (is_ours (w));
}

/* Instance PREFIX has something on HYPERVISOR. */
static void
note (World *w, const char *prefix, const char *hypervisor)
{
  g_autoptr (SclInstanceClaim) claim
      = _scl_instance_claim_new (w->run, w->state, prefix, hypervisor);
  gboolean is_new;

  assert_true (_scl_instance_claim_take (claim, TRUE, &is_new, NULL));
}

static void
test_unused (void **state)
{
  World *w = *state;

  note (w, "lab", "qemu:///mine");
  assert_true (adopt (w, "lab", NULL));
  assert_true (is_ours (w));
  assert_null (asked);
}

static void
test_names (void **state)
{
  World *w = *state;

  refuse (w, "scl", SCL_ERROR_INVALID, "instance \"scl\" is this one");
  refuse (w, "No", SCL_ERROR_INVALID, "instance \"No\"");
  refuse (w, "../..", SCL_ERROR_INVALID, "instance \"../..\"");
}

static void
test_unknown (void **state)
{
  World *w = *state;
  g_autofree char *hint = g_strdup_printf ("&state=%s&prefix=lab' volume list`", w->state);

  refuse (w, "doc", SCL_ERROR_NOT_FOUND, "there is no instance \"doc\" in");
  refuse (w, "doc", SCL_ERROR_NOT_FOUND, "nor any other");
  note (w, "lab", "qemu:///mine");
  refuse (w, "doc", SCL_ERROR_NOT_FOUND, "those that are there are \"lab\"");
  g_hash_table_remove (w->host->volumes, "demo");
  put_volume (w->host, "demo", "doc");
  refuse (w, "lab", SCL_ERROR_NOT_FOUND,
          "instance \"lab\" has no volume \"demo\": `sclctl -c 'local:?hypervisor=qemu:///mine&state=");
  refuse (w, "lab", SCL_ERROR_NOT_FOUND, hint);
}

/* A list of what that one has would be of another folder than the one that was looked into. */
static void
test_other_state_folder (void **state)
{
  World *w = *state;
  g_autofree char *other = g_build_filename (w->top, "other", NULL);
  g_autofree char *text = g_strdup_printf ("instance \"lab\" has no volume \"demo\" in %s: its state folder is %s", w->state, other);
  g_autoptr (SclInstanceClaim) claim = _scl_instance_claim_new (w->run, other, "lab", "qemu:///mine");
  gboolean is_new;

  assert_true (_scl_instance_claim_take (claim, TRUE, &is_new, NULL));
  g_hash_table_remove (w->host->volumes, "demo");
  put_volume (w->host, "demo", "doc");
  refuse (w, "lab", SCL_ERROR_NOT_FOUND, text);
}

/* Not ours, so not to be found: but whose it is can be told, and how to go on. */
static void
test_whose_it_is (void **state)
{
  World *w = *state;
  g_autofree char *hint
      = g_strdup_printf ("belongs to instance \"lab\" (sclctl -c 'local:?hypervisor=qemu:///mine&state=%s&prefix=lab' "
                         "volume show demo), not to \"scl\"", w->state);
  GError *error = NULL;

  assert_false (w->iface->check_volume (w->driver, "demo", NULL, &error));
  assert_error_is (error, SCL_ERROR_EXISTS, hint);
  assert_false (w->iface->remove (w->driver, SCL_OBJECT_KIND_VOLUME, "demo", SCL_DELETE_FOREIGN, NULL, NULL, &error));
  assert_error_is (error, SCL_ERROR_EXISTS, "`sclctl volume adopt demo --from lab` takes it over");
  assert_false (w->iface->check_volume (w->driver, "other", NULL, &error));
  assert_error_is (error, SCL_ERROR_NOT_FOUND, "volume \"other\" does not exist");
  assert_true (adopt (w, "lab", NULL));
  assert_true (w->iface->check_volume (w->driver, "demo", NULL, NULL));
}

static void
test_used (void **state)
{
  World *w = *state;
  g_autofree char *hint = g_strdup_printf (
      "(sclctl -c 'local:?hypervisor=qemu:///mine&state=%s&prefix=lab' vm delete demo)", w->state);

  user = "lab-demo";
  refuse (w, "lab", SCL_ERROR_IN_USE, "domain \"lab-demo\" names memory:demo: it is VM \"demo\" of instance \"lab\"; delete "
          "that VM there first");
  refuse (w, "lab", SCL_ERROR_IN_USE, hint);
  user = "clone";
  refuse (w, "lab", SCL_ERROR_IN_USE, "domain \"clone\" names memory:demo: take it away from the domain first");
  user = NULL;
  assert_true (adopt (w, "lab", NULL));
}

/* It is at work: nothing is done, and who it is is said. */
static void
test_other_is_locked (void **state)
{
  World *w = *state;
  g_autoptr (SclInstanceLock) lock = _scl_instance_lock_acquire (
      w->run, w->state, "lab", SCL_LOCK_EXCLUSIVE, 0, NULL, NULL);
  g_autofree char *holder
      = g_strdup_printf ("instance \"lab\" is locked by process %d", (int) getpid ());

  assert_non_null (lock);
  refuse (w, "lab", SCL_ERROR_BUSY, holder);
  g_clear_pointer (&lock, _scl_instance_lock_release);
  assert_true (adopt (w, "lab", NULL));
  /* And given up again. */
  lock = _scl_instance_lock_acquire (w->run, w->state, "lab", SCL_LOCK_EXCLUSIVE, 0, NULL, NULL);
  assert_non_null (lock);
}

static void
test_other_hypervisor (void **state)
{
  World *w = *state;

  note (w, "lab", "qemu:///other");
  refuse (w, "lab", SCL_ERROR_BACKEND,
          "VMs of instance \"lab\" may be on hypervisor qemu:///other, whose domains cannot be asked (nobody serves it)");
  assert_string_equal (asked, "qemu:///other");
  elsewhere = _scl_memory_vms_new (w->host);
  user_elsewhere = "lab-demo";
  refuse (w, "lab", SCL_ERROR_IN_USE, "domain \"lab-demo\" names memory:demo");
  refuse (w, "lab", SCL_ERROR_IN_USE, "(sclctl -c 'local:?hypervisor=qemu:///other&state=");
  user_elsewhere = NULL;
  assert_true (adopt (w, "lab", NULL));
}

/* Its networks and VMs are those of a run that was killed. */
static void
test_other_is_embedded (void **state)
{
  World *w = *state;

  note (w, "lab", "qemu:///embed");
  refuse (w, "lab", SCL_ERROR_IN_USE, "has VMs or networks on qemu:///embed");
  assert_null (asked);
}

/* A run that lasts: it is said at once whose end is needed, however long one would wait. */
static void
test_other_runs (void **state)
{
  World *w = *state;
  g_autoptr (SclInstanceLock) lock
      = _scl_instance_lock_acquire (w->run, w->state, "lab", SCL_LOCK_EXCLUSIVE, 0, NULL, NULL);
  g_autofree char *process = g_strdup_printf ("process %d", (int) getpid ());

  assert_non_null (lock);
  note (w, "lab", "qemu:///embed");
  w->iface->set_lock_timeout (w->driver, G_MAXUINT / 2);
  refuse (w, "lab", SCL_ERROR_IN_USE, process);
  g_clear_pointer (&lock, _scl_instance_lock_release);
  w->iface->set_lock_timeout (w->driver, 0);
  refuse (w, "lab", SCL_ERROR_IN_USE, "if that was killed");
}

/* 0.1 did not note its hypervisor: the usual one is asked, if it is there. */
static void
test_no_note (void **state)
{
  World *w = *state;

  open_error = SCL_ERROR_TIMEOUT;
  refuse (w, "lab", SCL_ERROR_TIMEOUT, "whose domains cannot be asked");
  assert_string_equal (asked, "qemu:///system");
  elsewhere = _scl_memory_vms_new (w->host);
  user_elsewhere = "lab-demo";
  refuse (w, "lab", SCL_ERROR_IN_USE, "domain \"lab-demo\"");
  g_clear_object (&elsewhere);
  open_error = SCL_ERROR_BACKEND;
  assert_true (adopt (w, "lab", NULL));
}

static void
test_no_change (void **state)
{
  World *w = *state;

  _scl_memory_host_fail_after (w->host, 0);
  assert_false (adopt (w, "lab", NULL));
  assert_false (is_ours (w));
}

/* --- two that take from each other --- */

typedef struct
{
  World *world;
  SclEngine *engine;
  const char *from;
  GMutex *gate; /* held until both stand in their queues */
} Taker;

static gboolean
take (SclOperation *operation, gpointer data, GCancellable *cancellable, GError **error)
{
  Taker *taker = data;

  g_mutex_lock (taker->gate);
  g_mutex_unlock (taker->gate);
  return taker->world->iface->adopt_volume (SCL_DRIVER (taker->engine), "demo", taker->from,
                                            operation, cancellable, error);
}

static SclOperation *
start_taker (Taker *taker)
{
  taker->world->iface->set_lock_timeout (SCL_DRIVER (taker->engine), PATIENCE);
  return _scl_operation_start (G_OBJECT (taker->engine), "take over", take, taker, NULL);
}

static void
assert_succeeds (SclOperation *operation)
{
  GError *error = NULL;

  if (!scl_operation_wait (operation, NULL, &error))
    fail_msg ("%s", error->message);
}

/* What the guest wrote there is not on its disk: who takes that is told where it is. */
static void
test_nvram_is_told_of (void **state)
{
  World *w = *state;
  g_autofree char *theirs = g_build_filename (w->state, "instances", "lab", "vms", "demo", NULL);
  g_autofree char *file = g_build_filename (theirs, "nvram.fd", NULL);
  g_autofree char *ours = g_build_filename (w->state, "vms", "demo", "nvram.fd", NULL);
  g_autofree char *command = g_strdup_printf ("(install -D -m 600 '%s' '%s')", file, ours);
  GMutex gate;
  Taker taker = { w, w->engine, "lab", &gate };
  g_autoptr (SclOperation) operation = NULL;

  assert_int_equal (g_mkdir_with_parents (theirs, 0711), 0);
  assert_true (g_file_set_contents (file, "variables", -1, NULL));
  g_mutex_init (&gate);
  operation = start_taker (&taker);
  assert_succeeds (operation);
  g_mutex_clear (&gate);
  assert_non_null (strstr (scl_operation_get_message (operation), command));
  assert_true (is_ours (w) && g_file_test (file, G_FILE_TEST_EXISTS));
}

/* Each needs what the other one has: neither has one and waits for the other. */
static void
test_from_each_other (void **state)
{
  World *w = *state;
  g_autoptr (SclMemoryHost) host = _scl_memory_host_new ("lab");
  g_autoptr (SclEngine) lab = make_engine (w, host, "lab");
  GMutex gate;
  Taker ours = { w, w->engine, "lab", &gate };
  Taker theirs = { w, lab, "scl", &gate };
  g_autoptr (SclOperation) to_us = NULL;
  g_autoptr (SclOperation) to_them = NULL;

  put_volume (host, "demo", "scl");
  note (w, "scl", "qemu:///mine");
  note (w, "lab", "qemu:///mine");
  g_mutex_init (&gate);
  g_mutex_lock (&gate);
  to_us = start_taker (&ours);
  to_them = start_taker (&theirs);
  g_mutex_unlock (&gate);
  assert_succeeds (to_us);
  assert_succeeds (to_them);
  g_mutex_clear (&gate);
  assert_true (is_ours (w));
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, setup, teardown)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    TEST (test_unused),          TEST (test_names),
    TEST (test_unknown),
    TEST (test_other_state_folder), TEST (test_used),    TEST (test_whose_it_is),
    TEST (test_other_is_locked), TEST (test_other_hypervisor),
    TEST (test_other_is_embedded), TEST (test_other_runs), TEST (test_nvram_is_told_of), TEST (test_no_note),
    TEST (test_no_change),       TEST (test_from_each_other),
  };

  return cmocka_run_group_tests_name ("engine-adopt", tests, NULL, NULL);
}
