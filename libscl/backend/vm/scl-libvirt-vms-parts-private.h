/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* SclLibvirtVms across its files. Nobody else includes this. */

#include "backend/vm/scl-accel-probe-private.h"
#include "backend/vm/scl-console-log-private.h"
#include "backend/vm/scl-domain-def-private.h"
#include "backend/vm/scl-domain-firmware-private.h"
#include "backend/vm/scl-libvirt-vms-private.h"
#include "backend/vm/scl-virt-call-private.h"
#include "backend/vm/scl-virt-connection-private.h"

typedef struct SclVmEvents SclVmEvents;

struct _SclLibvirtVms
{
  GObject parent_instance;
  char *prefix;
  char *state_dir;
  SclVirtConnection *connection;
  SclVmEvents *events;
  GRecMutex watch_lock; /* held while the watcher is called */
  SclVmEventFunc watch_func;
  gpointer watch_data;
  GCancellable *watching; /* cancelled when nobody listens any more; NULL: nobody does */
  GMutex mark_lock;     /* held while marks are read and changed for it */
  GMutex ends_lock;
  GHashTable *host_ends; /* char*: domains whose coming or last end was the host's wish */
  SclConsoleLogs *logs; /* embedded only: elsewhere virtlogd bounds them */
  GMutex accel_lock;
  SclAccelProbe *accel; /* NULL: not asked yet */
};

/* The domain of VM, NULL with SCL_ERROR_NOT_FOUND if there is none. */
virDomainPtr _scl_libvirt_vms_lookup (SclLibvirtVms *self, virConnectPtr handle, const char *vm,
                                      GError **error);
/* As _lookup, and SCL_ERROR_EXISTS if it is not ours. OUT_DEF is the persistent
 * definition. */
virDomainPtr _scl_libvirt_vms_lookup_ours (SclLibvirtVms *self, virConnectPtr handle,
                                           const char *vm, SclDomainDef **out_def, GError **error);
/* The persistent definition. */
SclDomainDef *_scl_libvirt_vms_read_config (virDomainPtr domain, GError **error);
/* What runs; NULL with SCL_ERROR_IN_USE if nothing does (any more). */
SclDomainDef *_scl_libvirt_vms_read_live (virDomainPtr domain, GError **error);
/* The same from text. Of a domain that has just gone off, libvirt gives the persistent definition
 * instead: that is SCL_ERROR_IN_USE, too. */
SclDomainDef *_scl_libvirt_vms_parse_live (const char *xml, GError **error);
/* SCL_ERROR_IN_USE if another tool has put a file over a volume: what SCL defines would not have it. */
gboolean _scl_libvirt_vms_check_overlays (SclDomainDef *existing, GError **error);
gboolean _scl_libvirt_vms_throw_foreign (SclLibvirtVms *self, const char *domain_name,
                                         GError **error);
/* Where the embedded driver's domains have the sockets of their agents; gone with each boot of the host.
 * It is not removed until _end, which must follow in any case, in the same thread. */
gboolean _scl_libvirt_vms_make_agent_folder (SclLibvirtVms *self, GError **error);
void _scl_libvirt_vms_end_agent_folder (void);
/* Whether KVM works; FALSE also if it was cancelled, which has no reason. A "yes" is asked for once per
 * boot, a "no" again after some minutes. OUT_REASON (nullable, transfer full): why not. */
gboolean _scl_libvirt_vms_probe (SclLibvirtVms *self, GCancellable *cancellable, char **out_reason);
/* What to say of a VM that is emulated without being declared so; NULL: there is no KVM here, nothing.
 * (transfer full) */
char *_scl_libvirt_vms_explain_emulation (SclLibvirtVms *self);
gboolean _scl_libvirt_vms_wants_kvm (SclLibvirtVms *self, SclVmSpec *spec,
                                     GCancellable *cancellable);

/* What a redefinition of DOMAIN by DEF, which was read from it, with WIRING (NULL: as it is) keeps of it. */
gboolean _scl_libvirt_vms_read_additions (virDomainPtr domain, SclDomainDef *def,
                                          const SclVmWiring *wiring, GError **error);
/* Defines DEF, with firmware that is there and fits its NVRAM. */
gboolean _scl_libvirt_vms_put (SclLibvirtVms *self, virConnectPtr handle, SclDomainDef *def,
                               GError **error);
gboolean _scl_libvirt_vms_define (SclVmBackend *backend, SclVmSpec *spec, const SclVmWiring *wiring,
                                  const SclProgress *progress, GError **error);
gboolean _scl_libvirt_vms_check_removal (SclVmBackend *backend, const char *name, GError **error);
gboolean _scl_libvirt_vms_remove (SclVmBackend *backend, const char *name,
                                  const SclProgress *progress, GError **error);
GIOStream *_scl_libvirt_vms_open_console (SclVmBackend *backend, const char *name,
                                          GCancellable *cancellable, GError **error);

/* scl-libvirt-vms-kept.c: SCL_ERROR_IN_USE if DOMAIN, which is VM NAME, has saved memory, snapshots or checkpoints. */
gboolean _scl_libvirt_vms_check_nothing_lost (virDomainPtr domain, const char *name,
                                              GError **error);

/* scl-libvirt-vms-events.c: libvirt's events, in their order, outside of its event thread. Does not
 * hold VMS. */
SclVmEvents *_scl_vm_events_new (SclLibvirtVms *vms);
void _scl_vm_events_unref (SclVmEvents *self);
void _scl_vm_events_close (SclVmEvents *self);
void _scl_vm_events_take (const char *domain_name, int event, int detail, gpointer events);
void _scl_libvirt_vms_watch (SclVmBackend *backend, SclVmEventFunc func, gpointer user_data);

/* scl-libvirt-vms-bounded.c: all of them, each in a thread that can be left behind. */
void _scl_libvirt_vms_init_backend (SclVmBackendInterface *iface);

/* scl-libvirt-vms-observe.c */
gboolean _scl_libvirt_vms_observe (SclVmBackend *backend, SclManifest *desired, SclObservation *out,
                                   GCancellable *cancellable, GError **error);

/* scl-libvirt-vms-state.c */
SclVmState _scl_libvirt_vms_map_state (int state, int reason, const char **out_reason);

/* scl-libvirt-vms-power.c */
gboolean _scl_libvirt_vms_start (SclVmBackend *backend, const char *name,
                                 const SclProgress *progress, GError **error);
gboolean _scl_libvirt_vms_stop (SclVmBackend *backend, const char *name, guint timeout,
                                SclStoppedBy by, const SclProgress *progress, GError **error);
/* Of a domain that a disk error stopped: QEMU says that the error was a lack of room. */
gboolean _scl_libvirt_vms_is_disk_full (virDomainPtr domain);
gboolean _scl_libvirt_vms_clear_stopped (SclVmBackend *backend, const char *name, GError **error);

/* scl-libvirt-vms-marks.c */

/* Held while metadata is read and changed, and while a domain is redefined: against other threads and
 * other processes. */
typedef struct
{
  GMutex *mutex; /* NULL: not held */
  int fd;
} SclMarkLock;

/* FALSE: another process holds it, or an error. For VM, who names it in an error. */
gboolean _scl_libvirt_vms_lock_marks (SclLibvirtVms *self, const char *vm, gboolean wait,
                                      SclMarkLock *out, GError **error);
void _scl_mark_lock_clear (SclMarkLock *lock);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SclMarkLock, _scl_mark_lock_clear)

/* Who wants the domain off, worked out from its state and marks; what follows
 * from that is written down. LIVE is NULL unless it is active. Errors of
 * writing are ignored: the next one works it out again. */
SclStoppedBy _scl_libvirt_vms_settle (SclLibvirtVms *self, virDomainPtr domain, int state,
                                      int reason, SclDomainDef *config, const SclDomainDef *live);
/* Of a running domain: somebody is stopping it. */
gboolean _scl_libvirt_vms_is_stopping (const SclDomainDef *config);
/* The domain's coming or last end was (not) the wish of the host. */
void _scl_libvirt_vms_note_host_end (SclLibvirtVms *self, const char *domain_name, gboolean ended);
/* Neither the old mark nor libvirt's old reason counts from here on. */
gboolean _scl_libvirt_vms_set_cleared (SclLibvirtVms *self, virDomainPtr domain, const char *name,
                                       GError **error);
/* Nobody wants the running domain off. */
gboolean _scl_libvirt_vms_clear_marks (SclLibvirtVms *self, virDomainPtr domain, const char *name,
                                       GError **error);

/* A stop under way. */
typedef struct
{
  char *owner;
  SclDomainMark former_mark; /* of a stop that was under way already … */
  char *former_owner;        /* … and is this one's; NULL: there was none */
  char *unnoted;             /* why nothing could be noted, so that the domain is gone with its QEMU; NULL: it is noted */
} SclStop;

/* The domain, whose definition says by now who wants it off; one that somebody has removed while it runs is made again
 * for it. NULL is an error. _end_stop must follow in both cases. */
virDomainPtr _scl_libvirt_vms_begin_stop (SclLibvirtVms *self, const char *name, guint timeout,
                                          SclStoppedBy by, SclStop *out, GError **error);
/* Unless it IS_DONE, the mark is taken back. */
void _scl_libvirt_vms_end_stop (SclLibvirtVms *self, const char *name, SclStop *stop,
                                gboolean is_done);

/* scl-libvirt-vms-preflight.c */
gboolean _scl_libvirt_vms_preflight (SclVmBackend *backend, SclManifest *manifest,
                                     GPtrArray *diagnostics, GCancellable *cancellable,
                                     GError **error);

/* scl-libvirt-vms-sources.c */
SclSources *_scl_libvirt_vms_list_sources (SclVmBackend *backend, SclObservation *known,
                                           GCancellable *cancellable, GError **error);
/* All files that DOMAIN names, which is VM by its definition CONFIG_XML; LIVE_XML (nullable): it runs. NULL: they are
 * not known. (transfer full) */
GPtrArray *_scl_libvirt_vms_list_files (virDomainPtr domain, const char *config_xml,
                                        const char *live_xml, gboolean is_saved,
                                        GCancellable *cancellable);

/* Another domain that runs and has a disk of DEF; NULL: none. (transfer full) */
char *_scl_libvirt_vms_find_rival (virConnectPtr handle, const SclDomainDef *def);

/* scl-libvirt-vms-devices.c */
gboolean _scl_libvirt_vms_resize_disk (SclVmBackend *backend, const char *name, guint index,
                                       guint64 size, GError **error);
gboolean _scl_libvirt_vms_replug_nic (SclVmBackend *backend, const char *name, guint index,
                                      GError **error);

/* scl-libvirt-vms-agent.c */
GPtrArray *_scl_libvirt_vms_list_agent_addresses (SclVmBackend *backend, SclObservation *observation,
                                                  GCancellable *cancellable);
