/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What planner and engine make of volumes of VMs that are there already, over the memory backend. */
#include "backend/memory/scl-memory-host-private.h"
#include "engine/scl-engine-private.h"
#include "engine/scl-executor-private.h"
#include <scl/scl-error.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MIB ((guint64) 1 << 20)

typedef struct
{
  SclMemoryHost *host;
  SclEngine *engine;
} World;

static int
set_up (void **state)
{
  World *world = g_new0 (World, 1);
  g_autoptr (SclNetworkBackend) networks = NULL;
  g_autoptr (SclVolumeBackend) volumes = NULL;
  g_autoptr (SclVmBackend) vms = NULL;

  world->host = _scl_memory_host_new ("scl");
  networks = _scl_memory_networks_new (world->host);
  volumes = _scl_memory_volumes_new (world->host);
  vms = _scl_memory_vms_new (world->host);
  world->engine = _scl_engine_new ("scl", "machine", networks, volumes, vms);
  world->engine->max_workers = 1;
  *state = world;
  return 0;
}

static int
tear_down (void **state)
{
  World *world = *state;

  g_clear_object (&world->engine);
  g_clear_object (&world->host);
  g_free (world);
  return 0;
}

static SclVmSpec *
vm_with_image (const char *name, const char *image, guint64 size_mib, guint cores)
{
  g_autoptr (GListStore) disks = g_list_store_new (SCL_TYPE_DISK_SPEC);
  g_autoptr (SclDiskSpec) disk = scl_disk_spec_new (name, image, size_mib);

  g_list_store_append (disks, disk);
  return g_object_new (SCL_TYPE_VM_SPEC, "name", name, "cores", cores, "disks", disks, NULL);
}

static SclVmSpec *
vm_of (const char *name, guint64 size_mib, guint cores)
{
  return vm_with_image (name, "/a.raw", size_mib, cores);
}

/* Two VMs; what is said is of the first. */
static SclManifest *
manifest_of (guint64 size_mib, guint cores)
{
  g_autoptr (GListStore) networks = g_list_store_new (SCL_TYPE_NETWORK_SPEC);
  g_autoptr (GListStore) vms = g_list_store_new (SCL_TYPE_VM_SPEC);
  g_autoptr (SclVmSpec) demo = vm_of ("demo", size_mib, cores);
  g_autoptr (SclVmSpec) other = vm_of ("other", 1024, cores);

  g_list_store_append (vms, demo);
  g_list_store_append (vms, other);
  return scl_manifest_new (NULL, G_LIST_MODEL (networks), G_LIST_MODEL (vms));
}

static SclPlan *
plan (World *world, SclManifest *manifest)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SclObservation) observed = _scl_engine_observe (world->engine, manifest, NULL, &error);
  SclPlan *made = observed == NULL ? NULL
                                   : _scl_engine_plan (world->engine, manifest, SCL_APPLY_PRUNE,
                                                       observed, NULL, &error);

  if (made == NULL)
    fail_msg ("%s", error->message);
  return made;
}

static gboolean
apply (World *world, SclManifest *manifest, GError **error)
{
  g_autoptr (SclPlan) made = plan (world, manifest);

  return _scl_executor_run (made, SCL_APPLY_PRUNE, 1, _scl_engine_run_step, world->engine, NULL, NULL,
                            error);
}

static void
must_apply (World *world, SclManifest *manifest)
{
  g_autoptr (GError) error = NULL;

  if (!apply (world, manifest, &error))
    fail_msg ("%s", error->message);
}

static void
assert_plan (World *world, SclManifest *manifest, const char *expected)
{
  g_autoptr (SclPlan) made = plan (world, manifest);
  g_autofree char *text = scl_plan_to_string (made);

  assert_string_equal (text, expected);
}

static SclObservedVm *
vm (World *world, const char *name)
{
  return g_hash_table_lookup (world->host->vms, name);
}

static guint64
seen_by_guest (World *world, const char *name)
{
  return g_array_index (vm (world, name)->guest_sizes, guint64, 0);
}

/* Whoever makes the file larger may be killed before the guest is told. */
static void
growth_reaches_the_guest (void **state)
{
  World *world = *state;
  g_autoptr (SclManifest) small = manifest_of (1024, 1);
  g_autoptr (SclManifest) large = manifest_of (2048, 1);

  must_apply (world, small);
  for (int changes = 0; changes < 3; changes++)
    {
      _scl_memory_host_fail_after (world->host, changes);
      (void) apply (world, large, NULL);
      _scl_memory_host_fail_after (world->host, -1);
      if (changes == 1)
        assert_plan (world, large,
                     "grow volume \"demo\": the running guest sees 1024 MiB of 2048\n"
                     "update vm \"demo\": size 1024 → 2048 MiB\n");
    }
  must_apply (world, large);
  assert_int_equal (seen_by_guest (world, "demo"), 2048 * MIB);
  assert_plan (world, large, "");
}

/* Not running does not mean that nobody looks: paused, or about to be stopped. */
static void
growth_reaches_a_guest_that_stands (void **state)
{
  World *world = *state;
  const SclVmState states[] = { SCL_VM_STATE_PAUSED, SCL_VM_STATE_STOPPING };
  guint64 size = 1024;
  g_autoptr (SclManifest) small = manifest_of (size, 1);

  must_apply (world, small);
  for (gsize i = 0; i < G_N_ELEMENTS (states); i++)
    {
      g_autoptr (SclManifest) large = manifest_of (size *= 2, 1);

      vm (world, "demo")->state = states[i];
      must_apply (world, large);
      assert_int_equal (seen_by_guest (world, "demo"), size * MIB);
    }
}

#define LOST(name)                                                                                 \
  "volume \"" name "\" of VM \"" name "\" is gone (memory:" name "): is . mounted? If its data is lost "    \
  "for good, `sclctl volume create " name " --from-image` makes it anew"

/* A VM that is there had its volume before: it is not made anew, and the VM stays as it is. */
static void
a_lost_volume_is_an_error (void **state)
{
  World *world = *state;
  g_autoptr (SclManifest) first = manifest_of (1024, 1);
  g_autoptr (SclManifest) changed = manifest_of (2048, 2);
  g_autoptr (GError) error = NULL;

  must_apply (world, first);
  vm (world, "demo")->state = SCL_VM_STATE_STOPPED;
  g_clear_object (&vm (world, "demo")->live_spec);
  g_hash_table_remove (world->host->volumes, "demo");
  assert_plan (world, changed,
               "blocked volume \"demo\": " LOST ("demo") "\n"
               "update vm \"other\": cores 1 → 2, new hardware at its next boot\n");
  assert_false (apply (world, changed, &error));
  assert_true (g_error_matches (error, SCL_ERROR, SCL_ERROR_PARTIAL));
  assert_non_null (strstr (error->message, LOST ("demo")));
  assert_null (g_hash_table_lookup (world->host->volumes, "demo"));
  assert_int_equal (scl_vm_spec_get_cores (vm (world, "demo")->spec), 1);
  assert_int_equal (vm (world, "demo")->state, SCL_VM_STATE_STOPPED);
  assert_int_equal (scl_vm_spec_get_cores (vm (world, "other")->spec), 2);
}

/* The folder of all volumes may be what is gone, and not only one file. */
static void
nothing_new_is_made_beside_a_lost_volume (void **state)
{
  World *world = *state;
  g_autoptr (SclManifest) first = manifest_of (1024, 1);
  g_autoptr (SclManifest) more = manifest_of (1024, 1);
  g_autoptr (GError) error = NULL;

  must_apply (world, first);
  vm (world, "demo")->state = SCL_VM_STATE_STOPPED;
  g_clear_object (&vm (world, "demo")->live_spec);
  g_hash_table_remove (world->host->volumes, "demo");
  g_hash_table_remove (world->host->volumes, "other");
  g_hash_table_remove (world->host->vms, "other");
  assert_false (apply (world, more, &error));
  assert_null (g_hash_table_lookup (world->host->volumes, "other"));
  assert_null (g_hash_table_lookup (world->host->vms, "other"));
}

static gboolean
create (World *world, const char *name, GError **error)
{
  SclDriver *driver = SCL_DRIVER (world->engine);

  return SCL_DRIVER_GET_IFACE (driver)->create_volume (driver, name, NULL, NULL, error);
}

static void
assert_refused (World *world, const char *name, SclError code)
{
  g_autoptr (GError) error = NULL;

  assert_false (create (world, name, &error));
  assert_true (g_error_matches (error, SCL_ERROR, (int) code));
}

static void
a_lost_volume_is_made_anew_by_a_verb (void **state)
{
  World *world = *state;
  g_autoptr (SclManifest) manifest = manifest_of (1024, 1);
  g_autoptr (GError) error = NULL;

  must_apply (world, manifest);
  assert_refused (world, "demo", SCL_ERROR_EXISTS);
  assert_refused (world, "nobodys", SCL_ERROR_NOT_FOUND);
  g_hash_table_remove (world->host->volumes, "demo");
  /* QEMU still has the file. */
  assert_refused (world, "demo", SCL_ERROR_IN_USE);
  g_clear_object (&vm (world, "demo")->live_spec);
  vm (world, "demo")->state = SCL_VM_STATE_STOPPED;
  if (!create (world, "demo", &error))
    fail_msg ("%s", error->message);
  must_apply (world, manifest);
  assert_int_equal (vm (world, "demo")->state, SCL_VM_STATE_RUNNING);
  assert_plan (world, manifest, "");
}

/* The first step that cannot be done says why, with a code that fits. */
static void
assert_blocked (World *world, SclManifest *manifest, SclError code)
{
  g_autoptr (SclPlan) made = plan (world, manifest);
  GListModel *steps = scl_plan_get_steps (made);
  const GError *error = NULL;

  for (guint i = 0; i < g_list_model_get_n_items (steps); i++)
    {
      g_autoptr (SclStep) step = g_list_model_get_item (steps, i);
      gboolean blocked = scl_step_get_action (step) == SCL_ACTION_BLOCKED;

      assert_int_equal (scl_step_get_error (step) != NULL, blocked);
      if (blocked && error == NULL)
        {
          error = scl_step_get_error (step);
          assert_string_equal (error->message, scl_step_get_reason (step));
          assert_true (g_error_matches (error, SCL_ERROR, (int) code));
        }
    }
  assert_non_null (error);
}

/* Another tool's snapshot is over the volume: the definition, the volume and the VM stay. */
static void
an_overlay_is_left_alone (void **state)
{
  World *world = *state;
  g_autoptr (SclManifest) first = manifest_of (1024, 1);
  g_autoptr (SclManifest) changed = manifest_of (2048, 2);
  g_autoptr (SclManifest) nothing = scl_manifest_new (NULL, NULL, NULL);
  g_autoptr (SclPlan) same = NULL;
  g_autoptr (SclDiagnostic) told = NULL;
  g_autoptr (GError) waits = NULL;
  g_autoptr (GError) error = NULL;

  must_apply (world, first);
  vm (world, "demo")->overlay = g_strdup ("an overlay");
  assert_plan (world, first, "");
  same = plan (world, first);
  told = g_list_model_get_item (scl_plan_get_diagnostics (same), 0);
  assert_string_equal (scl_diagnostic_get_message (told), "an overlay");
  /* What waits is a step that is not done. */
  assert_plan (world, changed,
               "blocked vm \"demo\": VM \"demo\": cores 1 → 2, size 1024 → 2048 MiB, which waits: an overlay\n"
               "update vm \"other\": cores 1 → 2, new hardware at its next boot\n");
  assert_blocked (world, changed, SCL_ERROR_IN_USE);
  assert_false (apply (world, changed, &waits));
  assert_non_null (strstr (waits->message, "VM \"demo\": cores 1"));
  assert_non_null (strstr (waits->message, "which waits: an overlay"));
  assert_int_equal (scl_vm_spec_get_cores (vm (world, "other")->spec), 2);
  assert_int_equal (scl_vm_spec_get_cores (vm (world, "demo")->spec), 1);
  assert_int_equal (seen_by_guest (world, "demo"), 1024 * MIB);
  assert_blocked (world, nothing, SCL_ERROR_IN_USE);
  assert_false (apply (world, nothing, &error));
  assert_non_null (strstr (error->message, "VM \"demo\" is no longer declared, but an overlay"));
  assert_int_equal (vm (world, "demo")->state, SCL_VM_STATE_RUNNING);
  g_clear_pointer (&vm (world, "demo")->overlay, g_free);
  must_apply (world, changed);
  assert_int_equal (seen_by_guest (world, "demo"), 2048 * MIB);
  assert_int_equal (scl_vm_spec_get_cores (vm (world, "demo")->spec), 2);
}

static void
assert_notes (World *world, SclManifest *manifest, const char *first, const char *second)
{
  g_autoptr (SclPlan) made = plan (world, manifest);
  const char *expected[] = { first, second };

  assert_int_equal (g_list_model_get_n_items (scl_plan_get_diagnostics (made)), 2);
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_autoptr (SclDiagnostic) told = g_list_model_get_item (scl_plan_get_diagnostics (made), i);

      assert_int_equal (scl_diagnostic_get_severity (told), SCL_SEVERITY_NOTE);
      assert_string_equal (scl_diagnostic_get_message (told), expected[i]);
    }
}

/* The reason says what a step does not do, and a note how to have it, also when nothing is left to do. */
static void
what_a_plan_leaves_is_said (void **state)
{
  World *world = *state;
  g_autoptr (GListStore) vms = g_list_store_new (SCL_TYPE_VM_SPEC);
  g_autoptr (SclVmSpec) old = vm_of ("demo", 1024, 1);
  g_autoptr (SclVmSpec) new = vm_with_image ("demo", "/b.raw", 1024, 2);
  g_autoptr (SclManifest) first = NULL;
  g_autoptr (SclManifest) changed = NULL;

  g_list_store_append (vms, old);
  first = scl_manifest_new (NULL, NULL, G_LIST_MODEL (vms));
  g_list_store_splice (vms, 0, 1, (gpointer *) &new, 1);
  changed = scl_manifest_new (NULL, NULL, G_LIST_MODEL (vms));
  must_apply (world, first);
  assert_plan (world, changed,
               "update vm \"demo\": cores 1 → 2, image /a.raw → /b.raw, the volume is kept as it is, new "
               "hardware at its next boot\n");
  must_apply (world, changed);
  assert_plan (world, changed, "");
  assert_notes (world, changed,
                "image differs from what volume \"demo\" was made of: the volume is kept as it is; to start "
                "over from the image, put the volume aside or delete it while the VM is removed, then apply",
                "at its next boot: cores 1 → 2; \"sclctl vm restart demo\" has it now");
}

/* Only the running guest has it any more: nothing ends that guest, whatever is at its path by now. */
static void
a_deleted_disk_is_kept (void **state)
{
  World *world = *state;
  g_autoptr (SclManifest) first = manifest_of (1024, 1);
  g_autoptr (SclManifest) changed = manifest_of (1024, 2);
  g_autoptr (SclManifest) nothing = scl_manifest_new (NULL, NULL, NULL);
  g_autoptr (GError) waits = NULL;
  g_autoptr (GError) error = NULL;

  must_apply (world, first);
  vm (world, "demo")->deleted = g_strdup ("a file is deleted");
  assert_plan (world, changed,
               "blocked volume \"demo\": volume \"demo\" of VM \"demo\": a file is deleted\n"
               "update vm \"other\": cores 1 → 2, new hardware at its next boot\n");
  assert_blocked (world, changed, SCL_ERROR_WOULD_LOSE_DATA);
  assert_false (apply (world, changed, &waits));
  assert_blocked (world, nothing, SCL_ERROR_WOULD_LOSE_DATA);
  assert_false (apply (world, nothing, &error));
  assert_non_null (strstr (error->message, "VM \"demo\" is no longer declared, but a file is deleted"));
  assert_int_equal (vm (world, "demo")->state, SCL_VM_STATE_RUNNING);
  g_clear_pointer (&vm (world, "demo")->deleted, g_free);
  must_apply (world, changed);
}

/* A start that is no boot brings nothing that waits for one. */
static void
saved_memory_is_told (void **state)
{
  World *world = *state;
  g_autoptr (SclManifest) first = manifest_of (1024, 1);
  g_autoptr (SclManifest) changed = manifest_of (1024, 2);
  g_autoptr (SclPlan) off = NULL;
  g_autoptr (SclDiagnostic) told = NULL;

  must_apply (world, first);
  g_clear_object (&vm (world, "demo")->live_spec);
  vm (world, "demo")->state = SCL_VM_STATE_STOPPED;
  vm (world, "demo")->saved = g_strdup ("memory is saved");
  assert_plan (world, changed,
               "update vm \"demo\": cores 1 → 2, new hardware when it boots: before that it goes on from its saved memory\n"
               "start vm \"demo\": autoStart, and it goes on from its saved memory\n"
               "update vm \"other\": cores 1 → 2, new hardware at its next boot\n");
  vm (world, "demo")->stopped_by = SCL_STOPPED_BY_USER;
  off = plan (world, first);
  assert_true (scl_plan_is_empty (off));
  told = g_list_model_get_item (scl_plan_get_diagnostics (off), 0);
  assert_string_equal (scl_diagnostic_get_message (told), "memory is saved");
  assert_int_equal (scl_diagnostic_get_severity (told), SCL_SEVERITY_NOTE);
}

/* What is declared and what is there may have the same fault: it stays with the place that it has. */
static void
a_note_is_said_once (void **state)
{
  g_autoptr (SclManifest) nothing = scl_manifest_new ("eth7", NULL, NULL);
  g_autoptr (SclObservation) observed = _scl_observation_new ();
  g_autoptr (SclPlan) made = NULL;
  g_autoptr (SclDiagnostic) left = NULL;

  g_ptr_array_add (observed->host.notes, g_strdup ("interface eth7 does not exist"));
  g_ptr_array_add (observed->host.notes, g_strdup ("a note of its own"));
  g_ptr_array_add (observed->diagnostics, scl_diagnostic_new (SCL_SEVERITY_WARNING, "gatewayInterface",
                                                              "interface eth7 does not exist"));
  made = _scl_planner_plan (nothing, observed, "scl", SCL_APPLY_NONE);
  assert_int_equal (g_list_model_get_n_items (scl_plan_get_diagnostics (made)), 1);
  left = g_list_model_get_item (scl_plan_get_diagnostics (made), 0);
  assert_string_equal (scl_diagnostic_get_message (left), "a note of its own");
}

/* As libvirt's domains do. */
static void
guest_that_an_error_stopped_goes_on (void **state)
{
  World *world = *state;
  g_autoptr (SclManifest) manifest = manifest_of (1024, 1);

  must_apply (world, manifest);
  assert_plan (world, manifest, "");
  vm (world, "demo")->state = SCL_VM_STATE_PAUSED;
  vm (world, "demo")->half_started = TRUE;
  assert_plan (world, manifest, "start vm \"demo\": its start was interrupted\n");
  vm (world, "demo")->half_started = FALSE;
  vm (world, "demo")->disk_error = TRUE;
  assert_plan (world, manifest, "start vm \"demo\": a disk error stopped it\n");
  vm (world, "demo")->disk_full = TRUE;
  assert_plan (world, manifest,
               "start vm \"demo\": a disk error stopped it: the file system of its volumes was full\n");
  must_apply (world, manifest);
  assert_plan (world, manifest, "");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (growth_reaches_the_guest, set_up, tear_down),
    cmocka_unit_test_setup_teardown (growth_reaches_a_guest_that_stands, set_up, tear_down),
    cmocka_unit_test_setup_teardown (a_lost_volume_is_an_error, set_up, tear_down),
    cmocka_unit_test_setup_teardown (nothing_new_is_made_beside_a_lost_volume, set_up, tear_down),
    cmocka_unit_test_setup_teardown (a_lost_volume_is_made_anew_by_a_verb, set_up, tear_down),
    cmocka_unit_test_setup_teardown (an_overlay_is_left_alone, set_up, tear_down),
    cmocka_unit_test_setup_teardown (a_deleted_disk_is_kept, set_up, tear_down),
    cmocka_unit_test_setup_teardown (saved_memory_is_told, set_up, tear_down),
    cmocka_unit_test_setup_teardown (guest_that_an_error_stopped_goes_on, set_up, tear_down),
    cmocka_unit_test (a_note_is_said_once),
    cmocka_unit_test_setup_teardown (what_a_plan_leaves_is_said, set_up, tear_down),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
