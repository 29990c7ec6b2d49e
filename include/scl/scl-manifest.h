/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#if !defined(SCL_INSIDE) && !defined(SCL_COMPILATION)
#error "Only <scl/scl.h> can be included directly."
#endif

#include <gio/gio.h>
#include <scl/scl-diagnostic.h>
#include <scl/scl-enums.h>
#include <scl/scl-macros.h>
#include <scl/scl-network-spec.h>
#include <scl/scl-vm-spec.h>

G_BEGIN_DECLS

#define SCL_TYPE_MANIFEST (scl_manifest_get_type ())
SCL_PUBLIC
G_DECLARE_FINAL_TYPE (SclManifest, scl_manifest, SCL, MANIFEST, GObject)

SCL_PUBLIC SclManifest *scl_manifest_new (const char *gateway_interface, GListModel *networks,
                                          GListModel *vms);
SCL_PUBLIC const char *scl_manifest_get_gateway_interface (SclManifest *self);
SCL_PUBLIC GListModel *scl_manifest_get_networks (SclManifest *self);
SCL_PUBLIC GListModel *scl_manifest_get_vms (SclManifest *self);
SCL_PUBLIC SclNetworkSpec *scl_manifest_lookup_network (SclManifest *self, const char *name);
SCL_PUBLIC SclVmSpec *scl_manifest_lookup_vm (SclManifest *self, const char *name);
SCL_PUBLIC gboolean scl_manifest_is_empty (SclManifest *self);
SCL_PUBLIC gboolean scl_manifest_equal (SclManifest *self, SclManifest *other);
SCL_PUBLIC GPtrArray *scl_manifest_check (SclManifest *self, const char *prefix);
SCL_PUBLIC gboolean scl_manifest_validate (SclManifest *self, const char *prefix, GError **error);

G_END_DECLS
