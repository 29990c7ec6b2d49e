/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether the files that definitions of VMs name are their volumes. A state folder that was moved, or 0.1, which
 * gave one file to the VMs of two instances, are why they may not be. */

#include "plan/scl-observation-private.h"

/* Sets disks_taken and disks_moved of OBSERVED's VMs, and what a redefinition repairs as a problem. VMs and volumes
 * are read and sorted. */
void _scl_volume_place_judge (SclObservation *observed);
