/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* SclFileVolumes across its files. Nobody else includes this. */

#include "backend/volume/scl-file-volumes-private.h"
#include "base/scl-fd-private.h"

#define FOLDER_MODE 0711

struct _SclFileVolumes
{
  GObject parent_instance;
  char *state;   /* the instance's folder */
  char *volumes; /* in it */
  char *shared;  /* NULL: the same folder */
  char *prefix;
  char *qemu_user;
  GMutex mutex;    /* over what follows */
  GHashTable *old; /* names of volumes, and so of VMs, that are in SHARED and ours */
};

/* Every name becomes part of a path. */
gboolean _scl_file_volumes_check_name (const char *name, GError **error);
/* The folder that holds PART ("volumes", "vms") of NAME. (transfer full) */
char *_scl_file_volumes_place_of (SclFileVolumes *self, const char *part, const char *name);
/* -1 if it does not exist (no error) or cannot be opened (error). */
int _scl_file_volumes_open_existing (const char *path, GError **error);
/* With those above it. */
int _scl_file_volumes_make_folder (SclFileVolumes *self, const char *path, GError **error);

/* That the seed of VM has; NULL: none. (transfer full) */
char *_scl_file_volumes_find_instance_id (SclFileVolumes *self, const char *vm);
/* seed_differs of the VMs in OUT. */
gboolean _scl_file_volumes_observe_seeds (SclFileVolumes *self, SclManifest *desired,
                                          SclObservation *out, GCancellable *cancellable,
                                          GError **error);
/* Those of VMs that are gone, as are their volumes: added to OUT, which is sorted and has all volumes. */
gboolean _scl_file_volumes_observe_nvrams (SclFileVolumes *self, SclObservation *out, GError **error);
/* It is kept with the boot volume, so it goes with it. SCL_ERROR_IN_USE if a QEMU has it open. */
gboolean _scl_file_volumes_remove_nvram (SclFileVolumes *self, const char *vm, SclSources *sources,
                                         gboolean *out_found, GError **error);

gboolean _scl_file_volumes_find_other (SclVolumeBackend *backend, const char *name,
                                       const SclOtherInstance *other, char **out_path,
                                       char **out_nvram, GError **error);
char **_scl_file_volumes_list_owners (SclVolumeBackend *backend, const char *name);
gboolean _scl_file_volumes_adopt (SclVolumeBackend *backend, const char *name,
                                  const SclOtherInstance *other, GError **error);
gboolean _scl_file_volumes_reclaim (SclVolumeBackend *backend, const char *vm, GError **error);
gboolean _scl_file_volumes_ensure_seed (SclVolumeBackend *backend, SclVmSpec *vm,
                                        const SclSourcesAsk *domains, const SclProgress *progress,
                                        GError **error);
gboolean _scl_file_volumes_release (SclVolumeBackend *backend, const char *vm, SclSources *sources,
                                    const SclProgress *progress, GError **error);
char *_scl_file_volumes_seed_path (SclVolumeBackend *backend, const char *vm);
char *_scl_file_volumes_vm_folder (SclVolumeBackend *backend, const char *vm, GError **error);
