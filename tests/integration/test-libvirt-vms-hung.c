/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A libvirtd that does not answer: from the first moment, and in the middle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "backend/vm/scl-virt-call-private.h"
#include "test-between.h"
#include "vm-daemon.h"
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#define LIMIT 2    /* what is given to libvirt here, seconds */
#define GENEROUS 20 /* for a machine that does other things, far below libvirt's own limits */

static const VmPlan plan = { .name = "hung", .memory_mib = 64, .firmware = SCL_FIRMWARE_BIOS };

static void
daemon_signal (GuestHost *host, int signal_number)
{
  g_autofree char *path = g_build_filename (host->state_dir, "d/run/libvirtd.pid", NULL);
  g_autofree char *text = NULL;

  assert_true (g_file_get_contents (path, &text, NULL, NULL));
  assert_int_equal (kill ((pid_t) atoi (text), signal_number), 0);
}

static int
set_up_group (void **state)
{
  g_autoptr (GError) error = NULL;

  (void) daemon_set_up (state);
  guest_must (guest_define (*state, &plan, &error), &error);
  return 0;
}

static int
stop_daemon (void **state)
{
  _scl_virt_call_set_limit (LIMIT);
  daemon_signal (*state, SIGSTOP);
  return 0;
}

static int
wake_daemon (void **state)
{
  daemon_signal (*state, SIGCONT);
  _scl_virt_call_set_limit (0);
  return 0;
}

static gint64
now (void)
{
  return g_get_monotonic_time () / G_USEC_PER_SEC;
}

static void
expect_timeout (const GError *error, gint64 begin, const char *subject, const char *what)
{
  if (!g_error_matches (error, SCL_ERROR, SCL_ERROR_TIMEOUT) || strstr (error->message, subject) == NULL
      || strstr (error->message, what) == NULL)
    fail_msg ("%s", error != NULL ? error->message : "no error");
  assert_between (now () - begin, LIMIT - 1, GENEROUS);
}

/* A listening socket that nobody accepts from. */
static char *
deaf_socket (GuestHost *host, int *out_fd)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  g_autofree char *path = g_build_filename (host->state_dir, "deaf", NULL);

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  *out_fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  (void) unlink (path);
  assert_int_equal (bind (*out_fd, (struct sockaddr *) &address, sizeof address), 0);
  assert_int_equal (listen (*out_fd, 5), 0);
  return g_strdup_printf ("qemu+unix:///system?socket=%s", path);
}

static void
test_open (void **state)
{
  GuestHost *host = *state;
  g_autoptr (GError) error = NULL;
  gint64 begin = now ();
  int fd;
  g_autofree char *uri = deaf_socket (host, &fd);

  _scl_virt_call_set_limit (LIMIT);
  assert_null (_scl_libvirt_vms_new (uri, GUEST_PREFIX, host->state_dir, NULL, &error));
  _scl_virt_call_set_limit (0);
  expect_timeout (error, begin, uri, "(connecting)");
  close (fd);
}

static gpointer
cancel_soon (gpointer data)
{
  g_usleep (G_USEC_PER_SEC / 2);
  g_cancellable_cancel (data);
  return NULL;
}

static void
test_open_cancelled (void **state)
{
  GuestHost *host = *state;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  gint64 begin = now ();
  int fd;
  g_autofree char *uri = deaf_socket (host, &fd);
  GThread *thread = g_thread_new ("cancel", cancel_soon, cancellable);

  assert_null (_scl_libvirt_vms_new (uri, GUEST_PREFIX, host->state_dir, cancellable, &error));
  assert_true (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  assert_true (now () - begin < GENEROUS);
  g_thread_join (thread);
  close (fd);
}

static void
test_observe (void **state)
{
  GuestHost *host = *state;
  g_autoptr (SclObservation) seen = _scl_observation_new ();
  g_autoptr (GError) error = NULL;
  gint64 begin = now ();

  assert_false (_scl_vm_backend_observe (host->vms, NULL, seen, NULL, &error));
  expect_timeout (error, begin, host->uri, "(listing domains)");
  assert_int_equal (seen->vms->len, 0);
}

static void
test_observe_cancelled (void **state)
{
  GuestHost *host = *state;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (SclObservation) seen = _scl_observation_new ();
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_new ("cancel", cancel_soon, cancellable);
  gint64 begin = now ();

  _scl_virt_call_set_limit (10 * GENEROUS);
  assert_false (_scl_vm_backend_observe (host->vms, NULL, seen, cancellable, &error));
  assert_true (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  assert_true (now () - begin < GENEROUS);
  g_thread_join (thread);
}

static void
test_changes (void **state)
{
  GuestHost *host = *state;
  g_autoptr (GError) start = NULL;
  g_autoptr (GError) stop = NULL;
  g_autoptr (GError) define = NULL;
  g_autoptr (GError) remove = NULL;
  gint64 begin = now ();

  assert_false (_scl_vm_backend_start (host->vms, plan.name, NULL, &start));
  expect_timeout (start, begin, "VM \"hung\"", "not answer");
  begin = now ();
  assert_false (
      _scl_vm_backend_stop (host->vms, plan.name, 1, SCL_STOPPED_BY_USER, NULL, &stop));
  expect_timeout (stop, begin, "VM \"hung\"", "not answer");
  begin = now ();
  assert_false (guest_define (host, &plan, &define));
  expect_timeout (define, begin, "VM \"hung\"", "not answer");
  begin = now ();
  assert_false (_scl_vm_backend_remove (host->vms, plan.name, NULL, &remove));
  expect_timeout (remove, begin, "VM \"hung\"", "not answer");
}

/* What was left behind changes nothing when the daemon wakes up: it had only been asked what is
 * there. */
static void
test_goes_on (void **state)
{
  GuestHost *host = *state;
  g_autoptr (SclObservation) seen = guest_observe (host);
  SclObservedVm *vm = _scl_observation_lookup_vm (seen, plan.name);

  assert_non_null (vm);
  assert_int_equal (vm->state, SCL_VM_STATE_STOPPED);
  assert_int_equal (vm->stopped_by, SCL_STOPPED_BY_NOBODY);
}

static void
test_close (void **state)
{
  GuestHost *host = *state;
  g_autoptr (GError) error = NULL;
  SclVmBackend *other;
  gint64 begin;

  other = _scl_libvirt_vms_new (host->uri, GUEST_PREFIX, host->state_dir, NULL, &error);
  assert_non_null (other);
  (void) stop_daemon (state);
  begin = now ();
  g_object_unref (other);
  assert_true (now () - begin < GENEROUS);
}

/* Listens in the place of the daemon, and nobody accepts. */
static int
take_place (GuestHost *host)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  (void) g_snprintf (address.sun_path, sizeof address.sun_path, "%s/d/run/libvirt-sock", host->state_dir);
  (void) unlink (address.sun_path);
  assert_int_equal (bind (fd, (struct sockaddr *) &address, sizeof address), 0);
  assert_int_equal (listen (fd, 5), 0);
  return fd;
}

/* An attempt to connect that nobody waited for until it failed is no answer for the next one. */
static void
test_old_failure (void **state)
{
  GuestHost *host = *state;
  g_autoptr (SclObservation) none = _scl_observation_new ();
  g_autoptr (SclObservation) seen = NULL;
  g_autoptr (GError) error = NULL;
  gint64 begin = now ();
  int fd;

  g_free (daemon_tell (host, "kill"));
  fd = take_place (host);
  _scl_virt_call_set_limit (LIMIT);
  assert_false (_scl_vm_backend_observe (host->vms, NULL, none, NULL, &error));
  expect_timeout (error, begin, host->uri, "(connecting)");
  close (fd); /* the attempt fails */
  g_free (daemon_tell (host, "restart"));
  _scl_virt_call_set_limit (0);
  seen = guest_observe (host);
  assert_int_equal (seen->vms->len, 1);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_open),
    cmocka_unit_test (test_open_cancelled),
    cmocka_unit_test_setup_teardown (test_observe, stop_daemon, wake_daemon),
    cmocka_unit_test_setup_teardown (test_observe_cancelled, stop_daemon, wake_daemon),
    cmocka_unit_test (test_goes_on),
    cmocka_unit_test_setup_teardown (test_changes, stop_daemon, wake_daemon),
    cmocka_unit_test (test_goes_on),
    cmocka_unit_test_teardown (test_close, wake_daemon),
    cmocka_unit_test (test_goes_on),
    cmocka_unit_test (test_old_failure),
    cmocka_unit_test (test_goes_on),
  };

  if (geteuid () != 0)
    return skip_program ("root");
  cmocka_set_test_filter (g_getenv ("SCL_TEST_FILTER"));
  return cmocka_run_group_tests (tests, set_up_group, daemon_tear_down);
}
