/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* VMs of one instance. Implementations: libvirt (this folder) and memory. Knows neither networks
 * nor volumes: the engine hands it paths and link names in an SclVmWiring. Thread-safe for
 * different VMs. */

#include "backend/scl-progress-private.h"
#include "backend/scl-sources-private.h"
#include "plan/scl-observation-private.h"
#include <scl/scl-manifest.h>

#define SCL_TYPE_VM_BACKEND (_scl_vm_backend_get_type ())
G_DECLARE_INTERFACE (SclVmBackend, _scl_vm_backend, SCL, VM_BACKEND, GObject)

/* What a domain is connected to. Strings are owned. Not changed any more once it is given away. */
typedef struct
{
  gatomicrefcount refs;
  GPtrArray *disk_paths; /* char*, by disk number */
  char *seed_path;       /* NULL: none */
  char *nvram_path;
  char *log_path;        /* console log */
  GPtrArray *macs;       /* char*, by NIC number */
  GPtrArray *tap_links;  /* char*: each NIC's macvtap, which is there already */
} SclVmWiring;

SclVmWiring *_scl_vm_wiring_new (void);
SclVmWiring *_scl_vm_wiring_ref (const SclVmWiring *self);
void _scl_vm_wiring_free (SclVmWiring *self); /* drops a reference */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclVmWiring, _scl_vm_wiring_free)

/* NAME's state has changed behind our back or because of us; "": any may have. Called in a thread
 * of the backend. */
typedef void (*SclVmEventFunc) (const char *name, SclVmState state, gpointer user_data);

struct _SclVmBackendInterface
{
  GTypeInterface g_iface;

  /* Accelerator, firmware, capacity, names of foreign domains. */
  gboolean (*preflight) (SclVmBackend *self, SclManifest *manifest, GPtrArray *diagnostics,
                         GCancellable *cancellable, GError **error);
  gboolean (*observe) (SclVmBackend *self, SclManifest *desired, SclObservation *out,
                       GCancellable *cancellable, GError **error);
  /* What every domain of the hypervisor names, whoever made it. KNOWN (nullable): VMs whose files are noted there
   * are not asked again. (transfer full) */
  SclSources *(*list_sources) (SclVmBackend *self, SclObservation *known, GCancellable *cancellable,
                               GError **error);
  /* Defines or redefines (a running VM: its next boot). Keeps UUID, machine version, NVRAM, MACs, PCI
   * addresses and the wanted power. A foreign domain is SCL_ERROR_EXISTS. */
  gboolean (*define) (SclVmBackend *self, SclVmSpec *spec, const SclVmWiring *wiring,
                      const SclProgress *progress, GError **error);
  /* Running when it returns; already running is success. Clears who wanted it off. */
  gboolean (*start) (SclVmBackend *self, const char *name, const SclProgress *progress,
                     GError **error);
  /* Off when it returns; already off is success. ACPI, then after TIMEOUT seconds (0: at once) cut. BY
   * is remembered as who wants it off (SCL_STOPPED_BY_NOBODY: nobody does, it is a restart). */
  gboolean (*stop) (SclVmBackend *self, const char *name, guint timeout, SclStoppedBy by,
                    const SclProgress *progress, GError **error);
  /* FALSE with SCL_ERROR_IN_USE: remove() would refuse NAME as it is now. Nothing is changed. Absent is success. */
  gboolean (*check_removal) (SclVmBackend *self, const char *name, GCancellable *cancellable,
                             GError **error);
  /* Off already (SCL_ERROR_IN_USE else). Undefines, keeps NVRAM. Absent is success. */
  gboolean (*remove) (SclVmBackend *self, const char *name, const SclProgress *progress,
                      GError **error);
  /* Tells a running VM that disk number INDEX has grown to SIZE bytes. Never makes it smaller than
   * its file or what the guest sees: then it is told that. */
  gboolean (*resize_disk) (SclVmBackend *self, const char *name, guint index, guint64 size,
                           GError **error);
  /* Re-attaches NIC number INDEX of a running VM at its PCI address: its pair was made anew. */
  gboolean (*replug_nic) (SclVmBackend *self, const char *name, guint index, GError **error);
  /* Nobody wants any VM off any more (the host has booted). */
  gboolean (*clear_stopped) (SclVmBackend *self, const char *name, GError **error);
  GIOStream *(*open_console) (SclVmBackend *self, const char *name, GCancellable *cancellable,
                              GError **error);
  /* Addresses that the guest agents of OBSERVATION's running VMs tell, by VM: a GPtrArray of GInetAddress
   * each, or NULL. Silent agents cost 2 s together, not each. (transfer full) (nullable) */
  GPtrArray *(*list_agent_addresses) (SclVmBackend *self, SclObservation *observation,
                                      GCancellable *cancellable);
  /* One watcher; NULL ends it. Not called any more when this has returned. */
  void (*watch) (SclVmBackend *self, SclVmEventFunc func, gpointer user_data);
};

gboolean _scl_vm_backend_preflight (SclVmBackend *self, SclManifest *manifest,
                                    GPtrArray *diagnostics, GCancellable *cancellable,
                                    GError **error);
gboolean _scl_vm_backend_observe (SclVmBackend *self, SclManifest *desired, SclObservation *out,
                                  GCancellable *cancellable, GError **error);
SclSources *_scl_vm_backend_list_sources (SclVmBackend *self, SclObservation *known,
                                          GCancellable *cancellable, GError **error);
gboolean _scl_vm_backend_define (SclVmBackend *self, SclVmSpec *spec, const SclVmWiring *wiring,
                                 const SclProgress *progress, GError **error);
gboolean _scl_vm_backend_start (SclVmBackend *self, const char *name, const SclProgress *progress,
                                GError **error);
gboolean _scl_vm_backend_stop (SclVmBackend *self, const char *name, guint timeout, SclStoppedBy by,
                               const SclProgress *progress, GError **error);
gboolean _scl_vm_backend_check_removal (SclVmBackend *self, const char *name,
                                        GCancellable *cancellable, GError **error);
gboolean _scl_vm_backend_remove (SclVmBackend *self, const char *name, const SclProgress *progress,
                                 GError **error);
gboolean _scl_vm_backend_resize_disk (SclVmBackend *self, const char *name, guint index,
                                      guint64 size, GError **error);
gboolean _scl_vm_backend_replug_nic (SclVmBackend *self, const char *name, guint index,
                                     GError **error);
gboolean _scl_vm_backend_clear_stopped (SclVmBackend *self, const char *name, GError **error);
GIOStream *_scl_vm_backend_open_console (SclVmBackend *self, const char *name,
                                         GCancellable *cancellable, GError **error);
GPtrArray *_scl_vm_backend_list_agent_addresses (SclVmBackend *self, SclObservation *observation,
                                                 GCancellable *cancellable);
void _scl_vm_backend_watch (SclVmBackend *self, SclVmEventFunc func, gpointer user_data);
