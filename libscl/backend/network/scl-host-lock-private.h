/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What all instances of this host share (settings, numbers of rules, external addresses): what one reads before it writes
 * must still be so when it writes. */

#include "base/scl-own-fd-private.h"
#include <gio/gio.h>

/* -1: error. The lock goes with the descriptor. */
SclOwnFd _scl_host_lock (const char *run_dir, GCancellable *cancellable, GError **error);
