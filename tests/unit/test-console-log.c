/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-console-log-private.h"
#include <fcntl.h>
#include <gio/gio.h>
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
  char *folder, *path, *old;
} Fixture;

static int
set_up (void **state)
{
  Fixture *fixture = g_new0 (Fixture, 1);

  fixture->folder = g_dir_make_tmp ("scl-log-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->folder, "console.log", NULL);
  fixture->old = g_strconcat (fixture->path, ".old", NULL);
  *state = fixture;
  return 0;
}

static int
tear_down (void **state)
{
  Fixture *fixture = *state;

  (void) g_unlink (fixture->path);
  (void) g_unlink (fixture->old);
  (void) g_rmdir (fixture->folder);
  g_free (fixture->path);
  g_free (fixture->old);
  g_free (fixture->folder);
  g_free (fixture);
  return 0;
}

static gsize
size_of (const char *path)
{
  struct stat st;

  return stat (path, &st) == 0 ? (gsize) st.st_size : 0;
}

/* As QEMU does: it appends. */
static void
append (int fd, gsize size, char letter)
{
  g_autofree char *text = g_malloc (size);

  memset (text, letter, size);
  assert_int_equal (write (fd, text, size), size);
}

static void
test_small_log_stays (void **state)
{
  Fixture *fixture = *state;
  int fd = open (fixture->path, O_WRONLY | O_CREAT | O_APPEND, 0600);

  append (fd, SCL_CONSOLE_LOG_MAX, 'a');
  _scl_console_log_trim (fixture->path);
  assert_int_equal (size_of (fixture->path), SCL_CONSOLE_LOG_MAX);
  assert_int_equal (size_of (fixture->old), 0);
  (void) close (fd);
}

static void
test_large_log_is_cut (void **state)
{
  Fixture *fixture = *state;
  int fd = open (fixture->path, O_WRONLY | O_CREAT | O_APPEND, 0600);
  g_autofree char *text = NULL;

  append (fd, 100, 'a');
  append (fd, SCL_CONSOLE_LOG_MAX, 'b');
  _scl_console_log_trim (fixture->path);
  assert_int_equal (size_of (fixture->old), SCL_CONSOLE_LOG_MAX);
  append (fd, 3, 'c');
  assert_true (g_file_get_contents (fixture->path, &text, NULL, NULL));
  assert_string_equal (text, "ccc");
  (void) close (fd);
}

static void
test_links_are_not_followed (void **state)
{
  Fixture *fixture = *state;
  int fd = open (fixture->old, O_WRONLY | O_CREAT | O_APPEND, 0600);

  append (fd, 2 * SCL_CONSOLE_LOG_MAX, 'a');
  assert_int_equal (symlink (fixture->old, fixture->path), 0);
  _scl_console_log_trim (fixture->path);
  assert_int_equal (size_of (fixture->old), 2 * SCL_CONSOLE_LOG_MAX);
  (void) close (fd);
}

typedef struct
{
  GMainLoop *loop;
  const char *path;
  gboolean cut;
} Watch;

static void
on_created (GFileMonitor *monitor, GFile *file, GFile *other, GFileMonitorEvent event,
            gpointer user_data)
{
  Watch *watch = user_data;
  g_autofree char *path = g_file_get_path (file);

  if (strcmp (path, watch->path) == 0)
    watch->cut = TRUE;
  if (watch->cut)
    g_main_loop_quit (watch->loop);
}

static gboolean
give_up (gpointer user_data)
{
  g_main_loop_quit (user_data);
  return G_SOURCE_REMOVE;
}

static void
test_growing_log_is_cut (void **state)
{
  Fixture *fixture = *state;
  SclConsoleLogs *logs = _scl_console_logs_new ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GFile) folder = g_file_new_for_path (fixture->folder);
  g_autoptr (GFileMonitor) monitor = g_file_monitor_directory (folder, 0, NULL, NULL);
  Watch watch = { .loop = loop, .path = fixture->old };
  guint timeout = g_timeout_add_seconds (120, give_up, loop);
  int fd = open (fixture->path, O_WRONLY | O_CREAT | O_APPEND, 0600);

  g_signal_connect (monitor, "changed", G_CALLBACK (on_created), &watch);
  _scl_console_logs_add (logs, fixture->path);
  _scl_console_logs_add (logs, fixture->path);
  append (fd, SCL_CONSOLE_LOG_MAX + 1, 'a');
  g_main_loop_run (loop);
  assert_true (watch.cut);
  g_source_remove (timeout);
  _scl_console_logs_free (logs);
  (void) close (fd);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (test_small_log_stays, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_large_log_is_cut, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_links_are_not_followed, set_up, tear_down),
    cmocka_unit_test_setup_teardown (test_growing_log_is_cut, set_up, tear_down),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
