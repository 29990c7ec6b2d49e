/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-interrupt.h"

#include "sclctl-context.h"
#include "sclctl-failure.h"
#include "sclctl-progress.h"
#include "sclctl-terminal.h"

#include <glib-unix.h>
#include <signal.h>
#include <unistd.h>

/* For how long an answer is waited for that nobody wants any more. */
#define PATIENCE_MS 1000

static struct
{
  GCancellable *cancellable;
  SclctlInterruptFunc function;
  gpointer user_data;
  guint count;
  int signal_number;
  gboolean held;
  guint patience; /* source */
} state;

/* Without undoing anything: whoever holds something that must be undone has said so. */
G_GNUC_NORETURN static void
leave (const char *why)
{
  g_autoptr (GError) error
      = g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "interrupted%s", why);

  sclctl_complain ("%s", error->message);
  sclctl_failure_note (error);
  sclctl_failure_print (SCLCTL_EXIT_INTERRUPTED);
  sclctl_terminal_restore ();
  _exit (SCLCTL_EXIT_INTERRUPTED);
}

static gboolean
on_no_answer (gpointer user_data G_GNUC_UNUSED)
{
  leave ("; what was asked has not answered yet, and nothing was being changed");
}

static void
default_handler (guint count)
{
  g_cancellable_cancel (state.cancellable);
  if (state.held)
    return;
  if (count > 1)
    leave ("");
  state.patience = g_timeout_add (PATIENCE_MS, on_no_answer, NULL);
}

/* What the terminal echoes of Ctrl-C gets a line of its own. */
static void
end_echo (void)
{
  if (state.signal_number != SIGINT || !isatty (STDERR_FILENO) || !isatty (STDIN_FILENO))
    return;
  sclctl_progress_hide ();
  g_printerr ("\n");
}

static gboolean
on_signal (gpointer user_data)
{
  state.signal_number = GPOINTER_TO_INT (user_data);
  state.count++;
  end_echo ();
  if (state.function != NULL)
    state.function (state.signal_number, state.count, state.user_data);
  else
    default_handler (state.count);
  return G_SOURCE_CONTINUE;
}

/* A shell ignores SIGINT for what it starts in the background, too, and nobody has asked for that. */
static gboolean
is_nohup (int number)
{
  struct sigaction now;

  return number == SIGHUP && sigaction (number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

void
sclctl_interrupt_install (void)
{
  static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

  if (state.cancellable != NULL)
    return;
  state.cancellable = g_cancellable_new ();
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    if (!is_nohup (signals[i]))
      g_unix_signal_add (signals[i], on_signal, GINT_TO_POINTER (signals[i]));
}

void
sclctl_interrupt_set_handler (SclctlInterruptFunc function, gpointer user_data)
{
  state.function = function;
  state.user_data = user_data;
  state.count = 0;
  g_clear_handle_id (&state.patience, g_source_remove);
}

GCancellable *
sclctl_interrupt_get_cancellable (void)
{
  sclctl_interrupt_install ();
  return state.cancellable;
}

int
sclctl_interrupt_get_signal (void)
{
  return state.signal_number;
}

void
sclctl_interrupt_hold (void)
{
  sclctl_interrupt_install ();
  state.held = TRUE;
}

gboolean
sclctl_interrupt_is_held (void)
{
  return state.held;
}

void
sclctl_interrupt_forget (void)
{
  state.signal_number = 0;
  state.count = 0;
  g_clear_handle_id (&state.patience, g_source_remove);
  g_cancellable_reset (sclctl_interrupt_get_cancellable ());
}

void
sclctl_interrupt_leave_unfinished (void)
{
  leave (": left before it was finished; the same command again finishes it");
}
