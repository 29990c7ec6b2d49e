/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#if !defined(SCL_INSIDE) && !defined(SCL_COMPILATION)
#error "Only <scl/scl.h> can be included directly."
#endif

#include <gio/gio.h>
#include <scl/scl-address.h>
#include <scl/scl-enums.h>
#include <scl/scl-macros.h>
#include <scl/scl-operation.h>
#include <scl/scl-vm-spec.h>

G_BEGIN_DECLS

#define SCL_TYPE_VM (scl_vm_get_type ())
SCL_PUBLIC
G_DECLARE_FINAL_TYPE (SclVm, scl_vm, SCL, VM, GObject)

SCL_PUBLIC const char *scl_vm_get_name (SclVm *self);
SCL_PUBLIC SclVmSpec *scl_vm_get_spec (SclVm *self);
SCL_PUBLIC SclVmSpec *scl_vm_get_live_spec (SclVm *self);
SCL_PUBLIC SclVmState scl_vm_get_state (SclVm *self);
SCL_PUBLIC const char *scl_vm_get_state_reason (SclVm *self);
SCL_PUBLIC SclStoppedBy scl_vm_get_stopped_by (SclVm *self);
SCL_PUBLIC gboolean scl_vm_is_saved (SclVm *self);
SCL_PUBLIC const char *scl_vm_get_lost_at_stop (SclVm *self);
SCL_PUBLIC gint64 scl_vm_get_uptime (SclVm *self);
SCL_PUBLIC const char *const *scl_vm_get_pending (SclVm *self);
SCL_PUBLIC GListModel *scl_vm_get_addresses (SclVm *self);
SCL_PUBLIC const char *scl_vm_get_log_path (SclVm *self);
SCL_PUBLIC SclOperation *scl_vm_start (SclVm *self);
SCL_PUBLIC SclOperation *scl_vm_stop (SclVm *self, gboolean force);
SCL_PUBLIC SclOperation *scl_vm_restart (SclVm *self, gboolean force);
SCL_PUBLIC SclOperation *scl_vm_delete (SclVm *self);
SCL_PUBLIC GIOStream *scl_vm_open_console (SclVm *self, GCancellable *cancellable, GError **error);
SCL_PUBLIC void scl_vm_open_console_async (SclVm *self, GCancellable *cancellable,
                                           GAsyncReadyCallback callback, gpointer user_data);
SCL_PUBLIC GIOStream *scl_vm_open_console_finish (SclVm *self, GAsyncResult *result,
                                                  GError **error);

G_END_DECLS
