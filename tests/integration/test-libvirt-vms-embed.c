/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The VM backend with libvirt's QEMU driver inside this process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "vm-guest.h"
#include "vm-guest-cases.h"

static int
set_up_group (void **state)
{
  g_autoptr (GError) error = NULL;
  GuestHost *host = guest_host_new ();

  host->uri = g_strdup ("qemu:///embed");
  host->vms = _scl_libvirt_vms_new (host->uri, GUEST_PREFIX, host->state_dir, NULL, &error);
  if (host->vms == NULL)
    fail_msg ("%s", error->message);
  *state = host;
  return 0;
}

static int
tear_down_group (void **state)
{
  guest_remove_all (*state);
  guest_host_free (*state);
  return 0;
}

static void
test_one_hypervisor_per_process (void **state)
{
  GuestHost *host = *state;
  g_autoptr (GError) other_root = NULL;
  g_autoptr (GError) system = NULL;
  g_autoptr (SclVmBackend) again = NULL;
  g_autofree char *other = g_strconcat (host->state_dir, "/x", NULL);

  assert_null (_scl_libvirt_vms_new ("qemu:///embed", GUEST_PREFIX, other, NULL, &other_root));
  assert_true (g_error_matches (other_root, SCL_ERROR, SCL_ERROR_BUSY));
  assert_null (_scl_libvirt_vms_new ("qemu:///system", GUEST_PREFIX, other, NULL, &system));
  assert_true (g_error_matches (system, SCL_ERROR, SCL_ERROR_BUSY));
  again = _scl_libvirt_vms_new ("qemu:///embed", GUEST_PREFIX, host->state_dir, NULL, NULL);
  assert_non_null (again);
}

static void
test_long_state_folder (void **state)
{
  g_autoptr (GError) error = NULL;

  assert_null (_scl_libvirt_vms_new (
      "qemu:///embed", GUEST_PREFIX,
      "/tmp/a-state-folder-whose-name-is-longer-than-libvirt-can-stand", NULL, &error));
  assert_true (g_error_matches (error, SCL_ERROR, SCL_ERROR_INVALID));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    GUEST_CASES,
    cmocka_unit_test (test_one_hypervisor_per_process),
    cmocka_unit_test (test_long_state_folder),
  };

  if (geteuid () != 0)
    return 77;
  guest_show_kvm ();
  cmocka_set_test_filter (g_getenv ("SCL_TEST_FILTER"));
  return cmocka_run_group_tests (tests, set_up_group, tear_down_group);
}
