/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Domains of ours that somebody has edited, and what the next redefinition makes of them. The mock driver reads and
 * completes definitions as the real one does. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libvirt-vms-fixture.h"

static const VmPlan full = { .name = "demo", .cores = 2, .memory_mib = 512, .n_nics = 1, .seed = TRUE };
static const VmPlan bigger = { .name = "demo", .cores = 2, .memory_mib = 640, .n_nics = 1, .seed = TRUE };

/* (transfer full) */
static char *
dump (Fixture *fixture)
{
  g_autoptr (virDomain) domain = lookup (fixture);
  char *text = virDomainGetXMLDesc (domain, VIR_DOMAIN_XML_INACTIVE);
  char *copy = g_strdup (text);

  assert_non_null (text);
  free (text);
  return copy;
}

/* As virsh edit does. */
static void
replace_all (Fixture *fixture, const char *old, const char *new)
{
  g_autofree char *xml = dump (fixture);
  g_auto (GStrv) parts = g_strsplit (xml, old, -1);
  g_autofree char *edited = g_strjoinv (new, parts);
  g_autoptr (virDomain) domain = NULL;

  if (parts[0] == NULL || parts[1] == NULL)
    fail_msg ("no \"%s\" in %s", old, xml);
  domain = virDomainDefineXML (fixture->handle, edited);
  assert_non_null (domain);
}

static guint
count (const char *text, const char *part)
{
  guint n = 0;

  for (const char *at = strstr (text, part); at != NULL; at = strstr (at + 1, part))
    n++;
  return n;
}

static void
assert_count (const char *xml, const char *part, guint n)
{
  if (count (xml, part) != n)
    fail_msg ("%u times, not %u: \"%s\" in %s", count (xml, part), n, part, xml);
}

/* What a redefinition with another size makes of it; again, it changes nothing more. (transfer full) */
static char *
redefine (Fixture *fixture)
{
  g_autofree char *first = NULL;
  char *second;

  define (fixture->vms, &bigger);
  first = dump (fixture);
  define (fixture->vms, &bigger);
  second = dump (fixture);
  assert_string_equal (first, second);
  return second;
}

static void
assert_no_problem (Fixture *fixture)
{
  g_autoptr (SclObservation) seen = observe (fixture->vms, NULL);
  const SclObservedVm *vm = _scl_observation_lookup_vm (seen, "demo");

  if (vm->problems->len > 0)
    fail_msg ("%s", (const char *) g_ptr_array_index (vm->problems, 0));
}

static int
set_up_full (void **state)
{
  set_up (state);
  define (((Fixture *) *state)->vms, &full);
  return 0;
}

static int
tear_down_full (void **state)
{
  g_autoptr (virDomain) domain = lookup (*state);

  virDomainUndefine (domain);
  return tear_down (state);
}

/* libvirt wants aliases of people to begin with "ua-", as ours do. */
static void
test_names_like_ours (void **state)
{
  static const char *const kept[] = { "ua-disk-backup", "ua-disk00", "ua-nic-mgmt", "ua-seed2" };
  g_autofree char *xml = NULL;

  replace_all (*state, "</devices>",
               "<disk type='file'><source file='/data/backup.raw'/><target dev='vdx' bus='virtio'/>"
               "<alias name='ua-disk-backup'/></disk>"
               "<disk type='file'><source file='/data/zeros.raw'/><target dev='vdy' bus='virtio'/>"
               "<alias name='ua-disk00'/></disk>"
               "<disk type='file'><source file='/data/seed.raw'/><target dev='vdz' bus='virtio'/>"
               "<alias name='ua-seed2'/></disk>"
               "<interface type='user'><mac address='52:54:00:00:00:09'/><alias name='ua-nic-mgmt'/></interface>"
               "</devices>");
  assert_no_problem (*state);
  xml = redefine (*state);
  for (gsize i = 0; i < G_N_ELEMENTS (kept); i++)
    assert_count (xml, kept[i], 1);
  assert_count (xml, "<memory unit='KiB'>655360", 1);
}

static void
test_lost_alias (void **state, const char *alias, const char *problem)
{
  g_autofree char *before = dump (*state);
  g_autofree char *element = g_strdup_printf ("<alias name='%s'/>", alias);
  g_autofree char *again = NULL;
  g_autofree char *after = NULL;

  replace_all (*state, element, "");
  {
    g_autoptr (SclObservation) seen = observe (((Fixture *) *state)->vms, NULL);
    const SclObservedVm *vm = _scl_observation_lookup_vm (seen, "demo");

    assert_int_equal (vm->problems->len, 1);
    if (strstr (g_ptr_array_index (vm->problems, 0), problem) == NULL)
      fail_msg ("\"%s\" in \"%s\"", problem, (const char *) g_ptr_array_index (vm->problems, 0));
  }
  /* What it was defined with at first: addresses and names of devices are as they were. */
  define (((Fixture *) *state)->vms, &full);
  again = dump (*state);
  assert_string_equal (again, before);
  assert_no_problem (*state);
  replace_all (*state, element, "");
  after = redefine (*state);
  assert_count (after, "<disk ", 2);
  assert_count (after, "<interface ", 1);
}

static void
test_lost_alias_of_disk (void **state)
{
  test_lost_alias (state, "ua-disk0",
                   "disk 0 is /state/volumes/demo.raw without its alias, SCL set /state/volumes/demo.raw");
}

static void
test_lost_alias_of_seed (void **state)
{
  test_lost_alias (state, "ua-seed", "seed disk is /state/vms/demo/seed.iso without its alias");
}

static void
test_lost_alias_of_nic (void **state)
{
  test_lost_alias (state, "ua-nic0", " on sclm-demo-0 without its alias");
}

/* A file that was attached by hand, and is declared now. */
static void
test_attached_then_declared (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclVmSpec) spec = vm_plan_to_spec (&full);
  g_autoptr (SclVmWiring) wiring = vm_plan_to_wiring (&full, PREFIX, "/state");
  g_autoptr (GError) error = NULL;
  g_autofree char *xml = NULL;

  replace_all (fixture, "</devices>",
               "<disk type='file'><source file='/data/more.raw'/><target dev='vdx' bus='virtio'/></disk></devices>");
  g_ptr_array_add (wiring->disk_paths, g_strdup ("/data/more.raw"));
  assert_true (_scl_vm_backend_define (fixture->vms, spec, wiring, NULL, &error));
  xml = dump (fixture);
  assert_count (xml, "<source file='/data/more.raw'/>", 1);
  assert_count (xml, "<alias name='ua-disk1'/>", 1);
}

#define OWN_SERIAL                                                                                  \
  "<log file='/state/vms/demo/console.log' append='on'/>\n"                                         \
  "      <target type='isa-serial' port='%d'"

static void
assert_ports (Fixture *fixture, const char *xml, guint n)
{
  g_autofree char *own = g_strdup_printf (OWN_SERIAL, 0);

  assert_count (xml, own, 1);
  assert_count (xml, "<serial ", n);
  assert_count (xml, "<console ", 1);
  assert_count (xml, "<target type='serial' port='0'/>", 1);
  assert_no_problem (fixture);
}

/* The guest's ttyS0, its log and its console are one. */
static void
test_added_port (void **state)
{
  g_autofree char *xml = NULL;

  replace_all (*state, "</devices>", "<serial type='pty'><target port='1'/></serial></devices>");
  xml = redefine (*state);
  assert_ports (*state, xml, 2);
  assert_count (xml, "<target port='1'", 1);
}

/* Another port is the first one: ours becomes that again, and the other one stays. */
static void
test_moved_port (void **state)
{
  g_autofree char *own = g_strdup_printf (OWN_SERIAL, 0);
  g_autofree char *moved = g_strdup_printf (OWN_SERIAL, 2);
  g_autofree char *xml = NULL;

  replace_all (*state, own, moved);
  replace_all (*state, "<serial type='pty'>\n      <log ",
               "<serial type='tcp'><source mode='bind' host='127.0.0.1' service='1'/><target port='0'/></serial>"
               "<serial type='pty'><target port='1'/></serial><serial type='pty'><log ");
  assert_no_problem (*state);
  xml = redefine (*state);
  assert_ports (*state, xml, 3);
  assert_count (xml, "<serial type='tcp'>", 1);
}

/* What libvirt refuses is as it was, and the error says where to look. */
static void
test_addition_in_the_way (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclVmSpec) spec = vm_plan_to_spec (&full);
  g_autoptr (SclVmWiring) wiring = vm_plan_to_wiring (&full, PREFIX, "/state");
  g_autoptr (GError) error = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  replace_all (fixture, "</devices>", "<input type='tablet' bus='virtio'><alias name='ua-disk1'/></input></devices>");
  before = dump (fixture);
  g_ptr_array_add (wiring->disk_paths, g_strdup ("/data/more.raw"));
  assert_false (_scl_vm_backend_define (fixture->vms, spec, wiring, NULL, &error));
  if (strstr (error->message, "with what was added to it by hand (take that out: virsh edit demo)") == NULL)
    fail_msg ("%s", error->message);
  after = dump (fixture);
  assert_string_equal (after, before);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (test_names_like_ours, set_up_full, tear_down_full),
    cmocka_unit_test_setup_teardown (test_lost_alias_of_disk, set_up_full, tear_down_full),
    cmocka_unit_test_setup_teardown (test_lost_alias_of_seed, set_up_full, tear_down_full),
    cmocka_unit_test_setup_teardown (test_lost_alias_of_nic, set_up_full, tear_down_full),
    cmocka_unit_test_setup_teardown (test_attached_then_declared, set_up_full, tear_down_full),
    cmocka_unit_test_setup_teardown (test_added_port, set_up_full, tear_down_full),
    cmocka_unit_test_setup_teardown (test_moved_port, set_up_full, tear_down_full),
    cmocka_unit_test_setup_teardown (test_addition_in_the_way, set_up_full, tear_down_full),
  };

  return cmocka_run_group_tests_name ("libvirt-vms-edited", tests, NULL, NULL);
}
