/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Work that talks to libvirt, done by a thread that can be left behind: a call of libvirt cannot be
 * interrupted, and a daemon that hangs never answers. What is left behind ends when libvirt lets it,
 * its result is freed, and it changes nothing more.
 *
 * The limit is for the time without an answer, not for the work: each _note, and each wait for an
 * event, begins it anew. */

#include <gio/gio.h>

typedef struct SclVirtCall SclVirtCall;

/* Without an answer, seconds. */
#define SCL_VIRT_READ_SECONDS 30
#define SCL_VIRT_CHANGE_SECONDS 120 /* starting QEMU on a host with much to do */

/* Begins FUNC (DATA) in a thread of its own. DATA is freed with the last reference, maybe long after
 * everybody has lost interest, so it owns all that it uses. WHAT (static) is what is waited for. */
SclVirtCall *_scl_virt_call_start (GFunc func, gpointer data, GDestroyNotify destroy,
                                   const char *what);
SclVirtCall *_scl_virt_call_ref (SclVirtCall *call);
void _scl_virt_call_unref (SclVirtCall *call);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclVirtCall, _scl_virt_call_unref)
gpointer _scl_virt_call_get_data (SclVirtCall *call);

/* Only what FUNC has done counts in DATA. */
gboolean _scl_virt_call_is_done (SclVirtCall *call);
/* The system had no thread for FUNC: nobody shall wait for it, though it may run later. */
gboolean _scl_virt_call_is_refused (SclVirtCall *call);

/* What to do about it. The embedded driver has no daemon, but waits for its QEMUs. */
#define SCL_VIRT_SILENCE_ADVICE                                                                        \
  "does its daemon hang, or with qemu:///embed a QEMU? Restart or end it, then repeat this"

/* TRUE: FUNC is done. FALSE: SCL_ERROR_TIMEOUT if there was no answer for SECONDS ("SUBJECT: …"), or
 * it was cancelled and did not end within GRACE seconds; SCL_ERROR_FAILED if it was refused. */
gboolean _scl_virt_call_wait (SclVirtCall *call, const char *subject, guint seconds, guint grace,
                              GCancellable *cancellable, GError **error);
/* From now on FUNC is told that it was cancelled. */
void _scl_virt_call_abandon (SclVirtCall *call);

/* What FUNC hands on to another thread belongs to its call as well: that thread sets it, and NULL before
 * it does something else. Borrowed; FUNC waits for that thread. */
SclVirtCall *_scl_virt_call_get_current (void);
void _scl_virt_call_set_current (SclVirtCall *call);

/* In a thread with a call; elsewhere they do nothing. */
void _scl_virt_call_note (const char *what); /* libvirt has answered; WHAT (static) is next */
void _scl_virt_call_pause (void);            /* waits for something else than libvirt */
void _scl_virt_call_go_on (void);
/* Cancelled with the call, or when it was left behind. (nullable) (transfer none) */
GCancellable *_scl_virt_call_get_cancellable (void);
/* Before a call that changes something, and _note for it. FALSE and G_IO_ERROR_CANCELLED: nobody
 * waits any more, so nothing may be changed. */
gboolean _scl_virt_call_check (const char *what, GError **error);

/* Tests cannot wait that long: 0 is what the callers of _wait say. */
void _scl_virt_call_set_limit (guint seconds);
/* SECONDS, or what a test has set. */
guint _scl_virt_call_find_limit (guint seconds);
