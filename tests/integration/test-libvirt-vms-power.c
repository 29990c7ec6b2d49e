/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who wants a VM off, on libvirt's mock driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "backend/vm/scl-stop-owner-private.h"
#include "backend/vm/scl-virt-call-private.h"
#include "libvirt-vms-fixture.h"
#include "test-between.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <libvirt/virterror.h>
#include <sys/file.h>
#include <unistd.h>

static void
test_user_stop_is_kept (void **state)
{
  Fixture *fixture = *state;

  define (fixture->vms, &demo);
  start (fixture->vms);
  start (fixture->vms); /* running already */
  stop_demo (fixture->vms, 10, SCL_STOPPED_BY_USER);
  assert_int_equal (state_of (fixture->vms), SCL_VM_STATE_STOPPED);
  assert_int_equal (stopped_by (fixture->vms), SCL_STOPPED_BY_USER);
  define (fixture->vms, &demo); /* a redefinition keeps it */
  assert_int_equal (stopped_by (fixture->vms), SCL_STOPPED_BY_USER);
  stop_demo (fixture->vms, 10, SCL_STOPPED_BY_USER); /* off already */
  start (fixture->vms);
  assert_int_equal (stopped_by (fixture->vms), SCL_STOPPED_BY_NOBODY);
  stop_demo (fixture->vms, 0, SCL_STOPPED_BY_USER);
  assert_true (_scl_vm_backend_clear_stopped (fixture->vms, "demo", NULL));
  assert_int_equal (stopped_by (fixture->vms), SCL_STOPPED_BY_NOBODY);
}

/* The mock's shutdown looks like a guest's: nobody asked for it through SCL. */
static void
test_guest_poweroff_is_kept (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (virDomain) domain = NULL;

  define (fixture->vms, &demo);
  start (fixture->vms);
  domain = lookup (fixture);
  assert_int_equal (virDomainShutdown (domain), 0);
  assert_int_equal (stopped_by (fixture->vms), SCL_STOPPED_BY_GUEST);
  define (fixture->vms, &demo);
  assert_int_equal (stopped_by (fixture->vms), SCL_STOPPED_BY_GUEST);
  assert_true (_scl_vm_backend_clear_stopped (fixture->vms, "demo", NULL));
  assert_int_equal (stopped_by (fixture->vms), SCL_STOPPED_BY_NOBODY);
  start (fixture->vms);
  assert_int_equal (virDomainShutdown (domain), 0);
  assert_int_equal (stopped_by (fixture->vms), SCL_STOPPED_BY_GUEST);
}

static void
test_destroy_is_nobodys_wish (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (virDomain) domain = NULL;

  define (fixture->vms, &demo);
  start (fixture->vms);
  domain = lookup (fixture);
  assert_int_equal (virDomainDestroy (domain), 0);
  assert_int_equal (stopped_by (fixture->vms), SCL_STOPPED_BY_NOBODY);
}

/* SCL dies between the two halves of a restart: the VM must not look as if the guest wanted it off.
 */
static void
test_broken_restart (void **state)
{
  Fixture *fixture = *state;

  define (fixture->vms, &demo);
  start (fixture->vms);
  stop_demo (fixture->vms, 10, SCL_STOPPED_BY_NOBODY);
  assert_int_equal (state_of (fixture->vms), SCL_VM_STATE_STOPPED);
  assert_int_equal (stopped_by (fixture->vms), SCL_STOPPED_BY_NOBODY);
  start (fixture->vms);
  assert_int_equal (stopped_by (fixture->vms), SCL_STOPPED_BY_NOBODY);
}

/* `virsh start` of a VM that its user had stopped: it is wanted on again. */
static void
test_start_behind_our_back (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (virDomain) domain = NULL;

  define (fixture->vms, &demo);
  start (fixture->vms);
  stop_demo (fixture->vms, 0, SCL_STOPPED_BY_USER);
  domain = lookup (fixture);
  assert_int_equal (virDomainCreate (domain), 0);
  assert_int_equal (stopped_by (fixture->vms), SCL_STOPPED_BY_NOBODY);
  assert_int_equal (virDomainDestroy (domain), 0);
  assert_int_equal (stopped_by (fixture->vms), SCL_STOPPED_BY_NOBODY);
}

/* A stop of what `virsh start` has started: the wish of that start is over. */
static void
test_stop_after_start_behind_our_back (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (virDomain) domain = NULL;

  define (fixture->vms, &demo);
  start (fixture->vms);
  domain = lookup (fixture);
  for (guint i = 0; i < 20; i++)
    {
      stop_demo (fixture->vms, 10, SCL_STOPPED_BY_USER);
      assert_int_equal (stopped_by (fixture->vms), SCL_STOPPED_BY_USER);
      assert_int_equal (virDomainCreate (domain), 0);
    }
  stop_demo (fixture->vms, 0, SCL_STOPPED_BY_USER);
}

/* How often libvirt still does something else with the domain. */
static guint busy;

static gboolean
is_busy (void)
{
  virError error = { .code = VIR_ERR_OPERATION_TIMEOUT, .domain = VIR_FROM_QEMU, .level = VIR_ERR_ERROR,
                     .message = (char *) "cannot acquire state change lock" };
  int (*set) (virErrorPtr) = (int (*) (virErrorPtr)) dlsym (RTLD_NEXT, "virSetError");

  if (busy == 0)
    return FALSE;
  busy--;
  set (&error);
  return TRUE;
}

#define MAY_BE_BUSY(name)                                                                          \
  int name (virDomainPtr domain)                                                                   \
  {                                                                                                \
    int (*real) (virDomainPtr) = (int (*) (virDomainPtr)) dlsym (RTLD_NEXT, #name);                \
                                                                                                   \
    return is_busy () ? -1 : real (domain);                                                        \
  }

MAY_BE_BUSY (virDomainCreate)
MAY_BE_BUSY (virDomainDestroy)
MAY_BE_BUSY (virDomainResume)

int
virDomainUndefineFlags (virDomainPtr domain, unsigned int flags)
{
  int (*real) (virDomainPtr, unsigned int)
      = (int (*) (virDomainPtr, unsigned int)) dlsym (RTLD_NEXT, "virDomainUndefineFlags");

  return is_busy () ? -1 : real (domain, flags);
}

/* libvirt ends what a process asked of it that was killed since, and refuses others meanwhile. */
static void
test_libvirt_is_still_at_it (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (virDomain) domain = NULL;
  g_autoptr (GError) error = NULL;

  define (fixture->vms, &demo);
  busy = 1;
  start (fixture->vms);
  domain = lookup (fixture);
  assert_int_equal (virDomainSuspend (domain), 0);
  busy = 100;
  assert_false (_scl_vm_backend_start (fixture->vms, "demo", NULL, &error));
  assert_true (g_error_matches (error, SCL_ERROR, SCL_ERROR_TIMEOUT));
  assert_between (busy, 90, 99);
  busy = 2;
  start (fixture->vms);
  assert_int_equal (busy, 0);
  assert_int_equal (state_of (fixture->vms), SCL_VM_STATE_RUNNING);
  busy = 2;
  stop_demo (fixture->vms, 0, SCL_STOPPED_BY_USER);
  assert_int_equal (busy, 0);
  busy = 1;
  assert_true (_scl_vm_backend_remove (fixture->vms, "demo", NULL, NULL));
  assert_int_equal (busy, 0);
}

typedef struct
{
  SclVmBackend *vms;
  int over; /* atomic */
} Onlooker;

static gpointer
look_on (gpointer data)
{
  Onlooker *onlooker = data;

  while (!g_atomic_int_get (&onlooker->over))
    {
      g_autoptr (SclObservation) seen = _scl_observation_new ();

      (void) _scl_vm_backend_observe (onlooker->vms, NULL, seen, NULL, NULL);
    }
  return NULL;
}

/* Between two questions of an onlooker the domain may go off: libvirt then answers the one for what
 * runs with what is defined, and the fresh wish looked like an old one. */
static void
test_stop_while_observed (void **state)
{
  Fixture *fixture = *state;
  Onlooker onlooker = { .vms = fixture->vms };
  GThread *thread;
  guint forgotten = 0;

  define (fixture->vms, &demo);
  thread = g_thread_new ("onlooker", look_on, &onlooker);
  for (guint i = 0; i < 600; i++)
    {
      start (fixture->vms);
      stop_demo (fixture->vms, 10, SCL_STOPPED_BY_USER);
      if (stopped_by (fixture->vms) != SCL_STOPPED_BY_USER)
        forgotten++;
    }
  g_atomic_int_set (&onlooker.over, TRUE);
  g_thread_join (thread);
  assert_int_equal (forgotten, 0);
}

/* What a process leaves in the definition that is killed while it stops the VM. */
static void
leave_mark (virDomainPtr domain, const char *mark, const char *stopper)
{
  char *old = virDomainGetMetadata (domain, VIR_DOMAIN_METADATA_ELEMENT, "urn:scl:vm:1",
                                    VIR_DOMAIN_AFFECT_CONFIG);
  g_autofree char *what = g_strdup_printf ("stoppedBy=\"%s\" stopper=\"%s\"", mark, stopper);
  g_auto (GStrv) parts = g_strsplit (old, "stoppedBy=\"nobody\"", 2);
  g_autofree char *text = NULL;

  if (g_strv_length (parts) != 2)
    fail_msg ("%s", old);
  text = g_strjoinv (what, parts);
  assert_int_equal (virDomainSetMetadata (domain, VIR_DOMAIN_METADATA_ELEMENT, text, "scl",
                                          "urn:scl:vm:1", VIR_DOMAIN_AFFECT_CONFIG),
                    0);
  free (old);
}

static void
expect (SclVmBackend *vms, SclVmState state, SclStoppedBy by)
{
  g_autoptr (SclObservation) seen = observe (vms, NULL);

  assert_int_equal (_scl_observation_lookup_vm (seen, "demo")->state, state);
  assert_int_equal (_scl_observation_lookup_vm (seen, "demo")->stopped_by, by);
}

static void
test_killed_stop (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (virDomain) domain = NULL;
  g_autofree char *owner = _scl_stop_owner_begin (60);

  define (fixture->vms, &demo);
  start (fixture->vms);
  domain = lookup (fixture);
  leave_mark (domain, "user", owner);
  expect (fixture->vms, SCL_VM_STATE_STOPPING, SCL_STOPPED_BY_USER);
  _scl_stop_owner_end (owner);
  expect (fixture->vms, SCL_VM_STATE_RUNNING, SCL_STOPPED_BY_NOBODY);
  /* Nothing is left of the wish: what happens to the VM later is not the user's doing. */
  assert_int_equal (virDomainDestroy (domain), 0);
  expect (fixture->vms, SCL_VM_STATE_STOPPED, SCL_STOPPED_BY_NOBODY);
}

/* The button was pressed already: if the guest goes off now, it is to be started. */
static void
test_killed_restart (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (virDomain) domain = NULL;
  g_autofree char *owner = NULL;
  g_autofree char *elsewhere = NULL;

  define (fixture->vms, &demo);
  start (fixture->vms);
  domain = lookup (fixture);
  owner = _scl_stop_owner_begin (60);
  _scl_stop_owner_end (owner);
  elsewhere = g_strdup_printf ("1%s", owner);
  leave_mark (domain, "cleared", elsewhere);
  /* Of another pid namespace: nothing can be said about it, until its time is over. */
  expect (fixture->vms, SCL_VM_STATE_STOPPING, SCL_STOPPED_BY_NOBODY);
  start (fixture->vms);
  leave_mark (domain, "cleared", "");
  expect (fixture->vms, SCL_VM_STATE_RUNNING, SCL_STOPPED_BY_NOBODY);
  assert_int_equal (virDomainShutdown (domain), 0);
  expect (fixture->vms, SCL_VM_STATE_STOPPED, SCL_STOPPED_BY_NOBODY);
}

/* Somebody else is at the definitions, for longer than anybody waits. */
static void
test_definitions_are_locked (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *folder = g_dir_make_tmp ("scl-power-XXXXXX", NULL);
  g_autofree char *text = g_strdup_printf (
      "VM \"demo\": cannot lock the domains' definitions: %s is locked by process %d: wait until it has ended",
      folder, (int) getpid ());
  g_autoptr (SclVmBackend) vms = _scl_libvirt_vms_new (URI, PREFIX, folder, NULL, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) second = NULL;
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  assert_non_null (vms);
  define (vms, &demo);
  assert_int_equal (flock (fd, LOCK_EX), 0);
  _scl_virt_call_set_limit (1);
  /* It runs, and nobody has wanted it off. */
  start (vms);
  expect (vms, SCL_VM_STATE_RUNNING, SCL_STOPPED_BY_NOBODY);
  assert_false (_scl_vm_backend_stop (vms, "demo", 1, SCL_STOPPED_BY_USER, NULL, &error));
  assert_true (g_error_matches (error, SCL_ERROR, SCL_ERROR_TIMEOUT));
  if (strstr (error->message, text) == NULL)
    fail_msg ("%s", error->message);
  assert_false (_scl_vm_backend_clear_stopped (vms, "demo", &second));
  assert_string_equal (second->message, error->message);
  _scl_virt_call_set_limit (0);
  assert_int_equal (close (fd), 0);
  stop_demo (vms, 0, SCL_STOPPED_BY_USER);
  assert_int_equal (rmdir (folder), 0);
  assert_int_equal (stopped_by (fixture->vms), SCL_STOPPED_BY_USER);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (test_user_stop_is_kept, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_guest_poweroff_is_kept, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_destroy_is_nobodys_wish, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_broken_restart, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_start_behind_our_back, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_stop_after_start_behind_our_back, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_stop_while_observed, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_libvirt_is_still_at_it, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_killed_stop, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_killed_restart, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_definitions_are_locked, set_up, tear_down),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
