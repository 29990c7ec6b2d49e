/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#if !defined(SCL_INSIDE) && !defined(SCL_COMPILATION)
#error "Only <scl/scl.h> can be included directly."
#endif

#include <glib-object.h>
#include <scl/scl-enums.h>
#include <scl/scl-macros.h>

G_BEGIN_DECLS

#define SCL_TYPE_DIAGNOSTIC (scl_diagnostic_get_type ())
SCL_PUBLIC
G_DECLARE_FINAL_TYPE (SclDiagnostic, scl_diagnostic, SCL, DIAGNOSTIC, GObject)

SCL_PUBLIC SclDiagnostic *scl_diagnostic_new (SclSeverity severity, const char *path,
                                              const char *message);
SCL_PUBLIC SclSeverity scl_diagnostic_get_severity (SclDiagnostic *self);
SCL_PUBLIC const char *scl_diagnostic_get_path (SclDiagnostic *self);
SCL_PUBLIC const char *scl_diagnostic_get_message (SclDiagnostic *self);
SCL_PUBLIC const char *scl_diagnostic_get_file (SclDiagnostic *self);
SCL_PUBLIC guint scl_diagnostic_get_line (SclDiagnostic *self);
SCL_PUBLIC guint scl_diagnostic_get_column (SclDiagnostic *self);
SCL_PUBLIC char *scl_diagnostic_to_string (SclDiagnostic *self);

G_END_DECLS
