/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One connection to a hypervisor that survives a restart of its daemon:
 * reopened by the next call, events registered again. Lets a thread wait for
 * the events of one domain. Knows nothing of VMs.
 *
 * No lock is held across a libvirt call that waits, but for closing what broke, which is bounded. */

#include "backend/vm/scl-virt-hub-private.h"

typedef struct SclVirtConnection SclVirtConnection;

/* URI as libvirt takes it, or exactly "qemu:///embed". Connects at once. */
SclVirtConnection *_scl_virt_connection_new (const char *uri, const char *state_dir,
                                             GCancellable *cancellable, GError **error);
/* Leaves what hangs behind. */
void _scl_virt_connection_free (SclVirtConnection *self);
SclVirtHub *_scl_virt_connection_get_hub (SclVirtConnection *self);

/* The handle, alive as far as one can know without asking. A daemon that does not answer is
 * SCL_ERROR_TIMEOUT. (transfer full) */
virConnectPtr _scl_virt_connection_get (SclVirtConnection *self, GError **error);
const char *_scl_virt_connection_get_uri (SclVirtConnection *self);
gboolean _scl_virt_connection_is_embedded (SclVirtConnection *self);
/* libvirt's own mock driver: no QEMU, no firmware, no host. */
gboolean _scl_virt_connection_is_test (SclVirtConnection *self);

SclVirtWait *_scl_virt_wait_begin (SclVirtConnection *self, const char *domain_name,
                                   GCancellable *cancellable);
