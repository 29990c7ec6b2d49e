/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Carries the steps of a plan out: each after those that it needs, independent ones at the same
 * time. Knows nothing about what a step does. */

#include "client/scl-operation-private.h"

typedef gboolean (*SclStepFunc) (SclStep *step, const SclProgress *progress, gpointer user_data,
                                 GError **error);

/* Returns as scl_connection_apply says. OPERATION may be NULL (nobody is told). At most
 * MAX_WORKERS steps at once; with 1 everything runs in the calling thread, in the plan's order. */
gboolean _scl_executor_run (SclPlan *plan, SclApplyFlags flags, guint max_workers, SclStepFunc func,
                            gpointer user_data, SclOperation *operation, GCancellable *cancellable,
                            GError **error);
