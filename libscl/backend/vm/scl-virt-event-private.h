/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* libvirt's event loop: a private GMainContext run for ever by one thread.
 * libvirt allows one implementation per process and the first one wins, so an
 * application that has registered its own must run it; ours then stays unused.
 */

#include <glib.h>

/* Registers ours, once, at the first call. Must come before the first
 * virConnectOpen. TRUE if ours is the one that libvirt uses. */
gboolean _scl_virt_event_register (void);
