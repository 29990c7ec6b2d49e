/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How large the guests of running domains see their disks: one question about all of them, asked in
 * the background, because each QEMU has to answer it and one that hangs must not hang us. */

#include "backend/vm/scl-virt-error-private.h"

typedef struct SclGuestSizes SclGuestSizes;

/* DOMAINS: virDomainPtr, borrowed; they need not run any more. */
SclGuestSizes *_scl_guest_sizes_ask (GPtrArray *domains, gboolean wait_for_busy);
/* Waits for the answer, but not for long. */
void _scl_guest_sizes_wait (SclGuestSizes *self);
/* In bytes; 0: not known, also because there was no answer in time. */
guint64 _scl_guest_sizes_get (SclGuestSizes *self, const char *domain_name, const char *target);
void _scl_guest_sizes_unref (SclGuestSizes *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclGuestSizes, _scl_guest_sizes_unref)
