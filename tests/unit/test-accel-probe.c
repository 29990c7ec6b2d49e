/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-accel-probe-private.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct
{
  char *folder;
  char *cache;
} Fixture;

static int
set_up (void **state)
{
  Fixture *fixture = g_new0 (Fixture, 1);

  fixture->folder = g_dir_make_tmp ("scl-accel-XXXXXX", NULL);
  fixture->cache = g_build_filename (fixture->folder, "accelerator", NULL);
  *state = fixture;
  return fixture->folder != NULL ? 0 : -1;
}

static int
tear_down (void **state)
{
  Fixture *fixture = *state;

  (void) g_unlink (fixture->cache);
  (void) g_rmdir (fixture->folder);
  g_free (fixture->cache);
  g_free (fixture->folder);
  g_free (fixture);
  return 0;
}

static void
write_cache (Fixture *fixture, const char *boot_id, const char *rest)
{
  g_autofree char *text = g_strconcat (boot_id, "\n", rest, NULL);

  assert_true (g_file_set_contents (fixture->cache, text, -1, NULL));
}

static char *
read_boot_id (void)
{
  char *id = NULL;

  assert_true (g_file_get_contents ("/proc/sys/kernel/random/boot_id", &id, NULL, NULL));
  return g_strchomp (id);
}

static void
test_missing_emulator_is_no_kvm (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclAccelProbe) probe
      = _scl_accel_probe_new (fixture->folder, "/nonexistent/qemu", NULL);
  g_autofree char *id = read_boot_id ();
  g_autofree char *cache = NULL;

  assert_non_null (probe);
  assert_false (probe->kvm);
  assert_non_null (probe->reason);
  assert_true (g_file_get_contents (fixture->cache, &cache, NULL, NULL));
  assert_true (g_str_has_prefix (cache, id));
}

static void
test_cache_of_this_boot_is_used (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *id = read_boot_id ();
  g_autoptr (SclAccelProbe) yes = NULL;
  g_autoptr (SclAccelProbe) no = NULL;

  write_cache (fixture, id, "kvm\n\n");
  yes = _scl_accel_probe_new (fixture->folder, "/nonexistent/qemu", NULL);
  assert_true (yes->kvm);
  write_cache (fixture, id, "tcg\nit hung\n");
  no = _scl_accel_probe_new (fixture->folder, "/nonexistent/qemu", NULL);
  assert_false (no->kvm);
  assert_string_equal (no->reason, "it hung");
}

static void
age_cache (Fixture *fixture, gint64 seconds)
{
  const gint64 then = g_get_real_time () / G_USEC_PER_SEC - seconds;
  const struct timespec times[] = { { .tv_sec = then }, { .tv_sec = then } };

  assert_int_equal (utimensat (AT_FDCWD, fixture->cache, times, 0), 0);
}

/* A host that was slow when it had just booted: only a "yes" is for the whole boot. */
static void
test_no_is_asked_again (void **state)
{
  Fixture *fixture = *state;
  g_autofree char *id = read_boot_id ();
  g_autoptr (SclAccelProbe) yes = NULL;
  g_autoptr (SclAccelProbe) old = NULL;
  g_autoptr (SclAccelProbe) no = NULL;

  assert_null (_scl_accel_probe_peek (fixture->folder));
  write_cache (fixture, id, "kvm\n\n");
  age_cache (fixture, 7 * 24 * 3600);
  yes = _scl_accel_probe_new (fixture->folder, "/nonexistent/qemu", NULL);
  assert_true (yes->kvm);
  write_cache (fixture, id, "tcg\nit hung\n");
  age_cache (fixture, 3600);
  /* Whoever only looks is told what there is. */
  old = _scl_accel_probe_peek (fixture->folder);
  assert_string_equal (old->reason, "it hung");
  no = _scl_accel_probe_new (fixture->folder, "/nonexistent/qemu", NULL);
  assert_false (no->kvm);
  assert_string_not_equal (no->reason, "it hung");
  /* A process that lives long asks again, too. */
  assert_false (_scl_accel_probe_is_old (no));
  no->asked -= G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC;
  assert_true (_scl_accel_probe_is_old (no));
  yes->asked -= G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC;
  assert_false (_scl_accel_probe_is_old (yes));
}

static void
test_cache_of_another_boot_is_not (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclAccelProbe) probe = NULL;

  write_cache (fixture, "11111111-2222-3333-4444-555555555555", "kvm\n\n");
  probe = _scl_accel_probe_new (fixture->folder, "/nonexistent/qemu", NULL);
  assert_false (probe->kvm);
}

static void
test_broken_cache_is_not_trusted (void **state)
{
  static const char *const broken[] = { "", "\n", "kvm", "\xff\xfe\n", "\n\n\n\n" };
  Fixture *fixture = *state;

  for (gsize i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_autoptr (SclAccelProbe) probe = NULL;

      assert_true (g_file_set_contents (fixture->cache, broken[i], -1, NULL));
      probe = _scl_accel_probe_new (fixture->folder, "/nonexistent/qemu", NULL);
      assert_false (probe->kvm);
    }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (test_missing_emulator_is_no_kvm, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_cache_of_this_boot_is_used, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_no_is_asked_again, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_cache_of_another_boot_is_not, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_broken_cache_is_not_trusted, set_up, tear_down),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
