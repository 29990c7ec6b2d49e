/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The VM backend with libvirt's QEMU driver inside this process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "vm-guest.h"
#include "vm-guest-cases.h"

#define LONGEST_STATE 45 /* bytes of a state folder's name */

/* All is tried where the names are as long as they may be. */
static void
lengthen (GuestHost *host)
{
  g_autofree char *name = g_strdup_printf ("%s-a-state-folder-with-a-long-name-as-allowed",
                                           host->state_dir);

  name[LONGEST_STATE] = '\0';
  assert_int_equal (g_rename (host->state_dir, name), 0);
  g_free (host->state_dir);
  host->state_dir = g_steal_pointer (&name);
}

static int
set_up_group (void **state)
{
  g_autoptr (GError) error = NULL;
  GuestHost *host = guest_host_new ();

  lengthen (host);
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
  g_autofree char *other = g_dir_make_tmp ("scl-vms-XXXXXX", NULL);
  const char *const remove[] = { "rm", "-rf", other, NULL };

  assert_non_null (other);
  assert_null (_scl_libvirt_vms_new ("qemu:///embed", GUEST_PREFIX, other, NULL, &other_root));
  assert_true (g_error_matches (other_root, SCL_ERROR, SCL_ERROR_IN_USE));
  assert_null (_scl_libvirt_vms_new ("qemu:///system", GUEST_PREFIX, other, NULL, &system));
  assert_true (g_error_matches (system, SCL_ERROR, SCL_ERROR_IN_USE));
  again = _scl_libvirt_vms_new ("qemu:///embed", GUEST_PREFIX, host->state_dir, NULL, NULL);
  assert_non_null (again);
  g_free (guest_run (remove, 60));
}

/* 20 bytes of the domain's name are in the name of QEMU's monitor, and all of it in the agent's. */
static void
test_longest_names (void **state)
{
  static const VmPlan plan
      = { .name = "a-machine-whose-name-is-as-long-as-a-label-of-the-dns-can-be-63",
          .memory_mib = 64,
          .firmware = SCL_FIRMWARE_BIOS };
  GuestHost *host = *state;
  g_autofree char *socket
      = g_strdup_printf ("/run/scl/" GUEST_PREFIX "/agent/%s.sock", plan.name);
  struct stat st;

  guest_install (host, plan.name, FALSE);
  define_guest (host, &plan);
  guest_start (host, plan.name);
  assert_int_equal (stat (socket, &st), 0);
  assert_true (S_ISSOCK (st.st_mode));
  assert_int_not_equal (owner_of (find_qemu (host, plan.name)), 0);
  guest_stop (host, plan.name, 0, SCL_STOPPED_BY_USER);
  assert_int_equal (stat (socket, &st), -1);
  guest_remove_all (host);
  assert_int_equal (stat ("/run/scl/" GUEST_PREFIX "/agent", &st), -1);
}

/* (transfer full) */
static virDomainPtr
look_up (GuestHost *host, const char *name)
{
  g_autofree char *uri = g_strdup_printf ("qemu:///embed?root=%s/embed", host->state_dir);
  g_autoptr (virConnect) handle = virConnectOpen (uri);
  g_autofree char *domain_name = g_strconcat (GUEST_PREFIX "-", name, NULL);
  virDomainPtr domain = handle != NULL ? virDomainLookupByName (handle, domain_name) : NULL;

  assert_non_null (domain);
  return domain;
}

static void
add_input (GuestHost *host, const char *name)
{
  static const char input[] = "<input type='tablet' bus='virtio'/>";
  g_autoptr (virDomain) domain = look_up (host, name);

  assert_int_equal (virDomainAttachDeviceFlags (domain, input, VIR_DOMAIN_AFFECT_CONFIG), 0);
}

static void
assert_lost (GuestHost *host, const char *name, const char *told)
{
  g_autoptr (SclObservation) seen = _scl_observation_new ();
  g_autoptr (GError) error = NULL;
  const SclObservedVm *vm;

  assert_true (_scl_vm_backend_observe (host->vms, NULL, seen, NULL, &error));
  vm = _scl_observation_lookup_vm (seen, name);
  assert_non_null (vm->deleted);
  if (strstr (vm->deleted, told) == NULL)
    fail_msg ("no \"%s\" in %s", told, vm->deleted);
}

/* Who has copied it while the guest was paused is not told to do that again. */
static void
test_copy_of_a_deleted_disk (void **state)
{
  static const VmPlan plan = { .name = "copied", .memory_mib = 64, .firmware = SCL_FIRMWARE_BIOS };
  GuestHost *host = *state;
  g_autofree char *volume = g_build_filename (host->state_dir, "volumes/copied.raw", NULL);
  g_autofree char *quoted = g_strconcat (" '", volume, "')", NULL);
  g_autoptr (virDomain) domain = NULL;

  guest_install (host, plan.name, FALSE);
  define_guest (host, &plan);
  guest_start (host, plan.name);
  domain = look_up (host, plan.name);
  assert_int_equal (g_unlink (volume), 0);
  assert_lost (host, plan.name, quoted);
  assert_int_equal (virDomainSuspend (domain), 0);
  assert_lost (host, plan.name, quoted);
  assert_true (g_file_set_contents (volume, "copy", -1, NULL));
  assert_lost (host, plan.name, "If that file is its copy, made while the VM was paused as it is now, end the VM");
  assert_int_equal (virDomainResume (domain), 0);
  assert_lost (host, plan.name, " COPY), then end the VM");
  guest_stop (host, plan.name, 0, SCL_STOPPED_BY_USER);
  guest_remove_all (host);
}

/* What was added to a domain is not to blame for it. */
static void
test_definition_that_is_not_written (void **state)
{
  static const VmPlan plan = { .name = "stuck", .memory_mib = 64, .firmware = SCL_FIRMWARE_BIOS };
  GuestHost *host = *state;
  g_autofree char *in_the_way
      = g_strdup_printf ("%s/embed/etc/qemu/" GUEST_PREFIX "-stuck.xml.new", host->state_dir);
  g_autoptr (SclVmSpec) spec = vm_plan_to_spec (&plan);
  g_autoptr (SclVmWiring) wiring = vm_plan_to_wiring (&plan, GUEST_PREFIX, host->state_dir);
  g_autoptr (GError) error = NULL;

  guest_install (host, plan.name, FALSE);
  define_guest (host, &plan);
  add_input (host, plan.name);
  assert_int_equal (g_mkdir (in_the_way, 0700), 0);
  assert_false (_scl_vm_backend_define (host->vms, spec, wiring, NULL, &error));
  assert_int_equal (g_rmdir (in_the_way), 0);
  if (!g_str_has_prefix (error->message, "VM \"stuck\": cannot define domain \"" GUEST_PREFIX "-stuck\": "))
    fail_msg ("%s", error->message);
  guest_remove_all (host);
}

static void
test_long_state_folder (void **state)
{
  g_autoptr (GError) error = NULL;

  assert_null (_scl_libvirt_vms_new (
      "qemu:///embed", GUEST_PREFIX,
      "/tmp/a-state-folder-whose-name-is-longer-than-", NULL, &error));
  assert_true (g_error_matches (error, SCL_ERROR, SCL_ERROR_INVALID));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    GUEST_CASES,
    cmocka_unit_test (test_longest_names),
    cmocka_unit_test (test_definition_that_is_not_written),
    cmocka_unit_test (test_copy_of_a_deleted_disk),
    cmocka_unit_test (test_one_hypervisor_per_process),
    cmocka_unit_test (test_long_state_folder),
  };

  if (geteuid () != 0)
    return skip_program ("root");
  guest_show_kvm ();
  cmocka_set_test_filter (g_getenv ("SCL_TEST_FILTER"));
  return cmocka_run_group_tests (tests, set_up_group, tear_down_group);
}
