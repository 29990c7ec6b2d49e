/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* libvirt's handles as auto pointers, and its errors as GErrors. The only two
 * things that every file that talks to libvirt needs. */

#include "base/scl-throw-private.h"
#include <libvirt/libvirt.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC (virConnect, virConnectClose)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (virDomain, virDomainFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (virStream, virStreamFree)

/* "FORMAT: libvirt's message", with the code that fits the last error of this
 * thread: call it before anything else that may call libvirt. Always FALSE. */
gboolean scl_throw_virt (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);
#define scl_null_throw_virt(...) ((void) scl_throw_virt (__VA_ARGS__), NULL)

/* TRUE if the last error of this thread is virErrorNumber NUMBER. */
gboolean _scl_virt_error_is (int number);

/* TRUE if that is about what the domain's XML says, and not about writing it down, or the way to libvirt. */
gboolean _scl_virt_error_is_refused_xml (void);

/* TRUE if libvirt waited in vain (30 s) for the end of what else it does with the domain, as a start for a
 * process that was killed since: that call may be made again. TRIES: 0 at first; it is FALSE in the end. */
gboolean _scl_virt_error_is_busy (guint *tries);

/* libvirt prints every error on stderr unless it is told not to. Process-wide.
 */
void _scl_virt_error_silence (void);
