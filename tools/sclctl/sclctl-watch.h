/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keeps the connection's lists up to date by its events, in the main loop. */

#include "sclctl-context.h"

typedef struct _SclctlWatch SclctlWatch;
/* After each refresh that an event led to. */
typedef void (*SclctlWatchFunc) (gpointer user_data);

SclctlWatch *sclctl_watch_new (SclConnection *connection, SclctlWatchFunc function,
                               gpointer user_data);
/* Refreshes and waits until nothing is left to refresh. */
void sclctl_watch_settle (SclctlWatch *self);
/* Waits for a refresh that is under way. */
void sclctl_watch_free (SclctlWatch *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclctlWatch, sclctl_watch_free)
