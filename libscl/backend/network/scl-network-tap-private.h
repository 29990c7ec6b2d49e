/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The macvtap on a NIC's host end: what QEMU opens. We make it ourselves and libvirt is told that it
 * is not its own (managed='no'): libvirt 9.0's embedded driver crashes when it removes one that it has
 * made, and this one outlives every stop and start of the guest. */

#include "backend/network/scl-netlink-private.h"
#include "plan/scl-observation-private.h"

/* There, on OUTER, marked and deaf; down if it is new. SCL_ERROR_EXISTS if the name is foreign. */
gboolean _scl_network_tap_make (SclNetlink *root, const char *prefix, const SclPort *port,
                                const SclLink *outer, GError **error);
gboolean _scl_network_tap_raise (SclNetlink *root, const char *prefix, const SclPort *port,
                                 GError **error);
gboolean _scl_network_tap_is_there (GPtrArray *root_links, const char *prefix, const SclPort *port,
                                    const SclLink *outer);
/* What is wrong with it, if anything: one sentence each into PROBLEMS. */
void _scl_network_tap_check (GPtrArray *root_links, const char *prefix, const SclPort *port,
                             const SclLink *outer, GPtrArray *problems);
