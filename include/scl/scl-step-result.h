/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#if !defined(SCL_INSIDE) && !defined(SCL_COMPILATION)
#error "Only <scl/scl.h> can be included directly."
#endif

#include <glib-object.h>
#include <scl/scl-enums.h>
#include <scl/scl-macros.h>
#include <scl/scl-step.h>

G_BEGIN_DECLS

#define SCL_TYPE_STEP_RESULT (scl_step_result_get_type ())
SCL_PUBLIC
G_DECLARE_FINAL_TYPE (SclStepResult, scl_step_result, SCL, STEP_RESULT, GObject)

SCL_PUBLIC SclStep *scl_step_result_get_step (SclStepResult *self);
SCL_PUBLIC SclStepStatus scl_step_result_get_status (SclStepResult *self);
SCL_PUBLIC const GError *scl_step_result_get_error (SclStepResult *self);
SCL_PUBLIC double scl_step_result_get_seconds (SclStepResult *self);

G_END_DECLS
