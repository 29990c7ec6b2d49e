/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What holds on every QEMU hypervisor. Each case uses its own VM and leaves it off. */

#include "vm-guest-look.h"
#include <net/if.h>
#include <signal.h>
#include <sys/stat.h>

/* QEMU's pid: the process whose command line has the VM's disk. */
static pid_t
find_qemu (GuestHost *host, const char *name)
{
  g_autofree char *disk = g_strdup_printf ("%s/volumes/%s.raw", host->state_dir, name);
  g_autoptr (GDir) proc = g_dir_open ("/proc", 0, NULL);
  const char *entry;

  while ((entry = g_dir_read_name (proc)) != NULL)
    {
      g_autofree char *path = g_strdup_printf ("/proc/%s/cmdline", entry);
      g_autofree char *text = NULL;
      gsize size;

      if (g_ascii_isdigit (*entry) && g_file_get_contents (path, &text, &size, NULL)
          && g_str_has_prefix (text, "/usr/bin/qemu-system")
          && memmem (text, size, disk, strlen (disk)) != NULL)
        return (pid_t) atoi (entry);
    }
  return 0;
}

static uid_t
owner_of (pid_t pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d", (int) pid);
  struct stat st;

  assert_int_equal (stat (path, &st), 0);
  return st.st_uid;
}

static void
test_boot_and_graceful_stop (void **state)
{
  static const VmPlan plan = { .name = "uefi", .memory_mib = 256 };
  GuestHost *host = *state;
  g_autoptr (GIOStream) console = NULL;
  g_autoptr (SclObservation) running = NULL;
  g_autoptr (SclObservation) stopped = NULL;
  g_autofree char *answer = NULL;
  g_autofree char *log = NULL;
  gint64 begin;

  guest_install (host, plan.name, FALSE);
  define_guest (host, &plan);
  console = guest_boot (host, plan.name);
  guest_say (console, "echo four=$((2 + 2))\n");
  answer = guest_expect (console, "four=4");
  assert_int_not_equal (owner_of (find_qemu (host, plan.name)), 0);
  running = guest_observe (host);
  assert_int_equal (look (running, plan.name)->state, SCL_VM_STATE_RUNNING);
  assert_int_equal (look (running, plan.name)->problems->len, 0);
  assert_non_null (look (running, plan.name)->live_spec);
  begin = g_get_monotonic_time ();
  /* 2^32 microseconds are not quite 4295 s. */
  guest_stop (host, plan.name, 4295, SCL_STOPPED_BY_USER);
  assert_true (g_get_monotonic_time () - begin < 40 * G_USEC_PER_SEC);
  stopped = guest_observe (host);
  assert_int_equal (look (stopped, plan.name)->state, SCL_VM_STATE_STOPPED);
  assert_int_equal (look (stopped, plan.name)->stopped_by, SCL_STOPPED_BY_USER);
  assert_string_equal (look (stopped, plan.name)->state_reason, "shut down");
  assert_true (g_file_get_contents (look (stopped, plan.name)->log_path, &log, NULL, NULL));
  assert_non_null (strstr (log, "TINY-GUEST READY"));
}

static void
count_report (guint64 done, guint64 total, const char *message, gpointer user_data)
{
  if (message != NULL && strstr (message, "cutting") != NULL)
    *(guint *) user_data += 1;
}

static void
test_ignored_button (void **state)
{
  static const VmPlan plan = { .name = "deaf", .memory_mib = 256, .firmware = SCL_FIRMWARE_BIOS };
  GuestHost *host = *state;
  guint cuts = 0;
  const SclProgress progress = { .report = count_report, .user_data = &cuts };
  g_autoptr (GIOStream) console = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (SclObservation) seen = NULL;
  gint64 begin;

  guest_install (host, plan.name, TRUE);
  define_guest (host, &plan);
  console = guest_boot (host, plan.name);
  begin = g_get_monotonic_time ();
  guest_must (
      _scl_vm_backend_stop (host->vms, plan.name, 3, SCL_STOPPED_BY_NOBODY, &progress, &error),
      &error);
  assert_true (g_get_monotonic_time () - begin >= 3 * G_USEC_PER_SEC);
  assert_int_equal (cuts, 1);
  seen = guest_observe (host);
  assert_int_equal (look (seen, plan.name)->state, SCL_VM_STATE_STOPPED);
  assert_int_equal (look (seen, plan.name)->stopped_by, SCL_STOPPED_BY_NOBODY);
}

/* A stop that is given up as soon as it waits for the guest. */
typedef struct
{
  GuestHost *host;
  const char *name;
  GCancellable *cancellable;
  SclVmState state; /* what others saw meanwhile */
} GivenUp;

static void
give_up (guint64 done, guint64 total, const char *message, gpointer user_data)
{
  GivenUp *stop = user_data;
  g_autoptr (SclObservation) seen = guest_observe (stop->host);

  stop->state = look (seen, stop->name)->state;
  g_cancellable_cancel (stop->cancellable);
}

static void
expect_running (GuestHost *host, const char *name)
{
  g_autoptr (SclObservation) seen = guest_observe (host);

  assert_int_equal (look (seen, name)->state, SCL_VM_STATE_RUNNING);
  assert_int_equal (look (seen, name)->stopped_by, SCL_STOPPED_BY_NOBODY);
}

/* It is stopping while somebody is at it, and no longer. */
static void
test_cancelled_stop (void **state)
{
  GuestHost *host = *state;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GivenUp stop = { .host = host, .name = "deaf", .cancellable = cancellable };
  const SclProgress progress = { .cancellable = cancellable, .report = give_up, .user_data = &stop };
  g_autoptr (GIOStream) console = guest_boot (host, "deaf");
  SclStoppedBy wishes[] = { SCL_STOPPED_BY_USER, SCL_STOPPED_BY_NOBODY, SCL_STOPPED_BY_USER };

  for (gsize i = 0; i < G_N_ELEMENTS (wishes); i++)
    {
      g_autoptr (GError) error = NULL;

      g_cancellable_reset (cancellable);
      assert_false (_scl_vm_backend_stop (host->vms, "deaf", 60, wishes[i], &progress, &error));
      assert_true (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
      assert_int_equal (stop.state, SCL_VM_STATE_STOPPING);
      expect_running (host, "deaf");
    }
  guest_stop (host, "deaf", 0, SCL_STOPPED_BY_USER);
}

typedef struct
{
  GMutex lock;
  GCond changed;
  const char *name;
  SclVmState wanted;
  gboolean seen;
} StateWait;

static void
on_state (const char *name, SclVmState state, gpointer user_data)
{
  StateWait *wait = user_data;

  g_mutex_lock (&wait->lock);
  if (strcmp (name, wait->name) == 0 && state == wait->wanted)
    wait->seen = TRUE;
  g_cond_broadcast (&wait->changed);
  g_mutex_unlock (&wait->lock);
}

static void
await_state (GuestHost *host, StateWait *wait)
{
  gint64 deadline = g_get_monotonic_time () + GUEST_SECONDS * G_USEC_PER_SEC;
  gboolean in_time = TRUE;

  g_mutex_lock (&wait->lock);
  while (!wait->seen && in_time)
    in_time = g_cond_wait_until (&wait->changed, &wait->lock, deadline);
  g_mutex_unlock (&wait->lock);
  _scl_vm_backend_watch (host->vms, NULL, NULL);
  assert_true (in_time);
}

static void
test_guest_poweroff (void **state)
{
  static const VmPlan plan = { .name = "leaver", .memory_mib = 256, .firmware = SCL_FIRMWARE_BIOS };
  GuestHost *host = *state;
  StateWait wait = { .name = plan.name, .wanted = SCL_VM_STATE_STOPPED };
  g_autoptr (GIOStream) console = NULL;
  g_autoptr (SclObservation) seen = NULL;

  guest_install (host, plan.name, FALSE);
  define_guest (host, &plan);
  console = guest_boot (host, plan.name);
  _scl_vm_backend_watch (host->vms, on_state, &wait);
  guest_say (console, "poweroff -f\n");
  await_state (host, &wait);
  seen = guest_observe (host);
  assert_int_equal (look (seen, plan.name)->stopped_by, SCL_STOPPED_BY_GUEST);
}

static void
test_killed_qemu (void **state)
{
  static const VmPlan plan = { .name = "killed", .memory_mib = 256, .firmware = SCL_FIRMWARE_BIOS };
  GuestHost *host = *state;
  StateWait wait = { .name = plan.name, .wanted = SCL_VM_STATE_CRASHED };
  g_autoptr (SclObservation) seen = NULL;
  g_autoptr (GIOStream) console = NULL;

  guest_install (host, plan.name, FALSE);
  define_guest (host, &plan);
  guest_start (host, plan.name);
  _scl_vm_backend_watch (host->vms, on_state, &wait);
  assert_int_equal (kill (find_qemu (host, plan.name), SIGKILL), 0);
  await_state (host, &wait);
  seen = guest_observe (host);
  assert_int_equal (look (seen, plan.name)->state, SCL_VM_STATE_CRASHED);
  assert_int_equal (look (seen, plan.name)->stopped_by, SCL_STOPPED_BY_NOBODY);
  console = guest_boot (host, plan.name);
  guest_stop (host, plan.name, 0, SCL_STOPPED_BY_USER);
}

static void
guest_expect_mark (GuestHost *host, const char *name, const char *mark)
{
  g_autofree char *xml = domain_xml (host, name, VIR_DOMAIN_XML_INACTIVE);
  g_autofree char *text = g_strdup_printf ("stoppedBy=\"%s\"", mark);

  assert_non_null (strstr (xml, text));
}

/* To libvirt it looks like a guest's poweroff; only the event tells that the host wanted it. */
static void
test_ended_by_host (void **state)
{
  GuestHost *host = *state;
  StateWait wait = { .name = "killed", .wanted = SCL_VM_STATE_STOPPED };
  g_autoptr (GIOStream) console = NULL;
  g_autoptr (SclObservation) seen = NULL;

  guest_start (host, "killed");
  _scl_vm_backend_watch (host->vms, on_state, &wait);
  assert_int_equal (kill (find_qemu (host, "killed"), SIGTERM), 0);
  await_state (host, &wait);
  seen = guest_observe (host);
  assert_int_equal (look (seen, "killed")->stopped_by, SCL_STOPPED_BY_NOBODY);
  /* Written down: it is not the guest's wish to those who did not see the event either. */
  guest_expect_mark (host, "killed", "cleared");
  /* That end is over with the next start. */
  console = guest_boot (host, "killed");
  wait.seen = FALSE;
  _scl_vm_backend_watch (host->vms, on_state, &wait);
  guest_say (console, "poweroff -f\n");
  await_state (host, &wait);
  guest_expect_mark (host, "killed", "guest");
}

static void
test_redefine_running (void **state)
{
  static const char *const kept[] = { "<uuid>", "machine=", "<address type='pci'", "<loader", "<nvram",
                                      NULL };
  static const VmPlan plan = { .name = "uefi", .memory_mib = 256 };
  VmPlan bigger = plan;
  GuestHost *host = *state;
  g_autoptr (SclObservation) seen = NULL;
  unsigned long version = 0;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autofree char *old = NULL;
  g_autofree char *new = NULL;
  g_autoptr (GIOStream) console = NULL;

  before = domain_xml (host, plan.name, VIR_DOMAIN_XML_INACTIVE);
  guest_start (host, plan.name);
  bigger.memory_mib = 300;
  define_guest (host, &bigger);
  seen = guest_observe (host);
  assert_int_equal (scl_vm_spec_get_memory_mib (look (seen, plan.name)->spec), 300);
  assert_int_equal (scl_vm_spec_get_memory_mib (look (seen, plan.name)->live_spec), 256);
  after = domain_xml (host, plan.name, VIR_DOMAIN_XML_INACTIVE);
  old = grep (before, kept);
  new = grep (after, kept);
  assert_string_equal (old, new);
  assert_non_null (strstr (new, "pc-q35-"));
  /* From 9.2 on libvirt stores what it has chosen: then that is kept. */
  assert_int_equal (virGetVersion (&version, NULL, NULL), 0);
  assert_int_equal (strstr (after, "<loader") != NULL, version >= 9002000);
  guest_stop (host, plan.name, 0, SCL_STOPPED_BY_USER);
}

static void
test_removal_keeps_nvram (void **state)
{
  GuestHost *host = *state;
  g_autofree char *nvram = g_build_filename (host->state_dir, "vms", "uefi", "VARS.fd", NULL);
  g_autoptr (GError) error = NULL;

  assert_true (g_file_test (nvram, G_FILE_TEST_EXISTS));
  guest_must (_scl_vm_backend_remove (host->vms, "uefi", NULL, &error), &error);
  assert_true (g_file_test (nvram, G_FILE_TEST_EXISTS));
}

static void
test_missing_volume (void **state)
{
  static const VmPlan plan = { .name = "hollow", .memory_mib = 64, .firmware = SCL_FIRMWARE_BIOS };
  GuestHost *host = *state;
  g_autoptr (GError) error = NULL;

  define_guest (host, &plan);
  assert_false (_scl_vm_backend_start (host->vms, plan.name, NULL, &error));
  assert_true (g_error_matches (error, SCL_ERROR, SCL_ERROR_NOT_FOUND));
  assert_non_null (strstr (error->message, "hollow.raw"));
}

static void
test_grow_live (void **state)
{
  GuestHost *host = *state;
  g_autoptr (GIOStream) console = guest_boot (host, "killed");
  g_autofree char *path = g_strdup_printf ("%s/volumes/killed.raw", host->state_dir);
  g_autofree char *answer = NULL;
  g_autoptr (GError) error = NULL;

  assert_int_equal (truncate (path, 1 << 30), 0);
  guest_must (_scl_vm_backend_resize_disk (host->vms, "killed", 0, 1 << 30, &error), &error);
  guest_say (console, "echo size=$(cat /sys/block/vda/size)\n");
  answer = guest_expect (console, "size=2097152");
  guest_stop (host, "killed", 0, SCL_STOPPED_BY_USER);
}

/* Somebody has made the file larger since the caller looked: libvirt would cut that off. */
static void
test_grow_to_less_than_is_there (void **state)
{
  GuestHost *host = *state;
  g_autoptr (GIOStream) console = guest_boot (host, "killed");
  g_autofree char *path = g_strdup_printf ("%s/volumes/killed.raw", host->state_dir);
  g_autofree char *answer = NULL;
  g_autoptr (GError) error = NULL;
  struct stat file;

  assert_int_equal (truncate (path, G_GINT64_CONSTANT (3) << 29), 0);
  guest_must (_scl_vm_backend_resize_disk (host->vms, "killed", 0, 1 << 30, &error), &error);
  assert_int_equal (stat (path, &file), 0);
  assert_int_equal (file.st_size, G_GINT64_CONSTANT (3) << 29);
  guest_say (console, "echo size=$(cat /sys/block/vda/size)\n");
  answer = guest_expect (console, "size=3145728");
  guest_stop (host, "killed", 0, SCL_STOPPED_BY_USER);
}

static void
test_console_is_exclusive (void **state)
{
  GuestHost *host = *state;
  g_autoptr (GIOStream) first = guest_boot (host, "killed");
  g_autoptr (GIOStream) again = NULL;
  g_autoptr (GError) error = NULL;
  char byte;

  assert_null (_scl_vm_backend_open_console (host->vms, "killed", NULL, &error));
  assert_true (g_error_matches (error, SCL_ERROR, SCL_ERROR_IN_USE));
  /* The VM's end is the stream's end. */
  guest_stop (host, "killed", 0, SCL_STOPPED_BY_USER);
  while (g_input_stream_read (g_io_stream_get_input_stream (first), &byte, 1, NULL, NULL) > 0)
    ;
}

static void
pair_delete (const char *outer)
{
  const char *const argv[] = { "ip", "link", "delete", outer, NULL };

  if (if_nametoindex (outer) != 0)
    g_free (guest_run (argv, 10));
}

/* A NIC's pair with the macvtap on its host end, as the network backend makes it. */
static void
pair_make (const char *outer, const char *tap, const char *mac)
{
  g_autofree char *inner = g_strdup_printf ("%.14sp", outer);
  const char *const veth[]
      = { "ip", "link", "add", outer, "address", mac, "type", "veth", "peer", "name", inner, NULL };
  const char *const macvtap[] = { "ip",      "link", "add",  "link",    outer,  "name",     tap,
                                  "address", mac,    "type", "macvtap", "mode", "passthru", NULL };
  const char *const links[] = { inner, outer, tap };

  g_free (guest_run (veth, 10));
  g_free (guest_run (macvtap, 10));
  for (gsize i = 0; i < G_N_ELEMENTS (links); i++)
    {
      const char *const up[] = { "ip", "link", "set", links[i], "up", NULL };

      g_free (guest_run (up, 10));
    }
}

/* The guest's only NIC: its MAC and where it is plugged in. */
static void
expect_nic (GIOStream *console, const char *mac)
{
  g_autofree char *answer = NULL;

  /* A guest finds a card that was plugged in in its own time. */
  guest_say (console, "until cat /sys/class/net/eth*/address; do sleep 1; done\n");
  /* The quotes keep the echo of the command from being taken for its answer. */
  guest_say (console, "echo nic $(cat /sys/class/net/eth*/address) "
                      "$(readlink -f /sys/class/net/eth*/device) nic-'end'\n");
  answer = guest_expect (console, "nic-end");
  assert_non_null (strstr (answer, mac));
  assert_non_null (strstr (answer, "0000:01:00.0"));
}

static void
test_nic (void **state)
{
  static const VmPlan plan
      = { .name = "wired", .memory_mib = 256, .firmware = SCL_FIRMWARE_BIOS, .n_nics = 1 };
  GuestHost *host = *state;
  g_autofree char *outer = _scl_names_nic (GUEST_PREFIX, SCL_LINK_NIC, plan.name, 0);
  g_autofree char *tap = _scl_names_nic (GUEST_PREFIX, SCL_LINK_MACVTAP, plan.name, 0);
  g_autofree char *mac = _scl_names_mac ("machine", GUEST_PREFIX, plan.name, 0);
  g_autoptr (GIOStream) console = NULL;
  g_autoptr (GError) missing = NULL;
  g_autoptr (GError) error = NULL;

  guest_install (host, plan.name, FALSE);
  define_guest (host, &plan);
  pair_delete (outer); /* of a run that was killed */
  assert_false (_scl_vm_backend_start (host->vms, plan.name, NULL, &missing));
  assert_non_null (strstr (missing->message, tap));
  pair_make (outer, tap, mac);
  console = guest_boot (host, plan.name);
  expect_nic (console, mac);
  /* Its pair is destroyed and made anew. */
  pair_delete (outer);
  pair_make (outer, tap, mac);
  guest_must (_scl_vm_backend_replug_nic (host->vms, plan.name, 0, &error), &error);
  expect_nic (console, mac);
  guest_stop (host, plan.name, 0, SCL_STOPPED_BY_USER);
  pair_delete (outer);
}

#define GUEST_CASES                                                                                \
  cmocka_unit_test (test_boot_and_graceful_stop), cmocka_unit_test (test_redefine_running),        \
      cmocka_unit_test (test_removal_keeps_nvram), cmocka_unit_test (test_ignored_button),         \
      cmocka_unit_test (test_cancelled_stop), cmocka_unit_test (test_guest_poweroff),              \
      cmocka_unit_test (test_killed_qemu), cmocka_unit_test (test_ended_by_host),                  \
      cmocka_unit_test (test_missing_volume), cmocka_unit_test (test_grow_live),                   \
      cmocka_unit_test (test_grow_to_less_than_is_there),                                          \
      cmocka_unit_test (test_console_is_exclusive), cmocka_unit_test (test_nic)
