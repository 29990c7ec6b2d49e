/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The VM backend with a libvirtd of its own, and what happens when that is restarted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "vm-daemon.h"
#include "vm-guest-cases.h"
#include "vm-many.h"

static void
test_restarted_daemon (void **state)
{
  GuestHost *host = *state;
  StateWait wait = { .name = "killed", .wanted = SCL_VM_STATE_STOPPED };
  g_autoptr (GIOStream) before = guest_boot (host, "killed");
  g_autoptr (GIOStream) console = NULL;
  g_autoptr (SclObservation) seen = NULL;

  g_free (daemon_tell (host, "restart"));
  seen = guest_observe (host);
  assert_int_equal (look (seen, "killed")->state, SCL_VM_STATE_RUNNING);
  console = guest_login (host, "killed");
  /* Events come again, from the new daemon. */
  _scl_vm_backend_watch (host->vms, on_state, &wait);
  guest_say (console, "poweroff -f\n");
  await_state (host, &wait);
}

/* Who only listens makes no call that would connect again. */
static void
test_listener_outlives_daemon (void **state)
{
  GuestHost *host = *state;
  StateWait wait = { .name = "killed", .wanted = SCL_VM_STATE_STOPPED };
  g_autoptr (GIOStream) console = guest_boot (host, "killed");
  g_autoptr (SclObservation) seen = NULL;

  guest_say (console, "(sleep 6; poweroff -f) &\n");
  g_free (guest_expect (console, "tiny# "));
  g_free (daemon_tell (host, "restart"));
  _scl_vm_backend_watch (host->vms, on_state, &wait);
  await_state (host, &wait);
  seen = guest_observe (host);
  assert_int_equal (look (seen, "killed")->stopped_by, SCL_STOPPED_BY_GUEST);
}

static void
test_daemon_killed_while_stopping (void **state)
{
  GuestHost *host = *state;
  g_autoptr (GIOStream) console = guest_boot (host, "killed");
  g_autoptr (SclObservation) seen = NULL;

  g_free (daemon_tell (host, "kill"));
  g_free (daemon_tell (host, "restart"));
  seen = guest_observe (host);
  assert_int_equal (look (seen, "killed")->state, SCL_VM_STATE_RUNNING);
  g_clear_pointer (&seen, _scl_observation_unref);
  guest_stop (host, "killed", 60, SCL_STOPPED_BY_USER);
  seen = guest_observe (host);
  assert_int_equal (look (seen, "killed")->state, SCL_VM_STATE_STOPPED);
  assert_int_equal (look (seen, "killed")->stopped_by, SCL_STOPPED_BY_USER);
}

static void
restart_once (guint64 done, guint64 total, const char *message, gpointer user_data)
{
  GuestHost **host = user_data;

  if (*host != NULL)
    g_free (daemon_tell (*host, "restart"));
  *host = NULL;
}

/* Before the button is pressed for the first time: the guest, not the cut, ends it. */
static void
test_daemon_restarted_while_stopping (void **state)
{
  GuestHost *host = *state;
  GuestHost *once = host;
  const SclProgress progress = { .report = restart_once, .user_data = &once };
  g_autoptr (GIOStream) console = guest_boot (host, "killed");
  g_autoptr (SclObservation) seen = NULL;
  g_autoptr (GError) error = NULL;

  guest_must (
      _scl_vm_backend_stop (host->vms, "killed", 60, SCL_STOPPED_BY_USER, &progress, &error), &error);
  assert_null (once);
  seen = guest_observe (host);
  assert_int_equal (look (seen, "killed")->state, SCL_VM_STATE_STOPPED);
  assert_string_equal (look (seen, "killed")->state_reason, "shut down");
}

/* libvirt forgets why a domain is off; what was seen before is in the metadata. */
static void
test_wish_survives_restart (void **state)
{
  GuestHost *host = *state;
  StateWait wait = { .name = "killed", .wanted = SCL_VM_STATE_STOPPED };
  g_autoptr (GIOStream) console = guest_boot (host, "killed");
  g_autoptr (SclObservation) seen = NULL;

  _scl_vm_backend_watch (host->vms, on_state, &wait);
  guest_say (console, "poweroff -f\n");
  await_state (host, &wait);
  g_free (daemon_tell (host, "restart"));
  seen = guest_observe (host);
  assert_null (look (seen, "killed")->state_reason);
  assert_int_equal (look (seen, "killed")->stopped_by, SCL_STOPPED_BY_GUEST);
}

/* The guest goes off while nobody is there to see it: libvirtd finds QEMU waiting. */
static void
test_poweroff_without_daemon (void **state)
{
  GuestHost *host = *state;
  g_autoptr (GIOStream) console = NULL;
  g_autoptr (SclObservation) seen = NULL;
  StateWait wait = { .name = "killed", .wanted = SCL_VM_STATE_STOPPED };

  console = guest_boot (host, "killed");
  guest_say (console, "(sleep 3; poweroff -f) &\n");
  g_free (guest_expect (console, "tiny# "));
  g_free (daemon_tell (host, "kill"));
  g_usleep (6 * G_USEC_PER_SEC); /* nobody is there who could tell */
  _scl_vm_backend_watch (host->vms, on_state, &wait);
  g_free (daemon_tell (host, "restart"));
  g_clear_pointer (&seen, _scl_observation_unref);
  seen = guest_observe (host);
  if (look (seen, "killed")->state != SCL_VM_STATE_STOPPED)
    await_state (host, &wait);
  _scl_vm_backend_watch (host->vms, NULL, NULL);
  g_clear_pointer (&seen, _scl_observation_unref);
  seen = guest_observe (host);
  assert_int_equal (look (seen, "killed")->state, SCL_VM_STATE_STOPPED);
  assert_int_equal (look (seen, "killed")->stopped_by, SCL_STOPPED_BY_GUEST);
}

static void
test_many_domains (void **state)
{
  GuestHost *host = *state;
  virConnectPtr handle = virConnectOpen (host->uri);
  gint64 bare = G_MAXINT64, ours = G_MAXINT64;

  for (guint i = 0; i < MANY; i++)
    {
      g_autofree char *name = g_strdup_printf ("vm-%u", i);
      const VmPlan plan = { .name = name, .n_nics = 1, .accelerator = SCL_ACCELERATOR_TCG };

      define_guest (host, &plan);
    }
  /* Other work on the machine is in the numbers, and more in those of several threads: the best of as many
   * rounds as it takes. */
  for (guint i = 0; i < 10 || (i < 60 && ours >= bare * 2); i++)
    {
      bare = MIN (bare, many_time_bare (handle, CLOCK_MONOTONIC));
      ours = MIN (ours, many_time_observe (host->vms, CLOCK_MONOTONIC));
    }
  virConnectClose (handle);
  print_message ("%d domains: listed with XML %" G_GINT64_FORMAT " us, observed %" G_GINT64_FORMAT
                 " us\n",
                 MANY, bare, ours);
  /* Loosely: tests/bench holds it to the limit. */
  assert_true (ours < bare * 3);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    GUEST_CASES,
    cmocka_unit_test (test_restarted_daemon),
    cmocka_unit_test (test_listener_outlives_daemon),
    cmocka_unit_test (test_daemon_killed_while_stopping),
    cmocka_unit_test (test_daemon_restarted_while_stopping),
    cmocka_unit_test (test_wish_survives_restart),
    cmocka_unit_test (test_poweroff_without_daemon),
    cmocka_unit_test (test_many_domains),
  };

  if (geteuid () != 0)
    return skip_program ("root");
  cmocka_set_test_filter (g_getenv ("SCL_TEST_FILTER"));
  return cmocka_run_group_tests (tests, daemon_set_up, daemon_tear_down);
}
