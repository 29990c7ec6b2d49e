/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker.h"
#include <scl/scl-manifest-loader.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

SclManifest *bench_manifest;

static gboolean
write_input (int fd, const char *input, GError **error)
{
  gsize left = strlen (input);

  while (left > 0)
    {
      gssize n = TEMP_FAILURE_RETRY (write (fd, input, left));

      if (n < 0)
        return scl_throw_errno (error, errno, "cannot write to the program");
      input += n;
      left -= (gsize) n;
    }
  return TRUE;
}

static gboolean
wait_for (pid_t pid, const char *name, GError **error)
{
  int status = 0;

  if (TEMP_FAILURE_RETRY (waitpid (pid, &status, 0)) < 0)
    return scl_throw_errno (error, errno, "%s: cannot wait for it", name);
  return status == 0
         || scl_throw (error, SCL_ERROR_BACKEND, "%s ended with status %d", name,
                       WIFEXITED (status) ? WEXITSTATUS (status) : status);
}

/* As little as possible around the program: what is compared with SCL must not pay for us. */
gboolean
bench_run (char **argv, const char *input, GError **error)
{
  posix_spawn_file_actions_t actions;
  int ends[2] = { -1, -1 };
  gboolean fed = TRUE;
  pid_t pid;
  int rc;

  posix_spawn_file_actions_init (&actions);
  if (input != NULL && pipe2 (ends, O_CLOEXEC) == 0)
    posix_spawn_file_actions_adddup2 (&actions, ends[0], STDIN_FILENO);
  else
    posix_spawn_file_actions_addopen (&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2 (&actions, STDERR_FILENO, STDOUT_FILENO);
  rc = posix_spawnp (&pid, argv[0], &actions, NULL, argv, environ);
  posix_spawn_file_actions_destroy (&actions);
  if (input != NULL)
    {
      (void) close (ends[0]);
      fed = rc != 0 || write_input (ends[1], input, error);
      (void) close (ends[1]);
    }
  if (rc != 0)
    return scl_throw_errno (error, rc, "%s: cannot start it", argv[0]);
  return wait_for (pid, argv[0], fed ? error : NULL) && fed;
}

static gboolean
do_run (char **words, GError **error)
{
  return bench_run (words, NULL, error);
}

static gboolean
do_manifest (char **words, GError **error)
{
  g_autoptr (SclManifestLoader) loader = scl_manifest_loader_new ();

  g_clear_object (&bench_manifest);
  scl_manifest_loader_set_prefix (loader, BENCH_PREFIX);
  if (!scl_manifest_loader_add_path (loader, words[0], NULL, error))
    return FALSE;
  bench_manifest = scl_manifest_loader_load (loader, NULL, error);
  return bench_manifest != NULL;
}

static const BenchCommand common_commands[]
    = { { "run", 1, do_run }, { "manifest", 1, do_manifest }, { NULL, 0, NULL } };

static const BenchCommand *
find_command (const char *name)
{
  const BenchCommand *const tables[] = { common_commands, bench_network_commands,
                                         bench_floor_commands, bench_host_commands };

  for (gsize i = 0; i < G_N_ELEMENTS (tables); i++)
    for (const BenchCommand *command = tables[i]; command->name != NULL; command++)
      if (strcmp (command->name, name) == 0)
        return command;
  return NULL;
}

static gint64
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return time.tv_sec * G_GINT64_CONSTANT (1000000000) + time.tv_nsec;
}

static void
answer (char *line)
{
  g_auto (GStrv) words = g_strsplit (g_strchomp (line), "\t", 0);
  const BenchCommand *command = words[0] != NULL ? find_command (words[0]) : NULL;
  g_autoptr (GError) error = NULL;
  gint64 begin;
  gboolean done;
  gint64 end;

  if (command == NULL || g_strv_length (words) < command->n_words + 1)
    {
      printf ("error no such command, or too few words: %s\n", line);
      return;
    }
  begin = now ();
  done = command->func (words + 1, &error);
  end = now ();
  if (done)
    printf ("ok %" G_GINT64_FORMAT "\n", end - begin);
  else
    printf ("error %s: %s\n", words[0], g_strdelimit (error->message, "\n", ' '));
}

int
main (void)
{
  char *line = NULL;
  size_t size = 0;

  while (getline (&line, &size, stdin) > 0)
    {
      answer (line);
      (void) fflush (stdout);
    }
  free (line);
  return 0;
}
