/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How a volume is deleted: the only place that does. In three parts, each of which may be the last one
 * before a kill: after _begin the note says so and speaks of this file alone, then goes what belongs to the
 * volume elsewhere, then with _end the volume and last its note, by which the rest is found again. */

#include <gio/gio.h>

/* Looks whether all of it may go: SCL_ERROR_IN_USE if a QEMU has it open, SCL_ERROR_EXISTS if something else
 * has its name, or INSTANCE is not the one that its note names. On a full disk, which has no room for what the
 * note would say, the volume goes at once. */
gboolean _scl_volume_removal_begin (int folder, const char *name, const char *instance, GError **error);
/* *OUT_FOUND: there was something. */
gboolean _scl_volume_removal_end (int folder, const char *name, gboolean *out_found, GError **error);
