/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tests with a real QEMU: a state folder of their own, the tiny guest's image, its console. The
 * same tests run on the embedded driver and on a daemon. */

#include "backend/vm/scl-libvirt-vms-private.h"
#include "backend/vm/scl-virt-error-private.h"
#include "base/scl-run-private.h"
#include "test-skip.h"
#include "vm-fixture.h"
#include <glib/gstdio.h>
#include <grp.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#define GUEST_PREFIX "sclvt"
#define GUEST_SECONDS 480

typedef struct
{
  char *state_dir;
  char *uri;
  SclVmBackend *vms;
} GuestHost;

/* On machines without udev /dev/kvm belongs to root alone. libvirt then finds KVM when it probes
 * QEMU and misses it when it looks as QEMU's user, and so probes again at each of its questions.
 * Shows the node as udev makes it, to this process only: call it before there are threads. */
static inline void
guest_show_kvm (void)
{
  struct group *group = getgrnam ("kvm");
  char folder[] = "/tmp/scl-kvm-XXXXXX";
  g_autofree char *node = NULL;
  struct stat st;

  if (stat ("/dev/kvm", &st) < 0 || (st.st_mode & 0777) != 0600 || group == NULL)
    return;
  if (unshare (CLONE_NEWNS) < 0 || mount ("", "/dev", "", MS_PRIVATE, NULL) < 0
      || mount ("", "/", "", MS_PRIVATE, NULL) < 0 || mkdtemp (folder) == NULL
      || mount ("tmpfs", folder, "tmpfs", 0, NULL) < 0)
    return;
  node = g_build_filename (folder, "kvm", NULL);
  if (mknod (node, S_IFCHR | 0660, st.st_rdev) == 0 && chmod (node, 0660) == 0
      && chown (node, 0, group->gr_gid) == 0)
    (void) mount (node, "/dev/kvm", "", MS_BIND, NULL);
  (void) umount (folder);
  (void) g_rmdir (folder);
}

static inline char *
guest_run (const char *const *argv, guint timeout)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) output = _scl_run_checked (argv, NULL, -1, timeout, NULL, &error);

  if (output == NULL)
    fail_msg ("%s", error->message);
  if (g_bytes_get_size (output) == 0)
    return g_strdup ("");
  return g_strchomp (g_strndup (g_bytes_get_data (output, NULL), g_bytes_get_size (output)));
}

/* A copy of the tiny guest's image as the VM's volume. */
static inline void
guest_install (GuestHost *host, const char *name, gboolean ignores_button)
{
  const char *const build[]
      = { SCL_TEST_SUPPORT "/tiny-guest", ignores_button ? "--ignore-power-button" : NULL, NULL };
  g_autofree char *image = guest_run (build, 300);
  g_autofree char *path = g_strdup_printf ("%s/volumes/%s.raw", host->state_dir, name);
  const char *const copy[] = { "cp", "--reflink=auto", "--sparse=always", image, path, NULL };

  g_free (guest_run (copy, 60));
}

static inline gboolean
guest_define (GuestHost *host, const VmPlan *plan, GError **error)
{
  g_autoptr (SclVmSpec) spec = vm_plan_to_spec (plan);
  g_autoptr (SclVmWiring) wiring = vm_plan_to_wiring (plan, GUEST_PREFIX, host->state_dir);

  return _scl_vm_backend_define (host->vms, spec, wiring, NULL, error);
}

static inline void
guest_must (gboolean done, GError **error)
{
  if (!done)
    fail_msg ("%s", (*error)->message);
}

static inline SclObservation *
guest_observe (GuestHost *host)
{
  g_autoptr (GError) error = NULL;
  SclObservation *seen = _scl_observation_new ();

  guest_must (_scl_vm_backend_observe (host->vms, NULL, seen, NULL, &error), &error);
  _scl_observation_sort (seen);
  return seen;
}

/* Reads the console until TEXT has come; all that was read is (transfer full). */
static inline char *
guest_expect (GIOStream *console, const char *text)
{
  GInputStream *input = g_io_stream_get_input_stream (console);
  GString *seen = g_string_new (NULL);
  gint64 deadline = g_get_monotonic_time () + GUEST_SECONDS * G_USEC_PER_SEC;
  GSocket *socket = g_socket_connection_get_socket (G_SOCKET_CONNECTION (console));

  while (strstr (seen->str, text) == NULL)
    {
      char buffer[4096];
      gint64 left = deadline - g_get_monotonic_time ();
      gssize got = 0;

      if (left > 0 && g_socket_condition_timed_wait (socket, G_IO_IN, left, NULL, NULL))
        got = g_input_stream_read (input, buffer, sizeof buffer, NULL, NULL);
      if (got <= 0)
        fail_msg ("the console did not say \"%s\" but \"%s\"", text, seen->str);
      g_string_append_len (seen, buffer, got);
    }
  return g_string_free (seen, FALSE);
}

static inline void
guest_say (GIOStream *console, const char *text)
{
  g_autoptr (GError) error = NULL;

  guest_must (g_output_stream_write_all (g_io_stream_get_output_stream (console), text,
                                         strlen (text), NULL, NULL, &error),
              &error);
}

static inline GIOStream *
guest_open_console (GuestHost *host, const char *name)
{
  g_autoptr (GError) error = NULL;
  GIOStream *console = _scl_vm_backend_open_console (host->vms, name, NULL, &error);

  if (console == NULL)
    fail_msg ("%s", error->message);
  return console;
}

/* The console of a guest that is up and has a shell there. */
static inline GIOStream *
guest_login (GuestHost *host, const char *name)
{
  GIOStream *console = guest_open_console (host, name);

  guest_say (console, "\n");
  g_free (guest_expect (console, "tiny# "));
  return console;
}

static inline void
guest_start (GuestHost *host, const char *name)
{
  g_autoptr (GError) error = NULL;

  guest_must (_scl_vm_backend_start (host->vms, name, NULL, &error), &error);
}

/* Started, and its console with a shell. */
static inline GIOStream *
guest_boot (GuestHost *host, const char *name)
{
  GIOStream *console;

  guest_start (host, name);
  console = guest_open_console (host, name);
  g_free (guest_expect (console, "tiny# "));
  return console;
}

static inline void
guest_stop (GuestHost *host, const char *name, guint timeout, SclStoppedBy by)
{
  g_autoptr (GError) error = NULL;

  guest_must (_scl_vm_backend_stop (host->vms, name, timeout, by, NULL, &error), &error);
}

/* Makes the state folder and its parts; the caller opens the backend. */
static inline GuestHost *
guest_host_new (void)
{
  GuestHost *host = g_new0 (GuestHost, 1);
  g_autofree char *volumes = NULL;

  host->state_dir = g_dir_make_tmp ("scl-vms-XXXXXX", NULL);
  if (host->state_dir == NULL || g_chmod (host->state_dir, 0711) < 0)
    fail_msg ("no state folder");
  volumes = g_build_filename (host->state_dir, "volumes", NULL);
  if (g_mkdir (volumes, 0711) < 0)
    fail_msg ("no volume folder");
  return host;
}

/* Cuts and removes all VMs. */
static inline void
guest_remove_all (GuestHost *host)
{
  g_autoptr (SclObservation) seen = guest_observe (host);

  for (guint i = 0; i < seen->vms->len; i++)
    {
      SclObservedVm *vm = g_ptr_array_index (seen->vms, i);

      guest_stop (host, vm->name, 0, SCL_STOPPED_BY_USER);
      (void) _scl_vm_backend_remove (host->vms, vm->name, NULL, NULL);
    }
}

static inline void
guest_host_free (GuestHost *host)
{
  const char *const remove[]
      = { "rm", "-rf", host->state_dir, "/run/scl/" GUEST_PREFIX, NULL };

  g_clear_object (&host->vms);
  g_free (guest_run (remove, 60));
  g_free (host->state_dir);
  g_free (host->uri);
  g_free (host);
}
