/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The working side of an SclOperation. Work runs in a thread of its own (never in GLib's pool: it
 * may last minutes); what it reports is delivered to the creator's context. */

#include "backend/scl-progress-private.h"
#include "plan/scl-plan-private.h"
#include <scl/scl-operation.h>

typedef gboolean (*SclOperationFunc) (SclOperation *operation, gpointer data,
                                      GCancellable *cancellable, GError **error);

/* Starts FUNC at once. DRIVER (nullable), which DATA keeps: whose queue it stands in, behind all that
 * were begun before. FREE_DATA runs when the work has ended. */
SclOperation *_scl_operation_start (GObject *driver, const char *description, SclOperationFunc func,
                                    gpointer data, GDestroyNotify free_data);
/* An operation that has already failed; takes ERROR. */
SclOperation *_scl_operation_new_failed (const char *description, GError *error);

/* Called from working threads. */
void _scl_operation_set_plan (SclOperation *self, SclPlan *plan);
void _scl_operation_begin_step (SclOperation *self, guint id);
void _scl_operation_end_step (SclOperation *self, guint id, SclStepStatus status,
                              const GError *error);
void _scl_operation_step_progress (SclOperation *self, guint id, double fraction,
                                   const char *message);
void _scl_operation_progress (SclOperation *self, double fraction, const char *message);
/* What its message, or that of a step, is from its end on. */
void _scl_operation_remark (SclOperation *self, const char *message);
void _scl_operation_remark_step (SclOperation *self, guint id, const char *message);
