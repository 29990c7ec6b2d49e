/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How a connection makes and refreshes its live objects. An object holds a reference to the driver,
 * not to the connection; update is called at home only, and all but name and verbs is read there. */

#include "client/scl-driver-private.h"
#include "client/scl-home-private.h"
#include <scl/scl-network.h>
#include <scl/scl-vm.h>
#include <scl/scl-volume.h>

SclNetwork *_scl_network_new (SclDriver *driver, SclHome *home, const char *name);
void _scl_network_update (SclNetwork *self, const SclObservedNetwork *observed);

SclVolume *_scl_volume_new (SclDriver *driver, SclHome *home, const char *name);
void _scl_volume_update (SclVolume *self, const SclObservedVolume *observed, gboolean used);

SclVm *_scl_vm_new (SclDriver *driver, SclHome *home, const char *name);
SclDriver *_scl_vm_peek_driver (SclVm *self);
/* ADDRESSES: SclAddress. */
void _scl_vm_update (SclVm *self, const SclObservedVm *observed, GPtrArray *addresses);
