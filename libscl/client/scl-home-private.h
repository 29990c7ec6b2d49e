/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where what an object tells is told, and who may read what changes with it: the thread that made the
 * object or, once it has come there, whoever runs the main context that was that thread's default. */

#include <gio/gio.h>

typedef struct _SclHome SclHome;

/* Of the calling thread. (transfer full) */
SclHome *_scl_home_new (void);
SclHome *_scl_home_ref (SclHome *self);
void _scl_home_unref (SclHome *self);

/* Whether the caller is at home, and so may change and read. */
gboolean _scl_home_is_here (SclHome *self);
/* In a function that _scl_home_send () called: whether that is home, too. FALSE: leave it to the thread
 * that made the object and reads it without a loop. */
gboolean _scl_home_is_served_here (SclHome *self);
/* Calls FUNC in the main context, whenever somebody runs it, never here and now. (transfer full) */
GSource *_scl_home_send (SclHome *self, GSourceFunc func, gpointer data, GDestroyNotify free_data);
