/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The driver of "local:": joins the planner and the three backends in this process. The only place
 * that does. */

#include "backend/network/scl-network-backend-private.h"
#include "backend/vm/scl-vm-backend-private.h"
#include "backend/volume/scl-volume-backend-private.h"
#include "client/scl-driver-private.h"
#include "engine/scl-engine-queue-private.h"
#include "plan/scl-plan-private.h"

#define SCL_TYPE_ENGINE (_scl_engine_get_type ())
G_DECLARE_FINAL_TYPE (SclEngine, _scl_engine, SCL, ENGINE, GObject)

struct _SclEngine
{
  GObject parent_instance;
  char *prefix;
  char *machine_id;
  char *state_dir;
  SclEngineQueue *queue;
  guint max_workers;
  SclNetworkBackend *networks;
  SclVolumeBackend *volumes;
  SclVmBackend *vms;

  GMutex mutex; /* over what follows */
  guint lock_timeout;
  SclDriverEventFunc watcher;
  gpointer watcher_data;
};

SclEngine *_scl_engine_new (const char *prefix, const char *machine_id, SclNetworkBackend *networks,
                            SclVolumeBackend *volumes, SclVmBackend *vms);
/* From now on changes hold the instance's lock. */
void _scl_engine_set_folders (SclEngine *self, const char *run_dir, const char *state_dir);

SclObservation *_scl_engine_observe (SclEngine *self, SclManifest *desired, GCancellable *cancellable,
                                     GError **error);
/* With preflight. OBSERVED is what the plan was made from. */
SclPlan *_scl_engine_plan (SclEngine *self, SclManifest *manifest, SclApplyFlags flags,
                           SclObservation *observed, GCancellable *cancellable, GError **error);
/* A step of any plan; an SclStepFunc. */
gboolean _scl_engine_run_step (SclStep *step, const SclProgress *progress, gpointer engine,
                               GError **error);
/* Waits until the instance is OPERATION's (NULL: nobody's in particular) to change; of WANT only vm,
 * alone, stops and cut are read. (transfer full) */
SclTurn *_scl_engine_enter (SclEngine *self, SclTurnRequest want, SclOperation *operation,
                            GCancellable *cancellable, GError **error);
/* All ways to stop a VM lead through here. */
gboolean _scl_engine_stop_vm (SclEngine *self, const char *name, guint timeout, SclStoppedBy by,
                              const SclProgress *progress, GError **error);
void _scl_engine_tell (SclEngine *self, SclObjectKind kind, const char *name);

/* scl-engine-actions.c */
void _scl_engine_init_actions (SclDriverInterface *iface);
SclProgress _scl_engine_progress (SclOperation *operation, GCancellable *cancellable);
guint _scl_engine_shutdown_timeout (const SclObservedVm *vm);

/* scl-engine-removals.c */
void _scl_engine_init_removals (SclDriverInterface *iface);

/* scl-engine-volumes.c */
void _scl_engine_init_volumes (SclDriverInterface *iface);
/* SCL_ERROR_NOT_FOUND if a volume of VM, which is in OBSERVATION, is gone. Adds all volumes to
 * OBSERVATION. */
gboolean _scl_engine_check_volumes (SclEngine *self, SclObservation *observation,
                                    const SclObservedVm *vm, GCancellable *cancellable,
                                    GError **error);
