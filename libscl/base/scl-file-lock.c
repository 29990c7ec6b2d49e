/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/scl-file-lock-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include <poll.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

/* Until somebody closes the file: its holder, if only by dying. FALSE: too late or cancelled. */
static gboolean
wait_for_close (int notify_fd, gint64 deadline, GCancellable *cancellable)
{
  int cancel_fd = cancellable == NULL ? -1 : g_cancellable_get_fd (cancellable);
  struct pollfd fds[] = { { notify_fd, POLLIN, 0 }, { cancel_fd, POLLIN, 0 } };
  gint64 left = (deadline - g_get_monotonic_time ()) / 1000;
  char events[4096];
  int n = left <= 0 ? 0 : poll (fds, G_N_ELEMENTS (fds), (int) MIN (left, G_MAXINT));

  if (cancel_fd >= 0)
    g_cancellable_release_fd (cancellable);
  if (n > 0 && fds[0].revents != 0)
    (void) TEMP_FAILURE_RETRY (read (notify_fd, events, sizeof events));
  return n > 0 && fds[1].revents == 0;
}

gboolean
_scl_file_lock (int fd, int operation, const char *path, gint64 deadline, GCancellable *cancellable,
                GError **error)
{
  g_autofree char *by_fd = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_auto (SclFd) notify_fd = -1;

  if (flock (fd, operation | LOCK_NB) == 0)
    return TRUE;
  notify_fd = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);
  /* By descriptor: its name may be gone already, with the holder. */
  if (notify_fd < 0 || inotify_add_watch (notify_fd, by_fd, IN_CLOSE) < 0)
    return scl_throw_errno (error, errno, "%s: cannot watch", path);
  while (flock (fd, operation | LOCK_NB) < 0)
    {
      if (errno != EWOULDBLOCK)
        return scl_throw_errno (error, errno, "%s: cannot lock", path);
      if (wait_for_close (notify_fd, deadline, cancellable))
        continue;
      return !g_cancellable_set_error_if_cancelled (cancellable, error)
             && scl_throw (error, SCL_ERROR_BUSY, "%s is locked by somebody else", path);
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
