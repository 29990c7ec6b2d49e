/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* `show` for people: one "Key:  value" line per fact, on stdout. */

#include <scl/scl.h>

/* VOLUMES tell what its disks were made from. */
void sclctl_show_vm (SclVm *vm, GListModel *volumes);
void sclctl_show_network (SclNetwork *network);
void sclctl_show_volume (SclVolume *volume);
