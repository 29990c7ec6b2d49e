/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The VM backend on libvirt's QEMU driver: a daemon's, one inside this process,
 * or libvirt's mock. All that is durable is in the domains (metadata) and their
 * NVRAM; see doc/design/vms.md for how the wanted power is worked out. */

#include "backend/vm/scl-vm-backend-private.h"

#define SCL_TYPE_LIBVIRT_VMS (_scl_libvirt_vms_get_type ())
G_DECLARE_FINAL_TYPE (SclLibvirtVms, _scl_libvirt_vms, SCL, LIBVIRT_VMS, GObject)

/* Connects: SCL_ERROR_BACKEND if nobody serves HYPERVISOR_URI. */
SclVmBackend *_scl_libvirt_vms_new (const char *hypervisor_uri, const char *prefix,
                                    const char *state_dir, GCancellable *cancellable,
                                    GError **error);
