/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/scl-instance-lock-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>

struct _SclInstanceLock
{
  SclFd run;
  SclFd state;
};

/* What is waited for, to say so. */
typedef struct
{
  const char *prefix;
  int operation; /* of flock */
  gint64 deadline;
  guint timeout;
  GCancellable *cancellable;
} Wait;

static gboolean
throw_busy (int fd, const Wait *wait, GError **error)
{
  char text[32] = "";
  gssize n = pread (fd, text, sizeof text - 1, 0);
  long pid = n > 0 ? strtol (text, NULL, 10) : 0;

  if (pid > 0)
    return scl_throw (error, SCL_ERROR_BUSY,
                      "instance \"%s\" is locked by process %ld (waited %u s): wait until it has ended, "
                      "or raise --timeout",
                      wait->prefix, pid, wait->timeout);
  return scl_throw (error, SCL_ERROR_BUSY, "instance \"%s\" is locked by another process (waited %u s)",
                    wait->prefix, wait->timeout);
}

/* Until somebody closes the file: its holder, if only by dying. FALSE: too late or cancelled. */
static gboolean
wait_for_close (int notify_fd, const Wait *wait)
{
  int cancel_fd = wait->cancellable == NULL ? -1 : g_cancellable_get_fd (wait->cancellable);
  struct pollfd fds[] = { { notify_fd, POLLIN, 0 }, { cancel_fd, POLLIN, 0 } };
  gint64 left = (wait->deadline - g_get_monotonic_time ()) / 1000;
  char events[4096];
  int n = left <= 0 ? 0 : poll (fds, G_N_ELEMENTS (fds), (int) MIN (left, G_MAXINT));

  if (cancel_fd >= 0)
    g_cancellable_release_fd (wait->cancellable);
  if (n > 0 && fds[0].revents != 0)
    (void) TEMP_FAILURE_RETRY (read (notify_fd, events, sizeof events));
  return n > 0 && fds[1].revents == 0;
}

static gboolean
lock_file (int fd, const char *path, const Wait *wait, GError **error)
{
  g_auto (SclFd) notify_fd = -1;

  if (flock (fd, wait->operation | LOCK_NB) == 0)
    return TRUE;
  notify_fd = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);
  if (notify_fd < 0 || inotify_add_watch (notify_fd, path, IN_CLOSE) < 0)
    return scl_throw_errno (error, errno, "%s: cannot watch", path);
  while (flock (fd, wait->operation | LOCK_NB) < 0)
    {
      if (errno != EWOULDBLOCK)
        return scl_throw_errno (error, errno, "%s: cannot lock", path);
      if (wait_for_close (notify_fd, wait))
        continue;
      return !g_cancellable_set_error_if_cancelled (wait->cancellable, error)
             && throw_busy (fd, wait, error);
    }
  return TRUE;
}

static int
open_and_lock (int dir, const char *folder, const char *name, const Wait *wait, GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *pid = g_strdup_printf ("%ld\n", (long) getpid ());
  g_auto (SclFd) fd = -1;

  if (dir < 0)
    return -1;
  fd = openat (dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    {
      scl_throw_errno (error, errno, "%s: cannot open", path);
      return -1;
    }
  if (!lock_file (fd, path, wait, error))
    return -1;
  if (ftruncate (fd, 0) == 0)
    (void) TEMP_FAILURE_RETRY (pwrite (fd, pid, strlen (pid), 0));
  return scl_fd_steal (&fd);
}

SclInstanceLock *
_scl_instance_lock_acquire (const char *run_dir, const char *state_dir, const char *prefix,
                            SclLockMode mode, guint timeout, GCancellable *cancellable,
                            GError **error)
{
  g_autoptr (SclInstanceLock) self = g_new0 (SclInstanceLock, 1);
  g_autofree char *run_name = g_strdup_printf ("%s.lock", prefix);
  g_autofree char *state_name = g_strdup_printf (".%s.lock", prefix);
  Wait wait = { .prefix = prefix,
                .operation = mode == SCL_LOCK_SHARED ? LOCK_SH : LOCK_EX,
                .deadline = g_get_monotonic_time () + (gint64) timeout * G_USEC_PER_SEC,
                .timeout = timeout,
                .cancellable = cancellable };

  g_auto (SclFd) run = -1;
  g_auto (SclFd) state = -1;

  self->run = self->state = -1;
  run = _scl_fd_open_folder (run_dir, 0700, error);
  self->run = open_and_lock (run, run_dir, run_name, &wait, error);
  if (self->run < 0)
    return NULL;
  state = _scl_fd_ensure_folder (state_dir, 0711, error);
  self->state = open_and_lock (state, state_dir, state_name, &wait, error);
  if (self->state < 0)
    return NULL;
  return g_steal_pointer (&self);
}

void
_scl_instance_lock_release (SclInstanceLock *self)
{
  scl_fd_clear (&self->state);
  scl_fd_clear (&self->run);
  g_free (self);
}
