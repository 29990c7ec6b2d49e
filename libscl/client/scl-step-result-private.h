/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Setters of a step's result; called in the operation's context only. */

#include <scl/scl-step-result.h>

SclStepResult *_scl_step_result_new (SclStep *step);
void _scl_step_result_begin (SclStepResult *self);
void _scl_step_result_set_progress (SclStepResult *self, double fraction, const char *message);
/* What its message is from its end on. */
void _scl_step_result_remark (SclStepResult *self, const char *message);
/* ERROR may be NULL; it is copied. */
void _scl_step_result_end (SclStepResult *self, SclStepStatus status, const GError *error);
