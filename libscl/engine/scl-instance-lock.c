/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/scl-instance-lock-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-file-lock-private.h"
#include "base/scl-own-fd-private.h"
#include "base/scl-throw-private.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#define LOCK_DIR ".lock"

/* A lock file lives as long as somebody holds or wants it. */
typedef struct
{
  SclOwnFd fd;
  char *path;
} LockFile;

struct _SclInstanceLock
{
  LockFile run;
  LockFile state;
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

static long
read_pid (int fd)
{
  char text[32] = "";

  return pread (fd, text, sizeof text - 1, 0) > 0 ? strtol (text, NULL, 10) : 0;
}

/* CAUSE: why the lock was not had; before the deadline only because it could not be waited for. */
static gboolean
throw_busy (int fd, const Wait *wait, const GError *cause, GError **error)
{
  long pid = read_pid (fd);
  g_autofree char *waited = g_get_monotonic_time () >= wait->deadline
                                ? g_strdup_printf ("waited %u s", wait->timeout)
                                : g_strdup (cause->message);

  if (pid > 0)
    return scl_throw (error, SCL_ERROR_BUSY,
                      "instance \"%s\" is locked by process %ld (%s): wait until it has ended, "
                      "or raise --timeout",
                      wait->prefix, pid, waited);
  return scl_throw (error, SCL_ERROR_BUSY, "instance \"%s\" is locked by another process (%s)",
                    wait->prefix, waited);
}

/* Who holds it stands in the file. */
static gboolean
wait_for_lock (int fd, const char *path, const Wait *wait, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (_scl_file_lock (fd, wait->operation, path, wait->deadline, wait->cancellable, &local))
    return TRUE;
  if (!g_error_matches (local, SCL_ERROR, SCL_ERROR_TIMEOUT))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  return throw_busy (fd, wait, local, error);
}

/* Whether the file that was locked still has the name: its last holder removes it. */
static gboolean
is_current (int fd, int dir, const char *name)
{
  struct stat mine, named;

  return fstat (fd, &mine) == 0 && fstatat (dir, name, &named, AT_SYMLINK_NOFOLLOW) == 0
         && mine.st_dev == named.st_dev && mine.st_ino == named.st_ino;
}

static void
note_pid (int fd)
{
  g_autofree char *pid = g_strdup_printf ("%ld\n", (long) getpid ());

  if (ftruncate (fd, 0) == 0)
    (void) TEMP_FAILURE_RETRY (pwrite (fd, pid, strlen (pid), 0));
}

static gboolean
lock_file_acquire (LockFile *self, int dir, const char *folder, const char *name, const Wait *wait,
                   GError **error)
{
  self->path = g_build_filename (folder, name, NULL);
  for (;;)
    {
      g_auto (SclOwnFd) fd = _scl_own_fd_open (dir, name, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);

      if (fd < 0)
        return scl_throw_errno (error, errno, "%s: cannot open", self->path);
      if (!wait_for_lock (fd, self->path, wait, error))
        return FALSE;
      if (!is_current (fd, dir, name))
        continue;
      note_pid (fd);
      self->fd = scl_own_fd_steal (&fd);
      return TRUE;
    }
}

static void
lock_file_release (LockFile *self)
{
  /* Alone with it: nobody else holds it, and whoever opened it meanwhile sees that it has no name. */
  if (self->fd >= 0 && flock (self->fd, LOCK_EX | LOCK_NB) == 0)
    (void) unlink (self->path);
  _scl_own_fd_clear (&self->fd);
  g_clear_pointer (&self->path, g_free);
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
  g_autofree char *folder = g_build_filename (run_dir, LOCK_DIR, NULL);
  g_auto (SclFd) above = -1;
  g_auto (SclFd) run = -1;
  g_auto (SclFd) state = -1;

  self->run.fd = self->state.fd = -1;
  /* Others pass through it to what they may use; what stands beside the locks has modes of its own. */
  above = _scl_fd_open_folder (run_dir, 0755, error);
  if (above < 0)
    return NULL;
  run = _scl_fd_open_folder (folder, 0700, error);
  if (run < 0 || !lock_file_acquire (&self->run, run, folder, run_name, &wait, error))
    return NULL;
  state = _scl_fd_ensure_folder (state_dir, 0711, error);
  if (state < 0 || !lock_file_acquire (&self->state, state, state_dir, state_name, &wait, error))
    return NULL;
  return g_steal_pointer (&self);
}

int
_scl_instance_lock_find_holder (const char *run_dir, const char *prefix)
{
  g_autofree char *path = g_strdup_printf ("%s/" LOCK_DIR "/%s.lock", run_dir, prefix);
  g_auto (SclOwnFd) fd = _scl_own_fd_open (AT_FDCWD, path, O_RDONLY | O_NOFOLLOW, 0);

  return fd >= 0 && flock (fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK ? (int) read_pid (fd) : 0;
}

void
_scl_instance_lock_release (SclInstanceLock *self)
{
  lock_file_release (&self->state);
  lock_file_release (&self->run);
  g_free (self);
}
