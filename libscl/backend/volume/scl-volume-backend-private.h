/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Volumes and seed disks of one instance. Implementations: files (this folder) and memory. Never
 * deletes, truncates or overwrites a volume except in remove. Thread-safe for different names. */

#include "backend/scl-progress-private.h"
#include "backend/scl-sources-private.h"
#include "plan/scl-observation-private.h"
#include <scl/scl-disk-spec.h>
#include <scl/scl-manifest.h>

/* What a VM's folder holds besides its seed. */
#define SCL_NVRAM_FILE "nvram.fd"
#define SCL_CONSOLE_LOG_FILE "console.log"

typedef struct
{
  const char *prefix;
  const char *home; /* its own folder; NULL: there are no folders */
} SclOtherInstance;

#define SCL_TYPE_VOLUME_BACKEND (_scl_volume_backend_get_type ())
G_DECLARE_INTERFACE (SclVolumeBackend, _scl_volume_backend, SCL, VOLUME_BACKEND, GObject)

struct _SclVolumeBackendInterface
{
  GTypeInterface g_iface;

  /* Images and cloud-init files readable, regular, of a known format; sizes; free space (against what
   * OBSERVED already has); folders reachable for the QEMU user. */
  gboolean (*preflight) (SclVolumeBackend *self, SclManifest *manifest, SclObservation *observed,
                         GPtrArray *diagnostics, GCancellable *cancellable, GError **error);
  /* Fills volumes of OUT; with DESIRED also image_differs and, for the VMs that OUT has already or
   * that it adds to no list, seed_differs (VMs of OUT are filled before this is called). */
  gboolean (*observe) (SclVolumeBackend *self, SclManifest *desired, SclObservation *out,
                       GCancellable *cancellable, GError **error);
  /* Notes for good whose the volumes of OBSERVED are that are ours, where 0.1 did not, or where the note is lost. */
  gboolean (*claim) (SclVolumeBackend *self, SclObservation *observed, GError **error);
  /* From the disk's image, SIZE_MIB large (0: the image's size rounded up to MiB), owned by VM. Exists
   * already: success if it is large enough, untouched. */
  gboolean (*create) (SclVolumeBackend *self, SclDiskSpec *disk, const char *vm,
                      const SclProgress *progress, GError **error);
  /* Never shrinks (SCL_ERROR_WOULD_LOSE_DATA). The file only; a running VM is told by its backend. */
  gboolean (*grow) (SclVolumeBackend *self, const char *name, guint64 size_mib,
                    const SclProgress *progress, GError **error);
  /* The volume, its sidecar and the NVRAM of the VM that it is named after, for good; the NVRAM not
   * if a domain of SOURCES names it. Absent is SCL_ERROR_NOT_FOUND. */
  gboolean (*remove) (SclVolumeBackend *self, const char *name, SclSources *sources,
                      const SclProgress *progress, GError **error);
  /* A volume that another instance made in the same state folder. *OUT_PATH is where it is (transfer full);
   * NULL: here already, but who took it over was killed before the end. *OUT_NVRAM (transfer full) (nullable): what
   * goes along. SCL_ERROR_NOT_FOUND: there is none. */
  gboolean (*find_other) (SclVolumeBackend *self, const char *name, const SclOtherInstance *other,
                          char **out_path, char **out_nvram, GError **error);
  /* The prefixes of the other instances in the same state folder that have a volume NAME, sorted. (transfer
   * full) */
  char **(*list_owners) (SclVolumeBackend *self, const char *name);
  /* Takes it over. Whether anybody uses it was asked. */
  gboolean (*adopt) (SclVolumeBackend *self, const char *name, const SclOtherInstance *other,
                     GError **error);
  /* Writes VM's seed disk if it does not hold the files' present content, removes it if the VM has
   * none. Before that, DOMAINS (nullable: there are none) are asked: SCL_ERROR_IN_USE if another one
   * uses what would be written, and what would be removed stays. */
  gboolean (*ensure_seed) (SclVolumeBackend *self, SclVmSpec *vm, const SclSourcesAsk *domains,
                           const SclProgress *progress, GError **error);
  /* Takes the seed of a VM that is off back from the QEMU user: libvirt leaves it to him. */
  gboolean (*reclaim) (SclVolumeBackend *self, const char *vm, GError **error);
  /* Removes what belongs to VM except its volumes and NVRAM: seed, console log. What another domain of
   * SOURCES names stays. */
  gboolean (*release) (SclVolumeBackend *self, const char *vm, SclSources *sources,
                       const SclProgress *progress, GError **error);
  /* Where it is or would be; pure. (transfer full) (nullable: seed of a VM without one, memory) */
  char *(*volume_path) (SclVolumeBackend *self, const char *name);
  char *(*seed_path) (SclVolumeBackend *self, const char *vm);
  /* The folder of VM (made if missing, mode 0711) for NVRAM and console log. */
  char *(*vm_folder) (SclVolumeBackend *self, const char *vm, GError **error);
};

gboolean _scl_volume_backend_preflight (SclVolumeBackend *self, SclManifest *manifest,
                                        SclObservation *observed, GPtrArray *diagnostics,
                                        GCancellable *cancellable, GError **error);
gboolean _scl_volume_backend_observe (SclVolumeBackend *self, SclManifest *desired,
                                      SclObservation *out, GCancellable *cancellable,
                                      GError **error);
gboolean _scl_volume_backend_claim (SclVolumeBackend *self, SclObservation *observed, GError **error);
gboolean _scl_volume_backend_create (SclVolumeBackend *self, SclDiskSpec *disk, const char *vm,
                                     const SclProgress *progress, GError **error);
gboolean _scl_volume_backend_grow (SclVolumeBackend *self, const char *name, guint64 size_mib,
                                   const SclProgress *progress, GError **error);
gboolean _scl_volume_backend_remove (SclVolumeBackend *self, const char *name, SclSources *sources,
                                     const SclProgress *progress, GError **error);
gboolean _scl_volume_backend_find_other (SclVolumeBackend *self, const char *name,
                                         const SclOtherInstance *other, char **out_path,
                                         char **out_nvram, GError **error);
char **_scl_volume_backend_list_owners (SclVolumeBackend *self, const char *name);
gboolean _scl_volume_backend_adopt (SclVolumeBackend *self, const char *name,
                                    const SclOtherInstance *other, GError **error);
gboolean _scl_volume_backend_ensure_seed (SclVolumeBackend *self, SclVmSpec *vm,
                                          const SclSourcesAsk *domains,
                                          const SclProgress *progress, GError **error);
gboolean _scl_volume_backend_reclaim (SclVolumeBackend *self, const char *vm, GError **error);
gboolean _scl_volume_backend_release (SclVolumeBackend *self, const char *vm, SclSources *sources,
                                      const SclProgress *progress, GError **error);
char *_scl_volume_backend_volume_path (SclVolumeBackend *self, const char *name);
char *_scl_volume_backend_seed_path (SclVolumeBackend *self, const char *vm);
char *_scl_volume_backend_vm_folder (SclVolumeBackend *self, const char *vm, GError **error);
