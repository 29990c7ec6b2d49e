/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-stop-owner-private.h"
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Field 22 of /proc/PID/stat, counted from the end of the name, which may hold anything. */
#define FIELDS_TO_START 20
/* Pid namespace, pid, its start, a number, boot of the host, the latest end (seconds since that boot). */
#define N_PARTS 6
/* For locks, libvirt and the end of QEMU, beside the time that the guest has. */
#define SPARE_SECONDS 300

static GMutex lock;         /* over what follows */
static GHashTable *under_way; /* char*: owners of this process; NULL: none yet */
static guint count;

/* In clock ticks since the boot of the host: with the pid it names a process for good. 0: there is
 * none, or only its corpse. */
static guint64
start_of (guint64 pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%" G_GUINT64_FORMAT "/stat", pid);
  g_autofree char *text = NULL;
  g_auto (GStrv) fields = NULL;
  const char *end;

  if (!g_file_get_contents (path, &text, NULL, NULL) || (end = strrchr (text, ')')) == NULL)
    return 0;
  fields = g_strsplit (end, " ", FIELDS_TO_START + 2);
  return g_strv_length (fields) > FIELDS_TO_START && strcmp (fields[1], "Z") != 0
             ? g_ascii_strtoull (fields[FIELDS_TO_START], NULL, 10)
             : 0;
}

/* Pids mean something only in the namespace that they were read in. */
static guint64
pid_namespace (void)
{
  struct stat info;

  return stat ("/proc/self/ns/pid", &info) == 0 ? (guint64) info.st_ino : 0;
}

/* Of this boot of the host: -1 is never in the future. */
static gint64
seconds_since_boot (void)
{
  struct timespec now;

  return clock_gettime (CLOCK_BOOTTIME, &now) == 0 ? (gint64) now.tv_sec : -1;
}

/* (transfer full) */
static char *
find_boot (void)
{
  char *text = NULL;

  return g_file_get_contents ("/proc/sys/kernel/random/boot_id", &text, NULL, NULL) ? g_strchomp (text)
                                                                                    : g_strdup ("");
}

char *
_scl_stop_owner_begin (guint seconds)
{
  guint64 pid = (guint64) getpid ();
  guint64 start = start_of (pid);
  gint64 until = seconds_since_boot () + (gint64) seconds + SPARE_SECONDS;
  g_autofree char *boot = find_boot ();
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);
  char *owner = g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT
                                 ":%u:%s:%" G_GINT64_FORMAT,
                                 pid_namespace (), pid, start, ++count, boot, until);

  if (under_way == NULL)
    under_way = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_add (under_way, g_strdup (owner));
  return owner;
}

void
_scl_stop_owner_end (const char *owner)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);

  if (under_way != NULL)
    g_hash_table_remove (under_way, owner);
}

static gboolean
is_under_way (const char *owner)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);

  return under_way != NULL && g_hash_table_contains (under_way, owner);
}

/* Of a process that cannot be looked at: as long as it may have said that it takes. */
static gboolean
may_be_under_way (const char *boot, const char *until)
{
  g_autofree char *now = find_boot ();

  return strcmp (boot, now) == 0 && seconds_since_boot () < g_ascii_strtoll (until, NULL, 10);
}

gboolean
_scl_stop_owner_is_alive (const char *owner)
{
  g_auto (GStrv) parts = owner != NULL ? g_strsplit (owner, ":", -1) : NULL;
  guint64 pid, start;

  if (parts == NULL || g_strv_length (parts) != N_PARTS)
    return FALSE;
  if (g_ascii_strtoull (parts[0], NULL, 10) != pid_namespace ())
    return may_be_under_way (parts[4], parts[5]);
  pid = g_ascii_strtoull (parts[1], NULL, 10);
  start = g_ascii_strtoull (parts[2], NULL, 10);
  if (pid == (guint64) getpid () && start == start_of (pid))
    return is_under_way (owner);
  return start != 0 && start == start_of (pid);
}
