/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#if !defined(SCL_INSIDE) && !defined(SCL_COMPILATION)
#error "Only <scl/scl.h> can be included directly."
#endif

#include <gio/gio.h>
#include <scl/scl-enums.h>
#include <scl/scl-forward-spec.h>
#include <scl/scl-macros.h>

G_BEGIN_DECLS

#define SCL_TYPE_NETWORK_SPEC (scl_network_spec_get_type ())
SCL_PUBLIC
G_DECLARE_FINAL_TYPE (SclNetworkSpec, scl_network_spec, SCL, NETWORK_SPEC, GObject)

SCL_PUBLIC SclNetworkSpec *scl_network_spec_new (const char *name);
SCL_PUBLIC const char *scl_network_spec_get_name (SclNetworkSpec *self);
SCL_PUBLIC SclNetworkMode scl_network_spec_get_mode (SclNetworkSpec *self);
SCL_PUBLIC GInetAddress *scl_network_spec_get_external_ip (SclNetworkSpec *self);
SCL_PUBLIC GInetAddress *scl_network_spec_get_gateway_ip (SclNetworkSpec *self);
SCL_PUBLIC guint scl_network_spec_get_prefix_length (SclNetworkSpec *self);
SCL_PUBLIC GListModel *scl_network_spec_get_forwards (SclNetworkSpec *self);
SCL_PUBLIC gboolean scl_network_spec_equal (SclNetworkSpec *self, SclNetworkSpec *other);

G_END_DECLS
