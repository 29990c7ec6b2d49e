/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The embedded hypervisor's owner is killed; its guests live on, and the next owner finds them. The
 * owner is this program run once more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "vm-guest.h"

#define NAME "orphan"

static const char *own_program;

static SclVmBackend *
open_embedded (GuestHost *host, GError **error)
{
  return _scl_libvirt_vms_new ("qemu:///embed", GUEST_PREFIX, host->state_dir, NULL, error);
}

/* Starts the guest, says so and waits for its end. */
static int
be_owner (char *state_dir)
{
  static const VmPlan plan = { .name = NAME, .memory_mib = 256, .firmware = SCL_FIRMWARE_BIOS };
  g_autoptr (GError) error = NULL;
  GuestHost host = { .state_dir = state_dir };

  host.vms = open_embedded (&host, &error);
  if (host.vms == NULL || !guest_define (&host, &plan, &error)
      || !_scl_vm_backend_start (host.vms, NAME, NULL, &error))
    {
      fprintf (stderr, "%s\n", error->message);
      return 1;
    }
  puts ("running");
  fflush (stdout);
  pause ();
  return 0;
}

static GSubprocess *
start_owner (GuestHost *host)
{
  g_autoptr (GError) error = NULL;
  GSubprocess *owner = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, own_program,
                                         host->state_dir, NULL);
  g_autoptr (GDataInputStream) output = NULL;
  g_autofree char *line = NULL;

  if (owner == NULL)
    fail_msg ("%s", error->message);
  output = g_data_input_stream_new (g_subprocess_get_stdout_pipe (owner));
  line = g_data_input_stream_read_line (output, NULL, NULL, NULL);
  assert_non_null (line);
  assert_string_equal (line, "running");
  return owner;
}

static void
test_survivor (void **state)
{
  GuestHost *host = guest_host_new ();
  g_autoptr (GSubprocess) owner = NULL;
  g_autoptr (GError) busy = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) console = NULL;
  g_autoptr (SclObservation) seen = NULL;

  guest_install (host, NAME, FALSE);
  owner = start_owner (host);
  /* Two owners of one root: refused, and nothing happens to the first. */
  assert_null (open_embedded (host, &busy));
  assert_true (g_error_matches (busy, SCL_ERROR, SCL_ERROR_IN_USE));
  g_subprocess_force_exit (owner);
  assert_true (g_subprocess_wait (owner, NULL, NULL));
  host->vms = open_embedded (host, &error);
  if (host->vms == NULL)
    fail_msg ("%s", error->message);
  seen = guest_observe (host);
  assert_int_equal (seen->vms->len, 1);
  assert_int_equal (_scl_observation_lookup_vm (seen, NAME)->state, SCL_VM_STATE_RUNNING);
  assert_true (_scl_observation_lookup_vm (seen, NAME)->started > 0);
  console = guest_login (host, NAME);
  guest_stop (host, NAME, 60, SCL_STOPPED_BY_USER);
  guest_remove_all (host);
  guest_host_free (host);
}

int
main (int argc, char **argv)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (test_survivor) };

  if (geteuid () != 0)
    return skip_program ("root");
  own_program = argv[0];
  if (argc == 2)
    return be_owner (argv[1]);
  guest_show_kvm ();
  return cmocka_run_group_tests (tests, NULL, NULL);
}
