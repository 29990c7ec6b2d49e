/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-command.h"
#include "sclctl-failure.h"
#include "sclctl-help.h"
#include "sclctl-options.h"
#include "sclctl-progress.h"
#include "sclctl-terminal.h"
#include "sclctl-text.h"

#include <errno.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
show_help (const SclctlCommand *command, const SclctlNoun *noun)
{
  g_autofree char *text = command != NULL ? sclctl_help_command (command)
                          : noun != NULL  ? sclctl_help_noun (noun)
                                          : sclctl_help ();

  g_print ("%s", text);
  return SCLCTL_EXIT_DONE;
}

static int
show_version (void)
{
  g_print ("sclctl %s\n", scl_version_string ());
  return SCLCTL_EXIT_DONE;
}

/* Nothing or only a noun was given: what is possible, on stderr, because it is a mistake. */
static int
show_choice (const SclctlNoun *noun)
{
  g_autofree char *text = noun != NULL ? sclctl_help_noun (noun) : sclctl_help ();

  sclctl_failure_note_text ("which command? see --help");
  g_printerr ("%s", text);
  return SCLCTL_EXIT_USAGE;
}

static int
parse_and_run (SclctlContext *context, int argc, char **argv)
{
  const SclctlCommand *command = NULL;
  const SclctlNoun *noun = NULL;
  g_autoptr (GError) error = NULL;

  switch (sclctl_parse (argc, argv, context, &command, &noun, &error))
    {
    case SCLCTL_PARSED_HELP:
      return show_help (command, noun);
    case SCLCTL_PARSED_VERSION:
      return show_version ();
    case SCLCTL_PARSED_ERROR:
      sclctl_complain ("%s", error->message);
      return SCLCTL_EXIT_USAGE;
    case SCLCTL_PARSED_COMMAND:
      break;
    }
  sclctl_text_set_connection (sclctl_value (context, "connect"));
  return command == NULL ? show_choice (noun) : command->run (context);
}

static int
run_command (int argc, char **argv)
{
  g_autoptr (SclctlContext) context = sclctl_context_new ();
  int status;

  sclctl_failure_begin (context);
  status = parse_and_run (context, argc, argv);
  sclctl_failure_print (status);
  return status;
}

/* A result that could not be written was not delivered; a reader that went away wanted no more. */
static int
close_output (int status)
{
  gboolean failed = ferror (stdout) != 0;

  errno = 0;
  failed = fflush (stdout) != 0 || failed;
  if (!failed || errno == EPIPE || status != SCLCTL_EXIT_DONE)
    return status;
  sclctl_complain ("cannot write the result: %s", g_strerror (errno != 0 ? errno : EIO));
  return SCLCTL_EXIT_ERROR;
}

/* Of the leak sanitizer, where it is linked: it would look at the exit that is passed by. */
void __lsan_do_leak_check (void) __attribute__ ((weak));

/* An embedded hypervisor's threads go on until the process is gone; an ordinary exit takes libraries
 * from under them. Nothing is lost without one: all state is on disk. */
G_GNUC_NORETURN static void
leave (int status)
{
  sclctl_terminal_restore ();
  fflush (stderr);
  if (__lsan_do_leak_check != NULL)
    __lsan_do_leak_check ();
  _exit (status);
}

/* In any locale as it is: names are ASCII, and "…" in help is UTF-8 as the files are. */
static void
print_raw (const char *text)
{
  fputs (text, stdout);
}

static void
print_raw_error (const char *text)
{
  fputs (text, stderr);
}

/* The C library gives a thread memory in steps of a page or two, and a system call each: hundreds in a
 * run that lasts some tenths of a second. */
static void
take_memory_in_large_steps (void)
{
#ifdef M_TOP_PAD
  mallopt (M_TOP_PAD, 1 << 20);
#endif
}

/* That of a shell or session that has ended: whoever needs a temporary file would fail half-way. */
static void
forget_lost_tmpdir (void)
{
  const char *folder = g_getenv ("TMPDIR");

  if (folder != NULL && access (folder, W_OK | X_OK) != 0)
    g_unsetenv ("TMPDIR");
}

int
main (int argc, char **argv)
{
  int status;

  take_memory_in_large_steps ();
  setlocale (LC_ALL, "");
  signal (SIGPIPE, SIG_IGN);
  /* Ignored by whoever started us, it would hide how helper programs end. */
  signal (SIGCHLD, SIG_DFL);
  forget_lost_tmpdir ();
  g_set_prgname ("sclctl");
  g_set_print_handler (print_raw);
  g_set_printerr_handler (print_raw_error);
  status = run_command (argc, argv);
  sclctl_progress_hide ();
  leave (close_output (status));
}
