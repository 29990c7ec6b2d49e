/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the engine asks before it changes something, on a host in memory. */
#include "base-test.h"
#include "backend/memory/scl-memory-host-private.h"
#include "base/scl-process-private.h"
#include "engine/scl-engine-private.h"
#include <sys/wait.h>
#include <time.h>

typedef struct
{
  char *top;
  SclMemoryHost *host;
  SclEngine *engine;
  SclDriver *driver;
  SclDriverInterface *iface;
} World;

static gboolean unreadable;
static guint listings; /* how often domains were asked for their files */
static const char *user; /* a domain that names volume "b"; NULL: none */
/* What comes when domains are asked for their files, and where. */
static SclObservedVm *late;
static SclMemoryHost *late_host;

static SclSources *
list_late (void)
{
  SclSources *sources = _scl_sources_new ();
  SclObservedVolume *volume = g_hash_table_lookup (late_host->volumes, late->name);

  _scl_sources_add (sources, "demo", "scl", "demo", volume->path);
  g_hash_table_insert (late_host->vms, g_strdup (late->name), late);
  late = NULL;
  return sources;
}

static SclSources *
list_or_fail (SclVmBackend *self, SclObservation *known, GCancellable *cancellable, GError **error)
{
  SclSources *sources;

  listings++;
  if (late != NULL)
    return list_late ();
  if (!unreadable)
    {
      sources = _scl_sources_new ();
      if (user != NULL)
        _scl_sources_add (sources, user, NULL, NULL, "memory:b");
      return sources;
    }
  g_set_error_literal (error, SCL_ERROR, SCL_ERROR_BACKEND, "domain \"strange\" cannot be read");
  return NULL;
}

static void
claim (World *w, const char *folder)
{
  g_autofree char *run = g_build_filename (w->top, "run", NULL);
  g_autofree char *state = g_build_filename (w->top, folder, NULL);

  _scl_engine_set_claim (w->engine, _scl_instance_claim_new (run, state, "scl", "qemu:///system"));
}

static int
setup (void **state)
{
  World *w = g_new0 (World, 1);
  g_autoptr (SclNetworkBackend) networks = NULL;
  g_autoptr (SclVolumeBackend) volumes = NULL;
  g_autoptr (SclVmBackend) vms = NULL;

  w->top = test_folder_new ();
  w->host = _scl_memory_host_new ("scl");
  networks = _scl_memory_networks_new (w->host);
  volumes = _scl_memory_volumes_new (w->host);
  vms = _scl_memory_vms_new (w->host);
  SCL_VM_BACKEND_GET_IFACE (vms)->list_sources = list_or_fail;
  w->engine = _scl_engine_new ("scl", "machine", networks, volumes, vms);
  w->driver = SCL_DRIVER (w->engine);
  w->iface = SCL_DRIVER_GET_IFACE (w->driver);
  claim (w, "state");
  unreadable = FALSE;
  user = NULL;
  *state = w;
  return 0;
}

static int
teardown (void **state)
{
  World *w = *state;

  g_object_unref (w->engine);
  g_object_unref (w->host);
  test_folder_remove (w->top);
  g_free (w);
  return 0;
}

/* One VM with a disk; NULL: none. */
static SclManifest *
make_manifest (const char *name)
{
  g_autoptr (GListStore) vms = g_list_store_new (SCL_TYPE_VM_SPEC);
  g_autoptr (GListStore) disks = g_list_store_new (SCL_TYPE_DISK_SPEC);
  g_autoptr (SclDiskSpec) disk = name == NULL ? NULL : scl_disk_spec_new (name, "/image.raw", 16);
  g_autoptr (SclVmSpec) vm = NULL;

  if (name == NULL)
    return scl_manifest_new (NULL, NULL, NULL);
  g_list_store_append (disks, disk);
  vm = g_object_new (SCL_TYPE_VM_SPEC, "name", name, "disks", disks, "auto-start", FALSE, NULL);
  g_list_store_append (vms, vm);
  return scl_manifest_new (NULL, NULL, G_LIST_MODEL (vms));
}

static gboolean
apply (World *w, const char *name, SclApplyFlags flags, GError **error)
{
  g_autoptr (SclManifest) manifest = make_manifest (name);

  return w->iface->apply (w->driver, manifest, flags, NULL, NULL, NULL, error);
}

static void
test_no_new_volume_under_an_overlay (void **state)
{
  World *w = *state;
  SclObservedVm *vm;
  GError *error = NULL;

  assert_true (apply (w, "demo", SCL_APPLY_NONE, NULL));
  g_hash_table_remove (w->host->volumes, "demo");
  vm = g_hash_table_lookup (w->host->vms, "demo");
  vm->overlay = g_strdup ("another tool has put /backup over its volume");
  assert_false (w->iface->create_volume (w->driver, "demo", NULL, NULL, &error));
  assert_error_is (error, SCL_ERROR_IN_USE, "another tool has put /backup over its volume");
  assert_false (g_hash_table_contains (w->host->volumes, "demo"));
  g_clear_pointer (&vm->overlay, g_free);
  assert_true (w->iface->create_volume (w->driver, "demo", NULL, NULL, NULL));
}

static void
put_volumes (World *w)
{
  for (const char *name = "a\0b\0c\0d\0"; *name != '\0'; name += 2)
    {
      SclObservedVolume *volume = _scl_observed_volume_new (name);

      volume->path = g_strdup_printf ("memory:%s", name);
      volume->foreign = *name == 'd';
      g_hash_table_insert (w->host->volumes, g_strdup (name), volume);
    }
  user = "renamed";
}

static gboolean
has_volume (World *w, const char *name)
{
  return g_hash_table_contains (w->host->volumes, name);
}

/* Domains are asked once for all of them; what is used, foreign or not there does not keep the others. */
static void
test_prune_of_names (void **state)
{
  static const char *const names[] = { "a", "b", "d", "e", NULL };
  World *w = *state;
  GError *error = NULL;

  put_volumes (w);
  listings = 0;
  assert_false (w->iface->prune_volumes (w->driver, names, NULL, NULL, &error));
  assert_error_is (error, SCL_ERROR_PARTIAL, "3 of 4 steps failed, 1 were done");
  assert_int_equal (listings, 1);
  assert_true (!has_volume (w, "a") && has_volume (w, "b") && has_volume (w, "c") && has_volume (w, "d"));
  assert_false (w->iface->prune_volumes (w->driver, names + 1, NULL, NULL, &error));
  assert_error_is (error, SCL_ERROR_IN_USE, "volume \"b\": domain \"renamed\" uses memory:b: it is kept");
}

/* One step; with two, the second would not find what the first has deleted. */
static void
test_prune_of_a_name_twice (void **state)
{
  static const char *const names[] = { "a", "c", "a", "c", "a", NULL };
  World *w = *state;
  g_autoptr (GError) error = NULL;

  put_volumes (w);
  assert_true (w->iface->prune_volumes (w->driver, names, NULL, NULL, &error));
  assert_true (!has_volume (w, "a") && has_volume (w, "b") && !has_volume (w, "c") && has_volume (w, "d"));
}

static void
test_prune_of_all (void **state)
{
  World *w = *state;
  GError *error = NULL;

  put_volumes (w);
  unreadable = TRUE;
  assert_false (w->iface->prune_volumes (w->driver, NULL, NULL, NULL, &error));
  assert_error_is (error, SCL_ERROR_BACKEND, "cannot be read");
  assert_int_equal (g_hash_table_size (w->host->volumes), 4);
  unreadable = FALSE;
  assert_true (w->iface->prune_volumes (w->driver, NULL, NULL, NULL, &error));
  assert_true (!has_volume (w, "a") && has_volume (w, "b") && !has_volume (w, "c") && has_volume (w, "d"));
}

/* A volume without a VM of ours is asked for, and only then. */
static void
test_shows_who_else_uses_a_volume (void **state)
{
  World *w = *state;
  g_autoptr (SclObservation) before = NULL;
  g_autoptr (SclObservation) observed = NULL;

  listings = 0;
  before = w->iface->observe (w->driver, SCL_OBJECT_KIND_HOST, NULL, NULL);
  assert_int_equal (listings, 0);
  put_volumes (w);
  observed = w->iface->observe (w->driver, SCL_OBJECT_KIND_HOST, NULL, NULL);
  assert_string_equal (_scl_observation_lookup_volume (observed, "b")->used_by, "renamed");
  assert_null (_scl_observation_lookup_volume (observed, "a")->used_by);
  assert_int_equal (listings, 1);
}

#define N_VMS 12000

/* Each volume is looked up among the VMs, not searched for. */
static void
test_many_volumes (void **state)
{
  World *w = *state;
  g_autoptr (SclObservation) observed = _scl_observation_new ();
  clock_t began;

  for (guint i = 0; i < N_VMS; i++)
    {
      g_autofree char *name = g_strdup_printf ("v%u", i);
      SclObservedVolume *volume = _scl_observed_volume_new (name);

      volume->path = g_strdup_printf ("memory:%s", name);
      g_ptr_array_add (observed->volumes, volume);
      g_ptr_array_add (observed->vms, _scl_observed_vm_new (name));
    }
  listings = 0;
  began = clock ();
  assert_true (_scl_engine_note_other_users (w->engine, observed, NULL, NULL));
  assert_true ((clock () - began) / (CLOCKS_PER_SEC / 100) < 10);
  assert_int_equal (listings, 0);
}

/* What is not shown is not read. */
static void
test_shows_one_kind (void **state)
{
  World *w = *state;
  g_autoptr (SclObservation) vms = NULL;
  g_autoptr (SclObservation) networks = NULL;
  g_autoptr (SclObservation) volumes = NULL;

  assert_true (apply (w, "demo", SCL_APPLY_NONE, NULL));
  put_volumes (w);
  listings = 0;
  vms = w->iface->observe (w->driver, SCL_OBJECT_KIND_VM, NULL, NULL);
  networks = w->iface->observe (w->driver, SCL_OBJECT_KIND_NETWORK, NULL, NULL);
  assert_int_equal (listings, 0);
  assert_true (vms->vms->len == 1 && vms->networks->len == 0 && vms->volumes->len == 0);
  assert_true (networks->vms->len == 0 && networks->volumes->len == 0);
  volumes = w->iface->observe (w->driver, SCL_OBJECT_KIND_VOLUME, NULL, NULL);
  assert_true (volumes->vms->len == 1 && volumes->networks->len == 0 && volumes->volumes->len > 1);
  assert_string_equal (_scl_observation_lookup_volume (volumes, "b")->used_by, "renamed");
}

/* It concerns removals alone, and those only if they are wanted. */
static void
test_unreadable_domain (void **state)
{
  World *w = *state;
  GError *error = NULL;

  assert_true (apply (w, "demo", SCL_APPLY_NONE, NULL));
  unreadable = TRUE;
  assert_false (apply (w, "other", SCL_APPLY_NONE, &error));
  assert_error_is (error, SCL_ERROR_CONFIRM, "");
  assert_true (g_hash_table_contains (w->host->vms, "other"));
  assert_false (apply (w, "third", SCL_APPLY_PRUNE, &error));
  /* Of the two, which are removed at the same time, either may be the first. */
  assert_non_null (strstr (error->message, "\" is off but not removed"));
  assert_non_null (strstr (error->message, "domain \"strange\" cannot be read"));
  g_clear_error (&error);
  assert_true (g_hash_table_contains (w->host->vms, "third"));
  assert_true (g_hash_table_contains (w->host->vms, "demo"));
  assert_true (g_hash_table_contains (w->host->vms, "other"));
  unreadable = FALSE;
  user = NULL;
  assert_true (apply (w, "third", SCL_APPLY_PRUNE, NULL));
  assert_false (g_hash_table_contains (w->host->vms, "demo"));
}

/* What a killed process had asked of libvirt is done all the same, maybe just while we look. */
static void
test_vm_that_comes_while_one_looks (void **state)
{
  World *w = *state;
  g_autofree char *file = g_build_filename (w->top, "demo.raw", NULL);
  g_autoptr (SclManifest) manifest = make_manifest ("demo");
  g_autoptr (SclPlan) plan = NULL;
  g_autofree gpointer key = NULL;
  SclObservedVolume *volume;

  assert_true (apply (w, "demo", SCL_APPLY_NONE, NULL));
  assert_true (g_file_set_contents (file, "disk", -1, NULL));
  volume = g_hash_table_lookup (w->host->volumes, "demo");
  g_free (volume->path);
  volume->path = g_strdup (file);
  late_host = w->host;
  assert_true (g_hash_table_steal_extended (w->host->vms, "demo", &key, (gpointer *) &late));
  plan = w->iface->plan (w->driver, manifest, SCL_APPLY_NONE, NULL, NULL);
  assert_null (late);
  assert_true (scl_plan_is_empty (plan));
}

/* Since it was opened, another state folder has taken the prefix. */
static void
test_every_change_asks_whose_the_prefix_is (void **state)
{
  World *w = *state;
  g_autofree char *run = g_build_filename (w->top, "run", NULL);
  g_autofree char *elsewhere = g_build_filename (w->top, "elsewhere", NULL);
  g_autoptr (SclInstanceClaim) other
      = _scl_instance_claim_new (run, elsewhere, "scl", "qemu:///system");
  GError *error = NULL;
  gboolean is_new;

  assert_true (apply (w, "demo", SCL_APPLY_NONE, NULL));
  _scl_instance_claim_give_up (w->engine->claim);
  assert_true (_scl_instance_claim_take (other, TRUE, &is_new, NULL));
  assert_false (w->iface->start_vm (w->driver, "demo", NULL, NULL, &error));
  assert_error_is (error, SCL_ERROR_IN_USE, elsewhere);
  assert_false (w->iface->stop_vm (w->driver, "demo", FALSE, NULL, NULL, &error));
  assert_error_is (error, SCL_ERROR_IN_USE, elsewhere);
  assert_false (w->iface->restart_vm (w->driver, "demo", FALSE, NULL, NULL, &error));
  assert_error_is (error, SCL_ERROR_IN_USE, elsewhere);
  assert_false (w->iface->create_volume (w->driver, "demo", NULL, NULL, &error));
  assert_error_is (error, SCL_ERROR_IN_USE, elsewhere);
  assert_false (apply (w, "demo", SCL_APPLY_NONE, &error));
  assert_error_is (error, SCL_ERROR_IN_USE, elsewhere);
  assert_false (w->iface->tear_down (w->driver, NULL, NULL, &error));
  assert_error_is (error, SCL_ERROR_IN_USE, elsewhere);
  _scl_instance_claim_give_up (other);
  assert_true (w->iface->start_vm (w->driver, "demo", NULL, NULL, NULL));
}

/* Its threads are not there, and its locks are the opener's. The last test: this process is the opener now. */
static void
test_stays_in_a_fork (void **state)
{
  static gpointer engine, networks;
  World *w = *state;
  int status;
  pid_t child;

  engine = w->engine;
  networks = w->engine->networks;
  _scl_process_open ();
  g_object_add_weak_pointer (engine, &engine);
  g_object_add_weak_pointer (networks, &networks);
  child = fork ();
  if (child == 0)
    {
      g_object_unref (w->engine);
      _exit (engine == NULL ? 1 : networks == NULL ? 2 : 0);
    }
  assert_int_equal (waitpid (child, &status, 0), child);
  assert_int_equal (status, 0);
  g_object_remove_weak_pointer (G_OBJECT (w->engine), &engine);
  g_object_remove_weak_pointer (G_OBJECT (w->engine->networks), &networks);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, setup, teardown)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    TEST (test_no_new_volume_under_an_overlay),
    TEST (test_prune_of_names),
    TEST (test_prune_of_a_name_twice),
    TEST (test_prune_of_all),
    TEST (test_shows_who_else_uses_a_volume),
    TEST (test_many_volumes),
    TEST (test_shows_one_kind),
    TEST (test_unreadable_domain),
    TEST (test_vm_that_comes_while_one_looks),
    TEST (test_every_change_asks_whose_the_prefix_is),
    TEST (test_stays_in_a_fork),
  };

  return cmocka_run_group_tests_name ("engine-changes", tests, NULL, NULL);
}
