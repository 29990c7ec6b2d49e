/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-stop-owner-private.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Field 22 of /proc/PID/stat, counted from the end of the name, which may hold anything. */
#define FIELDS_TO_START 20

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

char *
_scl_stop_owner_begin (void)
{
  guint64 pid = (guint64) getpid ();
  guint64 start = start_of (pid);
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);
  char *owner = g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT ":%u",
                                 pid_namespace (), pid, start, ++count);

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

gboolean
_scl_stop_owner_is_alive (const char *owner)
{
  g_auto (GStrv) parts = owner != NULL ? g_strsplit (owner, ":", -1) : NULL;
  guint64 pid, start;

  if (parts == NULL || g_strv_length (parts) != 4)
    return FALSE;
  if (g_ascii_strtoull (parts[0], NULL, 10) != pid_namespace ())
    return TRUE;
  pid = g_ascii_strtoull (parts[1], NULL, 10);
  start = g_ascii_strtoull (parts[2], NULL, 10);
  if (pid == (guint64) getpid () && start == start_of (pid))
    return is_under_way (owner);
  return start != 0 && start == start_of (pid);
}
