/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What libvirt tells without being asked: events of one connection, handed to one listener and to
 * threads that wait for those of one domain. Outlives the connection, since libvirt's callbacks may
 * still run while it is being closed. */

#include "backend/vm/scl-virt-error-private.h"

typedef struct SclVirtHub SclVirtHub;

/* A lifecycle event, in the event thread: return soon and call nothing of
 * libvirt that waits. DOMAIN_NAME NULL: the connection broke, and no event will come until the next
 * _get opens it again. */
typedef void (*SclVirtEventFunc) (const char *domain_name, int event, int detail,
                                  gpointer user_data);

typedef enum
{
  SCL_VIRT_DAEMON,
  SCL_VIRT_EMBEDDED,
  SCL_VIRT_TEST, /* libvirt's own mock driver: no QEMU, no firmware, no host */
} SclVirtKind;

SclVirtHub *_scl_virt_hub_new (void);
SclVirtHub *_scl_virt_hub_ref (SclVirtHub *hub);
void _scl_virt_hub_unref (gpointer hub);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclVirtHub, _scl_virt_hub_unref)

/* From now on HUB hears of HANDLE, and is not broken any more. */
gboolean _scl_virt_hub_register (SclVirtHub *hub, virConnectPtr handle, SclVirtKind kind,
                                 const char *uri, GError **error);
void _scl_virt_hub_deregister (SclVirtHub *hub, virConnectPtr handle);

/* The connection broke: open a new one. */
gboolean _scl_virt_hub_is_broken (SclVirtHub *hub);
/* It broke because the daemon did not answer for some seconds. */
gboolean _scl_virt_hub_is_silent (SclVirtHub *hub);

/* One listener; NULL ends it: when this has returned, the former is not called
 * any more. */
void _scl_virt_hub_listen (SclVirtHub *hub, SclVirtEventFunc func, gpointer user_data);
/* Everybody who waits looks again. */
void _scl_virt_hub_wake (SclVirtHub *hub);

/* Announces that this thread will wait for events of DOMAIN_NAME: events
 * between _begin and _next are not lost. */
typedef struct SclVirtWait SclVirtWait;
SclVirtWait *_scl_virt_hub_wait (SclVirtHub *hub, const char *domain_name,
                                 GCancellable *cancellable);
void _scl_virt_wait_end (SclVirtWait *wait);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclVirtWait, _scl_virt_wait_end)

/* Returns when something has happened to the domain or to the connection since
 * the last call (TRUE), or when DEADLINE (monotonic, µs) has passed or it was
 * cancelled (FALSE). */
gboolean _scl_virt_wait_next (SclVirtWait *wait, gint64 deadline);
