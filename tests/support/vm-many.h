/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reading many domains: bare libvirt against the VM backend, µs of a clock: the process's own, or,
 * where a daemon does libvirt's part, the wall's. */

#include "backend/vm/scl-vm-backend-private.h"
#include <libvirt/libvirt.h>
#include <stdlib.h>
#include <time.h>

#define MANY 1000

static inline gint64
many_now (clockid_t clock)
{
  struct timespec now;

  assert_int_equal (clock_gettime (clock, &now), 0);
  return now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

/* What libvirt needs to list them with XML. */
static inline gint64
many_time_bare (virConnectPtr handle, clockid_t clock)
{
  gint64 begin = many_now (clock);
  virDomainPtr *domains = NULL;
  int n = virConnectListAllDomains (handle, &domains, 0);

  for (int i = 0; i < n; i++)
    {
      free (virDomainGetXMLDesc (domains[i], VIR_DOMAIN_XML_INACTIVE));
      virDomainFree (domains[i]);
    }
  free (domains);
  assert_true (n >= MANY);
  return many_now (clock) - begin;
}

static inline gint64
many_time_observe (SclVmBackend *vms, clockid_t clock)
{
  gint64 begin = many_now (clock);
  g_autoptr (SclObservation) seen = _scl_observation_new ();

  assert_true (_scl_vm_backend_observe (vms, NULL, seen, NULL, NULL));
  assert_true (seen->vms->len >= MANY);
  return many_now (clock) - begin;
}
