/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whose the volumes of a folder are. The sidecar says it; where that does not (0.1 wrote none), who uses
 * the file. */

#include "plan/scl-observation-private.h"

typedef enum
{
  SCL_VOLUMES_OWN,    /* of one instance, from the beginning */
  SCL_VOLUMES_SHARED, /* of this instance, but with 0.1 others put theirs here, too */
  SCL_VOLUMES_OLD,    /* of another instance; what 0.1 put here for us is wanted */
} SclVolumesKind;

/* Sets foreign and in_doubt of VOLUMES (SclObservedVolume). The VMs of OBSERVED are read already. */
void _scl_volume_owner_judge (GPtrArray *volumes, const char *prefix, SclVolumesKind kind,
                              SclObservation *observed);

/* Moves those of OLD that are ours into VOLUMES and returns their names. Where both have a name, the
 * one wins that a VM of ours runs from. (transfer full) */
GHashTable *_scl_volume_owner_take_old (GPtrArray *volumes, GPtrArray *old,
                                        SclObservation *observed);
