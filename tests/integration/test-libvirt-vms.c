/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The VM backend on libvirt's mock driver. */
#include <libvirt/virterror.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libvirt-vms-fixture.h"
#include "vm-many.h"

static void
test_define_and_observe (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclVmSpec) spec = vm_plan_to_spec (&demo);
  g_autoptr (SclObservation) seen = NULL;
  SclObservedVm *vm;

  define (fixture->vms, &demo);
  seen = observe (fixture->vms, NULL);
  assert_int_equal (seen->vms->len, 1); /* the driver's own domain "test" is nobody's business */
  vm = _scl_observation_lookup_vm (seen, "demo");
  assert_false (vm->foreign);
  assert_true (scl_vm_spec_equal (vm->spec, spec));
  assert_null (vm->live_spec);
  assert_int_equal (vm->state, SCL_VM_STATE_STOPPED);
  assert_int_equal (vm->stopped_by, SCL_STOPPED_BY_NOBODY);
  assert_int_equal (vm->problems->len, 0);
  assert_int_equal (vm->macs->len, 1);
  assert_string_equal (vm->log_path, "/state/vms/demo/console.log");
}

static char *
uuid_of (Fixture *fixture)
{
  virDomainPtr domain = virDomainLookupByName (fixture->handle, "demo");
  char uuid[VIR_UUID_STRING_BUFLEN] = "";

  assert_non_null (domain);
  virDomainGetUUIDString (domain, uuid);
  virDomainFree (domain);
  return g_strdup (uuid);
}

static void
test_redefine (void **state)
{
  Fixture *fixture = *state;
  VmPlan changed = demo;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autoptr (SclObservation) seen = NULL;
  SclObservedVm *vm;

  define (fixture->vms, &demo);
  before = uuid_of (fixture);
  start (fixture->vms);
  changed.memory_mib = 1024;
  define (fixture->vms, &changed);
  after = uuid_of (fixture);
  assert_string_equal (before, after);
  seen = observe (fixture->vms, NULL);
  vm = _scl_observation_lookup_vm (seen, "demo");
  assert_int_equal (vm->state, SCL_VM_STATE_RUNNING);
  assert_int_equal (scl_vm_spec_get_memory_mib (vm->spec), 1024);
  assert_int_equal (scl_vm_spec_get_memory_mib (vm->live_spec), 512);
}

static void
define_foreign (Fixture *fixture, const char *name)
{
  g_autofree char *xml = g_strdup_printf (
      "<domain type='test'><name>%s</name><memory>1024</memory><os><type>hvm</type></os></domain>",
      name);
  virDomainPtr domain = virDomainDefineXML (fixture->handle, xml);

  assert_non_null (domain);
  virDomainFree (domain);
}

static void
assert_refused (gboolean done, GError **error, SclError code)
{
  assert_false (done);
  if (!g_error_matches (*error, SCL_ERROR, code))
    fail_msg ("unexpected: %s", (*error)->message);
}

static void
test_foreign_is_left_alone (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclVmSpec) spec = vm_plan_to_spec (&demo);
  g_autoptr (SclVmWiring) wiring = vm_plan_to_wiring (&demo, PREFIX, "/state");
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autoptr (GError) define_error = NULL;
  g_autoptr (GError) start_error = NULL;
  g_autoptr (GError) stop_error = NULL;
  g_autoptr (GError) remove_error = NULL;

  define_foreign (fixture, "demo");
  before = uuid_of (fixture);
  assert_refused (_scl_vm_backend_define (fixture->vms, spec, wiring, NULL, &define_error),
                  &define_error, SCL_ERROR_EXISTS);
  assert_non_null (strstr (define_error->message, "domrename"));
  assert_refused (_scl_vm_backend_start (fixture->vms, "demo", NULL, &start_error), &start_error,
                  SCL_ERROR_EXISTS);
  assert_refused (
      _scl_vm_backend_stop (fixture->vms, "demo", 0, SCL_STOPPED_BY_USER, NULL, &stop_error),
      &stop_error, SCL_ERROR_EXISTS);
  assert_refused (_scl_vm_backend_remove (fixture->vms, "demo", NULL, &remove_error), &remove_error,
                  SCL_ERROR_EXISTS);
  after = uuid_of (fixture);
  assert_string_equal (before, after);
}

static SclManifest *
manifest_of (const VmPlan *plan)
{
  g_autoptr (GPtrArray) specs = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GListModel) vms = NULL;

  g_ptr_array_add (specs, vm_plan_to_spec (plan));
  vms = _scl_list_new (SCL_TYPE_VM_SPEC, specs);
  return scl_manifest_new (NULL, NULL, vms);
}

static void
test_foreign_is_told (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclManifest) manifest = manifest_of (&demo);
  g_autoptr (SclObservation) seen = NULL;

  define_foreign (fixture, "demo");
  define_foreign (fixture, "bystander");
  seen = observe (fixture->vms, manifest);
  assert_int_equal (seen->vms->len, 1);
  assert_true (_scl_observation_lookup_vm (seen, "demo")->foreign);
}

/* The command that the error names works. */
static void
test_adoption (void **state)
{
  Fixture *fixture = *state;
  virDomainPtr domain;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autoptr (SclObservation) seen = NULL;

  define_foreign (fixture, "demo");
  before = uuid_of (fixture);
  domain = virDomainLookupByName (fixture->handle, "demo");
  assert_int_equal (virDomainSetMetadata (domain, VIR_DOMAIN_METADATA_ELEMENT,
                                          "<vm version='1' instance='scl' name='demo'/>", "scl",
                                          "urn:scl:vm:1", VIR_DOMAIN_AFFECT_CONFIG),
                    0);
  virDomainFree (domain);
  seen = observe (fixture->vms, NULL);
  assert_int_equal (seen->vms->len, 1);
  assert_null (_scl_observation_lookup_vm (seen, "demo")->spec);
  assert_int_equal (_scl_observation_lookup_vm (seen, "demo")->problems->len, 1);
  define (fixture->vms, &demo);
  after = uuid_of (fixture);
  assert_string_equal (before, after);
}

static void
test_other_instance (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclVmBackend) other = open_backend (URI, "two");
  g_autoptr (SclObservation) ours = NULL;
  g_autoptr (SclObservation) theirs = NULL;

  define (fixture->vms, &demo);
  define (other, &demo);
  ours = observe (fixture->vms, NULL);
  theirs = observe (other, NULL);
  assert_int_equal (ours->vms->len, 1);
  assert_int_equal (theirs->vms->len, 1);
  assert_true (_scl_vm_backend_remove (other, "demo", NULL, NULL));
  g_free (uuid_of (fixture));
}

static void
test_remove (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (GError) busy = NULL;

  assert_true (_scl_vm_backend_remove (fixture->vms, "demo", NULL, NULL)); /* absent */
  define (fixture->vms, &demo);
  start (fixture->vms);
  assert_refused (_scl_vm_backend_remove (fixture->vms, "demo", NULL, &busy), &busy,
                  SCL_ERROR_IN_USE);
  stop_demo (fixture->vms, 0, SCL_STOPPED_BY_USER);
  assert_true (_scl_vm_backend_remove (fixture->vms, "demo", NULL, NULL));
  assert_null (virDomainLookupByName (fixture->handle, "demo"));
}

static void
test_unknown_vm (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (GError) start_error = NULL;
  g_autoptr (GError) stop_error = NULL;
  g_autoptr (GError) console_error = NULL;

  assert_refused (_scl_vm_backend_start (fixture->vms, "none", NULL, &start_error), &start_error,
                  SCL_ERROR_NOT_FOUND);
  assert_refused (
      _scl_vm_backend_stop (fixture->vms, "none", 1, SCL_STOPPED_BY_USER, NULL, &stop_error),
      &stop_error, SCL_ERROR_NOT_FOUND);
  assert_null (_scl_vm_backend_open_console (fixture->vms, "none", NULL, &console_error));
  assert_refused (FALSE, &console_error, SCL_ERROR_NOT_FOUND);
}

static void
test_edits_are_problems (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (virDomain) domain = NULL;
  g_autoptr (SclObservation) edited = NULL;
  g_autoptr (SclObservation) repaired = NULL;
  GPtrArray *problems;

  define (fixture->vms, &demo);
  domain = lookup (fixture);
  assert_int_equal (
      virDomainSetVcpusFlags (domain, 4, VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_VCPU_MAXIMUM), 0);
  edited = observe (fixture->vms, NULL);
  problems = _scl_observation_lookup_vm (edited, "demo")->problems;
  assert_int_equal (problems->len, 1);
  assert_string_equal (g_ptr_array_index (problems, 0), "cores is 4, SCL set 2");
  define (fixture->vms, &demo);
  repaired = observe (fixture->vms, NULL);
  assert_int_equal (_scl_observation_lookup_vm (repaired, "demo")->problems->len, 0);
}

typedef struct
{
  GMutex lock;
  GCond changed;
  guint running, stopped;
} Watched;

static void
on_watched (const char *name, SclVmState state, gpointer user_data)
{
  Watched *watched = user_data;

  g_mutex_lock (&watched->lock);
  if (strcmp (name, "demo") == 0 && state == SCL_VM_STATE_RUNNING)
    watched->running++;
  if (strcmp (name, "demo") == 0 && state == SCL_VM_STATE_STOPPED)
    watched->stopped++;
  g_cond_broadcast (&watched->changed);
  g_mutex_unlock (&watched->lock);
}

static void
await (Watched *watched, guint *counter)
{
  gint64 deadline = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
  gboolean in_time = TRUE;

  g_mutex_lock (&watched->lock);
  while (*counter == 0 && in_time)
    in_time = g_cond_wait_until (&watched->changed, &watched->lock, deadline);
  g_mutex_unlock (&watched->lock);
  assert_true (in_time);
}

static void
test_watch (void **state)
{
  Fixture *fixture = *state;
  Watched watched = { 0 };
  g_autoptr (virDomain) domain = NULL;

  define (fixture->vms, &demo);
  domain = lookup (fixture);
  _scl_vm_backend_watch (fixture->vms, on_watched, &watched);
  assert_int_equal (virDomainCreate (domain), 0);
  await (&watched, &watched.running);
  _scl_vm_backend_watch (fixture->vms, NULL, NULL);
  watched.stopped = 0;
  assert_int_equal (virDomainDestroy (domain), 0);
  stop_demo (fixture->vms, 0, SCL_STOPPED_BY_USER);
  assert_int_equal (watched.stopped, 0);
}

static void
test_cancelled_calls_do_nothing (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  const SclProgress progress = { .cancellable = cancellable };
  g_autoptr (SclVmSpec) spec = vm_plan_to_spec (&demo);
  g_autoptr (SclVmWiring) wiring = vm_plan_to_wiring (&demo, PREFIX, "/state");
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  assert_false (_scl_vm_backend_define (fixture->vms, spec, wiring, &progress, &error));
  assert_true (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  assert_null (virDomainLookupByName (fixture->handle, "demo"));
}

static void
test_nobody_serves_the_uri (void **state)
{
  g_autoptr (GError) error = NULL;

  assert_null (_scl_libvirt_vms_new ("qemu+unix:///system?socket=/nonexistent/socket", PREFIX,
                                     "/nonexistent", NULL, &error));
  assert_non_null (error);
  assert_non_null (strstr (error->message, "/nonexistent/socket"));
  assert_non_null (strstr (error->message, "sclctl run"));
}

#ifdef __SANITIZE_ADDRESS__
#define DOMAIN_US 1500 /* it slows our code, not libvirt's */
#else
#define DOMAIN_US 500
#endif

/* Here a call costs nothing, so this is all SCL's own work: bounded per domain, not by a ratio, and
 * in the processor's time, not in a busy machine's. */
static void
test_many_domains (void **state)
{
  Fixture *fixture = *state;
  gint64 bare = G_MAXINT64, ours = G_MAXINT64;

  for (guint i = 0; i < MANY; i++)
    {
      g_autofree char *name = g_strdup_printf ("vm-%u", i);
      const VmPlan plan = { .name = name, .n_nics = 1 };

      define (fixture->vms, &plan);
    }
  for (guint i = 0; i < 5; i++)
    {
      bare = MIN (bare, many_time_bare (fixture->handle, CLOCK_PROCESS_CPUTIME_ID));
      ours = MIN (ours, many_time_observe (fixture->vms, CLOCK_PROCESS_CPUTIME_ID));
    }
  print_message ("%d domains: libvirt %" G_GINT64_FORMAT " us, observe %" G_GINT64_FORMAT " us\n",
                 MANY, bare, ours);
  assert_true (ours - bare < MANY * DOMAIN_US);
}

#define POOL "<pool type='dir'><name>files &amp; more</name><target><path>/a &amp; b</path></target></pool>"
#define POOLED                                                                                     \
  "<domain type='test'><name>pooled</name><memory>1024</memory><os><type>hvm</type></os><devices>" \
  "<disk type='volume' device='disk'><driver name='qemu' type='raw'/>"                             \
  "<source pool='files &amp; more' volume='disk.raw'/><target dev='vda' bus='virtio'/></disk>"     \
  "</devices></domain>"

typedef struct
{
  Fixture *fixture;
  virStoragePoolPtr pool;
  virDomainPtr domain;
} Pooled;

static Pooled
pooled_new (Fixture *fixture)
{
  Pooled pooled = { .fixture = fixture };

  pooled.pool = virStoragePoolDefineXML (fixture->handle, POOL, 0);
  pooled.domain = virDomainDefineXML (fixture->handle, POOLED);
  assert_non_null (pooled.pool);
  assert_non_null (pooled.domain);
  return pooled;
}

static void
pooled_clear (Pooled *pooled)
{
  if (virDomainIsActive (pooled->domain) == 1)
    assert_int_equal (virDomainDestroy (pooled->domain), 0);
  assert_int_equal (virDomainUndefine (pooled->domain), 0);
  virDomainFree (pooled->domain);
  virStoragePoolFree (pooled->pool);
}

/* A pool that is not active has its files all the same, by the path that its XML means. */
static void
test_sources_in_a_pool (void **state)
{
  Fixture *fixture = *state;
  Pooled pooled = pooled_new (fixture);
  g_autoptr (GError) error = NULL;
  g_autoptr (SclSources) sources = _scl_vm_backend_list_sources (fixture->vms, NULL, NULL, &error);
  SclSourceUser user;

  if (sources == NULL)
    fail_msg ("%s", error->message);
  assert_true (_scl_sources_find (sources, "/a & b/disk.raw", NULL, NULL, &user));
  assert_string_equal (user.domain, "pooled");
  assert_int_equal (virStoragePoolUndefine (pooled.pool), 0);
  pooled_clear (&pooled);
}

/* What was read of a VM is not read again. */
static void
test_sources_that_are_known (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclObservation) seen = _scl_observation_new ();
  g_autoptr (SclSources) sources = NULL;
  SclObservedVm *vm;
  SclSourceUser user;

  define (fixture->vms, &demo);
  seen->with_files = TRUE;
  assert_true (_scl_vm_backend_observe (fixture->vms, NULL, seen, NULL, NULL));
  vm = _scl_observation_lookup_vm (seen, "demo");
  assert_true (g_ptr_array_find_with_equal_func (vm->files, vm->disk_paths->pdata[0], g_str_equal, NULL));
  g_ptr_array_set_size (vm->files, 0);
  g_ptr_array_add (vm->files, g_strdup ("/seen"));
  sources = _scl_vm_backend_list_sources (fixture->vms, seen, NULL, NULL);
  assert_true (_scl_sources_find (sources, "/seen", NULL, NULL, &user));
  assert_string_equal (user.vm, "demo");
  assert_false (_scl_sources_find (sources, vm->disk_paths->pdata[0], NULL, NULL, &user));
  _scl_sources_unref (sources);
  sources = _scl_vm_backend_list_sources (fixture->vms, NULL, NULL, NULL);
  assert_true (_scl_sources_find (sources, vm->disk_paths->pdata[0], NULL, NULL, &user));
}

/* Without the pool a domain that is off has nothing; of one that runs nobody knows the file. */
static void
test_sources_in_a_lost_pool (void **state)
{
  Fixture *fixture = *state;
  Pooled pooled = pooled_new (fixture);
  g_autoptr (GError) error = NULL;
  g_autoptr (SclSources) off = NULL;

  assert_int_equal (virStoragePoolUndefine (pooled.pool), 0);
  off = _scl_vm_backend_list_sources (fixture->vms, NULL, NULL, &error);
  if (off == NULL)
    fail_msg ("%s", error->message);
  assert_int_equal (virDomainCreate (pooled.domain), 0);
  assert_null (_scl_vm_backend_list_sources (fixture->vms, NULL, NULL, &error));
  assert_true (g_error_matches (error, SCL_ERROR, SCL_ERROR_IN_USE));
  assert_non_null (strstr (error->message, "domain \"pooled\": "));
  assert_non_null (strstr (error->message, "it runs from volume \"disk.raw\" of storage pool "
                                           "\"files & more\", which is gone"));
  pooled_clear (&pooled);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (test_define_and_observe, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_redefine, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_foreign_is_left_alone, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_foreign_is_told, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_adoption, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_other_instance, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_remove, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_unknown_vm, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_edits_are_problems, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_watch, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_cancelled_calls_do_nothing, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_nobody_serves_the_uri, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_sources_in_a_pool, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_sources_that_are_known, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_sources_in_a_lost_pool, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_many_domains, set_up, tear_down),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
