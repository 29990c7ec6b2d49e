/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A plan under construction, and the planner: pure and deterministic, no I/O. */

#include "plan/scl-step-private.h"
#include <scl/scl-manifest.h>
#include <scl/scl-plan.h>

SclPlan *_scl_plan_new (void);
/* Takes STEP, gives it its id and returns it (borrowed). */
SclStep *_scl_plan_take (SclPlan *self, SclStep *step);
void _scl_plan_add_diagnostic (SclPlan *self, SclSeverity severity, const char *path,
                               const char *format, ...) G_GNUC_PRINTF (4, 5);
void _scl_plan_take_diagnostics (SclPlan *self, GPtrArray *diagnostics);
/* SCL_ERROR_INVALID (or the code of the gravest kind) with all errors, one a line. */
gboolean _scl_plan_check (SclPlan *self, GError **error);
SclStep *_scl_plan_peek (SclPlan *self, guint id);

/* What it was asked for, so that it can be carried out. */
void _scl_plan_set_request (SclPlan *self, SclManifest *manifest, SclApplyFlags flags);
/* NULL: of a plan that was asked for nowhere. (transfer none) */
SclManifest *_scl_plan_get_manifest (SclPlan *self);
SclApplyFlags _scl_plan_get_flags (SclPlan *self);
/* SCL_ERROR_CONFIRM with the names, if it removes what SHOWN does not. */
gboolean _scl_plan_check_shown (SclPlan *self, SclPlan *shown, GError **error);

/* What to do so that OBSERVED becomes DESIRED. plan(x, x) is empty. */
SclPlan *_scl_planner_plan (SclManifest *desired, SclObservation *observed, const char *prefix,
                            SclApplyFlags flags);

/* "cores 1 → 2, memory 1024 → 2048 MiB"; empty if nothing that a person would see differs. */
char *_scl_planner_describe_changes (SclVmSpec *from, SclVmSpec *to);
/* What of it a running VM gets only by a restart; NULL if nothing. (transfer full) */
char *_scl_planner_describe_restart (SclVmSpec *live, SclVmSpec *wanted);
