/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/scl-run-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define OUTPUT_MAX (64u << 20)
#define MESSAGE_MAX (64u << 10)
#define GROUPS_MAX 64

/* What a child does between fork and exec; only async-signal-safe calls use it. */
typedef struct
{
  int netns_fd;
  gboolean has_user;
  uid_t uid;
  gid_t gid;
  gid_t groups[GROUPS_MAX];
  int n_groups;
  pid_t parent;
} Child;

/* A running program and the ends of its pipes. */
typedef struct
{
  GPid pid;
  SclFd pidfd;
  SclFd out;
  SclFd err;
  GByteArray *output;
  GByteArray *message;
} Run;

static void
run_clear (Run *run)
{
  scl_fd_clear (&run->pidfd);
  scl_fd_clear (&run->out);
  scl_fd_clear (&run->err);
  g_clear_pointer (&run->output, g_byte_array_unref);
  g_clear_pointer (&run->message, g_byte_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

void
_scl_run_result_free (SclRunResult *result)
{
  g_clear_pointer (&result->output, g_bytes_unref);
  g_free (result->message);
  g_free (result);
}

static void
child_setup (gpointer data)
{
  const Child *child = data;

  if (child->netns_fd >= 0 && setns (child->netns_fd, CLONE_NEWNET) < 0)
    _exit (126);
  if (child->has_user
      && (setgroups ((size_t) child->n_groups, child->groups) < 0 || setgid (child->gid) < 0
          || setuid (child->uid) < 0))
    _exit (126);
  /* A program that outlives a killed SCL would finish its change after the next apply has begun.
   * (After setuid, which clears it.) */
  if (prctl (PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid () != child->parent)
    _exit (126);
}

static const char *
package_of (const char *program)
{
  static const struct
  {
    const char *program, *package;
  } known[] = { { "nft", "nftables" },
                { "qemu-img", "qemu-utils" },
                { "qemu-system-x86_64", "qemu-system-x86" },
                { "dnsmasq", "dnsmasq-base" },
                { "swtpm", "swtpm" } };

  for (gsize i = 0; i < G_N_ELEMENTS (known); i++)
    if (strcmp (known[i].program, program) == 0)
      return known[i].package;
  return NULL;
}

/* The input goes through an unlinked memory file: the child reads at its own pace and nobody has to
 * write and read at the same time. */
static int
input_fd (GBytes *input, GError **error)
{
  g_auto (SclFd) fd = -1;

  if (input == NULL)
    return open ("/dev/null", O_RDONLY | O_CLOEXEC);
  fd = memfd_create ("scl-input", MFD_CLOEXEC);
  if (fd < 0)
    {
      scl_throw_errno (error, errno, "cannot make a memory file");
      return -1;
    }
  if (!_scl_fd_write_all (fd, g_bytes_get_data (input, NULL), g_bytes_get_size (input), "memory file",
                          error))
    return -1;
  (void) lseek (fd, 0, SEEK_SET);
  return scl_fd_steal (&fd);
}

static gboolean
throw_spawn (const char *program, GError *cause, GError **error)
{
  g_autoptr (GError) own = cause;
  const char *package = package_of (program);

  if (!g_error_matches (own, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT))
    return scl_throw (error, SCL_ERROR_FAILED, "cannot run %s: %s", program, own->message);
  if (package == NULL)
    return scl_throw (error, SCL_ERROR_MISSING, "%s is not installed", program);
  return scl_throw (error, SCL_ERROR_MISSING, "%s is not installed: install the package %s", program,
                    package);
}

static gboolean
lookup_user (const char *user, Child *child, GError **error)
{
  struct passwd entry, *found = NULL;
  char buffer[4096];

  if (user == NULL)
    return TRUE;
  (void) getpwnam_r (user, &entry, buffer, sizeof buffer, &found);
  if (found == NULL)
    return scl_throw (error, SCL_ERROR_NOT_FOUND, "user %s does not exist", user);
  child->has_user = TRUE;
  child->uid = entry.pw_uid;
  child->gid = entry.pw_gid;
  child->n_groups = GROUPS_MAX;
  if (getgrouplist (user, entry.pw_gid, child->groups, &child->n_groups) < 0)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "user %s is in more than %d groups", user,
                      GROUPS_MAX);
  return TRUE;
}

static gboolean
start (const char *const *argv, GBytes *input, Child *child, Run *run, GError **error)
{
  g_autofree char *program = g_path_get_basename (argv[0]);
  g_auto (SclFd) in = input_fd (input, error);
  GError *cause = NULL;

  if (in < 0)
    return FALSE;
  if (!g_spawn_async_with_pipes_and_fds (
          NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD,
          child_setup, child, in, -1, -1, NULL, NULL,
          0, &run->pid, NULL, &run->out, &run->err, &cause))
    return throw_spawn (program, cause, error);
  run->pidfd = (int) syscall (SYS_pidfd_open, run->pid, 0);
  return TRUE;
}

/* FALSE at the end of the stream. */
static gboolean
drain (SclFd *fd, GByteArray *into, gsize max)
{
  guint8 chunk[16384];
  gssize n = TEMP_FAILURE_RETRY (read (*fd, chunk, sizeof chunk));

  if (n <= 0)
    {
      scl_fd_clear (fd);
      return FALSE;
    }
  if (into->len < max)
    g_byte_array_append (into, chunk, (guint) n);
  return TRUE;
}

typedef enum { ENDED, CANCELLED, TOO_SLOW } Outcome;

/* Until both streams and the process have ended. */
static Outcome
collect (Run *run, guint timeout, GCancellable *cancellable)
{
  gint64 deadline = g_get_monotonic_time () + (gint64) timeout * G_USEC_PER_SEC;
  int cancel_fd = cancellable == NULL ? -1 : g_cancellable_get_fd (cancellable);
  Outcome outcome = ENDED;
  gboolean ended = FALSE;

  while (!ended || run->out >= 0 || run->err >= 0)
    {
      struct pollfd fds[] = { { run->out, POLLIN, 0 },
                              { run->err, POLLIN, 0 },
                              { ended ? -1 : run->pidfd, POLLIN, 0 },
                              { cancel_fd, POLLIN, 0 } };
      gint64 left = (deadline - g_get_monotonic_time ()) / 1000;

      if (left <= 0)
        outcome = TOO_SLOW;
      else if (poll (fds, G_N_ELEMENTS (fds), (int) MIN (left + 1, 60000)) > 0
               && fds[3].revents != 0)
        outcome = CANCELLED;
      if (outcome != ENDED)
        break;
      if (fds[0].revents != 0)
        drain (&run->out, run->output, OUTPUT_MAX);
      if (fds[1].revents != 0)
        drain (&run->err, run->message, MESSAGE_MAX);
      ended = ended || fds[2].revents != 0;
    }
  if (cancel_fd >= 0)
    g_cancellable_release_fd (cancellable);
  return outcome;
}

static SclRunResult *
finish (Run *run, int status)
{
  SclRunResult *result = g_new0 (SclRunResult, 1);
  g_autofree char *raw = run->message->len == 0
                             ? g_strdup ("")
                             : g_strndup ((const char *) run->message->data, run->message->len);

  result->exit_status = WIFEXITED (status) ? WEXITSTATUS (status) : -1;
  result->output = g_byte_array_free_to_bytes (g_steal_pointer (&run->output));
  result->message = g_strchomp (g_utf8_make_valid (raw, -1));
  return result;
}

SclRunResult *
_scl_run (const char *const *argv, GBytes *input, int netns_fd, const char *user, guint timeout,
          GCancellable *cancellable, GError **error)
{
  Child child = { .netns_fd = netns_fd, .parent = getpid () };
  g_auto (Run) run = { .pidfd = -1, .out = -1, .err = -1 };
  Outcome outcome;
  int status = 0;

  if (g_cancellable_set_error_if_cancelled (cancellable, error)
      || !lookup_user (user, &child, error) || !start (argv, input, &child, &run, error))
    return NULL;
  run.output = g_byte_array_new ();
  run.message = g_byte_array_new ();
  outcome = collect (&run, timeout, cancellable);
  if (outcome != ENDED)
    (void) kill (run.pid, SIGKILL);
  (void) TEMP_FAILURE_RETRY (waitpid (run.pid, &status, 0));
  if (outcome == TOO_SLOW)
    return scl_null_throw (error, SCL_ERROR_TIMEOUT, "%s did not end within %u s", argv[0], timeout);
  if (outcome == CANCELLED)
    return (void) g_cancellable_set_error_if_cancelled (cancellable, error), NULL;
  return finish (&run, status);
}

GBytes *
_scl_run_checked (const char *const *argv, GBytes *input, int netns_fd, guint timeout,
                  GCancellable *cancellable, GError **error)
{
  g_autoptr (SclRunResult) result
      = _scl_run (argv, input, netns_fd, NULL, timeout, cancellable, error);

  if (result == NULL)
    return NULL;
  if (result->exit_status != 0)
    return scl_null_throw (error, SCL_ERROR_BACKEND, "%s failed: %s", argv[0],
                           result->message[0] == '\0' ? "no message" : result->message);
  return g_bytes_ref (result->output);
}
