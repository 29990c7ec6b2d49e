/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The VM backend on libvirt's mock driver, and a second look at that driver. */

#include "backend/vm/scl-libvirt-vms-private.h"
#include "backend/vm/scl-virt-error-private.h"
#include "vm-fixture.h"

#define URI "test:///default"
#define PREFIX "scl"

typedef struct
{
  SclVmBackend *vms;
  virConnectPtr handle; /* a second look at the same driver */
} Fixture;

static const VmPlan demo = { .name = "demo", .cores = 2, .memory_mib = 512, .n_nics = 1 };

static inline SclVmBackend *
open_backend (const char *uri, const char *prefix)
{
  g_autoptr (GError) error = NULL;
  SclVmBackend *vms = _scl_libvirt_vms_new (uri, prefix, "/nonexistent", NULL, &error);

  if (vms == NULL)
    fail_msg ("%s", error->message);
  return vms;
}

static inline void
forget_domain (virDomainPtr domain)
{
  if (strcmp (virDomainGetName (domain), "test") == 0)
    return;
  if (virDomainIsActive (domain) == 1)
    (void) virDomainDestroy (domain);
  assert_int_equal (virDomainUndefine (domain), 0);
}

static inline void
forget_domains (virConnectPtr handle)
{
  virDomainPtr *domains = NULL;
  int n_domains = virConnectListAllDomains (handle, &domains, 0);

  for (int i = 0; i < n_domains; i++)
    {
      forget_domain (domains[i]);
      virDomainFree (domains[i]);
    }
  free (domains);
}

/* The driver's state lives as long as the process has a connection, and an event that is still being
 * delivered for the test before is one. */
static inline int
set_up (void **state)
{
  Fixture *fixture = g_new0 (Fixture, 1);

  fixture->vms = open_backend (URI, PREFIX);
  fixture->handle = virConnectOpen (URI);
  forget_domains (fixture->handle);
  *state = fixture;
  return 0;
}

static inline int
tear_down (void **state)
{
  Fixture *fixture = *state;

  g_clear_object (&fixture->vms);
  virConnectClose (fixture->handle);
  g_free (fixture);
  return 0;
}

static inline void
define (SclVmBackend *vms, const VmPlan *plan)
{
  g_autoptr (SclVmSpec) spec = vm_plan_to_spec (plan);
  g_autoptr (SclVmWiring) wiring = vm_plan_to_wiring (plan, PREFIX, "/state");
  g_autoptr (GError) error = NULL;

  if (!_scl_vm_backend_define (vms, spec, wiring, NULL, &error))
    fail_msg ("%s", error->message);
}

static inline SclObservation *
observe (SclVmBackend *vms, SclManifest *desired)
{
  g_autoptr (GError) error = NULL;
  SclObservation *seen = _scl_observation_new ();

  if (!_scl_vm_backend_observe (vms, desired, seen, NULL, &error))
    fail_msg ("%s", error->message);
  _scl_observation_sort (seen);
  return seen;
}

/* What apply would see. */
static inline SclStoppedBy
stopped_by (SclVmBackend *vms)
{
  g_autoptr (SclObservation) seen = observe (vms, NULL);

  return _scl_observation_lookup_vm (seen, "demo")->stopped_by;
}

static inline SclVmState
state_of (SclVmBackend *vms)
{
  g_autoptr (SclObservation) seen = observe (vms, NULL);

  return _scl_observation_lookup_vm (seen, "demo")->state;
}

static inline void
start (SclVmBackend *vms)
{
  g_autoptr (GError) error = NULL;

  if (!_scl_vm_backend_start (vms, "demo", NULL, &error))
    fail_msg ("%s", error->message);
}

static inline void
stop_demo (SclVmBackend *vms, guint timeout, SclStoppedBy by)
{
  g_autoptr (GError) error = NULL;

  if (!_scl_vm_backend_stop (vms, "demo", timeout, by, NULL, &error))
    fail_msg ("%s", error->message);
}

static inline virDomainPtr
lookup (Fixture *fixture)
{
  virDomainPtr domain = virDomainLookupByName (fixture->handle, "demo");

  assert_non_null (domain);
  return domain;
}
