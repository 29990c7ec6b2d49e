/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Firmware that an update moves, and that fits an NVRAM or does not. The host's firmware is a copy,
 * seen by this process only. libvirt >= 9.2 stores what it chose, older ones choose at each start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "vm-guest-look.h"

#define IMAGES "/usr/share/OVMF"
#define DESCRIPTORS "/usr/share/qemu/firmware"
#define STORES_FIRMWARE 9002000

static const VmPlan plan = { .name = "uefi", .memory_mib = 256 };

static void
shell (const char *script)
{
  const char *const argv[] = { "sh", "-ec", script, NULL };

  g_free (guest_run (argv, 60));
}

/* Copies PLACE, links followed, and shows the copy in its place. */
static void
show_copy (const char *folder, const char *name, const char *place)
{
  g_autofree char *copy = g_build_filename (folder, name, NULL);
  g_autofree char *script = g_strdup_printf ("cp -rL %s %s", place, copy);

  shell (script);
  assert_int_equal (mount (copy, place, "", MS_BIND, NULL), 0);
}

static int
set_up_group (void **state)
{
  g_autoptr (GError) error = NULL;
  GuestHost *host = guest_host_new ();

  assert_int_equal (unshare (CLONE_NEWNS), 0);
  assert_int_equal (mount ("", "/", "", MS_REC | MS_PRIVATE, NULL), 0);
  show_copy (host->state_dir, "images", IMAGES);
  show_copy (host->state_dir, "descriptors", DESCRIPTORS);
  host->uri = g_strdup ("qemu:///embed");
  host->vms = _scl_libvirt_vms_new (host->uri, GUEST_PREFIX, host->state_dir, NULL, &error);
  if (host->vms == NULL)
    fail_msg ("%s", error->message);
  guest_install (host, plan.name, FALSE);
  *state = host;
  return 0;
}

static int
tear_down_group (void **state)
{
  GuestHost *host = *state;

  guest_remove_all (host);
  (void) umount (IMAGES);
  (void) umount (DESCRIPTORS);
  guest_host_free (host);
  return 0;
}

static gboolean
is_stored (void)
{
  unsigned long version = 0;

  assert_int_equal (virGetVersion (&version, NULL, NULL), 0);
  return version >= STORES_FIRMWARE;
}

static ino_t
nvram_inode (GuestHost *host)
{
  g_autofree char *path = g_build_filename (host->state_dir, "vms/uefi/VARS.fd", NULL);
  struct stat st;

  assert_int_equal (stat (path, &st), 0);
  return st.st_ino;
}

/* A line of the stored definition. */
static char *
stored (GuestHost *host, const char *marker)
{
  const char *const markers[] = { marker, NULL };
  g_autofree char *xml = domain_xml (host, plan.name, VIR_DOMAIN_XML_INACTIVE);

  return grep (xml, markers);
}

static void
run_once (GuestHost *host)
{
  guest_start (host, plan.name);
  guest_stop (host, plan.name, 0, SCL_STOPPED_BY_USER);
}

static void
expect_problem (GuestHost *host, gboolean expected)
{
  g_autoptr (SclObservation) seen = guest_observe (host);
  GPtrArray *problems = look (seen, plan.name)->problems;

  assert_int_equal (problems->len, expected ? 1 : 0);
  if (expected)
    assert_non_null (strstr (problems->pdata[0], "is gone: it is taken anew at its next start"));
}

static void
test_moved_firmware (void **state)
{
  GuestHost *host = *state;
  g_autofree char *uuid = NULL;
  g_autofree char *machine = NULL;
  g_autofree char *ports = NULL;
  ino_t nvram;

  define_guest (host, &plan);
  run_once (host);
  nvram = nvram_inode (host);
  uuid = stored (host, "<uuid>");
  machine = stored (host, "machine=");
  ports = stored (host, "<address type='pci'");
  expect_problem (host, FALSE);
  /* What a package update does that renames an image. */
  shell ("cd " IMAGES "; mv OVMF_CODE_4M.fd MOVED_CODE_4M.fd;"
         "sed -i s,OVMF/OVMF_CODE_4M.fd,OVMF/MOVED_CODE_4M.fd, " DESCRIPTORS "/*.json");
  expect_problem (host, is_stored ());
  run_once (host);
  expect_problem (host, FALSE);
  assert_int_equal (nvram_inode (host), nvram);
  {
    g_autofree char *uuid_now = stored (host, "<uuid>");
    g_autofree char *machine_now = stored (host, "machine=");
    g_autofree char *ports_now = stored (host, "<address type='pci'");

    assert_string_equal (uuid_now, uuid);
    assert_string_equal (machine_now, machine);
    assert_string_equal (ports_now, ports);
  }
}

/* Firmware of another format that libvirt likes better does not get the NVRAM of this one. */
static void
test_preferred_format (void **state)
{
  GuestHost *host = *state;
  VmPlan bigger = plan;
  ino_t nvram = nvram_inode (host);

  if (!is_stored ())
    skip_because ("this libvirt takes the first descriptor that fits otherwise, and then refuses its format");
  shell ("cd " IMAGES "; for kind in CODE VARS; do"
         "  qemu-img convert -O qcow2 $(ls | grep -x -e MOVED_${kind}_4M.fd -e OVMF_${kind}_4M.fd) $kind.qcow2;"
         " done;"
         "sed -e 's,OVMF/MOVED_CODE_4M.fd,OVMF/CODE.qcow2,; s,OVMF/OVMF_VARS_4M.fd,OVMF/VARS.qcow2,;"
         " s,\"raw\",\"qcow2\",' " DESCRIPTORS "/60-edk2-x86_64.json > " DESCRIPTORS "/30-qcow2.json");
  bigger.memory_mib = 270;
  define_guest (host, &bigger);
  run_once (host);
  /* Chosen anew, too. */
  shell ("cd " IMAGES "; mv MOVED_CODE_4M.fd AGAIN_CODE_4M.fd;"
         "sed -i s,OVMF/MOVED_CODE_4M.fd,OVMF/AGAIN_CODE_4M.fd, " DESCRIPTORS "/*.json");
  run_once (host);
  assert_int_equal (nvram_inode (host), nvram);
}

static void
test_nothing_fits (void **state)
{
  GuestHost *host = *state;
  ino_t nvram = nvram_inode (host);
  g_autoptr (GError) error = NULL;

  if (!is_stored ())
    skip_because ("this libvirt does not store the firmware that it chose");
  shell ("cd " DESCRIPTORS "; find . -name '*.json' ! -name 30-qcow2.json -delete; rm " IMAGES
         "/AGAIN_CODE_4M.fd");
  assert_false (_scl_vm_backend_start (host->vms, plan.name, NULL, &error));
  assert_non_null (strstr (error->message, "VM \"uefi\": no UEFI firmware"));
  assert_non_null (strstr (error->message, "vms/uefi/VARS.fd (raw, "));
  assert_int_equal (nvram_inode (host), nvram);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_moved_firmware),
    cmocka_unit_test (test_preferred_format),
    cmocka_unit_test (test_nothing_fits),
  };

  if (geteuid () != 0)
    return skip_program ("root");
  guest_show_kvm ();
  cmocka_set_test_filter (g_getenv ("SCL_TEST_FILTER"));
  return cmocka_run_group_tests (tests, set_up_group, tear_down_group);
}
