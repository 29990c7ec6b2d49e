/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#if !defined(SCL_INSIDE) && !defined(SCL_COMPILATION)
#error "Only <scl/scl.h> can be included directly."
#endif

#include <gio/gio.h>
#include <scl/scl-enums.h>
#include <scl/scl-macros.h>
#include <scl/scl-manifest.h>
#include <scl/scl-network.h>
#include <scl/scl-operation.h>
#include <scl/scl-plan.h>
#include <scl/scl-vm.h>
#include <scl/scl-volume.h>

G_BEGIN_DECLS

#define SCL_TYPE_CONNECTION (scl_connection_get_type ())
SCL_PUBLIC
G_DECLARE_FINAL_TYPE (SclConnection, scl_connection, SCL, CONNECTION, GObject)

SCL_PUBLIC SclConnection *scl_connection_open (const char *uri, GCancellable *cancellable,
                                               GError **error);
SCL_PUBLIC void scl_connection_open_async (const char *uri, GCancellable *cancellable,
                                           GAsyncReadyCallback callback, gpointer user_data);
SCL_PUBLIC SclConnection *scl_connection_open_finish (GAsyncResult *result, GError **error);
SCL_PUBLIC const char *scl_connection_get_uri (SclConnection *self);
SCL_PUBLIC const char *scl_connection_get_prefix (SclConnection *self);
SCL_PUBLIC void scl_connection_set_lock_timeout (SclConnection *self, guint seconds);
SCL_PUBLIC gboolean scl_connection_lock (SclConnection *self, GCancellable *cancellable,
                                         GError **error);
SCL_PUBLIC void scl_connection_unlock (SclConnection *self);
SCL_PUBLIC void scl_connection_close (SclConnection *self);

SCL_PUBLIC void scl_connection_set_kind (SclConnection *self, SclObjectKind kind);
SCL_PUBLIC gboolean scl_connection_refresh (SclConnection *self, GCancellable *cancellable,
                                            GError **error);
SCL_PUBLIC void scl_connection_refresh_async (SclConnection *self, GCancellable *cancellable,
                                              GAsyncReadyCallback callback, gpointer user_data);
SCL_PUBLIC gboolean scl_connection_refresh_finish (SclConnection *self, GAsyncResult *result,
                                                   GError **error);
SCL_PUBLIC GListModel *scl_connection_get_networks (SclConnection *self);
SCL_PUBLIC GListModel *scl_connection_get_volumes (SclConnection *self);
SCL_PUBLIC GListModel *scl_connection_get_vms (SclConnection *self);
SCL_PUBLIC GListModel *scl_connection_get_diagnostics (SclConnection *self);
SCL_PUBLIC SclNetwork *scl_connection_lookup_network (SclConnection *self, const char *name);
SCL_PUBLIC SclVolume *scl_connection_lookup_volume (SclConnection *self, const char *name);
SCL_PUBLIC SclVm *scl_connection_lookup_vm (SclConnection *self, const char *name);
SCL_PUBLIC gboolean scl_connection_check_volume (SclConnection *self, const char *name,
                                                 GCancellable *cancellable, GError **error);
SCL_PUBLIC void scl_connection_check_volume_async (SclConnection *self, const char *name,
                                                   GCancellable *cancellable,
                                                   GAsyncReadyCallback callback, gpointer user_data);
SCL_PUBLIC gboolean scl_connection_check_volume_finish (SclConnection *self, GAsyncResult *result,
                                                        GError **error);

SCL_PUBLIC SclPlan *scl_connection_plan (SclConnection *self, SclManifest *manifest,
                                         SclApplyFlags flags, GCancellable *cancellable,
                                         GError **error);
SCL_PUBLIC void scl_connection_plan_async (SclConnection *self, SclManifest *manifest,
                                           SclApplyFlags flags, GCancellable *cancellable,
                                           GAsyncReadyCallback callback, gpointer user_data);
SCL_PUBLIC SclPlan *scl_connection_plan_finish (SclConnection *self, GAsyncResult *result,
                                                GError **error);
SCL_PUBLIC SclOperation *scl_connection_apply (SclConnection *self, SclManifest *manifest,
                                               SclApplyFlags flags);
SCL_PUBLIC SclOperation *scl_connection_apply_plan (SclConnection *self, SclPlan *plan);
SCL_PUBLIC SclOperation *scl_connection_prune_volumes (SclConnection *self,
                                                       const char *const *names);
SCL_PUBLIC SclOperation *scl_connection_create_volume (SclConnection *self, const char *name);
SCL_PUBLIC SclOperation *scl_connection_adopt_volume (SclConnection *self, const char *name,
                                                      const char *instance);
SCL_PUBLIC SclOperation *scl_connection_tear_down (SclConnection *self);

G_END_DECLS
