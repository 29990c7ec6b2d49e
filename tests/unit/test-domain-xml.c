/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-domain-def-private.h"
#include "backend/vm/scl-virt-error-private.h"
#include "backend/vm/scl-virt-event-private.h"
#include "model/scl-vm-spec-private.h"
#include "vm-fixture.h"
#include <libvirt/virterror.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const VmPlan plans[] = {
  { .name = "demo", .cores = 2, .memory_mib = 2048, .n_nics = 1, .seed = TRUE },
  { .name = "bios", .firmware = SCL_FIRMWARE_BIOS },
  { .name = "kvm", .accelerator = SCL_ACCELERATOR_KVM, .n_nics = 3 },
};

static SclDomainDef *
make_def (const VmPlan *plan, const SclDomainDef *existing)
{
  g_autoptr (SclVmSpec) spec = vm_plan_to_spec (plan);
  g_autoptr (SclVmWiring) wiring = vm_plan_to_wiring (plan, "scl", "/state");
  g_autoptr (GError) error = NULL;
  SclDomainDef *def = _scl_domain_def_from_spec (
      "scl", spec, wiring, plan->accelerator == SCL_ACCELERATOR_KVM, existing, &error);

  assert_null (error);
  assert_non_null (def);
  return def;
}

static SclDomainDef *
read_def (const char *xml)
{
  g_autoptr (GError) error = NULL;
  SclDomainDef *def = _scl_domain_def_from_xml (xml, &error);

  assert_null (error);
  assert_non_null (def);
  return def;
}

/* SCL_TEST_UPDATE=1 writes the files anew: read the difference before it is committed. */
static void
test_golden (void **state)
{
  for (gsize i = 0; i < G_N_ELEMENTS (plans); i++)
    {
      g_autoptr (SclDomainDef) def = make_def (&plans[i], NULL);
      g_autofree char *xml = _scl_domain_def_to_xml (def);
      g_autofree char *path = g_strdup_printf (SCL_TEST_DATA "/%s.xml", plans[i].name);
      g_autofree char *golden = NULL;

      if (g_getenv ("SCL_TEST_UPDATE") != NULL)
        assert_true (g_file_set_contents (path, xml, -1, NULL));
      assert_true (g_file_get_contents (path, &golden, NULL, NULL));
      assert_string_equal (xml, golden);
    }
}

static void
test_round_trip (void **state)
{
  for (gsize i = 0; i < G_N_ELEMENTS (plans); i++)
    {
      g_autoptr (SclDomainDef) def = make_def (&plans[i], NULL);
      g_autofree char *xml = _scl_domain_def_to_xml (def);
      g_autoptr (SclDomainDef) back = read_def (xml);
      g_autoptr (GPtrArray) changes = _scl_domain_def_list_changes (back);
      g_autofree char *again = _scl_domain_def_to_xml (back);

      assert_int_equal (changes->len, 0);
      assert_string_equal (xml, again);
      assert_true (_scl_domain_def_is_ours (back, "scl"));
      assert_false (_scl_domain_def_is_ours (back, "other"));
    }
}

static void
test_spec_comes_back (void **state)
{
  g_autoptr (SclVmSpec) spec = vm_plan_to_spec (&plans[0]);
  g_autoptr (SclDomainDef) def = make_def (&plans[0], NULL);
  g_autofree char *xml = _scl_domain_def_to_xml (def);
  g_autoptr (SclDomainDef) back = read_def (xml);
  g_autoptr (SclVmSpec) found = _scl_vm_spec_from_text (back->spec_text, NULL);

  assert_non_null (found);
  assert_true (scl_vm_spec_equal (spec, found));
}

static char *
replace (const char *text, const char *from, const char *to)
{
  g_auto (GStrv) parts = g_strsplit (text, from, -1);

  return g_strjoinv (to, parts);
}

static void
check_same (const char *a, const char *b)
{
  g_autoptr (SclDomainDef) one = read_def (a);
  g_autoptr (SclDomainDef) other = read_def (b);
  g_autofree char *one_text = _scl_domain_def_to_xml (one);
  g_autofree char *other_text = _scl_domain_def_to_xml (other);

  assert_string_equal (one_text, other_text);
  assert_int_equal (one->ports, other->ports);
}

/* Devices that nobody reads are left out by how libvirt lays out its text: nothing may depend on that. */
static void
check_layout_is_nothing (const char *text)
{
  g_autofree char *flat = replace (text, "\n  <devices>", " <devices>");
  g_autofree char *decoy = replace (text, "<metadata>",
                                    "<metadata><!--\n  <devices>\n    <rng>\n-->");
  g_autofree char *odd = replace (text, "\n    <controller", "<rng model='virtio'/>\n    <controller");

  assert_string_not_equal (flat, text);
  assert_string_not_equal (decoy, text);
  assert_string_not_equal (odd, text);
  check_same (text, flat);
  check_same (text, decoy);
  check_same (text, odd);
}

/* libvirt's own schema and parser must take what we write. */
static void
test_libvirt_accepts (void **state)
{
  virConnectPtr handle;

  _scl_virt_error_silence ();
  _scl_virt_event_register ();
  handle = virConnectOpen ("test:///default");
  assert_non_null (handle);
  for (gsize i = 0; i < G_N_ELEMENTS (plans); i++)
    {
      g_autoptr (SclDomainDef) def = make_def (&plans[i], NULL);
      g_autoptr (SclDomainDef) back = NULL;
      g_autoptr (GPtrArray) changes = NULL;
      g_autofree char *xml = _scl_domain_def_to_xml (def);
      virDomainPtr domain = virDomainDefineXMLFlags (handle, xml, VIR_DOMAIN_DEFINE_VALIDATE);
      char *text;

      if (domain == NULL)
        fail_msg ("%s: %s", plans[i].name, virGetLastErrorMessage ());
      text = virDomainGetXMLDesc (domain, VIR_DOMAIN_XML_INACTIVE);
      back = read_def (text);
      changes = _scl_domain_def_list_changes (back);
      if (changes->len > 0)
        fail_msg ("%s", (char *) g_ptr_array_index (changes, 0));
      assert_string_equal (back->spec_text, def->spec_text);
      assert_int_equal (back->ports, def->ports);
      check_layout_is_nothing (text);
      free (text);
      virDomainUndefine (domain);
      virDomainFree (domain);
    }
  virConnectClose (handle);
}

static void
test_text_is_escaped (void **state)
{
  static const char evil[] = "/a'/><disk type='block'>\"&<]]>&#0;";
  g_autoptr (SclVmSpec) spec = vm_plan_to_spec (&plans[0]);
  g_autoptr (SclVmWiring) wiring = vm_plan_to_wiring (&plans[0], "scl", "/state");
  g_autoptr (SclDomainDef) def = NULL;
  g_autoptr (SclDomainDef) back = NULL;
  g_autofree char *xml = NULL;

  g_ptr_array_set_size (wiring->disk_paths, 0);
  g_ptr_array_add (wiring->disk_paths, g_strdup (evil));
  g_free (wiring->log_path);
  wiring->log_path = g_strdup (evil);
  def = _scl_domain_def_from_spec ("scl", spec, wiring, FALSE, NULL, NULL);
  assert_non_null (def);
  xml = _scl_domain_def_to_xml (def);
  back = read_def (xml);
  assert_int_equal (back->disks->len, 1);
  assert_string_equal (((SclDomainDisk *) g_ptr_array_index (back->disks, 0))->path, evil);
  assert_string_equal (back->log, evil);
}

static void
test_unwritable_text_is_refused (void **state)
{
  static const char *const bad[] = { "/a\nb", "/a\001b", "/a\177b", "/\xff", "/a\tb" };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (SclVmSpec) spec = vm_plan_to_spec (&plans[0]);
      g_autoptr (SclVmWiring) wiring = vm_plan_to_wiring (&plans[0], "scl", "/state");
      g_autoptr (SclDomainDef) def = NULL;
      g_autoptr (GError) error = NULL;

      g_ptr_array_set_size (wiring->disk_paths, 0);
      g_ptr_array_add (wiring->disk_paths, g_strdup (bad[i]));
      def = _scl_domain_def_from_spec ("scl", spec, wiring, FALSE, NULL, &error);
      assert_null (def);
      assert_true (g_error_matches (error, SCL_ERROR, SCL_ERROR_INVALID));
      assert_non_null (strstr (error->message, "demo"));
    }
}

static guint
nic_bus (const SclDomainDef *def, guint index)
{
  return ((SclDomainNic *) g_ptr_array_index (def->nics, index))->bus;
}

static guint
disk_bus (const SclDomainDef *def)
{
  return ((SclDomainDisk *) g_ptr_array_index (def->disks, 0))->bus;
}

static void
test_first_addresses (void **state)
{
  g_autoptr (SclDomainDef) def = make_def (&plans[2], NULL);

  for (guint i = 0; i < 3; i++)
    assert_int_equal (nic_bus (def, i), i + 1);
  assert_int_equal (disk_bus (def), 4);
  assert_true (def->ports >= 4 + SCL_DOMAIN_SPARE_PORTS);
}

static void
test_identity_is_kept (void **state)
{
  VmPlan plan = { .name = "demo", .n_nics = 1 };
  g_autoptr (SclDomainDef) first = make_def (&plan, NULL);
  g_autoptr (SclDomainDef) second = NULL;

  first->uuid = g_strdup ("11111111-2222-4333-8444-555555555555");
  g_free (first->machine);
  first->machine = g_strdup ("pc-q35-7.2");
  first->mark = SCL_DOMAIN_MARK_USER;
  plan.n_nics = 2;
  plan.seed = TRUE;
  second = make_def (&plan, first);
  assert_string_equal (second->uuid, first->uuid);
  assert_string_equal (second->machine, "pc-q35-7.2");
  assert_int_equal (second->mark, SCL_DOMAIN_MARK_USER);
  assert_int_equal (nic_bus (second, 0), 1);
  assert_int_equal (disk_bus (second), 2);
  assert_int_equal (nic_bus (second, 1), 3);
  assert_int_equal (second->seed->bus, 4);
  assert_string_equal (second->seed->target, "vdb");
  assert_true (second->ports >= 4 + SCL_DOMAIN_SPARE_PORTS);
}

static void
test_foreign_machine_is_replaced (void **state)
{
  g_autoptr (SclDomainDef) old = _scl_domain_def_new ();
  g_autoptr (SclDomainDef) def = NULL;

  old->machine = g_strdup ("pc-i440fx-7.2");
  def = make_def (&plans[0], old);
  assert_string_equal (def->machine, "q35");
}

typedef struct
{
  const char *from, *to, *sentence;
} Edit;

static void
test_edits_are_seen (void **state)
{
  static const Edit edits[] = {
    { "<vcpu placement='static'>2", "<vcpu placement='static'>4", "cores is 4, SCL set 2" },
    { "'KiB'>2097152", "'KiB'>1048576", "memory is 1048576 KiB, SCL set 2097152 KiB" },
    { "<source file='/state/volumes/demo.raw'/>", "<source file='/etc/shadow'/>",
      "disk 0 is /etc/shadow, SCL set /state/volumes/demo.raw" },
    { "<os firmware='efi'>", "<os>", "firmware is bios, SCL set uefi" },
    { "managed='no'", "managed='yes'", "NIC 0 is" },
    { "ua-seed", "ua-other", "seed disk is /state/vms/demo/seed.iso without its alias, SCL set /state/vms/demo/seed.iso" },
    { "<domain type='qemu'>", "<domain type='kvm'>", "accelerator is kvm, SCL set tcg" },
    { "<on_poweroff>destroy", "<on_poweroff>restart", "on_poweroff is restart, SCL set destroy" },
    { "<on_reboot>restart", "<on_reboot>destroy", "on_reboot is destroy, SCL set restart" },
    { "<on_crash>destroy", "<on_crash>preserve", "on_crash is preserve, SCL set destroy" },
  };
  g_autoptr (SclDomainDef) def = make_def (&plans[0], NULL);
  g_autofree char *xml = _scl_domain_def_to_xml (def);

  for (gsize i = 0; i < G_N_ELEMENTS (edits); i++)
    {
      g_auto (GStrv) parts = g_strsplit (xml, edits[i].from, 2);
      g_autofree char *edited = g_strjoinv (edits[i].to, parts);
      g_autoptr (SclDomainDef) back = read_def (edited);
      g_autoptr (GPtrArray) changes = _scl_domain_def_list_changes (back);

      assert_int_equal (g_strv_length (parts), 2);
      assert_true (changes->len >= 1);
      assert_non_null (strstr (g_ptr_array_index (changes, 0), edits[i].sentence));
    }
}

static void
test_foreign_devices_are_left_alone (void **state)
{
  static const char extra[] = "<disk type='block' device='disk'><source dev='/dev/sdx'/>"
                              "<target dev='sda' bus='sata'/></disk>"
                              "<interface type='network'><source network='default'/></interface>";
  g_autoptr (SclDomainDef) def = make_def (&plans[0], NULL);
  g_autofree char *xml = _scl_domain_def_to_xml (def);
  g_auto (GStrv) parts = g_strsplit (xml, "</devices>", 2);
  g_autofree char *edited = g_strconcat (parts[0], extra, "</devices>", parts[1], NULL);
  g_autoptr (SclDomainDef) back = read_def (edited);
  g_autoptr (GPtrArray) changes = _scl_domain_def_list_changes (back);

  assert_int_equal (changes->len, 0);
}

static void
test_renamed_or_unmarked_is_not_ours (void **state)
{
  g_autoptr (SclDomainDef) def = make_def (&plans[0], NULL);
  g_autofree char *xml = _scl_domain_def_to_xml (def);
  g_auto (GStrv) parts = g_strsplit (xml, "<name>demo</name>", 2);
  g_autofree char *renamed = g_strjoinv ("<name>clone</name>", parts);
  g_autoptr (SclDomainDef) clone = read_def (renamed);
  g_autoptr (SclDomainDef) bare = read_def ("<domain type='qemu'><name>demo</name></domain>");
  g_autoptr (SclDomainDef) other_namespace
      = read_def ("<domain><name>demo</name><metadata><vm xmlns='urn:other' instance='scl' "
                  "name='demo'/></metadata></domain>");

  assert_false (_scl_domain_def_is_ours (clone, "scl"));
  assert_false (_scl_domain_def_is_ours (bare, "scl"));
  assert_false (_scl_domain_def_is_ours (other_namespace, "scl"));
}

static void
test_broken_xml_is_an_error (void **state)
{
  static const char *const broken[] = { "", "<", "<domain>", "<network/>", "text" };

  for (gsize i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_autoptr (GError) error = NULL;

      assert_null (_scl_domain_def_from_xml (broken[i], &error));
      assert_non_null (error);
    }
}

static void
test_odd_xml_is_read (void **state)
{
  g_autoptr (SclDomainDef) def = read_def (
      "<domain><name>a</name><memory unit='GiB'>1</memory><vcpu>x</vcpu><devices>"
      "<disk><alias name='ua-disk999999'/></disk><disk><alias name='ua-disk1'/></disk>"
      "<disk><alias name='ua-disk1'/></disk><interface><alias name='ua-nic-1'/></interface>"
      "<interface type='bridge'><alias name='ua-nic2'/></interface></devices></domain>");
  g_autofree char *fields = _scl_domain_def_format_fields (def);

  assert_int_equal (def->memory_kib, 1048576);
  assert_int_equal (def->disks->len, 2);
  assert_int_equal (def->nics->len, 3);
  assert_non_null (strstr (fields, "disk 0=(none)"));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_golden),
    cmocka_unit_test (test_round_trip),
    cmocka_unit_test (test_spec_comes_back),
    cmocka_unit_test (test_libvirt_accepts),
    cmocka_unit_test (test_text_is_escaped),
    cmocka_unit_test (test_unwritable_text_is_refused),
    cmocka_unit_test (test_first_addresses),
    cmocka_unit_test (test_identity_is_kept),
    cmocka_unit_test (test_foreign_machine_is_replaced),
    cmocka_unit_test (test_edits_are_seen),
    cmocka_unit_test (test_foreign_devices_are_left_alone),
    cmocka_unit_test (test_renamed_or_unmarked_is_not_ours),
    cmocka_unit_test (test_broken_xml_is_an_error),
    cmocka_unit_test (test_odd_xml_is_read),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
