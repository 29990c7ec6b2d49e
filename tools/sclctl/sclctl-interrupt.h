/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ctrl-C, SIGTERM and SIGHUP, in the main loop. Without a handler the first one cancels what is
 * under way and the second one ends the process, because nothing is being changed then. */

#include <gio/gio.h>

/* COUNT is 1 for the first signal since the handler was set. */
typedef void (*SclctlInterruptFunc) (int signal_number, guint count, gpointer user_data);

void sclctl_interrupt_install (void);

/* Replaces the handler; NULL is the behaviour above. */
void sclctl_interrupt_set_handler (SclctlInterruptFunc function, gpointer user_data);

/* What every call that only looks is cancelled with. */
GCancellable *sclctl_interrupt_get_cancellable (void);

/* Whether a signal has arrived; the last one, 0 for none. */
int sclctl_interrupt_get_signal (void);

/* Forget the signals that have arrived: what follows is done all the same. */
void sclctl_interrupt_forget (void);
