/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/scl-file-lock-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Until somebody closes the file: its holder, if only by dying. FALSE: too late or cancelled. */
static gboolean
wait_for_close (int notify_fd, gint64 deadline, GCancellable *cancellable)
{
  int cancel_fd = cancellable == NULL ? -1 : g_cancellable_get_fd (cancellable);
  struct pollfd fds[] = { { notify_fd, POLLIN, 0 }, { cancel_fd, POLLIN, 0 } };
  char events[4096];
  int n;

  do
    {
      gint64 left = (deadline - g_get_monotonic_time () + 999) / 1000;

      n = left <= 0 ? 0 : poll (fds, G_N_ELEMENTS (fds), (int) MIN (left, G_MAXINT));
    }
  while (n < 0 && errno == EINTR);
  if (cancel_fd >= 0)
    g_cancellable_release_fd (cancellable);
  if (n > 0 && fds[0].revents != 0)
    (void) TEMP_FAILURE_RETRY (read (notify_fd, events, sizeof events));
  return n > 0 && fds[1].revents == 0;
}

/* A line is "1: FLOCK ADVISORY WRITE 4711 08:01:131074 0 EOF". */
static long
find_pid (const char *locks, const char *file)
{
  g_auto (GStrv) lines = g_strsplit (locks, "\n", -1);

  for (char **line = lines; *line != NULL; line++)
    {
      long pid = 0;
      char where[64] = "";

      if (sscanf (*line, "%*s FLOCK %*s %*s %ld %63s", &pid, where) == 2 && strcmp (where, file) == 0)
        return pid;
    }
  return 0;
}

/* 0: not known; some file systems show another device here than there. */
static long
find_flock_holder (int fd)
{
  g_autofree char *file = NULL;
  g_autofree char *locks = NULL;
  struct stat info;

  if (fstat (fd, &info) < 0 || !g_file_get_contents ("/proc/locks", &locks, NULL, NULL))
    return 0;
  file = g_strdup_printf ("%02x:%02x:%" G_GUINT64_FORMAT, major (info.st_dev), minor (info.st_dev),
                          (guint64) info.st_ino);
  return find_pid (locks, file);
}

static gboolean
throw_busy (int fd, const char *path, GError **error)
{
  long pid = find_flock_holder (fd);

  if (pid > 0)
    return scl_throw (error, SCL_ERROR_TIMEOUT,
                      "%s is locked by process %ld: wait until it has ended, then repeat this", path, pid);
  return scl_throw (error, SCL_ERROR_TIMEOUT,
                    "%s is locked by another process: wait until it has ended, then repeat this", path);
}

gboolean
_scl_file_lock (int fd, int operation, const char *path, gint64 deadline, GCancellable *cancellable,
                GError **error)
{
  g_autofree char *by_fd = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_auto (SclFd) notify_fd = -1;

  if (flock (fd, operation | LOCK_NB) == 0)
    return TRUE;
  if (errno == EWOULDBLOCK && deadline <= g_get_monotonic_time ())
    return !g_cancellable_set_error_if_cancelled (cancellable, error) && throw_busy (fd, path, error);
  notify_fd = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);
  /* By descriptor: its name may be gone already, with the holder. */
  if (notify_fd < 0 || inotify_add_watch (notify_fd, by_fd, IN_CLOSE) < 0)
    return scl_throw (error, SCL_ERROR_TIMEOUT, "%s is locked, and cannot be waited for: %s", path,
                      g_strerror (errno));
  while (flock (fd, operation | LOCK_NB) < 0)
    {
      if (errno != EWOULDBLOCK)
        return scl_throw_errno (error, errno, "%s: cannot lock", path);
      if (wait_for_close (notify_fd, deadline, cancellable))
        continue;
      return !g_cancellable_set_error_if_cancelled (cancellable, error)
             && throw_busy (fd, path, error);
    }
  return TRUE;
}

typedef struct
{
  const char *path;
  struct flock *lock;
} Probe;

/* The thread gets a table of descriptors of its own: a process that closes any descriptor of a file loses
 * all its locks on it. */
static gpointer
run_probe (gpointer data)
{
  Probe *probe = data;
  g_auto (SclFd) fd = -1;

  if (unshare (CLONE_FILES) < 0)
    return NULL;
  fd = open (probe->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd >= 0)
    (void) fchmod (fd, 0600);
  if (fd < 0 || fcntl (fd, F_GETLK, probe->lock) < 0)
    probe->lock->l_type = F_UNLCK;
  return NULL;
}

gboolean
_scl_file_lock_find_holder (const char *path, struct flock *out_lock, GError **error)
{
  Probe probe = { .path = path, .lock = out_lock };
  GThread *thread;

  *out_lock = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
  thread = g_thread_try_new ("scl-lock-probe", run_probe, &probe, error);
  if (thread == NULL)
    return FALSE;
  (void) g_thread_join (thread);
  return TRUE;
}
