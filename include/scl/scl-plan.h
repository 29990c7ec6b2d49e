/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#if !defined(SCL_INSIDE) && !defined(SCL_COMPILATION)
#error "Only <scl/scl.h> can be included directly."
#endif

#include <gio/gio.h>
#include <scl/scl-diagnostic.h>
#include <scl/scl-macros.h>
#include <scl/scl-step.h>

G_BEGIN_DECLS

#define SCL_TYPE_PLAN (scl_plan_get_type ())
SCL_PUBLIC
G_DECLARE_FINAL_TYPE (SclPlan, scl_plan, SCL, PLAN, GObject)

SCL_PUBLIC GListModel *scl_plan_get_steps (SclPlan *self);
SCL_PUBLIC GListModel *scl_plan_get_diagnostics (SclPlan *self);
SCL_PUBLIC gboolean scl_plan_is_empty (SclPlan *self);
SCL_PUBLIC gboolean scl_plan_has_removals (SclPlan *self);
SCL_PUBLIC char *scl_plan_to_string (SclPlan *self);

G_END_DECLS
