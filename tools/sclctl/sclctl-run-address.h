/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* `run` beside what is applied: a network whose declared external address somebody has already gets
 * a free one, for this run only. The files of the manifest are not touched. */

#include "sclctl-context.h"

/* As sclctl_make_plan. *MANIFEST becomes the one that was planned, and what differs is told. */
SclPlan *sclctl_plan_with_free_addresses (SclctlContext *context, SclManifest **manifest,
                                          SclApplyFlags flags, GError **error);
