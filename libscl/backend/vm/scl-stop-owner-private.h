/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whose work a stop is: a name that stands in the domain's metadata while the stop is under way, and
 * by which any process can tell whether it still is. Knows nothing of libvirt. */

#include <glib.h>

/* A name for work that begins now in this process and gives a guest at most SECONDS. (transfer full) */
char *_scl_stop_owner_begin (guint seconds);
/* The work is over. */
void _scl_stop_owner_end (const char *owner);

/* FALSE for NULL, and if it is certain that nobody does this work any more: it has ended, or its
 * process has; of a process in another pid namespace, if the host has booted since, or its time is over. */
gboolean _scl_stop_owner_is_alive (const char *owner);
