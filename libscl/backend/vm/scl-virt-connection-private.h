/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One connection to a hypervisor that survives a restart of its daemon:
 * reopened by the next call, events registered again. Lets a thread wait for
 * the events of one domain. Knows nothing of VMs.
 *
 * No lock is held across a libvirt call that waits, except the one that makes
 * sure that only one thread opens. */

#include "backend/vm/scl-virt-error-private.h"

typedef struct SclVirtConnection SclVirtConnection;

/* A lifecycle event, in the event thread: return soon and call nothing of
 * libvirt that waits. DOMAIN_NAME NULL: the connection broke, and no event will come until the next
 * _get opens it again. */
typedef void (*SclVirtEventFunc) (const char *domain_name, int event, int detail,
                                  gpointer user_data);

/* URI as libvirt takes it, or exactly "qemu:///embed". Connects at once. */
SclVirtConnection *_scl_virt_connection_new (const char *uri, const char *state_dir,
                                             GError **error);
void _scl_virt_connection_free (SclVirtConnection *self);

/* One listener; NULL ends it: when this has returned, the former is not called
 * any more. */
void _scl_virt_connection_listen (SclVirtConnection *self, SclVirtEventFunc func,
                                  gpointer user_data);

/* The handle, alive as far as one can know without asking. (transfer full) */
virConnectPtr _scl_virt_connection_get (SclVirtConnection *self, GError **error);
const char *_scl_virt_connection_get_uri (SclVirtConnection *self);
gboolean _scl_virt_connection_is_embedded (SclVirtConnection *self);
/* libvirt's own mock driver: no QEMU, no firmware, no host. */
gboolean _scl_virt_connection_is_test (SclVirtConnection *self);

/* Announces that this thread will wait for events of DOMAIN_NAME: events
 * between _begin and _next are not lost. */
typedef struct SclVirtWait SclVirtWait;
SclVirtWait *_scl_virt_wait_begin (SclVirtConnection *self, const char *domain_name,
                                   GCancellable *cancellable);
void _scl_virt_wait_end (SclVirtWait *wait);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclVirtWait, _scl_virt_wait_end)

/* Returns when something has happened to the domain or to the connection since
 * the last call (TRUE), or when DEADLINE (monotonic, µs) has passed or it was
 * cancelled (FALSE). */
gboolean _scl_virt_wait_next (SclVirtWait *wait, gint64 deadline);
