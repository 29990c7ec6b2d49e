/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libvirt >= 9.2 stores of the firmware that it chose, with the texts of 11.3. */
#include "backend/vm/scl-domain-firmware-private.h"
#include "vm-fixture.h"
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

static const VmPlan plan = { .name = "demo", .memory_mib = 256 };

typedef struct
{
  char *folder;
  char *loader, *template, *nvram;
} Fixture;

static int
set_up (void **state)
{
  Fixture *fixture = g_new0 (Fixture, 1);

  fixture->folder = g_dir_make_tmp ("scl-firmware-XXXXXX", NULL);
  fixture->loader = g_build_filename (fixture->folder, "CODE.fd", NULL);
  fixture->template = g_build_filename (fixture->folder, "VARS.fd", NULL);
  fixture->nvram = g_build_filename (fixture->folder, "nvram.fd", NULL);
  *state = fixture;
  return fixture->folder != NULL ? 0 : -1;
}

static int
tear_down (void **state)
{
  Fixture *fixture = *state;

  (void) g_unlink (fixture->loader);
  (void) g_unlink (fixture->template);
  (void) g_unlink (fixture->nvram);
  (void) g_rmdir (fixture->folder);
  g_free (fixture->loader);
  g_free (fixture->template);
  g_free (fixture->nvram);
  g_free (fixture->folder);
  g_free (fixture);
  return 0;
}

static void
write_raw (const char *path, gsize size)
{
  g_autofree char *zeros = g_malloc0 (size);

  assert_true (g_file_set_contents (path, zeros, (gssize) size, NULL));
}

/* The head of a qcow2 image: magic, version, backing file, cluster bits, virtual size. */
static void
write_qcow2 (const char *path, guint64 size)
{
  guint8 head[104] = { 'Q', 'F', 'I', 0xfb, 0, 0, 0, 3 };
  guint64 big_endian = GUINT64_TO_BE (size);

  memcpy (head + 24, &big_endian, sizeof big_endian);
  assert_true (g_file_set_contents (path, (const char *) head, sizeof head, NULL));
}

static SclDomainDef *
read_def (const char *xml)
{
  g_autoptr (GError) error = NULL;
  SclDomainDef *def = _scl_domain_def_from_xml (xml, &error);

  assert_null (error);
  return def;
}

static SclDomainDef *
make_def (const SclDomainDef *existing, const char *nvram)
{
  g_autoptr (SclVmSpec) spec = vm_plan_to_spec (&plan);
  g_autoptr (SclVmWiring) wiring = vm_plan_to_wiring (&plan, "scl", "/state");
  g_autoptr (GError) error = NULL;
  SclDomainDef *def;

  g_free (wiring->nvram_path);
  wiring->nvram_path = g_strdup (nvram);
  def = _scl_domain_def_from_spec ("scl", spec, wiring, FALSE, existing, &error);
  assert_null (error);
  return def;
}

/* As 11.3 has it in `virsh dumpxml --inactive`. */
static SclDomainDef *
stored (Fixture *fixture, const char *format)
{
  g_autofree char *xml = g_strdup_printf (
      "<domain type='qemu'><name>demo</name><os firmware='efi'>"
      "<type arch='x86_64' machine='pc-q35-10.0'>hvm</type>"
      "<firmware><feature enabled='no' name='enrolled-keys'/>"
      "<feature enabled='no' name='secure-boot'/></firmware>"
      "<loader readonly='yes' type='pflash' format='%s'>%s</loader>"
      "<nvram template='%s' templateFormat='%s' format='%s'>%s</nvram><boot dev='hd'/></os></domain>",
      format, fixture->loader, fixture->template, format, format, fixture->nvram);

  return read_def (xml);
}

static void
test_stored_choice_is_read (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclDomainDef) def = stored (fixture, "raw");

  assert_int_equal (def->firmware, SCL_FIRMWARE_UEFI);
  assert_string_equal (def->loader, fixture->loader);
  assert_string_equal (def->loader_format, "raw");
  assert_string_equal (def->nvram, fixture->nvram);
  assert_string_equal (def->nvram_format, "raw");
  assert_string_equal (def->nvram_template, fixture->template);
  assert_string_equal (def->nvram_template_format, "raw");
}

static void
test_moved_firmware_is_gone (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclDomainDef) def = stored (fixture, "raw");
  g_autoptr (SclDomainDef) old
      = read_def ("<domain type='qemu'><name>demo</name><os firmware='efi'><type>hvm</type>"
                  "<nvram>/state/nvram.fd</nvram></os></domain>");

  assert_true (_scl_domain_firmware_is_gone (def));
  write_raw (fixture->loader, 16);
  assert_false (_scl_domain_firmware_is_gone (def));
  /* libvirt 9.0 stores nothing. */
  assert_false (_scl_domain_firmware_is_gone (old));
}

/* A redefinition keeps the pair of firmware and NVRAM. */
static void
test_choice_is_kept (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclDomainDef) before = stored (fixture, "qcow2");
  g_autoptr (SclDomainDef) after = make_def (before, fixture->nvram);
  g_autofree char *xml = _scl_domain_def_to_xml (after);
  g_autoptr (SclDomainDef) back = read_def (xml);

  assert_string_equal (back->loader, fixture->loader);
  assert_string_equal (back->loader_format, "qcow2");
  assert_string_equal (back->nvram, fixture->nvram);
  assert_string_equal (back->nvram_format, "qcow2");
  assert_string_equal (back->nvram_template, fixture->template);
  assert_string_equal (back->nvram_template_format, "qcow2");
  assert_string_equal (back->fields, after->fields);
}

/* For another NVRAM it was not chosen. */
static void
test_choice_is_for_one_nvram (void **state)
{
  g_autoptr (SclDomainDef) before = stored (*state, "raw");
  g_autoptr (SclDomainDef) after = make_def (before, "/elsewhere/nvram.fd");

  assert_null (after->loader);
  assert_null (after->nvram_template);
}

static void
test_format_binds_the_next_choice (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclDomainDef) def = stored (fixture, "raw");
  g_autofree char *xml = NULL;
  g_autofree char *nvram
      = g_strdup_printf ("<loader format='qcow2'/><nvram format='qcow2'>%s</nvram>", fixture->nvram);

  _scl_domain_def_choose_firmware (def, "qcow2");
  xml = _scl_domain_def_to_xml (def);
  assert_non_null (strstr (xml, nvram));
  assert_null (strstr (xml, "template"));
  _scl_domain_def_choose_firmware (def, NULL);
  g_free (xml);
  xml = _scl_domain_def_to_xml (def);
  assert_null (strstr (xml, "<loader"));
  assert_null (strstr (xml, "format='"));
}

/* Its first bytes are the guest's to write. */
static void
test_content_says_no_format (void **state)
{
  Fixture *fixture = *state;
  SclNvram nvram = _scl_nvram_measure (fixture->nvram, NULL);

  assert_null (nvram.format);
  write_qcow2 (fixture->nvram, 540672);
  nvram = _scl_nvram_measure (fixture->nvram, NULL);
  assert_string_equal (nvram.format, "raw");
  assert_int_equal (nvram.size, 104);
  assert_string_equal (_scl_nvram_read_format (fixture->nvram), "raw");
  nvram = _scl_nvram_measure (fixture->nvram, "qcow2");
  assert_string_equal (nvram.format, "qcow2");
  assert_int_equal (nvram.size, 540672);
  write_raw (fixture->nvram, 540672);
  nvram = _scl_nvram_measure (fixture->nvram, "raw");
  assert_string_equal (nvram.format, "raw");
  assert_int_equal (nvram.size, 540672);
  /* Not what it should be: of no size that fits. */
  assert_int_equal (_scl_nvram_measure (fixture->nvram, "qcow2").size, 0);
  assert_null (_scl_nvram_measure (fixture->folder, "raw").format);
}

static void
test_format_outlives_the_domain (void **state)
{
  Fixture *fixture = *state;
  char value[16];

  if (geteuid () != 0)
    skip ();
  write_qcow2 (fixture->nvram, 540672);
  _scl_nvram_note_format (fixture->nvram, NULL);
  _scl_nvram_note_format (fixture->nvram, "raw");
  assert_string_equal (_scl_nvram_read_format (fixture->nvram), "raw");
  _scl_nvram_note_format (fixture->nvram, "qcow2");
  if (getxattr (fixture->nvram, "trusted.scl.nvram-format", value, sizeof value) < 0)
    skip (); /* a file system without them */
  assert_string_equal (_scl_nvram_read_format (fixture->nvram), "qcow2");
}

/* The firmware is gone, or refused: what the NVRAM is stays known. */
static void
test_format_outlives_the_loader (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclDomainDef) before = stored (fixture, "qcow2");
  g_autoptr (SclDomainDef) after = NULL;

  _scl_domain_def_forget_loader (before);
  assert_null (before->loader);
  assert_null (before->loader_format);
  assert_string_equal (before->nvram_format, "qcow2");
  after = make_def (before, fixture->nvram);
  assert_string_equal (after->nvram_format, "qcow2");
}

static void
test_wrong_choice_is_seen (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclDomainDef) raw = stored (fixture, "raw");
  g_autoptr (SclDomainDef) qcow2 = stored (fixture, "qcow2");
  g_autoptr (GError) error = NULL;
  SclNvram nvram;

  write_raw (fixture->nvram, 540672);
  write_raw (fixture->template, 540672);
  nvram = _scl_nvram_measure (fixture->nvram, "raw");
  assert_true (_scl_domain_firmware_fits (raw, &nvram));
  assert_false (_scl_domain_firmware_fits (qcow2, &nvram));
  /* The firmware of 2 MiB has a smaller one. */
  write_raw (fixture->template, 131072);
  assert_false (_scl_domain_firmware_fits (raw, &nvram));
  raw->vm_name = g_strdup ("demo");
  assert_false (_scl_domain_firmware_throw (raw, &nvram, &error));
  assert_true (g_error_matches (error, SCL_ERROR, SCL_ERROR_UNSUPPORTED));
  assert_non_null (strstr (error->message, "VM \"demo\""));
  assert_non_null (strstr (error->message, fixture->nvram));
  assert_non_null (strstr (error->message, "raw, 540672 bytes"));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (test_stored_choice_is_read, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_moved_firmware_is_gone, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_choice_is_kept, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_choice_is_for_one_nvram, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_format_binds_the_next_choice, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_content_says_no_format, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_format_outlives_the_domain, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_format_outlives_the_loader, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_wrong_choice_is_seen, set_up, tear_down),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
