/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scl-nix-run.h"

#include <errno.h>
#include <poll.h>
#include <scl/scl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX (64u << 20)
#define MESSAGE_MAX (256u << 10)
#define MEMORY_MAX (4ull << 30)
#define PACKAGE "nix-bin"

/* Used between fork and exec. */
typedef struct
{
  NixRunFlags flags;
  pid_t parent;
} Child;

typedef struct
{
  pid_t pid;
  int pidfd;
  int out;
  int err;
  GByteArray *output;
  GByteArray *message;
} Run;

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    (void) close (*fd);
  *fd = -1;
}

static void
run_clear (Run *run)
{
  close_fd (&run->pidfd);
  close_fd (&run->out);
  close_fd (&run->err);
  g_clear_pointer (&run->output, g_byte_array_unref);
  g_clear_pointer (&run->message, g_byte_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

void
nix_result_free (NixResult *self)
{
  g_free (self->output);
  g_free (self->message);
  g_free (self);
}

static void
child_setup (gpointer data)
{
  const Child *child = data;
  struct rlimit memory = { MEMORY_MAX, MEMORY_MAX };

  /* The group is what a timeout kills; out of the terminal's group, it must not outlive us. */
  if (setpgid (0, 0) < 0 || prctl (PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid () != child->parent)
    _exit (126);
  if ((child->flags & NIX_RUN_CONFINED) && setrlimit (RLIMIT_AS, &memory) < 0)
    _exit (126);
}

/* Restricted evaluation refuses to fetch, but not the parts of Nix that resolve flakes: these get
 * proxies that nobody serves. */
static char **
dup_environment (NixRunFlags flags)
{
  static const char *const proxies[] = { "http_proxy", "https_proxy", "ftp_proxy", "all_proxy" };
  char **list = g_get_environ ();

  list = g_environ_setenv (list, "NO_COLOR", "1", TRUE);
  if ((flags & NIX_RUN_CONFINED) == 0)
    return list;
  list = g_environ_setenv (list, "NIX_PATH", "", TRUE);
  list = g_environ_setenv (list, "GIT_SSH_COMMAND", "false", TRUE);
  list = g_environ_unsetenv (list, "no_proxy");
  list = g_environ_unsetenv (list, "NO_PROXY");
  for (guint i = 0; i < G_N_ELEMENTS (proxies); i++)
    {
      g_autofree char *upper = g_ascii_strup (proxies[i], -1);

      list = g_environ_setenv (list, proxies[i], "http://127.0.0.1:9", TRUE);
      list = g_environ_setenv (list, upper, "http://127.0.0.1:9", TRUE);
    }
  return list;
}

static void
set_spawn_error (const char *program, const GError *cause, GError **error)
{
  if (g_error_matches (cause, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT))
    g_set_error (error, SCL_ERROR, SCL_ERROR_MISSING, "%s is not installed: install the package %s",
                 program, PACKAGE);
  else
    g_set_error (error, SCL_ERROR, SCL_ERROR_FAILED, "cannot run %s: %s", program, cause->message);
}

static gboolean
start (const char *const *argv, NixRunFlags flags, Run *run, GError **error)
{
  g_auto (GStrv) environment = dup_environment (flags);
  g_autoptr (GError) cause = NULL;
  Child child = { .flags = flags, .parent = getpid () };
  gboolean show = (flags & NIX_RUN_SHOW) != 0;
  GPid pid;

  if (!g_spawn_async_with_pipes_and_fds (NULL, argv, (const char *const *) environment,
                                         G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD,
                                         child_setup, &child, -1, -1, -1, NULL, NULL, 0, &pid, NULL,
                                         &run->out, show ? NULL : &run->err, &cause))
    {
      set_spawn_error (argv[0], cause, error);
      return FALSE;
    }
  run->pid = pid;
  run->pidfd = (int) syscall (SYS_pidfd_open, pid, 0);
  return TRUE;
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

/* What is wrong is said last. */
static void
keep_end (GByteArray *message)
{
  if (message->len > MESSAGE_MAX)
    g_byte_array_remove_range (message, 0, message->len - MESSAGE_MAX / 2);
}

typedef enum
{
  ENDED,
  TOO_SLOW,
  TOO_MUCH
} Outcome;

/* Until both streams and the process have ended. */
static Outcome
collect (Run *run, guint timeout)
{
  gint64 deadline = g_get_monotonic_time () + (gint64) timeout * G_USEC_PER_SEC;
  gboolean ended = FALSE;

  while (!ended || run->out >= 0 || run->err >= 0)
    {
      struct pollfd fds[] = { { run->out, POLLIN, 0 },
                              { run->err, POLLIN, 0 },
                              { ended ? -1 : run->pidfd, POLLIN, 0 } };
      gint64 left = (deadline - g_get_monotonic_time ()) / 1000;

      if (timeout > 0 && left <= 0)
        return TOO_SLOW;
      if (poll (fds, G_N_ELEMENTS (fds), timeout > 0 ? (int) MIN (left + 1, 60000) : -1) <= 0)
        continue;
      if (fds[0].revents != 0)
        drain (&run->out, run->output);
      if (fds[1].revents != 0)
        drain (&run->err, run->message);
      keep_end (run->message);
      if (run->output->len > OUTPUT_MAX)
        return TOO_MUCH;
      ended = ended || fds[2].revents != 0;
    }
  return ENDED;
}

static char *
dup_text (GByteArray *bytes)
{
  return bytes->len == 0 ? g_strdup ("") : g_strndup ((const char *) bytes->data, bytes->len);
}

static NixResult *
finish (Run *run, int status)
{
  g_autofree char *raw = dup_text (run->message);
  NixResult *result = g_new0 (NixResult, 1);

  result->status = WIFEXITED (status) ? WEXITSTATUS (status) : -1;
  result->output = dup_text (run->output);
  result->message = g_utf8_make_valid (raw, -1);
  return result;
}

NixResult *
nix_run (const char *const *argv, NixRunFlags flags, guint timeout, GError **error)
{
  g_auto (Run) run = { .pidfd = -1, .out = -1, .err = -1 };
  Outcome outcome;
  int status = 0;

  if (!start (argv, flags, &run, error))
    return NULL;
  run.output = g_byte_array_new ();
  run.message = g_byte_array_new ();
  outcome = collect (&run, timeout);
  if (outcome != ENDED)
    (void) kill (-run.pid, SIGKILL);
  (void) TEMP_FAILURE_RETRY (waitpid (run.pid, &status, 0));
  if (outcome == TOO_SLOW)
    g_set_error (error, SCL_ERROR, SCL_ERROR_TIMEOUT,
                 "the evaluation did not end within %u s; --timeout SECONDS gives it more",
                 timeout);
  if (outcome == TOO_MUCH)
    g_set_error (error, SCL_ERROR, SCL_ERROR_INVALID, "the result is larger than %u MiB",
                 OUTPUT_MAX >> 20);
  return outcome == ENDED ? finish (&run, status) : NULL;
}
