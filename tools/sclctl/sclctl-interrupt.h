/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ctrl-C, SIGTERM and SIGHUP, in the main loop. Without a handler the first one cancels what is
 * under way, and a second one, or a second of waiting, ends the process, because nothing is being
 * changed then. */

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

/* From now on something has to be ended properly: without a handler signals only cancel. */
void sclctl_interrupt_hold (void);
gboolean sclctl_interrupt_is_held (void);

/* Ends the process at once, in the middle of a change. */
G_GNUC_NORETURN void sclctl_interrupt_leave_unfinished (void);

/* Forget the signals that have arrived: what follows is done all the same. */
void sclctl_interrupt_forget (void);
