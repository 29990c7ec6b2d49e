/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A libvirtd of the test's own, below the state folder, and the VM backend on it. */

#include "vm-guest.h"

static inline char *
daemon_tell (GuestHost *host, const char *word)
{
  g_autofree char *folder = g_build_filename (host->state_dir, "d", NULL);
  const char *const argv[] = { SCL_TEST_SUPPORT "/private-libvirtd", word, folder, NULL };

  return guest_run (argv, 200);
}

static inline int
daemon_set_up (void **state)
{
  g_autoptr (GError) error = NULL;
  GuestHost *host = guest_host_new ();

  host->uri = daemon_tell (host, "start");
  host->vms = _scl_libvirt_vms_new (host->uri, GUEST_PREFIX, host->state_dir, NULL, &error);
  if (host->vms == NULL)
    {
      g_free (daemon_tell (host, "stop"));
      fail_msg ("%s", error->message);
    }
  *state = host;
  return 0;
}

static inline int
daemon_tear_down (void **state)
{
  GuestHost *host = *state;

  guest_remove_all (host);
  g_clear_object (&host->vms);
  g_free (daemon_tell (host, "stop"));
  guest_host_free (host);
  return 0;
}
