/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A fork of the process that opened a connection has copies of all that serves it but not the threads, and shares
 * its sockets. Whoever would end a thread, say goodbye to a daemon or give back a lock asks here; locks themselves
 * are in no fork (scl-own-fd). */

#include <gio/gio.h>

/* This process opens a connection: the first that does is the opener, for it and for all its forks. */
void _scl_process_open (void);

/* The opener's pid in a fork of it, else 0. */
int _scl_process_find_opener (void);

/* For the dispose of what has threads, sockets or locks: TRUE in a fork, where OBJECT stays, on purpose. The
 * kernel takes it with the process. */
gboolean _scl_process_keep_in_fork (GObject *object);
