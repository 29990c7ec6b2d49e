/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One change at a time per instance, over all processes: flock on RUN/.lock/PREFIX.lock and on a file
 * in the state folder. The kernel gives it up when its holder dies. Powering VMs shares the
 * lock; everything else has it alone. */

#include <gio/gio.h>

typedef struct _SclInstanceLock SclInstanceLock;

typedef enum { SCL_LOCK_SHARED, SCL_LOCK_EXCLUSIVE } SclLockMode;

SclInstanceLock *_scl_instance_lock_acquire (const char *run_dir, const char *state_dir,
                                             const char *prefix, SclLockMode mode, guint timeout,
                                             GCancellable *cancellable, GError **error);
/* 0, or the process that holds the lock of PREFIX. */
int _scl_instance_lock_find_holder (const char *run_dir, const char *prefix);
void _scl_instance_lock_release (SclInstanceLock *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclInstanceLock, _scl_instance_lock_release)
