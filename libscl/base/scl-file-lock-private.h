/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Waiting for the flock() of a file or folder: bounded, cancellable, woken by whoever closes it. What the
 * lock is for, and who holds it, is the caller's to know. */

#include <fcntl.h>
#include <gio/gio.h>

/* Locks FD (OPERATION: LOCK_EX or LOCK_SH) until it is closed. FALSE with SCL_ERROR_TIMEOUT if it is not free
 * at DEADLINE (monotonic time), or cannot be waited for; PATH is for the message, which names the holder
 * if it is known. */
gboolean _scl_file_lock (int fd, int operation, const char *path, gint64 deadline,
                         GCancellable *cancellable, GError **error);

/* What keeps a process from write-locking PATH with fcntl(): l_type, and l_pid of its holder, which may be
 * this process. The file is made if it is not there, and is then its owner's alone: whoever can open a file
 * can lock it. No lock of this process on it is lost, as by any other close of it. */
gboolean _scl_file_lock_find_holder (const char *path, struct flock *out_lock, GError **error);
