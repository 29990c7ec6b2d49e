/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Properties of planner and engine over the memory backend, on random manifests: plan(x, x) is empty;
 * applying reaches what is desired; twice is nothing; stopped anywhere, another apply converges. */
#include "backend/memory/scl-memory-host-private.h"
#include "engine/scl-engine-private.h"
#include "engine/scl-executor-private.h"
#include "model/scl-address-text-private.h"
#include "model/scl-vm-spec-private.h"
#include <scl/scl-error.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define RANDOM_CASES 10000
#define MAX_NETWORKS 4
#define MAX_VMS 5

typedef struct
{
  SclMemoryHost *host;
  SclEngine *engine;
} World;

static World
world_new (void)
{
  World world = { .host = _scl_memory_host_new ("scl") };
  g_autoptr (SclNetworkBackend) networks = _scl_memory_networks_new (world.host);
  g_autoptr (SclVolumeBackend) volumes = _scl_memory_volumes_new (world.host);
  g_autoptr (SclVmBackend) vms = _scl_memory_vms_new (world.host);

  world.engine = _scl_engine_new ("scl", "machine", networks, volumes, vms);
  world.engine->max_workers = 1;
  return world;
}

static void
world_clear (World *world)
{
  g_clear_object (&world->engine);
  g_clear_object (&world->host);
}

/* --- random manifests over a small space, so that names and addresses meet again --- */

static GListModel *
random_forwards (GRand *rand, guint subnet)
{
  GListStore *forwards = g_list_store_new (SCL_TYPE_FORWARD_SPEC);
  g_autoptr (GInetAddress) address
      = _scl_address_from_number ((10u << 24) + (subnet << 8) + 2 + (guint) g_rand_int_range (rand, 0, 3));
  int n = g_rand_int_range (rand, 0, 3);

  for (int i = 0; i < n; i++)
    {
      g_autoptr (SclForwardSpec) forward = scl_forward_spec_new (
          g_rand_boolean (rand) ? SCL_PROTOCOL_TCP : SCL_PROTOCOL_UDP, (guint16) (2000 + i), address, 22);

      g_list_store_append (forwards, forward);
    }
  return G_LIST_MODEL (forwards);
}

static GListModel *
random_networks (GRand *rand)
{
  GListStore *networks = g_list_store_new (SCL_TYPE_NETWORK_SPEC);
  int offset = g_rand_int_range (rand, 0, MAX_NETWORKS);

  for (int i = 0; i < MAX_NETWORKS; i++)
    {
      g_autofree char *name = g_strdup_printf ("net%d", i);
      guint subnet = (guint) g_rand_int_range (rand, 0, 2);
      g_autoptr (GInetAddress) external
          = _scl_address_from_number ((192u << 24) + (168u << 16) + 1 + (guint) ((i + offset) % MAX_NETWORKS));
      g_autoptr (GInetAddress) gateway = _scl_address_from_number ((10u << 24) + (subnet << 8) + 1);
      g_autoptr (GListModel) forwards = random_forwards (rand, subnet);
      g_autoptr (SclNetworkSpec) network = NULL;

      if (i > 0 && g_rand_boolean (rand))
        continue;
      network = g_object_new (SCL_TYPE_NETWORK_SPEC, "name", name, "external-ip", external,
                              "gateway-ip", gateway, "forwards", forwards, NULL);
      g_list_store_append (networks, network);
    }
  return G_LIST_MODEL (networks);
}

static SclVmSpec *
random_vm (GRand *rand, int number, GListModel *networks)
{
  g_autofree char *name = g_strdup_printf ("vm%d", number);
  guint which = (guint) g_rand_int_range (rand, 0, (int) g_list_model_get_n_items (networks));
  g_autoptr (SclNetworkSpec) network = g_list_model_get_item (networks, which);
  g_autoptr (SclNicSpec) nic = scl_nic_spec_new (scl_network_spec_get_name (network), NULL);
  g_autoptr (SclDiskSpec) disk
      = scl_disk_spec_new (name, g_rand_boolean (rand) ? "/a.raw" : "/b.raw", 4096);
  g_autoptr (GListStore) nics = g_list_store_new (SCL_TYPE_NIC_SPEC);
  g_autoptr (GListStore) disks = g_list_store_new (SCL_TYPE_DISK_SPEC);

  g_list_store_append (nics, nic);
  g_list_store_append (disks, disk);
  return g_object_new (SCL_TYPE_VM_SPEC, "name", name, "cores", g_rand_int_range (rand, 1, 3),
                       "memory-mib", (guint64) 256 << g_rand_int_range (rand, 0, 2), "auto-start",
                       g_rand_boolean (rand), "on-change",
                       g_rand_boolean (rand) ? SCL_ON_CHANGE_RESTART : SCL_ON_CHANGE_NEXT_BOOT,
                       "user-config-file", g_rand_boolean (rand) ? "/u.yaml" : NULL, "nics", nics,
                       "disks", disks, NULL);
}

static SclManifest *
random_manifest (GRand *rand)
{
  g_autoptr (GListModel) networks = random_networks (rand);
  g_autoptr (GListStore) vms = g_list_store_new (SCL_TYPE_VM_SPEC);

  for (int i = 0; i < MAX_VMS; i++)
    {
      g_autoptr (SclVmSpec) vm = NULL;

      if (g_rand_boolean (rand))
        continue;
      vm = random_vm (rand, i, networks);
      g_list_store_append (vms, vm);
    }
  return scl_manifest_new (g_rand_boolean (rand) ? "eth0" : NULL, networks, G_LIST_MODEL (vms));
}

/* --- helpers --- */

static SclPlan *
plan (World *world, SclManifest *manifest, SclApplyFlags flags)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SclObservation) observed = _scl_engine_observe (world->engine, manifest, NULL, &error);
  SclPlan *made;

  assert_null (error);
  made = _scl_engine_plan (world->engine, manifest, flags, observed, NULL, &error);
  assert_null (error);
  return made;
}

static gboolean
apply (World *world, SclManifest *manifest, SclApplyFlags flags, GError **error)
{
  g_autoptr (SclPlan) made = plan (world, manifest, flags);

  return _scl_executor_run (made, flags, 1, _scl_engine_run_step, world->engine, NULL, NULL, error);
}

static void
assert_nothing_to_do (World *world, SclManifest *manifest, const char *when, guint32 seed)
{
  g_autoptr (SclPlan) made = plan (world, manifest, SCL_APPLY_PRUNE);
  g_autofree char *text = scl_plan_to_string (made);

  if (!scl_plan_is_empty (made))
    fail_msg ("seed %u, %s: still to do:\n%s", seed, when, text);
}

static void
assert_networks_are (World *world, SclManifest *manifest)
{
  GListModel *networks = scl_manifest_get_networks (manifest);

  assert_int_equal (g_hash_table_size (world->host->networks), g_list_model_get_n_items (networks));
  for (guint i = 0; i < g_list_model_get_n_items (networks); i++)
    {
      g_autoptr (SclNetworkSpec) network = g_list_model_get_item (networks, i);
      SclNetworkTarget *is
          = g_hash_table_lookup (world->host->networks, scl_network_spec_get_name (network));

      assert_non_null (is);
      assert_true (scl_network_spec_equal (is->spec, network));
    }
}

static void
assert_vms_are (World *world, SclManifest *manifest)
{
  GListModel *vms = scl_manifest_get_vms (manifest);

  assert_int_equal (g_hash_table_size (world->host->vms), g_list_model_get_n_items (vms));
  for (guint i = 0; i < g_list_model_get_n_items (vms); i++)
    {
      g_autoptr (SclVmSpec) vm = g_list_model_get_item (vms, i);
      SclObservedVm *is = g_hash_table_lookup (world->host->vms, scl_vm_spec_get_name (vm));
      SclNicSpec *nic = _scl_vm_spec_peek_nic (vm, 0);
      SclNetworkTarget *network
          = g_hash_table_lookup (world->host->networks, scl_nic_spec_get_network (nic));
      guint ports = 0;

      assert_non_null (is);
      assert_true (scl_vm_spec_equal (is->spec, vm));
      assert_true (!scl_vm_spec_get_auto_start (vm) || is->state == SCL_VM_STATE_RUNNING);
      for (guint p = 0; p < network->ports->len; p++)
        ports += strcmp (((SclPort *) network->ports->pdata[p])->vm, is->name) == 0;
      assert_int_equal (ports, 1);
    }
}

/* --- properties --- */

static void
one_random_case (guint32 seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  g_autoptr (SclManifest) first = random_manifest (rand);
  g_autoptr (SclManifest) second = random_manifest (rand);
  g_autoptr (GError) error = NULL;
  World world = world_new ();
  int changes = g_rand_int_range (rand, 0, 12);

  if (!apply (&world, first, SCL_APPLY_PRUNE, &error))
    fail_msg ("seed %u, first apply: %s", seed, error->message);
  assert_nothing_to_do (&world, first, "after the first apply", seed);
  _scl_memory_host_fail_after (world.host, changes);
  (void) apply (&world, second, SCL_APPLY_PRUNE, NULL);
  _scl_memory_host_fail_after (world.host, -1);
  if (!apply (&world, second, SCL_APPLY_PRUNE, &error))
    fail_msg ("seed %u, %d changes and then again: %s", seed, changes, error->message);
  assert_nothing_to_do (&world, second, "after an interrupted apply and another one", seed);
  assert_networks_are (&world, second);
  assert_vms_are (&world, second);
  world_clear (&world);
}

static void
random_manifests_converge (void **state)
{
  /* Under valgrind each case takes a thousand times as long. */
  const char *fewer = g_getenv ("SCL_TEST_CASES");
  guint64 cases = fewer == NULL ? RANDOM_CASES : g_ascii_strtoull (fewer, NULL, 10);

  assert_true (cases > 0);
  for (guint32 seed = 1; seed <= cases; seed++)
    one_random_case (seed);
}

static void
plans_are_deterministic (void **state)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  g_autoptr (SclManifest) first = random_manifest (rand);
  g_autoptr (SclManifest) second = random_manifest (rand);
  World world = world_new ();
  g_autoptr (SclPlan) a = NULL;
  g_autoptr (SclPlan) b = NULL;
  g_autofree char *text_a = NULL;
  g_autofree char *text_b = NULL;

  assert_true (apply (&world, first, SCL_APPLY_PRUNE, NULL));
  a = plan (&world, second, SCL_APPLY_NONE);
  b = plan (&world, second, SCL_APPLY_NONE);
  text_a = scl_plan_to_string (a);
  text_b = scl_plan_to_string (b);
  assert_string_equal (text_a, text_b);
  world_clear (&world);
}

static SclManifest *
manifest_of (const char *network, const char *external, guint cores, gboolean with_vm)
{
  g_autoptr (GInetAddress) external_ip = g_inet_address_new_from_string (external);
  g_autoptr (GInetAddress) gateway = g_inet_address_new_from_string ("10.0.0.1");
  g_autoptr (SclNetworkSpec) spec
      = g_object_new (SCL_TYPE_NETWORK_SPEC, "name", network, "external-ip", external_ip,
                      "gateway-ip", gateway, NULL);
  g_autoptr (GListStore) networks = g_list_store_new (SCL_TYPE_NETWORK_SPEC);
  g_autoptr (GListStore) vms = g_list_store_new (SCL_TYPE_VM_SPEC);
  g_autoptr (GListStore) nics = g_list_store_new (SCL_TYPE_NIC_SPEC);
  g_autoptr (GListStore) disks = g_list_store_new (SCL_TYPE_DISK_SPEC);
  g_autoptr (SclNicSpec) nic = scl_nic_spec_new (network, NULL);
  g_autoptr (SclDiskSpec) disk = scl_disk_spec_new ("demo", "/a.raw", 1024);
  g_autoptr (SclVmSpec) vm = NULL;

  g_list_store_append (networks, spec);
  g_list_store_append (nics, nic);
  g_list_store_append (disks, disk);
  vm = g_object_new (SCL_TYPE_VM_SPEC, "name", "demo", "cores", cores, "nics", nics, "disks", disks,
                     NULL);
  if (with_vm)
    g_list_store_append (vms, vm);
  return scl_manifest_new (NULL, G_LIST_MODEL (networks), G_LIST_MODEL (vms));
}

static gboolean
has_step (SclPlan *made, SclAction action, SclObjectKind kind, const char *name)
{
  GListModel *steps = scl_plan_get_steps (made);

  for (guint i = 0; i < g_list_model_get_n_items (steps); i++)
    {
      g_autoptr (SclStep) step = g_list_model_get_item (steps, i);

      if (scl_step_get_action (step) == action && scl_step_get_kind (step) == kind
          && strcmp (scl_step_get_name (step), name) == 0)
        return TRUE;
    }
  return FALSE;
}

static void
removals_need_a_word (void **state)
{
  g_autoptr (SclManifest) with = manifest_of ("lan", "192.168.1.1", 1, TRUE);
  g_autoptr (SclManifest) without = manifest_of ("lan", "192.168.1.1", 1, FALSE);
  g_autoptr (GError) error = NULL;
  World world = world_new ();

  assert_true (apply (&world, with, SCL_APPLY_NONE, NULL));
  assert_false (apply (&world, without, SCL_APPLY_NONE, &error));
  assert_true (g_error_matches (error, SCL_ERROR, SCL_ERROR_CONFIRM));
  assert_true (g_hash_table_contains (world.host->vms, "demo"));
  assert_true (apply (&world, without, SCL_APPLY_PRUNE, NULL));
  assert_false (g_hash_table_contains (world.host->vms, "demo"));
  assert_true (g_hash_table_contains (world.host->volumes, "demo"));
  world_clear (&world);
}

static void
a_users_stop_stays (void **state)
{
  g_autoptr (SclManifest) manifest = manifest_of ("lan", "192.168.1.1", 1, TRUE);
  World world = world_new ();
  SclObservedVm *vm;
  g_autoptr (SclPlan) boot = NULL;

  assert_true (apply (&world, manifest, SCL_APPLY_NONE, NULL));
  assert_true (_scl_vm_backend_stop (world.engine->vms, "demo", 0, SCL_STOPPED_BY_USER, NULL, NULL));
  assert_nothing_to_do (&world, manifest, "after a user's stop", 0);
  boot = plan (&world, manifest, SCL_APPLY_BOOT);
  assert_true (has_step (boot, SCL_ACTION_START, SCL_OBJECT_KIND_VM, "demo"));
  vm = g_hash_table_lookup (world.host->vms, "demo");
  vm->stopped_by = SCL_STOPPED_BY_NOBODY;
  vm->state = SCL_VM_STATE_CRASHED;
  assert_true (apply (&world, manifest, SCL_APPLY_NONE, NULL));
  assert_int_equal (vm->state, SCL_VM_STATE_RUNNING);
  world_clear (&world);
}

static void
a_running_vm_is_not_restarted_unasked (void **state)
{
  g_autoptr (SclManifest) one = manifest_of ("lan", "192.168.1.1", 1, TRUE);
  g_autoptr (SclManifest) two = manifest_of ("lan", "192.168.1.1", 2, TRUE);
  World world = world_new ();
  SclObservedVm *vm;
  g_autoptr (SclPlan) made = NULL;

  assert_true (apply (&world, one, SCL_APPLY_NONE, NULL));
  made = plan (&world, two, SCL_APPLY_NONE);
  assert_true (has_step (made, SCL_ACTION_UPDATE, SCL_OBJECT_KIND_VM, "demo"));
  assert_false (has_step (made, SCL_ACTION_RESTART, SCL_OBJECT_KIND_VM, "demo"));
  assert_true (apply (&world, two, SCL_APPLY_NONE, NULL));
  vm = g_hash_table_lookup (world.host->vms, "demo");
  assert_int_equal (scl_vm_spec_get_cores (vm->live_spec), 1);
  assert_int_equal (scl_vm_spec_get_cores (vm->spec), 2);
  world_clear (&world);
}

/* Whoever made the link anew was killed before he plugged the card in again. */
static void
a_cut_nic_is_plugged_in_again (void **state)
{
  g_autoptr (SclManifest) manifest = manifest_of ("lan", "192.168.1.1", 1, TRUE);
  World world = world_new ();
  SclObservedVm *vm;
  g_autoptr (SclPlan) made = NULL;

  assert_true (apply (&world, manifest, SCL_APPLY_NONE, NULL));
  vm = g_hash_table_lookup (world.host->vms, "demo");
  vm->nics_cut = 1;
  made = plan (&world, manifest, SCL_APPLY_NONE);
  assert_true (has_step (made, SCL_ACTION_REPAIR, SCL_OBJECT_KIND_VM, "demo"));
  assert_true (apply (&world, manifest, SCL_APPLY_NONE, NULL));
  assert_nothing_to_do (&world, manifest, "after it was plugged in", 0);
  world_clear (&world);
}

/* Only a guest that runs lets go of it; what waits is told until it is done. */
static void
a_cut_nic_of_a_paused_vm_waits (void **state)
{
  g_autoptr (SclManifest) manifest = manifest_of ("lan", "192.168.1.1", 1, TRUE);
  World world = world_new ();
  SclObservedVm *vm;
  g_autoptr (GError) error = NULL;

  assert_true (apply (&world, manifest, SCL_APPLY_NONE, NULL));
  vm = g_hash_table_lookup (world.host->vms, "demo");
  vm->nics_cut = 1;
  vm->state = SCL_VM_STATE_PAUSED;
  assert_false (apply (&world, manifest, SCL_APPLY_NONE, &error));
  assert_non_null (strstr (error->message, "is paused, and only a guest that runs lets go of its network card"));
  assert_non_null (strstr (error->message, "sclctl vm start demo"));
  assert_int_equal (vm->nics_cut, 1);
  vm->state = SCL_VM_STATE_RUNNING;
  assert_true (apply (&world, manifest, SCL_APPLY_NONE, NULL));
  assert_int_equal (vm->nics_cut, 0);
  world_clear (&world);
}

static SclManifest *
manifest_with_forwards (guint first, guint n)
{
  g_autoptr (GListStore) networks = g_list_store_new (SCL_TYPE_NETWORK_SPEC);
  g_autoptr (GListStore) forwards = g_list_store_new (SCL_TYPE_FORWARD_SPEC);
  g_autoptr (GInetAddress) ip = g_inet_address_new_from_string ("10.0.0.1");
  g_autoptr (SclNetworkSpec) network = NULL;

  for (guint i = first; i < first + n; i++)
    {
      g_autoptr (SclForwardSpec) forward = scl_forward_spec_new (SCL_PROTOCOL_TCP, (guint16) i, ip, 22);

      g_list_store_append (forwards, forward);
    }
  network = g_object_new (SCL_TYPE_NETWORK_SPEC, "name", "lan", "external-ip", ip, "gateway-ip", ip,
                          "forwards", forwards, NULL);
  g_list_store_append (networks, network);
  return scl_manifest_new (NULL, G_LIST_MODEL (networks), NULL);
}

static void
many_forwards_are_counted (void **state)
{
  g_autoptr (SclManifest) few = manifest_with_forwards (1000, 2);
  g_autoptr (SclManifest) many = manifest_with_forwards (1001, 15000);
  World world = world_new ();
  g_autoptr (SclPlan) made = NULL;
  g_autofree char *text = NULL;

  assert_true (apply (&world, few, SCL_APPLY_NONE, NULL));
  made = plan (&world, many, SCL_APPLY_NONE);
  text = scl_plan_to_string (made);
  assert_non_null (strstr (text, "1017:10.0.0.1:22, 14983 more new forwards, no TCP forward 1000:"));
  assert_true (strlen (text) < 2000);
  world_clear (&world);
}

static void
a_renamed_network_keeps_its_vm (void **state)
{
  g_autoptr (SclManifest) old = manifest_of ("lan", "192.168.1.1", 1, TRUE);
  g_autoptr (SclManifest) new = manifest_of ("office", "192.168.1.1", 1, TRUE);
  World world = world_new ();
  gint64 started;
  SclObservedVm *vm;
  g_autoptr (SclPlan) made = NULL;

  assert_true (apply (&world, old, SCL_APPLY_NONE, NULL));
  vm = g_hash_table_lookup (world.host->vms, "demo");
  started = vm->started;
  made = plan (&world, new, SCL_APPLY_PRUNE);
  assert_true (has_step (made, SCL_ACTION_REPAIR, SCL_OBJECT_KIND_VM, "demo"));
  assert_false (has_step (made, SCL_ACTION_RESTART, SCL_OBJECT_KIND_VM, "demo"));
  assert_true (apply (&world, new, SCL_APPLY_PRUNE, NULL));
  assert_int_equal (vm->started, started);
  assert_int_equal (vm->state, SCL_VM_STATE_RUNNING);
  assert_networks_are (&world, new);
  world_clear (&world);
}

static void
a_volume_never_shrinks (void **state)
{
  g_autoptr (SclManifest) manifest = manifest_of ("lan", "192.168.1.1", 1, TRUE);
  World world = world_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (SclPlan) made = NULL;
  SclObservedVolume *volume;

  assert_true (apply (&world, manifest, SCL_APPLY_NONE, NULL));
  volume = g_hash_table_lookup (world.host->volumes, "demo");
  volume->size *= 2;
  made = plan (&world, manifest, SCL_APPLY_NONE);
  assert_false (_scl_plan_check (made, &error));
  assert_non_null (strstr (error->message, "virtualMachines.demo.imageSize"));
  assert_non_null (strstr (error->message, "2048 MiB"));
  world_clear (&world);
}

static void
a_foreign_volume_is_not_used (void **state)
{
  g_autoptr (SclManifest) manifest = manifest_of ("lan", "192.168.1.1", 1, TRUE);
  World world = world_new ();
  SclObservedVolume *volume = _scl_observed_volume_new ("demo");
  g_autoptr (SclPlan) made = NULL;
  g_autoptr (SclPlan) after = NULL;
  g_autoptr (GError) error = NULL;

  volume->size = (guint64) 1024 << 20;
  volume->foreign = TRUE;
  g_hash_table_insert (world.host->volumes, g_strdup ("demo"), volume);
  made = plan (&world, manifest, SCL_APPLY_NONE);
  assert_false (_scl_plan_check (made, &error));
  assert_non_null (strstr (error->message, "was not made by SCL"));
  g_clear_error (&error);
  volume->instance = g_strdup ("lab");
  after = plan (&world, manifest, SCL_APPLY_NONE);
  assert_false (_scl_plan_check (after, &error));
  assert_non_null (strstr (error->message, "exists and belongs to instance \"lab\""));
  world_clear (&world);
}

static void
foreign_objects_are_errors (void **state)
{
  g_autoptr (SclManifest) manifest = manifest_of ("lan", "192.168.1.1", 1, TRUE);
  g_autoptr (SclObservation) observed = _scl_observation_new ();
  SclObservedNetwork *network = _scl_observed_network_new ("lan");
  SclObservedVm *vm = _scl_observed_vm_new ("demo");
  g_autoptr (SclPlan) made = NULL;
  g_autoptr (GError) error = NULL;

  network->foreign = TRUE;
  network->foreign_what = g_strdup ("namespace scl-lan");
  vm->foreign = TRUE;
  g_ptr_array_add (observed->networks, network);
  g_ptr_array_add (observed->vms, vm);
  made = _scl_planner_plan (manifest, observed, "scl", SCL_APPLY_NONE);
  assert_false (_scl_plan_check (made, &error));
  assert_non_null (strstr (error->message, "networks.lan: namespace scl-lan exists"));
  assert_non_null (strstr (error->message, "virtualMachines.demo: a domain \"demo\" exists"));
  assert_false (has_step (made, SCL_ACTION_START, SCL_OBJECT_KIND_VM, "demo"));
}

static SclManifest *
many_vms (guint n)
{
  g_autoptr (SclManifest) base = manifest_of ("lan", "192.168.1.1", 1, FALSE);
  g_autoptr (GListStore) vms = g_list_store_new (SCL_TYPE_VM_SPEC);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("vm%u", i);
      g_autoptr (GListStore) nics = g_list_store_new (SCL_TYPE_NIC_SPEC);
      g_autoptr (GListStore) disks = g_list_store_new (SCL_TYPE_DISK_SPEC);
      g_autoptr (SclNicSpec) nic = scl_nic_spec_new ("lan", NULL);
      g_autoptr (SclDiskSpec) disk = scl_disk_spec_new (name, "/a.raw", 1024);
      g_autoptr (SclVmSpec) vm = NULL;

      g_list_store_append (nics, nic);
      g_list_store_append (disks, disk);
      vm = scl_vm_spec_new (name, G_LIST_MODEL (disks), G_LIST_MODEL (nics));
      g_list_store_append (vms, vm);
    }
  return scl_manifest_new (NULL, scl_manifest_get_networks (base), G_LIST_MODEL (vms));
}

/* Not a stopwatch: that 4 times as many take far less than 16 times as long tells linear from
 * quadratic on any machine. */
static void
planning_is_linear (void **state)
{
  gint64 took[2];
  const guint sizes[2] = { 2500, 10000 };

  for (int i = 0; i < 2; i++)
    {
      g_autoptr (SclManifest) manifest = many_vms (sizes[i]);
      World world = world_new ();
      gint64 began = g_get_monotonic_time ();
      g_autoptr (SclPlan) made = plan (&world, manifest, SCL_APPLY_NONE);

      took[i] = g_get_monotonic_time () - began;
      assert_int_equal (g_list_model_get_n_items (scl_plan_get_steps (made)), 2 + 3 * sizes[i]);
      print_message ("# plan for %u VMs: %.3f s\n", sizes[i], (double) took[i] / G_USEC_PER_SEC);
      world_clear (&world);
    }
  assert_true (took[1] < 10 * took[0]);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (random_manifests_converge),
    cmocka_unit_test (plans_are_deterministic),
    cmocka_unit_test (removals_need_a_word),
    cmocka_unit_test (a_users_stop_stays),
    cmocka_unit_test (a_running_vm_is_not_restarted_unasked),
    cmocka_unit_test (a_cut_nic_is_plugged_in_again),
    cmocka_unit_test (a_cut_nic_of_a_paused_vm_waits),
    cmocka_unit_test (many_forwards_are_counted),
    cmocka_unit_test (a_renamed_network_keeps_its_vm),
    cmocka_unit_test (a_volume_never_shrinks),
    cmocka_unit_test (a_foreign_volume_is_not_used),
    cmocka_unit_test (foreign_objects_are_errors),
    cmocka_unit_test (planning_is_linear),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
