/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/scl-run-private.h"
#include "base/scl-child-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-spawn-private.h"
#include "base/scl-throw-private.h"
#include <fcntl.h>
#include <sys/mman.h>

#define OUTPUT_MAX (64u << 20)

void
_scl_run_result_free (SclRunResult *result)
{
  g_clear_pointer (&result->output, g_bytes_unref);
  g_free (result->message);
  g_free (result);
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
start (SclSpawn *spawn, GBytes *input, SclChild *child, GError **error)
{
  g_autofree char *program = g_path_get_basename (spawn->argv[0]);
  g_auto (SclFd) in = input_fd (program, input, error);
  GPid pid;

  spawn->in = in;
  if (in < 0 || !_scl_spawn (spawn, &pid, &child->out, &child->err, error))
    return FALSE;
  _scl_child_watch (child, spawn->argv[0], pid);
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
throw_outcome (SclChildOutcome outcome, const char *const *argv, guint timeout,
               GCancellable *cancellable, GError **error)
{
  g_autofree char *command = g_strjoinv (" ", (char **) argv);

  if (outcome == SCL_CHILD_TOO_SLOW)
    return scl_throw (error, SCL_ERROR_TIMEOUT, "\"%s\" did not end within %u s, and was killed",
                      command, timeout);
  if (outcome == SCL_CHILD_TOO_MUCH)
    return scl_throw (error, SCL_ERROR_BACKEND, "%s wrote more than %u MiB", argv[0],
                      OUTPUT_MAX >> 20);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

/* Ended in time: its status; else it is ended. */
static gboolean
end (SclChild *child, const char *const *argv, guint timeout, GCancellable *cancellable,
     int *out_status, GError **error)
{
  SclChildOutcome outcome = _scl_child_collect (child, timeout, OUTPUT_MAX, cancellable);

  if (outcome == SCL_CHILD_ENDED)
    return _scl_child_reap (child, out_status, error);
  _scl_child_kill (child);
  (void) _scl_child_reap (child, out_status, NULL);
  return throw_outcome (outcome, argv, timeout, cancellable, error);
}

SclRunResult *
_scl_run (const char *const *argv, GBytes *input, int netns_fd, const char *user, guint timeout,
          GCancellable *cancellable, GError **error)
{
  SclSpawn spawn = { .argv = argv, .netns_fd = netns_fd, .user = user };
  g_auto (SclChild) child = SCL_CHILD_INIT;
  int status;

  if (g_cancellable_set_error_if_cancelled (cancellable, error)
      || !start (&spawn, input, &child, error)
      || !end (&child, argv, timeout, cancellable, &status, error))
    return NULL;
  return make_result (&child, status);
}

static gboolean
throw_failure (const char *program, const SclRunResult *result, GError **error)
{
  const char *message = result->message;

  if (result->exit_status < 0)
    return scl_throw (error, SCL_ERROR_BACKEND, "%s was ended by signal %d (%s)%s%s", program,
                      -result->exit_status, g_strsignal (-result->exit_status),
                      message[0] == '\0' ? "" : ": ", message);
  if (message[0] == '\0')
    return scl_throw (error, SCL_ERROR_BACKEND, "%s failed with status %d and no message", program,
                      result->exit_status);
  return scl_throw (error, SCL_ERROR_BACKEND, "%s failed: %s", program, message);
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
    {
      (void) throw_failure (argv[0], result, error);
      return NULL;
    }
  return g_bytes_ref (result->output);
}

GBytes *
_scl_run_asked (const char *const *argv, int netns_fd, guint timeout, GCancellable *cancellable,
                GError **error)
{
  g_autofree char *command = g_strjoinv (" ", (char **) argv);
  g_autoptr (GBytes) output
      = _scl_run_checked (argv, NULL, netns_fd, timeout, cancellable, error);
  gsize size = 0;
  const char *text = output == NULL ? NULL : g_bytes_get_data (output, &size);

  if (output == NULL)
    return NULL;
  if (size == 0)
    return scl_null_throw (error, SCL_ERROR_BACKEND,
                           "\"%s\" printed nothing, and ended as if all were well: is another "
                           "program of that name in PATH?",
                           command);
  if (!g_utf8_validate (text, (gssize) size, NULL))
    return scl_null_throw (error, SCL_ERROR_BACKEND, "the answer of \"%s\" is not UTF-8", command);
  return g_steal_pointer (&output);
}
