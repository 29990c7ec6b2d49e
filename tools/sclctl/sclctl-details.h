/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* `show` for people: one "Key:  value" line per fact, on stdout. */

#include <scl/scl.h>

void sclctl_show_vm (SclVm *vm);
void sclctl_show_network (SclNetwork *network);
void sclctl_show_volume (SclVolume *volume);
