/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#if !defined(SCL_INSIDE) && !defined(SCL_COMPILATION)
#error "Only <scl/scl.h> can be included directly."
#endif

#include <gio/gio.h>
#include <scl/scl-macros.h>
#include <scl/scl-step-result.h>

G_BEGIN_DECLS

#define SCL_TYPE_OPERATION (scl_operation_get_type ())
SCL_PUBLIC
G_DECLARE_FINAL_TYPE (SclOperation, scl_operation, SCL, OPERATION, GObject)

SCL_PUBLIC const char *scl_operation_get_description (SclOperation *self);
SCL_PUBLIC gboolean scl_operation_is_done (SclOperation *self);
SCL_PUBLIC double scl_operation_get_fraction (SclOperation *self);
SCL_PUBLIC const char *scl_operation_get_message (SclOperation *self);
SCL_PUBLIC void scl_operation_cancel (SclOperation *self);
SCL_PUBLIC gboolean scl_operation_wait (SclOperation *self, GCancellable *cancellable,
                                        GError **error);
SCL_PUBLIC void scl_operation_wait_async (SclOperation *self, GCancellable *cancellable,
                                          GAsyncReadyCallback callback, gpointer user_data);
SCL_PUBLIC gboolean scl_operation_wait_finish (SclOperation *self, GAsyncResult *result,
                                               GError **error);
SCL_PUBLIC GListModel *scl_operation_get_results (SclOperation *self);

G_END_DECLS
