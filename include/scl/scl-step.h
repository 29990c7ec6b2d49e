/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#if !defined(SCL_INSIDE) && !defined(SCL_COMPILATION)
#error "Only <scl/scl.h> can be included directly."
#endif

#include <glib-object.h>
#include <scl/scl-enums.h>
#include <scl/scl-macros.h>

G_BEGIN_DECLS

#define SCL_TYPE_STEP (scl_step_get_type ())
SCL_PUBLIC
G_DECLARE_FINAL_TYPE (SclStep, scl_step, SCL, STEP, GObject)

SCL_PUBLIC guint scl_step_get_id (SclStep *self);
SCL_PUBLIC SclAction scl_step_get_action (SclStep *self);
SCL_PUBLIC SclObjectKind scl_step_get_kind (SclStep *self);
SCL_PUBLIC const char *scl_step_get_name (SclStep *self);
SCL_PUBLIC const char *const *scl_step_get_names (SclStep *self);
SCL_PUBLIC const char *scl_step_get_reason (SclStep *self);
SCL_PUBLIC const GError *scl_step_get_error (SclStep *self);
SCL_PUBLIC gboolean scl_step_is_removal (SclStep *self);
SCL_PUBLIC const guint *scl_step_get_needs (SclStep *self, gsize *n_needs);
SCL_PUBLIC char *scl_step_to_string (SclStep *self);

G_END_DECLS
