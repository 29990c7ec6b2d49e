/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The driver of "local:": joins the planner and the three backends in this process. The only place
 * that does. */

#include "backend/network/scl-network-backend-private.h"
#include "backend/vm/scl-vm-backend-private.h"
#include "backend/volume/scl-volume-backend-private.h"
#include "client/scl-driver-private.h"
#include "engine/scl-engine-queue-private.h"
#include "engine/scl-instance-claim-private.h"
#include "plan/scl-plan-private.h"

#define SCL_HYPERVISOR_DEFAULT "qemu:///system"

#define SCL_TYPE_ENGINE (_scl_engine_get_type ())
G_DECLARE_FINAL_TYPE (SclEngine, _scl_engine, SCL, ENGINE, GObject)

/* A plan and what it was made from. */
typedef struct
{
  SclManifest *manifest;
  SclApplyFlags flags;
  SclPlan *plan;
  SclObservation *observed;
} SclEnginePlanned;

/* How the domains of another instance are seen that has another hypervisor. (transfer full) */
typedef SclVmBackend *(*SclEngineOpenVms) (const char *hypervisor, const char *prefix,
                                           const char *state_dir, GCancellable *cancellable,
                                           GError **error);

struct _SclEngine
{
  GObject parent_instance;
  char *prefix;
  char *machine_id;
  char *state_dir;
  SclEngineQueue *queue;
  SclInstanceClaim *claim; /* NULL: nothing outside this process is touched */
  SclEngineOpenVms open_vms; /* NULL: there is one hypervisor only */
  guint max_workers;
  SclNetworkBackend *networks;
  SclVolumeBackend *volumes;
  SclVmBackend *vms;

  GMutex mutex; /* over what follows */
  GHashTable *places;  /* SclOperation → SclTurn: begun, and not entered yet */
  SclSources *sources; /* what all domains name, asked at the beginning of a change that removes */
  guint lock_timeout;
  SclDriverEventFunc watcher;
  gpointer watcher_data;
  gboolean held;
  guint64 epoch;             /* of operations: it grows when one begins */
  SclEnginePlanned *planned; /* the last one since it is held, if no operation has begun since then */
};

SclEngine *_scl_engine_new (const char *prefix, const char *machine_id, SclNetworkBackend *networks,
                            SclVolumeBackend *volumes, SclVmBackend *vms);
/* From now on changes hold the instance's lock. */
void _scl_engine_set_folders (SclEngine *self, const char *run_dir, const char *state_dir);
/* Who the instance is. Takes CLAIM. */
void _scl_engine_set_claim (SclEngine *self, SclInstanceClaim *claim);

void _scl_engine_set_opener (SclEngine *self, SclEngineOpenVms open);

SclObservation *_scl_engine_observe (SclEngine *self, SclManifest *desired, GCancellable *cancellable,
                                     GError **error);
/* What there is to show of objects of KIND (HOST: of all), and nothing else. */
SclObservation *_scl_engine_observe_to_show (SclEngine *self, SclObjectKind kind,
                                             GCancellable *cancellable, GError **error);
/* With preflight. OBSERVED is what the plan was made from. */
SclPlan *_scl_engine_plan (SclEngine *self, SclManifest *manifest, SclApplyFlags flags,
                           SclObservation *observed, GCancellable *cancellable, GError **error);
/* All steps of PLAN. */
gboolean _scl_engine_execute (SclEngine *self, SclPlan *plan, SclApplyFlags flags,
                              SclOperation *operation, GCancellable *cancellable, GError **error);
/* A step of any plan; an SclStepFunc. */
gboolean _scl_engine_run_step (SclStep *step, const SclProgress *progress, gpointer engine,
                               GError **error);
/* Every message names its object once: backends that already did are left as they are. Always FALSE. */
gboolean _scl_engine_name_step (SclStep *step, GError **error);
/* Waits until the instance is OPERATION's (NULL: nobody's in particular) to change, and looks whether it
 * still is this engine's at all (else SCL_ERROR_IN_USE); of WANT only vm, alone, stops and cut are
 * read. (transfer full) */
SclTurn *_scl_engine_enter (SclEngine *self, SclTurnRequest want, SclOperation *operation,
                            GCancellable *cancellable, GError **error);
/* The same of another instance's QUEUE, for who has a turn of its own. (transfer full) */
SclTurn *_scl_engine_enter_beside (SclEngine *self, SclEngineQueue *queue, SclOperation *operation,
                                   GCancellable *cancellable, GError **error);
/* All ways to start a VM lead through here. */
gboolean _scl_engine_power_on (SclEngine *self, const char *name, const SclProgress *progress,
                               GError **error);
/* All ways to stop a VM lead through here. */
gboolean _scl_engine_stop_vm (SclEngine *self, const char *name, guint timeout, SclStoppedBy by,
                              const SclProgress *progress, GError **error);
void _scl_engine_tell (SclEngine *self, SclObjectKind kind, const char *name);

/* scl-engine-actions.c */
void _scl_engine_init_actions (SclDriverInterface *iface);
SclProgress _scl_engine_progress (SclOperation *operation, GCancellable *cancellable);
guint _scl_engine_shutdown_timeout (const SclObservedVm *vm);

/* scl-engine-owners.c */
gboolean _scl_engine_settle_owners (SclEngine *self, SclObservation *observed,
                                    GCancellable *cancellable, GError **error);
/* Notes which domains use volumes of VMs that are yet to be made. OUT_IS_LATE: one of these VMs has come
 * since VMs were read. */
gboolean _scl_engine_note_users (SclEngine *self, SclManifest *desired, SclObservation *observed,
                                 gboolean *out_is_late, GCancellable *cancellable, GError **error);
/* As _observe, and notes whose the volumes are. The instance is locked. */
SclObservation *_scl_engine_observe_to_change (SclEngine *self, SclManifest *desired,
                                               GCancellable *cancellable, GError **error);
/* Notes which domains use volumes that no VM of ours has. */
gboolean _scl_engine_note_other_users (SclEngine *self, SclObservation *observed,
                                       GCancellable *cancellable, GError **error);
/* The instance is this one's before anything is changed, and until nothing is left. The latter is
 * looked at after something was removed (OK), or after a first change that failed. */
gboolean _scl_engine_take_claim (SclEngine *self, gboolean in_folder, gboolean *out_new, GError **error);
gboolean _scl_engine_settle_claim (SclEngine *self, GError **error);
/* The URI that connects to another instance, for a message; HYPERVISOR (nullable): it is on that one. (transfer full) */
char *_scl_engine_connect_to (SclEngine *self, const char *prefix, const char *hypervisor);
/* A step for PLAN, of an empty manifest, if nothing is left but the note that the prefix is held:
 * who removed the rest was killed. */
void _scl_engine_plan_release (SclEngine *self, SclPlan *plan);
/* Asks once for many steps, until it is forgotten; what cannot be told is asked for again by each. */
void _scl_engine_ask_sources (SclEngine *self, GCancellable *cancellable);
void _scl_engine_forget_sources (SclEngine *self);
/* (transfer full) */
SclSources *_scl_engine_get_sources (SclEngine *self, GCancellable *cancellable, GError **error);
/* The same of a step of _execute(), which asks once for all its steps. */
SclSources *_scl_engine_share_sources (gpointer engine, GCancellable *cancellable, GError **error);

/* scl-engine-removals.c */
gboolean _scl_engine_remove_vm (SclEngine *self, const char *name, guint shutdown_timeout,
                                const SclProgress *progress, GError **error);
void _scl_engine_init_removals (SclDriverInterface *iface);

/* scl-engine-volume-removals.c */
/* SOURCES are asked for here: who names it may have changed since OBSERVATION was made. */
gboolean _scl_engine_remove_volume (SclEngine *self, SclObservation *observation, const char *name,
                                    SclDeleteFlags flags, const SclProgress *progress,
                                    GError **error);
void _scl_engine_init_volume_removals (SclDriverInterface *iface);

/* scl-engine-adopt.c */
void _scl_engine_init_adopt (SclDriverInterface *iface);

/* scl-engine-volumes.c */
void _scl_engine_init_volumes (SclDriverInterface *iface);
/* SCL_ERROR_NOT_FOUND if a volume of VM, which is in OBSERVATION, is gone. Adds all volumes to
 * OBSERVATION. */
gboolean _scl_engine_check_volumes (SclEngine *self, SclObservation *observation,
                                    const SclObservedVm *vm, GCancellable *cancellable,
                                    GError **error);

/* scl-engine-planned.c: what SCL_APPLY_AS_PLANNED need not read again */
void _scl_engine_planned_free (SclEnginePlanned *planned);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclEnginePlanned, _scl_engine_planned_free)
gboolean _scl_engine_is_quiet (SclEngine *self, guint64 *out_epoch);
void _scl_engine_keep_planned (SclEngine *self, guint64 epoch, SclManifest *manifest,
                               SclApplyFlags flags, SclPlan *plan, SclObservation *observed);
void _scl_engine_forget_planned (SclEngine *self);
/* NULL if it is another manifest's, or not wanted; forgotten in any case. (transfer full) */
SclEnginePlanned *_scl_engine_take_planned (SclEngine *self, SclManifest *manifest,
                                            SclApplyFlags flags);
