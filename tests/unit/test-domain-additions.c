/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a redefinition keeps of a domain. */

#include "backend/vm/scl-domain-own-private.h"
#include "backend/vm/scl-virt-error-private.h"
#include "backend/vm/scl-virt-event-private.h"
#include "vm-fixture.h"
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* As libvirt writes what was added to a domain with one NIC and one disk. */
#define DEVICES                                                                                    \
  "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/data/more.qcow2'/>" \
  "<target dev='vdb' bus='virtio'/><boot order='1'/>"                                              \
  "<address type='pci' domain='0x0000' bus='0x03' slot='0x00' function='0x0'/></disk>"             \
  "<interface type='network'><mac address='52:54:00:00:00:01'/><source network='other'/>"          \
  "<model type='virtio'/></interface>"                                                             \
  "<controller type='usb' index='0' model='qemu-xhci'/>"                                           \
  "<controller type='pci' index='4' model='pcie-to-pci-bridge'/>"                                  \
  "<input type='tablet' bus='usb'/><input type='mouse' bus='ps2'/><audio id='1' type='none'/>"     \
  "<graphics type='vnc' port='-1' autoport='yes' passwd='secret'/>"                                \
  "<video><model type='virtio' heads='1' primary='yes'/></video>"                                  \
  "<hostdev mode='subsystem' type='usb' managed='no'><source><vendor id='0x1234'/>"                \
  "<product id='0xbeef'/></source></hostdev><watchdog model='itco' action='reset'/>"
#define ELEMENTS                                                                                   \
  "<cputune><shares>512</shares></cputune><qemu:commandline><qemu:arg value='-nodefaults'/></qemu:commandline>"
#define METADATA "<other:note xmlns:other='urn:other'>kept</other:note>"

static const VmPlan plan = { .name = "demo", .n_nics = 1 };

static SclDomainDef *
make_def (const VmPlan *of, const SclDomainDef *existing)
{
  g_autoptr (SclVmSpec) spec = vm_plan_to_spec (of);
  g_autoptr (SclVmWiring) wiring = vm_plan_to_wiring (of, "scl", "/state");
  SclDomainDef *def = _scl_domain_def_from_spec ("scl", spec, wiring, FALSE, existing, NULL);

  assert_non_null (def);
  return def;
}

static char *
insert (const char *xml, const char *before, const char *text)
{
  const char *at = strstr (xml, before);

  assert_non_null (at);
  return g_strdup_printf ("%.*s%s%s", (int) (at - xml), xml, text, at);
}

/* A domain of ours that somebody has worked on. */
static char *
edited_xml (void)
{
  g_autoptr (SclDomainDef) def = make_def (&plan, NULL);
  g_autofree char *xml = _scl_domain_def_to_xml (def);
  g_autofree char *devices = insert (xml, "</devices>", DEVICES);
  g_autofree char *elements = insert (devices, "</domain>", ELEMENTS);
  g_autofree char *metadata = insert (elements, "</metadata>", METADATA);
  g_auto (GStrv) parts = g_strsplit (metadata, "<domain type='qemu'>", 2);

  return g_strconcat ("<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>", parts[1], NULL);
}

/* Of a domain that nobody has taken an alias from. */
static SclDomainAdditions *
read_additions (const char *xml, GError **error)
{
  g_autoptr (SclDomainDef) def = _scl_domain_def_from_xml (xml, NULL);
  g_autoptr (GHashTable) names = def != NULL ? _scl_domain_own_names (def, NULL)
                                             : g_hash_table_new (g_str_hash, g_str_equal);

  return _scl_domain_additions_new (xml, names, error);
}

static SclDomainDef *
existing_def (void)
{
  g_autofree char *xml = edited_xml ();
  SclDomainDef *def = _scl_domain_def_from_xml (xml, NULL);

  assert_non_null (def);
  def->additions = read_additions (xml, NULL);
  assert_non_null (def->additions);
  return def;
}

static void
assert_once (const char *text, const char *part)
{
  const char *at = strstr (text, part);

  if (at == NULL || strstr (at + 1, part) != NULL)
    fail_msg ("%s \"%s\" in %s", at == NULL ? "no" : "more than one", part, text);
}

static void
test_kept (void **state)
{
  static const char *const kept[] = {
    "/data/more.qcow2", "<source network=\"other\"/>", "model=\"qemu-xhci\"", "pcie-to-pci-bridge", "type=\"tablet\"",
    "passwd=\"secret\"", "<video>", "0xbeef", "<shares>512</shares>", "<qemu:arg value=\"-nodefaults\"/>",
    "xmlns:qemu=\"http://libvirt.org/schemas/domain/qemu/1.0\"", ">kept</other:note>", "org.qemu.guest_agent.0",
    "/dev/urandom", "<boot order=",
  };
  const VmPlan more = { .name = "demo", .n_nics = 1, .cores = 4 };
  g_autoptr (SclDomainDef) existing = existing_def ();
  g_autoptr (SclDomainDef) def = make_def (&more, existing);
  g_autofree char *xml = _scl_domain_def_to_xml (def);

  for (gsize i = 0; i < G_N_ELEMENTS (kept); i++)
    assert_once (xml, kept[i]);
  assert_null (strstr (xml, "ps2"));
  assert_null (strstr (xml, "itco"));
  assert_null (strstr (xml, "model='none'"));
  assert_null (strstr (xml, "index='4' model='pcie-root-port'"));
}

/* A second redefinition finds what the first one wrote. */
static void
test_kept_again (void **state)
{
  g_autoptr (SclDomainDef) existing = existing_def ();
  g_autoptr (SclDomainDef) def = make_def (&plan, existing);
  g_autofree char *xml = _scl_domain_def_to_xml (def);
  g_autoptr (SclDomainAdditions) again = read_additions (xml, NULL);

  assert_string_equal (again->devices->str, existing->additions->devices->str);
  assert_string_equal (again->elements->str, existing->additions->elements->str);
  assert_string_equal (again->metadata->str, existing->additions->metadata->str);
}

/* Names and ports that are taken are nobody else's. */
static void
test_places (void **state)
{
  const VmPlan more = { .name = "demo", .n_nics = 2, .seed = TRUE };
  g_autoptr (SclDomainDef) existing = existing_def ();
  g_autoptr (SclDomainDef) def = make_def (&more, existing);
  const SclDomainDisk *disk = g_ptr_array_index (def->disks, 0);
  const SclDomainNic *nic = g_ptr_array_index (def->nics, 1);

  assert_string_equal (def->seed->target, "vdc");
  assert_int_equal (disk->bus, 2);
  assert_int_equal (nic->bus, 5);
  assert_int_equal (def->seed->bus, 6);
}

/* Of a definition that only SCL and libvirt have written nothing is an addition. */
static void
test_none (void **state)
{
  const VmPlan full = { .name = "demo", .n_nics = 2, .seed = TRUE };
  g_autoptr (SclDomainDef) def = make_def (&full, NULL);
  g_autofree char *xml = _scl_domain_def_to_xml (def);
  virConnectPtr handle = virConnectOpen ("test:///default");
  virDomainPtr domain = virDomainDefineXML (handle, xml);
  char *text = virDomainGetXMLDesc (domain, VIR_DOMAIN_XML_INACTIVE);
  g_autoptr (SclDomainAdditions) additions = read_additions (text, NULL);

  assert_string_equal (additions->devices->str, "");
  assert_string_equal (additions->elements->str, "");
  assert_string_equal (additions->metadata->str, "");
  free (text);
  virDomainUndefine (domain);
  virDomainFree (domain);
  virConnectClose (handle);
}

static void
test_no_xml (void **state)
{
  g_autoptr (GError) error = NULL;

  assert_null (read_additions ("<domain", &error));
  assert_non_null (error);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_kept), cmocka_unit_test (test_kept_again), cmocka_unit_test (test_places),
    cmocka_unit_test (test_none), cmocka_unit_test (test_no_xml),
  };

  _scl_virt_error_silence ();
  _scl_virt_event_register ();
  return cmocka_run_group_tests_name ("domain-additions", tests, NULL, NULL);
}
