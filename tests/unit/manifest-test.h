/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the tests of the config layer share. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <scl/scl-error.h>
#include <scl/scl-manifest-loader.h>

#define assert_address(address, text)                                                              \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *address_text = g_inet_address_to_string (address);                            \
    assert_string_equal (address_text, text);                                                      \
  }                                                                                                \
  G_STMT_END

static inline GBytes *
read_bytes (const char *path)
{
  char *data = NULL;
  gsize size = 0;

  assert_true (g_file_get_contents (path, &data, &size, NULL));
  return g_bytes_new_take (data, size);
}

/* A file of tests/data/manifest. */
static inline char *
read_text (const char *name)
{
  g_autofree char *path = g_build_filename (SCL_TEST_DATA, name, NULL);
  char *data = NULL;

  assert_true (g_file_get_contents (path, &data, NULL, NULL));
  return data;
}

/* Must be right. */
static inline SclManifest *
load_text (const char *text)
{
  g_autoptr (GError) error = NULL;
  SclManifest *manifest = scl_manifest_new_from_string (text, "/base", &error);

  if (error != NULL)
    print_error ("%s\n", error->message);
  assert_non_null (manifest);
  return manifest;
}
