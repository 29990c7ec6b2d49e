/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/scl-own-fd-private.h"
#include "base/scl-fd-private.h"
#include <fcntl.h>
#include <pthread.h>

/* Held over each open and close, and over a fork: so there is none between an open and its entry here. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int no_handlers; /* errno */
static int *fds;
static gsize n_fds;
static gsize n_allocated;

static void
before_fork (void)
{
  (void) pthread_mutex_lock (&mutex);
}

static void
after_fork (void)
{
  (void) pthread_mutex_unlock (&mutex);
}

/* Only what a signal handler may do: the other threads of the process may have held any lock. */
static void
close_in_child (void)
{
  for (gsize i = 0; i < n_fds; i++)
    (void) close (fds[i]);
  n_fds = 0;
  (void) pthread_mutex_unlock (&mutex);
}

static void
add_handlers (void)
{
  no_handlers = pthread_atfork (before_fork, after_fork, close_in_child);
}

/* With the mutex held. */
static void
note (int fd)
{
  if (n_fds == n_allocated)
    {
      n_allocated = n_allocated == 0 ? 8 : 2 * n_allocated;
      fds = g_renew (int, fds, n_allocated);
    }
  fds[n_fds++] = fd;
}

/* With the mutex held. FALSE: this is a fork, which never had it. */
static gboolean
forget (int fd)
{
  for (gsize i = 0; i < n_fds; i++)
    if (fds[i] == fd)
      {
        fds[i] = fds[--n_fds];
        return TRUE;
      }
  return FALSE;
}

SclOwnFd
_scl_own_fd_open (int dir, const char *name, int flags, mode_t mode)
{
  int saved;
  SclOwnFd fd;

  (void) pthread_once (&once, add_handlers);
  if (no_handlers != 0)
    {
      errno = no_handlers;
      return -1;
    }
  (void) pthread_mutex_lock (&mutex);
  fd = openat (dir, name, flags | O_CLOEXEC, mode);
  saved = errno;
  if (fd >= 0)
    note (fd);
  (void) pthread_mutex_unlock (&mutex);
  errno = saved;
  return fd;
}

void
_scl_own_fd_clear (SclOwnFd *fd)
{
  int saved = errno;

  if (*fd >= 0)
    {
      (void) pthread_mutex_lock (&mutex);
      if (forget (*fd))
        (void) close (*fd);
      (void) pthread_mutex_unlock (&mutex);
    }
  *fd = -1;
  errno = saved;
}
