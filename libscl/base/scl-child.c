/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/scl-child-private.h"
#include <errno.h>
#include <poll.h>
#include <scl/scl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGE_MAX (256u << 10)
#define LOOK_MS 20 /* at a child that has no descriptor to wait for */

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    (void) close (*fd);
  *fd = -1;
}

void
_scl_child_clear (SclChild *self)
{
  close_fd (&self->pidfd);
  close_fd (&self->out);
  close_fd (&self->err);
  g_clear_pointer (&self->output, g_byte_array_unref);
  g_clear_pointer (&self->message, g_byte_array_unref);
}

void
_scl_child_watch (SclChild *self, const char *program, GPid pid)
{
  self->program = program;
  self->pid = pid;
  /* Old kernels and strict containers have none, and descriptors may be short. */
  self->pidfd = (int) syscall (SYS_pidfd_open, pid, 0);
  self->output = g_byte_array_new ();
  self->message = g_byte_array_new ();
}

static int
wait_for (const SclChild *self, siginfo_t *info, int flags)
{
  if (self->pidfd >= 0)
    return TEMP_FAILURE_RETRY (waitid (P_PIDFD, (id_t) self->pidfd, info, WEXITED | flags));
  return TEMP_FAILURE_RETRY (waitid (P_PID, (id_t) self->pid, info, WEXITED | flags));
}

/* Also when somebody else has taken its status. */
static gboolean
is_over (const SclChild *self)
{
  siginfo_t info = { 0 };

  return wait_for (self, &info, WNOHANG | WNOWAIT) < 0 || info.si_pid != 0;
}

static void
drain (int *fd, GByteArray *into)
{
  guint8 chunk[65536];
  gssize n = TEMP_FAILURE_RETRY (read (*fd, chunk, sizeof chunk));

  if (n > 0)
    g_byte_array_append (into, chunk, (guint) n);
  else
    close_fd (fd);
}

static void
keep_end (GByteArray *message)
{
  if (message->len > MESSAGE_MAX)
    g_byte_array_remove_range (message, 0, message->len - MESSAGE_MAX / 2);
}

/* FALSE: cancelled. */
static gboolean
serve (SclChild *self, int cancel_fd, gint64 left, gboolean *ended)
{
  gboolean looks = !*ended && self->pidfd < 0;
  struct pollfd fds[] = { { self->out, POLLIN, 0 },
                          { self->err, POLLIN, 0 },
                          { *ended ? -1 : self->pidfd, POLLIN, 0 },
                          { cancel_fd, POLLIN, 0 } };

  if (poll (fds, G_N_ELEMENTS (fds), (int) MIN (left, looks ? LOOK_MS : 60000)) > 0)
    {
      if (fds[3].revents != 0)
        return FALSE;
      if (fds[0].revents != 0)
        drain (&self->out, self->output);
      if (fds[1].revents != 0)
        drain (&self->err, self->message);
      keep_end (self->message);
      *ended = *ended || fds[2].revents != 0;
    }
  *ended = *ended || (looks && is_over (self));
  return TRUE;
}

static SclChildOutcome
collect (SclChild *self, guint timeout, gsize output_max, int cancel_fd)
{
  gint64 deadline = g_get_monotonic_time () + (gint64) timeout * G_USEC_PER_SEC;
  gboolean ended = FALSE;

  while (!ended || self->out >= 0 || self->err >= 0)
    {
      gint64 left = (deadline - g_get_monotonic_time ()) / 1000 + 1;

      if (timeout > 0 && left <= 0)
        return SCL_CHILD_TOO_SLOW;
      if (!serve (self, cancel_fd, timeout > 0 ? left : G_MAXINT, &ended))
        return SCL_CHILD_CANCELLED;
      if (self->output->len > output_max)
        return SCL_CHILD_TOO_MUCH;
    }
  return SCL_CHILD_ENDED;
}

SclChildOutcome
_scl_child_collect (SclChild *self, guint timeout, gsize output_max, GCancellable *cancellable)
{
  int cancel_fd = cancellable == NULL ? -1 : g_cancellable_get_fd (cancellable);
  SclChildOutcome outcome = collect (self, timeout, output_max, cancel_fd);

  if (cancel_fd >= 0)
    g_cancellable_release_fd (cancellable);
  return outcome;
}

/* By descriptor: its number may belong to another process by now, if somebody else reaped it. */
void
_scl_child_kill (SclChild *self)
{
  if (self->pidfd >= 0)
    (void) syscall (SYS_pidfd_send_signal, self->pidfd, SIGKILL, NULL, 0);
  else if (!is_over (self))
    (void) kill (self->pid, SIGKILL);
}

gboolean
_scl_child_reap (SclChild *self, int *out_status, GError **error)
{
  siginfo_t info = { 0 };

  if (wait_for (self, &info, 0) < 0)
    {
      g_set_error (error, SCL_ERROR, SCL_ERROR_FAILED,
                   "%s: whether it succeeded is not known, because something else in this process "
                   "took its exit status: do not ignore SIGCHLD, and wait for own children only",
                   self->program);
      return FALSE;
    }
  *out_status = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
  return TRUE;
}
