/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What files a running QEMU has open, as /proc shows them. Must not ask QEMU or libvirt: they know names only, and
 * what a name leads to may have changed under a running guest. */

#include <glib.h>

/* FD_PATH: one of its files, below /proc. */
typedef gboolean (*SclQemuFileFunc) (const char *fd_path, gconstpointer data);

/* 0: not known. */
guint64 _scl_qemu_files_read_pid (const char *pid_file);

/* The first file of process PID that MATCHES, a path below /proc; NULL: it has none, or it cannot be told
 * (OUT_SEEN (nullable): FALSE). (transfer full) */
char *_scl_qemu_files_find (guint64 pid, SclQemuFileFunc matches, gconstpointer data, gboolean *out_seen);

/* A path below /proc of what was deleted at PATH and is still open, so that it is gone when QEMU is; NULL: nothing is
 * known to be. PID_FILE is QEMU's: where it cannot be seen, all processes are looked at, and only if nothing is at
 * PATH any more. (transfer full) */
char *_scl_qemu_files_find_deleted (const char *path, const char *pid_file);
