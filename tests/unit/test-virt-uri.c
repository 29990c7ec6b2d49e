/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which spellings of a hypervisor are refused: libvirt runs what the folder of its embedded driver says. */
#include "backend/vm/scl-virt-uri-private.h"
#include "base-test.h"

static void
test_embedded_by_another_spelling (void **state)
{
  const char *const wrong[]
      = { "qemu:///embed?root=/run/zz", "qemu:///embed?", "qemu:///embed#x",     "qemu:/embed",
          "qemu:///%65mbed",            "qemu:///embed/", "qemu:////embed",      "qemu:///./embed",
          "QEMU:///EMBED?root=/run/zz", "qemu://h/embed", "secret:///embed?root=/run/zz" };

  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      GError *error = NULL;

      if (_scl_virt_uri_check (wrong[i], &error))
        fail_msg ("%s", wrong[i]);
      assert_non_null (strstr (error->message, wrong[i]));
      assert_error_is (error, SCL_ERROR_INVALID, "leave the rest out, and choose the state folder with state=");
    }
}

static void
test_others (void **state)
{
  const char *const right[] = { "qemu:///embed",          "qemu:///system", "qemu+unix:///system?socket=/run/s",
                                "test:///srv/embed.xml",  "memory",         "qemu:///embedded",
                                "qemu:///system?x=/embed" };

  for (gsize i = 0; i < G_N_ELEMENTS (right); i++)
    if (!_scl_virt_uri_check (right[i], NULL))
      fail_msg ("%s", right[i]);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_embedded_by_another_spelling),
    cmocka_unit_test (test_others),
  };

  return cmocka_run_group_tests_name ("virt-uri", tests, NULL, NULL);
}
