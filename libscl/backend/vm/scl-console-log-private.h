/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keeps the console logs of embedded VMs bounded: QEMU itself writes them there
 * and would fill the disk for a guest that talks without end. (A libvirt daemon
 * leaves that to virtlogd.) Each log is watched; one that has grown too large
 * is moved aside and cut, which QEMU, who appends, does not notice. */

#include <glib.h>

#define SCL_CONSOLE_LOG_MAX (1u << 20)

typedef struct SclConsoleLogs SclConsoleLogs;

SclConsoleLogs *_scl_console_logs_new (void);
void _scl_console_logs_free (SclConsoleLogs *self);
/* Watches PATH from now on; doing it again is harmless. */
void _scl_console_logs_add (SclConsoleLogs *self, const char *path);
/* Moves PATH's content to PATH.old if it is larger than SCL_CONSOLE_LOG_MAX. */
void _scl_console_log_trim (const char *path);
