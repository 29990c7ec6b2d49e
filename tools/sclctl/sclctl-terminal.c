/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-terminal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static volatile sig_atomic_t is_raw;

void
sclctl_terminal_restore (void)
{
  if (!is_raw)
    return;
  is_raw = 0;
  tcsetattr (STDIN_FILENO, TCSADRAIN, &before);
}

/* The handler is reset by then: the signal does what it would have done without us. */
static void
on_deadly_signal (int number)
{
  sclctl_terminal_restore ();
  raise (number);
}

static void
guard_terminal (void)
{
  static const int signals[]
      = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGQUIT, SIGTRAP, SIGSYS, SIGALRM };
  static gboolean guarded;
  struct sigaction action
      = { .sa_handler = on_deadly_signal, .sa_flags = SA_RESETHAND | SA_NODEFER };

  if (guarded)
    return;
  guarded = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    sigaction (signals[i], &action, NULL);
  atexit (sclctl_terminal_restore);
}

gboolean
sclctl_terminal_make_raw (void)
{
  struct termios raw;

  if (is_raw)
    return TRUE;
  if (!isatty (STDIN_FILENO) || tcgetattr (STDIN_FILENO, &before) != 0)
    return FALSE;
  guard_terminal ();
  raw = before;
  cfmakeraw (&raw);
  is_raw = 1;
  if (tcsetattr (STDIN_FILENO, TCSADRAIN, &raw) == 0)
    return TRUE;
  is_raw = 0;
  return FALSE;
}

void
sclctl_terminal_get_size (guint *out_columns, guint *out_rows)
{
  struct winsize size = { 0 };

  if (ioctl (STDERR_FILENO, TIOCGWINSZ, &size) != 0)
    memset (&size, 0, sizeof size);
  *out_columns = size.ws_col > 0 ? size.ws_col : 80;
  *out_rows = size.ws_row > 0 ? size.ws_row : 24;
}
