/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whose turn it is to change an instance, among the operations of this process; the file lock behind
 * it does the same between processes. First come, first served: nobody overtakes who needs
 * the same. Knows nothing about what an operation does. */

#include "engine/scl-instance-lock-private.h"

typedef struct _SclEngineQueue SclEngineQueue;
typedef struct _SclTurn SclTurn;

typedef struct
{
  gconstpointer owner; /* the connection's engine */
  const char *what;    /* for those who wait: `stop VM "web"` */
  const char *vm;      /* (nullable): the VM that it is about */
  gboolean alone;      /* needs more than that VM: nothing else at the same time */
  gboolean stops;      /* it stops that VM, or with no VM all of them */
  gboolean cut;        /* it only cuts the power of that VM: not behind those who are stopping it */
  const char *state_dir;
  guint timeout; /* seconds */
  GCancellable *cancellable;
  SclTurn *place; /* (transfer full) (nullable): where it stands in the queue; else it comes last */
} SclTurnRequest;

#define SCL_TURN_ALONE ((SclTurnRequest){ .alone = TRUE })

/* One per instance in the process: the same RUN_DIR and PREFIX give the same queue. Without RUN_DIR
 * (nothing outside this process is touched) a queue of its own and no file. (transfer full) */
SclEngineQueue *_scl_engine_queue_get (const char *run_dir, const char *prefix);
/* That of another instance. (transfer full) */
SclEngineQueue *_scl_engine_queue_get_beside (SclEngineQueue *self, const char *prefix);
void _scl_engine_queue_unref (SclEngineQueue *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclEngineQueue, _scl_engine_queue_unref)

/* A place for who will enter later, from another thread. Nobody overtakes it: what it will need is not known
 * yet. To be entered with soon, or left. (transfer full) */
SclTurn *_scl_engine_queue_reserve (SclEngineQueue *self, gconstpointer owner, const char *what);

/* NULL: SCL_ERROR_BUSY that says who had it, or cancelled. (transfer full) */
SclTurn *_scl_engine_queue_enter (SclEngineQueue *self, const SclTurnRequest *request, GError **error);
void _scl_turn_leave (SclTurn *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclTurn, _scl_turn_leave)

/* Keeps the instance for the turns of one owner, which still follow each other. Twice is once. */
gboolean _scl_engine_queue_hold (SclEngineQueue *self, const SclTurnRequest *request, GError **error);
/* Turns that were entered or asked for before keep what was held until they have left. */
void _scl_engine_queue_release (SclEngineQueue *self, gconstpointer owner);

/* How many have a turn or wait for one, holds included. */
guint _scl_engine_queue_get_length (SclEngineQueue *self);

/* Between these two a request that cuts the power of VM is let through. */
void _scl_engine_queue_begin_stop (SclEngineQueue *self, const char *vm);
void _scl_engine_queue_end_stop (SclEngineQueue *self, const char *vm);
