/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/scl-run-private.h"
#include "base/scl-child-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define OUTPUT_MAX (64u << 20)
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
input_fd (const char *program, GBytes *input, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_auto (SclFd) fd = -1;

  if (input == NULL)
    {
      fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
      if (fd < 0)
        scl_throw_errno (error, errno, "/dev/null: cannot open");
      return scl_fd_steal (&fd);
    }
  fd = memfd_create ("scl-input", MFD_CLOEXEC);
  if (fd < 0)
    {
      scl_throw_errno (error, errno, "cannot run %s: cannot make a memory file for its input",
                       program);
      return -1;
    }
  if (!_scl_fd_write_all (fd, g_bytes_get_data (input, NULL), g_bytes_get_size (input), "memory",
                          &cause))
    {
      scl_throw (error, cause->code,
                 "cannot run %s: its input is held in memory, make some free and repeat (%s)",
                 program, cause->message);
      return -1;
    }
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
start (const char *const *argv, GBytes *input, Child *setup, SclChild *child, GError **error)
{
  g_autofree char *program = g_path_get_basename (argv[0]);
  g_auto (SclFd) in = input_fd (program, input, error);
  GError *cause = NULL;
  GPid pid;

  if (in < 0)
    return FALSE;
  if (!g_spawn_async_with_pipes_and_fds (NULL, argv, NULL,
                                         G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD,
                                         child_setup, setup, in, -1, -1, NULL, NULL, 0, &pid, NULL,
                                         &child->out, &child->err, &cause))
    return throw_spawn (program, cause, error);
  _scl_child_watch (child, argv[0], pid);
  return TRUE;
}

static SclRunResult *
make_result (SclChild *child, int status)
{
  SclRunResult *result = g_new0 (SclRunResult, 1);
  g_autofree char *raw = child->message->len == 0
                             ? g_strdup ("")
                             : g_strndup ((const char *) child->message->data, child->message->len);

  result->exit_status = status;
  result->output = g_byte_array_free_to_bytes (g_steal_pointer (&child->output));
  result->message = g_strchomp (g_utf8_make_valid (raw, -1));
  return result;
}

static gboolean
throw_outcome (SclChildOutcome outcome, const char *program, guint timeout,
               GCancellable *cancellable, GError **error)
{
  if (outcome == SCL_CHILD_TOO_SLOW)
    return scl_throw (error, SCL_ERROR_TIMEOUT, "%s did not end within %u s", program, timeout);
  if (outcome == SCL_CHILD_TOO_MUCH)
    return scl_throw (error, SCL_ERROR_BACKEND, "%s wrote more than %u MiB", program,
                      OUTPUT_MAX >> 20);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

/* Ended in time: its status; else it is ended. */
static gboolean
end (SclChild *child, guint timeout, GCancellable *cancellable, int *out_status, GError **error)
{
  SclChildOutcome outcome = _scl_child_collect (child, timeout, OUTPUT_MAX, cancellable);

  if (outcome == SCL_CHILD_ENDED)
    return _scl_child_reap (child, out_status, error);
  _scl_child_kill (child);
  (void) _scl_child_reap (child, out_status, NULL);
  return throw_outcome (outcome, child->program, timeout, cancellable, error);
}

SclRunResult *
_scl_run (const char *const *argv, GBytes *input, int netns_fd, const char *user, guint timeout,
          GCancellable *cancellable, GError **error)
{
  Child setup = { .netns_fd = netns_fd, .parent = getpid () };
  g_auto (SclChild) child = SCL_CHILD_INIT;
  int status;

  if (g_cancellable_set_error_if_cancelled (cancellable, error)
      || !lookup_user (user, &setup, error) || !start (argv, input, &setup, &child, error)
      || !end (&child, timeout, cancellable, &status, error))
    return NULL;
  return make_result (&child, status);
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
