/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may open an embedded hypervisor's root. The other process is this program run once more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "backend/vm/scl-embed-root-private.h"
#include "vm-guest.h"
#include <fcntl.h>

static const char *own_program;

static SclVmBackend *
open_embedded (const char *state_dir, GError **error)
{
  return _scl_libvirt_vms_new ("qemu:///embed", GUEST_PREFIX, state_dir, NULL, error);
}

static SclVmBackend *
must_open (GuestHost *host)
{
  g_autoptr (GError) error = NULL;
  SclVmBackend *vms = open_embedded (host->state_dir, &error);

  if (vms == NULL)
    fail_msg ("%s", error->message);
  return vms;
}

/* Says what came of opening the root. */
static int
be_other (const char *state_dir)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SclVmBackend) vms = open_embedded (state_dir, &error);

  puts (vms != NULL ? "opened" : error->message);
  return vms != NULL ? 0 : error->code == SCL_ERROR_IN_USE ? 75 : 1;
}

/* What another process gets that opens the root. */
static int
open_elsewhere (GuestHost *host, char **out_said)
{
  const char *const argv[] = { own_program, host->state_dir, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (SclRunResult) result = _scl_run (argv, NULL, -1, NULL, 60, NULL, &error);

  if (result == NULL)
    fail_msg ("%s", error->message);
  *out_said = g_strndup (g_bytes_get_data (result->output, NULL), g_bytes_get_size (result->output));
  return result->exit_status;
}

static void
expect_busy (GuestHost *host)
{
  g_autofree char *said = NULL;
  g_autofree char *owner = g_strdup_printf ("process %d has this embedded hypervisor open", getpid ());

  assert_int_equal (open_elsewhere (host, &said), 75);
  if (strstr (said, owner) == NULL)
    fail_msg ("%s", said);
}

static int
set_up (void **state)
{
  static GuestHost *host; /* libvirt holds one root per process */

  if (host == NULL)
    host = guest_host_new ();
  *state = host;
  return 0;
}

/* Before anybody here has opened it. */
static void
test_reader_is_no_owner (void **state)
{
  GuestHost *host = *state;
  g_autofree char *root = g_build_filename (host->state_dir, "embed", NULL);
  g_autofree char *path = g_build_filename (root, "run/qemu/driver.pid", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *said = NULL;
  struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
  struct stat st;
  int fd;

  assert_int_equal (open_elsewhere (host, &said), 0);
  assert_true (_scl_embed_root_check_free (root, "URI", &error));
  assert_int_equal (stat (path, &st), 0);
  assert_int_equal (st.st_mode & 0777, 0600);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  assert_int_equal (fcntl (fd, F_SETLK, &lock), 0);
  g_free (g_steal_pointer (&said));
  assert_int_equal (open_elsewhere (host, &said), 75);
  assert_null (strstr (said, "has this embedded hypervisor open"));
  assert_non_null (strstr (said, "for reading"));
  close (fd);
  g_free (g_steal_pointer (&said));
  assert_int_equal (open_elsewhere (host, &said), 0);
}

static void
test_open_twice (void **state)
{
  GuestHost *host = *state;
  g_autoptr (SclVmBackend) first = must_open (host);
  g_autoptr (SclVmBackend) second = NULL;

  expect_busy (host);
  second = must_open (host);
  expect_busy (host);
}

static void
test_open_close_open (void **state)
{
  GuestHost *host = *state;
  SclVmBackend *first = must_open (host);
  g_autoptr (SclVmBackend) second = NULL;

  g_object_unref (first);
  second = must_open (host);
  expect_busy (host);
  first = must_open (host);
  g_object_unref (first);
  expect_busy (host);
}

static gpointer
open_and_close (gpointer data)
{
  GuestHost *host = data;

  for (guint i = 0; i < 20; i++)
    g_object_unref (must_open (host));
  return NULL;
}

static void
test_open_in_threads (void **state)
{
  GuestHost *host = *state;
  g_autoptr (SclVmBackend) held = must_open (host);
  GThread *threads[4];

  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("open", open_and_close, host);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  expect_busy (host);
}

/* A child has a copy of libvirt's state and none of its threads. */
static void
test_forked (void **state)
{
  GuestHost *host = *state;
  g_autoptr (SclVmBackend) held = must_open (host);
  pid_t child = fork ();
  int status;

  if (child == 0)
    {
      g_autoptr (GError) error = NULL;
      SclVmBackend *vms = open_embedded (host->state_dir, &error);

      _exit (vms == NULL && g_error_matches (error, SCL_ERROR, SCL_ERROR_IN_USE) ? 75 : 1);
    }
  assert_int_equal (waitpid (child, &status, 0), child);
  assert_int_equal (WEXITSTATUS (status), 75);
  expect_busy (host);
}

static int
tear_down_group (void **state)
{
  void *host = NULL;

  (void) set_up (&host);
  guest_host_free (host);
  return 0;
}

int
main (int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup (test_reader_is_no_owner, set_up),
    cmocka_unit_test_setup (test_open_twice, set_up),
    cmocka_unit_test_setup (test_open_close_open, set_up),
    cmocka_unit_test_setup (test_open_in_threads, set_up),
    cmocka_unit_test_setup (test_forked, set_up),
  };

  own_program = argv[0];
  if (argc == 2)
    return be_other (argv[1]);
  if (geteuid () != 0)
    return skip_program ("root");
  guest_show_kvm ();
  cmocka_set_test_filter (g_getenv ("SCL_TEST_FILTER"));
  return cmocka_run_group_tests (tests, NULL, tear_down_group);
}
