/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* SclVolumeBackend on files: HOME/volumes/NAME.raw with NAME.json, HOME/vms/VM/seed.iso. Makes
 * folders only when something is put into them. */

#include "backend/volume/scl-volume-backend-private.h"

#define SCL_TYPE_FILE_VOLUMES (_scl_file_volumes_get_type ())
G_DECLARE_FINAL_TYPE (SclFileVolumes, _scl_file_volumes, SCL, FILE_VOLUMES, GObject)

/* HOME: the folder of this instance. SHARED (nullable): where 0.1 put the files of all instances; what
 * is there and ours stays there. QEMU_USER: who must be able to reach the files; NULL: not checked. */
SclVolumeBackend *_scl_file_volumes_new (const char *home, const char *shared, const char *prefix,
                                         const char *qemu_user, GError **error);
