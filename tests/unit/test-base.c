/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors, digests, files and programs: what every other layer stands on. */
#include "base-test.h"
#include "base/scl-digest-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-run-private.h"
#include "base/scl-throw-private.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* --- errors --- */

static void
test_throw (void **state)
{
  GError *error = NULL;

  assert_false (scl_throw (&error, SCL_ERROR_INVALID, "vm \"%s\": wrong", "a"));
  assert_error_is (error, SCL_ERROR_INVALID, "vm \"a\": wrong");
  assert_false (scl_throw (NULL, SCL_ERROR_INVALID, "nobody asks"));
}

static void
test_throw_errno (void **state)
{
  static const struct
  {
    int errno_value;
    SclError code;
  } cases[] = { { ENOENT, SCL_ERROR_NOT_FOUND },      { ENODEV, SCL_ERROR_NOT_FOUND },
                { EEXIST, SCL_ERROR_EXISTS },         { EACCES, SCL_ERROR_PERMISSION },
                { EPERM, SCL_ERROR_PERMISSION },      { EBUSY, SCL_ERROR_IN_USE },
                { EAGAIN, SCL_ERROR_FAILED },           { ENOSPC, SCL_ERROR_NO_SPACE },
                { EDQUOT, SCL_ERROR_NO_SPACE },       { ETIMEDOUT, SCL_ERROR_TIMEOUT },
                { EOPNOTSUPP, SCL_ERROR_UNSUPPORTED }, { ENOSYS, SCL_ERROR_UNSUPPORTED },
                { ELOOP, SCL_ERROR_INVALID },         { EIO, SCL_ERROR_FAILED } };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = g_strdup_printf ("disk: %s", g_strerror (cases[i].errno_value));
      GError *error = NULL;

      assert_false (scl_throw_errno (&error, cases[i].errno_value, "disk"));
      assert_error_is (error, (int) cases[i].code, text);
    }
}

static void
test_prefix (void **state)
{
  GError *error = NULL;

  scl_throw (&error, SCL_ERROR_BUSY, "is locked");
  assert_false (scl_prefix (&error, "network \"%s\"", "lan"));
  assert_error_is (error, SCL_ERROR_BUSY, "network \"lan\": is locked");
  assert_false (scl_prefix (&error, "nothing there"));
  assert_null (error);
}

static void
test_error_names (void **state)
{
  assert_string_equal (scl_error_to_string (SCL_ERROR_NOT_FOUND), "not-found");
  assert_string_equal (scl_error_to_string (SCL_ERROR_WOULD_LOSE_DATA), "would-lose-data");
  assert_string_equal (scl_error_to_string ((SclError) 9999), "unknown");
}

/* --- digests: names on hosts are made of them, so they are frozen --- */

static void
test_digest_vectors (void **state)
{
  /* SHA-256 of "abc" begins with ba7816bf 8f; of "" with e3b0c442 98. RFC 4648, lower case. */
  static const char *const parts[] = { "abc", NULL };
  /* The beginning of SHA-256 of "abc" and a NUL byte. */
  static const guint8 expected[] = { 0xdc, 0x11, 0x14, 0xcd, 0x07, 0x49, 0x14, 0xbd };
  g_autofree char *abc = _scl_digest_short ("abc");
  g_autofree char *empty = _scl_digest_short ("");
  guint8 digest[32];

  assert_string_equal (abc, "xj4bnp4p");
  assert_string_equal (empty, "4oymiquy");
  _scl_digest_parts (parts, digest);
  assert_memory_equal (digest, expected, sizeof expected);
}

static void
test_digest_parts_do_not_run_together (void **state)
{
  static const char *const one[] = { "ab", "c", NULL };
  static const char *const other[] = { "a", "bc", NULL };
  guint8 a[32], b[32];

  _scl_digest_parts (one, a);
  _scl_digest_parts (other, b);
  assert_memory_not_equal (a, b, sizeof a);
}

/* --- files --- */

typedef struct
{
  char *path;
  int fd;
} Folder;

static int
folder_setup (void **state)
{
  Folder *folder = g_new0 (Folder, 1);

  folder->path = test_folder_new ();
  folder->fd = open (folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  *state = folder;
  return folder->fd < 0;
}

static int
folder_teardown (void **state)
{
  Folder *folder = *state;

  close (folder->fd);
  test_folder_remove (folder->path);
  g_free (folder);
  return 0;
}

static guint
count_files (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static void
test_replace_and_read (void **state)
{
  Folder *folder = *state;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_auto (SclFd) fd = -1;
  struct stat info;

  assert_true (_scl_fd_replace (folder->fd, "note", "one", 3, 0600, &error));
  assert_true (_scl_fd_replace (folder->fd, "note", "second", 6, 0640, &error));
  fd = _scl_fd_open_regular (folder->fd, "note", &info, &error);
  assert_true (fd >= 0);
  assert_int_equal (info.st_mode & 07777, 0640);
  bytes = _scl_fd_read_all (fd, 6, "note", &error);
  assert_non_null (bytes);
  assert_int_equal (g_bytes_get_size (bytes), 6);
  assert_memory_equal (g_bytes_get_data (bytes, NULL), "second", 6);
  assert_int_equal (count_files (folder->path), 1);
}

static void
test_replace_takes_over_a_killed_writer (void **state)
{
  Folder *folder = *state;
  g_autofree char *left = g_build_filename (folder->path, ".note.new", NULL);
  g_autofree char *secret = g_build_filename (folder->path, "secret", NULL);
  g_autofree char *kept = NULL;

  assert_true (g_file_set_contents (secret, "keep", -1, NULL));
  assert_int_equal (symlink (secret, left), 0);
  assert_true (_scl_fd_replace (folder->fd, "note", "x", 1, 0600, NULL));
  assert_false (g_file_test (left, G_FILE_TEST_EXISTS));
  assert_true (g_file_get_contents (secret, &kept, NULL, NULL));
  assert_string_equal (kept, "keep");
}

static void
test_replace_fails_clean (void **state)
{
  Folder *folder = *state;
  GError *error = NULL;

  assert_int_equal (mkdirat (folder->fd, "note", 0700), 0);
  assert_false (_scl_fd_replace (folder->fd, "note", "x", 1, 0600, &error));
  assert_error_is (error, SCL_ERROR_FAILED, "note: cannot put in place");
}

static void
test_read_limit (void **state)
{
  Folder *folder = *state;
  GError *error = NULL;
  g_auto (SclFd) fd = -1;

  assert_true (_scl_fd_replace (folder->fd, "big", "12345", 5, 0600, NULL));
  fd = _scl_fd_open_regular (folder->fd, "big", NULL, NULL);
  assert_null (_scl_fd_read_all (fd, 4, "big", &error));
  assert_error_is (error, SCL_ERROR_INVALID, "big: larger than the limit of 4 bytes");
}

static void
test_write_all_to_a_full_device (void **state)
{
  g_auto (SclFd) fd = open ("/dev/full", O_WRONLY | O_CLOEXEC);
  GError *error = NULL;

  assert_true (fd >= 0);
  assert_false (_scl_fd_write_all (fd, "x", 1, "full", &error));
  assert_error_is (error, SCL_ERROR_NO_SPACE, "full: cannot write");
}

static void
refuse_open (Folder *folder, const char *name, int code, const char *text)
{
  GError *error = NULL;

  assert_int_equal (_scl_fd_open_regular (folder->fd, name, NULL, &error), -1);
  assert_error_is (error, code, text);
}

static void
test_open_regular_refuses (void **state)
{
  Folder *folder = *state;

  assert_int_equal (symlinkat ("/etc/hostname", folder->fd, "link"), 0);
  assert_int_equal (mkfifoat (folder->fd, "fifo", 0600), 0);
  assert_int_equal (mkdirat (folder->fd, "folder", 0700), 0);
  refuse_open (folder, "absent", SCL_ERROR_NOT_FOUND, "absent: cannot open: No such file");
  refuse_open (folder, "link", SCL_ERROR_INVALID, "link: is a symbolic link");
  /* Does not wait for a writer. */
  refuse_open (folder, "fifo", SCL_ERROR_INVALID, "fifo: is a special file, not a regular file");
  refuse_open (folder, "folder", SCL_ERROR_INVALID, "folder: is a folder, not a regular file");
  assert_int_equal (count_files (folder->path), 3);
}

static void
test_open_folder (void **state)
{
  Folder *folder = *state;
  g_autofree char *above = g_build_filename (folder->path, "a", NULL);
  g_autofree char *inner = g_build_filename (above, "b", NULL);
  g_autofree char *file = g_build_filename (folder->path, "file", NULL);
  mode_t mask = umask (077);
  g_auto (SclFd) fd = _scl_fd_open_folder (inner, 0711, NULL);
  GError *error = NULL;
  struct stat info;

  umask (mask);
  assert_true (fd >= 0);
  assert_int_equal (fstat (fd, &info), 0);
  assert_int_equal (info.st_mode & 07777, 0711);
  /* Who is let through to it gets there. */
  assert_int_equal (stat (above, &info), 0);
  assert_int_equal (info.st_mode & 07777, 0711);
  assert_true (g_file_set_contents (file, "", 0, NULL));
  assert_int_equal (_scl_fd_open_folder (file, 0711, &error), -1);
  assert_non_null (error);
  g_clear_error (&error);
}

static void
test_ensure_folder (void **state)
{
  Folder *folder = *state;
  g_autofree char *inner = g_build_filename (folder->path, "a", NULL);
  struct stat info;

  for (int i = 0; i < 2; i++)
    {
      g_auto (SclFd) fd = _scl_fd_ensure_folder (inner, 0711, NULL);

      assert_true (fd >= 0);
      assert_int_equal (fstat (fd, &info), 0);
      assert_int_equal (info.st_mode & 07777, i == 0 ? 0711 : 01777);
      assert_int_equal (chmod (inner, 01777), 0);
    }
}

static void
test_fd_closes_itself (void **state)
{
  int number;

  {
    g_auto (SclFd) fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);

    number = fd;
    errno = EIO;
  }
  assert_int_equal (errno, EIO);
  assert_int_equal (fcntl (number, F_GETFD), -1);
}

/* --- programs --- */

static SclRunResult *
run_shell (const char *script, guint timeout, GCancellable *cancellable, GError **error)
{
  const char *argv[] = { "/bin/sh", "-c", script, NULL };

  return _scl_run (argv, NULL, -1, NULL, timeout, cancellable, error);
}

static void
assert_output (SclRunResult *result, const char *text)
{
  assert_int_equal (g_bytes_get_size (result->output), strlen (text));
  assert_memory_equal (g_bytes_get_data (result->output, NULL), text, strlen (text));
}

static void
test_run_output_status_message (void **state)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SclRunResult) result
      = run_shell ("printf out; echo 'what is wrong' >&2; exit 3", 10, NULL, &error);

  assert_non_null (result);
  assert_int_equal (result->exit_status, 3);
  assert_output (result, "out");
  assert_string_equal (result->message, "what is wrong");
}

static void
test_run_input_larger_than_a_pipe (void **state)
{
  const char *argv[] = { "wc", "-c", NULL };
  g_autoptr (GBytes) input = g_bytes_new_take (g_malloc0 (1 << 20), 1 << 20);
  g_autoptr (SclRunResult) result = _scl_run (argv, input, -1, NULL, 10, NULL, NULL);

  assert_non_null (result);
  assert_output (result, "1048576\n");
}

static void
test_run_hostile_words (void **state)
{
  const char *argv[] = { "printf", "%s", "$(id); `id` \"'\n*", NULL };
  g_autoptr (SclRunResult) result = _scl_run (argv, NULL, -1, NULL, 10, NULL, NULL);

  assert_non_null (result);
  assert_output (result, argv[2]);
}

static void
test_run_killed_by_signal (void **state)
{
  g_autoptr (SclRunResult) result = run_shell ("kill -9 $$", 10, NULL, NULL);

  assert_non_null (result);
  assert_int_equal (result->exit_status, -9);
}

static void
test_run_message_is_utf8 (void **state)
{
  g_autoptr (SclRunResult) result = run_shell ("printf '\\377bad' >&2", 10, NULL, NULL);

  assert_non_null (result);
  assert_true (g_utf8_validate (result->message, -1, NULL));
}

static void
test_run_checked (void **state)
{
  const char *argv[] = { "/bin/sh", "-c", "echo why >&2; exit 1", NULL };
  const char *quiet[] = { "/bin/sh", "-c", "exit 1", NULL };
  GError *error = NULL;

  assert_null (_scl_run_checked (argv, NULL, -1, 10, NULL, &error));
  assert_error_is (error, SCL_ERROR_BACKEND, "/bin/sh failed: why");
  assert_null (_scl_run_checked (quiet, NULL, -1, 10, NULL, &error));
  assert_error_is (error, SCL_ERROR_BACKEND, "/bin/sh failed with status 1 and no message");
}

/* Where a file may not be that large, nor may the memory that holds what a program reads. */
static void
test_run_without_room_for_input (void **state)
{
  const char *argv[] = { "/bin/cat", NULL };
  g_autoptr (GBytes) input = g_bytes_new_static ("some", 4);
  struct rlimit before, none;
  GError *error = NULL;
  void (*handler) (int) = signal (SIGXFSZ, SIG_IGN);

  assert_int_equal (getrlimit (RLIMIT_FSIZE, &before), 0);
  none = (struct rlimit){ 0, before.rlim_max };
  assert_int_equal (setrlimit (RLIMIT_FSIZE, &none), 0);
  assert_null (_scl_run_checked (argv, input, -1, 10, NULL, &error));
  assert_int_equal (setrlimit (RLIMIT_FSIZE, &before), 0);
  (void) signal (SIGXFSZ, handler);
  assert_error_is (error, SCL_ERROR_FAILED,
                   "cannot run cat: its input is held in memory, make some free and repeat "
                   "(memory: cannot write: File too large)");
}

static void
test_run_missing (void **state)
{
  static const struct
  {
    const char *program, *text;
  } cases[] = { { "scl-no-such-program", "scl-no-such-program is not installed" },
                { "swtpm", "swtpm is not installed: install the package swtpm" }, /* not one for root, as nft is */
                { "qemu-img", "qemu-img is not installed: install the package qemu-utils" } };
  g_autofree char *path = g_strdup (g_getenv ("PATH"));

  g_setenv ("PATH", "/nonexistent", TRUE);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *argv[] = { cases[i].program, NULL };
      GError *error = NULL;

      assert_null (_scl_run (argv, NULL, -1, NULL, 10, NULL, &error));
      assert_error_is (error, SCL_ERROR_MISSING, cases[i].text);
    }
  g_setenv ("PATH", path, TRUE);
}

/* A program that says its pid and then waits for ever, with its stdout still open. */
#define WAITS_FOR_EVER "echo $$ > \"$0\"; exec tail -f /dev/null"

static void
assert_gone (const char *file)
{
  g_autofree char *text = NULL;
  long pid;

  assert_true (g_file_get_contents (file, &text, NULL, NULL));
  pid = strtol (text, NULL, 10);
  assert_true (pid > 1);
  assert_int_equal (kill ((pid_t) pid, 0), -1);
  assert_int_equal (errno, ESRCH);
}

static void
test_run_timeout_kills (void **state)
{
  Folder *folder = *state;
  g_autofree char *file = g_build_filename (folder->path, "pid", NULL);
  const char *argv[] = { "/bin/sh", "-c", WAITS_FOR_EVER, file, NULL };
  GError *error = NULL;

  assert_null (_scl_run (argv, NULL, -1, NULL, 1, NULL, &error));
  assert_error_is (error, SCL_ERROR_TIMEOUT, "pid\" did not end within 1 s, and was killed");
  assert_gone (file);
}

/* Cancels as soon as the file is there. */
static void
cancel_when_changed (GFileMonitor *monitor, GFile *file, GFile *other, GFileMonitorEvent event,
                     gpointer cancellable)
{
  if (event == G_FILE_MONITOR_EVENT_CHANGES_DONE_HINT)
    g_cancellable_cancel (cancellable);
}

typedef struct
{
  const char *file;
  GCancellable *cancellable;
  GError *error;
  GMainLoop *loop;
} Job;

static gpointer
run_job (gpointer data)
{
  Job *job = data;
  const char *argv[] = { "/bin/sh", "-c", WAITS_FOR_EVER, job->file, NULL };

  (void) _scl_run (argv, NULL, -1, NULL, 60, job->cancellable, &job->error);
  g_main_loop_quit (job->loop);
  return NULL;
}

static void
test_run_cancel_kills (void **state)
{
  Folder *folder = *state;
  g_autofree char *path = g_build_filename (folder->path, "pid", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileMonitor) monitor = g_file_monitor_file (file, G_FILE_MONITOR_NONE, NULL, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Job job = { path, cancellable, NULL, loop };
  GThread *thread;

  assert_non_null (monitor);
  g_signal_connect (monitor, "changed", G_CALLBACK (cancel_when_changed), cancellable);
  thread = g_thread_new ("run", run_job, &job);
  g_main_loop_run (loop);
  g_thread_join (thread);
  assert_true (g_error_matches (job.error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  g_clear_error (&job.error);
  assert_gone (path);
}

static void
test_run_cancelled_before (void **state)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  assert_null (run_shell ("exit 0", 10, cancellable, &error));
  assert_true (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
}

static void
test_run_user (void **state)
{
  const char *argv[] = { "/bin/sh", "-c", "id -un; id -Gn", NULL };
  const char *root[] = { "id", "-u", NULL };
  g_autoptr (SclRunResult) result = NULL;
  GError *error = NULL;

  assert_null (_scl_run (root, NULL, -1, "no-such-user", 10, NULL, &error));
  assert_error_is (error, SCL_ERROR_NOT_FOUND, "user no-such-user does not exist");
  if (geteuid () != 0)
    skip_because ("root");
  result = _scl_run (argv, NULL, -1, "nobody", 10, NULL, &error);
  assert_non_null (result);
  assert_output (result, "nobody\nnogroup\n");
}

static void
test_run_netns (void **state)
{
  const char *argv[] = { "cat", "/proc/net/dev", NULL };
  g_auto (SclFd) home = open ("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  g_auto (SclFd) other = -1;
  g_autoptr (SclRunResult) result = NULL;
  g_autofree char *devices = NULL;

  if (unshare (CLONE_NEWNET) < 0)
    skip_because ("root");
  other = open ("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  assert_int_equal (setns (home, CLONE_NEWNET), 0);
  result = _scl_run (argv, NULL, other, NULL, 10, NULL, NULL);
  assert_non_null (result);
  devices = g_strndup (g_bytes_get_data (result->output, NULL), g_bytes_get_size (result->output));
  assert_non_null (strstr (devices, "lo:"));
  assert_null (strstr (devices, "eth0:"));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_throw),
    cmocka_unit_test (test_throw_errno),
    cmocka_unit_test (test_prefix),
    cmocka_unit_test (test_error_names),
    cmocka_unit_test (test_digest_vectors),
    cmocka_unit_test (test_digest_parts_do_not_run_together),
    cmocka_unit_test_setup_teardown (test_replace_and_read, folder_setup, folder_teardown),
    cmocka_unit_test_setup_teardown (test_replace_takes_over_a_killed_writer, folder_setup,
                                     folder_teardown),
    cmocka_unit_test_setup_teardown (test_replace_fails_clean, folder_setup, folder_teardown),
    cmocka_unit_test_setup_teardown (test_read_limit, folder_setup, folder_teardown),
    cmocka_unit_test (test_write_all_to_a_full_device),
    cmocka_unit_test_setup_teardown (test_open_regular_refuses, folder_setup, folder_teardown),
    cmocka_unit_test_setup_teardown (test_open_folder, folder_setup, folder_teardown),
    cmocka_unit_test_setup_teardown (test_ensure_folder, folder_setup, folder_teardown),
    cmocka_unit_test (test_fd_closes_itself),
    cmocka_unit_test (test_run_output_status_message),
    cmocka_unit_test (test_run_input_larger_than_a_pipe),
    cmocka_unit_test (test_run_hostile_words),
    cmocka_unit_test (test_run_killed_by_signal),
    cmocka_unit_test (test_run_message_is_utf8),
    cmocka_unit_test (test_run_checked),
    cmocka_unit_test (test_run_without_room_for_input),
    cmocka_unit_test (test_run_missing),
    cmocka_unit_test_setup_teardown (test_run_timeout_kills, folder_setup, folder_teardown),
    cmocka_unit_test_setup_teardown (test_run_cancel_kills, folder_setup, folder_teardown),
    cmocka_unit_test (test_run_cancelled_before),
    cmocka_unit_test (test_run_user),
    cmocka_unit_test (test_run_netns),
  };

  return cmocka_run_group_tests_name ("base", tests, NULL, NULL);
}
