/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Running domains of ours whose definition somebody has removed, on libvirt's mock driver. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libvirt-vms-fixture.h"
#include <dlfcn.h>

#define PROBLEM "its definition was removed while it runs (virsh undefine): without one it is gone when it stops"

static gboolean full; /* no definition can be written */

virDomainPtr
virDomainDefineXMLFlags (virConnectPtr handle, const char *xml, unsigned int flags)
{
  virDomainPtr (*real) (virConnectPtr, const char *, unsigned int)
      = (virDomainPtr (*) (virConnectPtr, const char *, unsigned int)) dlsym (RTLD_NEXT, "virDomainDefineXMLFlags");

  /* The mock says what it does not like about it. */
  return real (handle, full ? "<domain/>" : xml, flags);
}

/* (transfer full) */
static char *
dump (virDomainPtr domain)
{
  char *text = virDomainGetXMLDesc (domain, VIR_DOMAIN_XML_INACTIVE);
  char *copy = g_strdup (text);

  assert_non_null (text);
  free (text);
  return copy;
}

/* With a device of somebody's. */
static virDomainPtr
start_edited (Fixture *fixture)
{
  g_autoptr (virDomain) domain = NULL;
  g_autoptr (virDomain) edited = NULL;
  g_autofree char *xml = NULL;
  g_autoptr (GString) text = NULL;

  define (fixture->vms, &demo);
  domain = lookup (fixture);
  xml = dump (domain);
  text = g_string_new (xml);
  assert_int_equal (g_string_replace (text, "</devices>",
                                      "<disk type='file'><source file='/data/more.raw'/>"
                                      "<target dev='vdx' bus='virtio'/></disk></devices>",
                                      1),
                    1);
  edited = virDomainDefineXML (fixture->handle, text->str);
  assert_non_null (edited);
  start (fixture->vms);
  return g_steal_pointer (&domain);
}

/* What it was defined with last, by OUT_XML. */
static virDomainPtr
start_undefined (Fixture *fixture, char **out_xml)
{
  virDomainPtr domain = start_edited (fixture);

  *out_xml = dump (domain);
  assert_int_equal (virDomainUndefine (domain), 0);
  assert_int_equal (virDomainIsPersistent (domain), 0);
  return domain;
}

static gboolean
has_problem (Fixture *fixture)
{
  g_autoptr (SclObservation) seen = observe (fixture->vms, NULL);
  const SclObservedVm *vm = _scl_observation_lookup_vm (seen, "demo");

  assert_int_equal (vm->state, SCL_VM_STATE_RUNNING);
  assert_int_equal (vm->stopped_by, SCL_STOPPED_BY_NOBODY);
  if (vm->problems->len > 0)
    assert_string_equal (g_ptr_array_index (vm->problems, 0), PROBLEM);
  return vm->problems->len > 0;
}

static void
test_is_drift (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autoptr (virDomain) domain = start_undefined (fixture, &before);

  assert_true (has_problem (fixture));
  define (fixture->vms, &demo);
  assert_false (has_problem (fixture));
  assert_int_equal (virDomainIsPersistent (domain), 1);
  assert_int_equal (virDomainIsActive (domain), 1);
  /* UUID, machine, MACs, addresses, and what was added. */
  after = dump (domain);
  assert_string_equal (after, before);
}

/* It stays off, and stays what it was. */
static void
test_stop (void **state, guint timeout)
{
  Fixture *fixture = *state;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autoptr (virDomain) domain = start_undefined (fixture, &before);

  stop_demo (fixture->vms, timeout, SCL_STOPPED_BY_USER);
  assert_int_equal (state_of (fixture->vms), SCL_VM_STATE_STOPPED);
  assert_int_equal (stopped_by (fixture->vms), SCL_STOPPED_BY_USER);
  start (fixture->vms);
  after = dump (domain);
  assert_string_equal (after, before);
}

static void
test_stop_by_button (void **state)
{
  test_stop (state, 10);
}

static void
test_stop_by_force (void **state)
{
  test_stop (state, 0);
}

static void
test_restart (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *before = NULL;
  g_autoptr (virDomain) domain = start_undefined (fixture, &before);

  stop_demo (fixture->vms, 0, SCL_STOPPED_BY_NOBODY);
  start (fixture->vms);
  assert_false (has_problem (fixture));
  assert_int_equal (virDomainIsPersistent (domain), 1);
}

static void
test_remove (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *before = NULL;
  g_autoptr (virDomain) domain = start_undefined (fixture, &before);
  g_autoptr (virDomain) left = NULL;

  assert_true (_scl_vm_backend_check_removal (fixture->vms, "demo", NULL, NULL));
  stop_demo (fixture->vms, 0, SCL_STOPPED_BY_USER);
  assert_true (_scl_vm_backend_remove (fixture->vms, "demo", NULL, NULL));
  left = virDomainLookupByName (fixture->handle, "demo");
  assert_null (left);
}

/* Somebody paused it: it goes on, and is no more defined than before. */
static void
test_paused (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *before = NULL;
  g_autoptr (virDomain) domain = start_undefined (fixture, &before);

  assert_int_equal (virDomainSuspend (domain), 0);
  start (fixture->vms);
  assert_true (has_problem (fixture));
}

static void
note_remark (const char *message, gpointer user_data)
{
  g_ptr_array_add (user_data, g_strdup (message));
}

/* No definition, no note: it is ended all the same, and who ended it is told. One that is to run again is left alone. */
static void
test_no_definition (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (GPtrArray) remarks = g_ptr_array_new_with_free_func (g_free);
  SclProgress progress = { .remark = note_remark, .user_data = remarks };
  g_autofree char *before = NULL;
  g_autoptr (virDomain) domain = start_undefined (fixture, &before);
  g_autoptr (virDomain) left = NULL;
  g_autoptr (GError) error = NULL;

  full = TRUE;
  assert_false (_scl_vm_backend_stop (fixture->vms, "demo", 0, SCL_STOPPED_BY_NOBODY, &progress, &error));
  assert_non_null (strstr (error->message, "VM \"demo\": its definition was removed while it runs, and cannot be made again: "));
  assert_int_equal (virDomainIsActive (domain), 1);
  assert_true (has_problem (fixture));
  assert_int_equal (remarks->len, 0);
  assert_true (_scl_vm_backend_stop (fixture->vms, "demo", 0, SCL_STOPPED_BY_USER, &progress, NULL));
  full = FALSE;
  assert_int_equal (remarks->len, 1);
  assert_non_null (strstr (g_ptr_array_index (remarks, 0), ": it is gone with its QEMU, but for its volumes, and apply makes it anew"));
  left = virDomainLookupByName (fixture->handle, "demo");
  assert_null (left);
  assert_true (_scl_vm_backend_remove (fixture->vms, "demo", NULL, NULL));
}

typedef struct
{
  GMutex lock;
  GCond cond;
  SclVmState state;
} Watch;

static void
note_state (const char *vm, SclVmState state, gpointer user_data)
{
  Watch *watch = user_data;

  g_mutex_lock (&watch->lock);
  if (strcmp (vm, "demo") == 0)
    watch->state = state;
  g_cond_signal (&watch->cond);
  g_mutex_unlock (&watch->lock);
}

/* It goes without another event. */
static void
test_end_is_told (void **state)
{
  Fixture *fixture = *state;
  gint64 deadline = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;
  Watch watch = { .state = SCL_VM_STATE_RUNNING };
  g_autofree char *before = NULL;
  g_autoptr (virDomain) domain = start_undefined (fixture, &before);

  _scl_vm_backend_watch (fixture->vms, note_state, &watch);
  assert_int_equal (virDomainDestroy (domain), 0);
  g_mutex_lock (&watch.lock);
  while (watch.state != SCL_VM_STATE_UNKNOWN)
    if (!g_cond_wait_until (&watch.cond, &watch.lock, deadline))
      break;
  assert_int_equal (watch.state, SCL_VM_STATE_UNKNOWN);
  g_mutex_unlock (&watch.lock);
  _scl_vm_backend_watch (fixture->vms, NULL, NULL);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (test_is_drift, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_stop_by_button, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_stop_by_force, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_restart, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_remove, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_paused, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_no_definition, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_end_is_told, set_up, tear_down),
  };

  return cmocka_run_group_tests_name ("libvirt-vms-undefined", tests, NULL, NULL);
}
