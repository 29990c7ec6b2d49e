/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Programs of the host in the ports that connections of guests get (SCL_MASQUERADE_FIRST to _LAST):
 * packets meant for them can reach a guest that speaks with the same peer. Nothing that SCL could
 * change. */

#include <glib.h>

/* One sentence per port that a program of the calling thread's namespace listens on, and one if the
 * host itself gives out such ports. */
void _scl_host_ports_explain (GPtrArray *notes);
