/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the tests of the lower layers share: cmocka's includes, errors, folders that vanish. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test-skip.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <scl/scl-error.h>
#include <unistd.h>

/* ERROR must be CODE of our domain and say TEXT, then it is gone. */
#define assert_error_is(error, error_code, text)                                                   \
  G_STMT_START                                                                                     \
  {                                                                                                \
    assert_non_null (error);                                                                       \
    assert_int_equal ((error)->domain, SCL_ERROR);                                                 \
    if (strstr ((error)->message, text) == NULL)                                                   \
      print_error ("not in \"%s\": %s\n", (error)->message != NULL ? (error)->message : "", text); \
    assert_int_equal ((error)->code, error_code);                                                  \
    assert_non_null (strstr ((error)->message, text));                                             \
    g_clear_error (&(error));                                                                      \
  }                                                                                                \
  G_STMT_END

static inline char *
test_folder_new (void)
{
  char *path = g_dir_make_tmp ("scl-test-XXXXXX", NULL);

  assert_non_null (path);
  return path;
}

/* Removes PATH with the files and folders in it (never through a link), and frees it. */
static inline void
test_folder_remove (char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      char *inner = g_build_filename (path, name, NULL);

      if (!g_file_test (inner, G_FILE_TEST_IS_SYMLINK) && g_file_test (inner, G_FILE_TEST_IS_DIR))
        test_folder_remove (inner);
      else
        {
          (void) g_unlink (inner);
          g_free (inner);
        }
    }
  (void) g_rmdir (path);
  g_free (path);
}
