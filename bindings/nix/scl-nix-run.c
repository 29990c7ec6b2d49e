/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scl-nix-run.h"
#include "base/scl-child-private.h"

#include <scl/scl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define OUTPUT_MAX (64u << 20)
#define MEMORY_MAX (4ull << 30)
#define PACKAGE "nix-bin"

/* Used between fork and exec. */
typedef struct
{
  NixRunFlags flags;
  pid_t parent;
} Child;

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
start (const char *const *argv, NixRunFlags flags, SclChild *child, GError **error)
{
  g_auto (GStrv) environment = dup_environment (flags);
  g_autoptr (GError) cause = NULL;
  Child setup = { .flags = flags, .parent = getpid () };
  gboolean show = (flags & NIX_RUN_SHOW) != 0;
  GPid pid;

  if (!g_spawn_async_with_pipes_and_fds (NULL, argv, (const char *const *) environment,
                                         G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD,
                                         child_setup, &setup, -1, -1, -1, NULL, NULL, 0, &pid, NULL,
                                         &child->out, show ? NULL : &child->err, &cause))
    {
      set_spawn_error (argv[0], cause, error);
      return FALSE;
    }
  _scl_child_watch (child, argv[0], pid);
  return TRUE;
}

static char *
dup_text (GByteArray *bytes)
{
  return bytes->len == 0 ? g_strdup ("") : g_strndup ((const char *) bytes->data, bytes->len);
}

static NixResult *
make_result (SclChild *child, int status)
{
  g_autofree char *raw = dup_text (child->message);
  NixResult *result = g_new0 (NixResult, 1);

  result->status = status;
  result->output = dup_text (child->output);
  result->message = g_utf8_make_valid (raw, -1);
  return result;
}

static void
set_outcome (SclChildOutcome outcome, guint timeout, GError **error)
{
  if (outcome == SCL_CHILD_TOO_SLOW)
    g_set_error (error, SCL_ERROR, SCL_ERROR_TIMEOUT,
                 "the evaluation did not end within %u s; --timeout SECONDS gives it more",
                 timeout);
  else
    g_set_error (error, SCL_ERROR, SCL_ERROR_INVALID, "the result is larger than %u MiB",
                 OUTPUT_MAX >> 20);
}

NixResult *
nix_run (const char *const *argv, NixRunFlags flags, guint timeout, GError **error)
{
  g_auto (SclChild) child = SCL_CHILD_INIT;
  SclChildOutcome outcome;
  int status;

  if (!start (argv, flags, &child, error))
    return NULL;
  outcome = _scl_child_collect (&child, timeout, OUTPUT_MAX, NULL);
  if (outcome == SCL_CHILD_ENDED)
    return _scl_child_reap (&child, &status, error) ? make_result (&child, status) : NULL;
  /* The whole group, in which something of it still is. */
  (void) kill (-child.pid, SIGKILL);
  (void) _scl_child_reap (&child, &status, NULL);
  set_outcome (outcome, timeout, error);
  return NULL;
}
