/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-interrupt.h"

#include "sclctl-context.h"
#include "sclctl-progress.h"
#include "sclctl-terminal.h"

#include <glib-unix.h>
#include <signal.h>
#include <unistd.h>

static struct
{
  GCancellable *cancellable;
  SclctlInterruptFunc function;
  gpointer user_data;
  guint count;
  int signal_number;
} state;

static void
default_handler (guint count)
{
  if (count == 1)
    {
      g_cancellable_cancel (state.cancellable);
      return;
    }
  sclctl_progress_hide ();
  sclctl_terminal_restore ();
  _exit (SCLCTL_EXIT_INTERRUPTED);
}

static gboolean
on_signal (gpointer user_data)
{
  state.signal_number = GPOINTER_TO_INT (user_data);
  state.count++;
  if (state.function != NULL)
    state.function (state.signal_number, state.count, state.user_data);
  else
    default_handler (state.count);
  return G_SOURCE_CONTINUE;
}

void
sclctl_interrupt_install (void)
{
  static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

  if (state.cancellable != NULL)
    return;
  state.cancellable = g_cancellable_new ();
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    g_unix_signal_add (signals[i], on_signal, GINT_TO_POINTER (signals[i]));
}

void
sclctl_interrupt_set_handler (SclctlInterruptFunc function, gpointer user_data)
{
  state.function = function;
  state.user_data = user_data;
  state.count = 0;
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
sclctl_interrupt_forget (void)
{
  state.signal_number = 0;
  state.count = 0;
  g_cancellable_reset (sclctl_interrupt_get_cancellable ());
}
