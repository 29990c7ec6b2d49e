/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#if !defined(SCL_INSIDE) && !defined(SCL_COMPILATION)
#error "Only <scl/scl.h> can be included directly."
#endif

#include <gio/gio.h>
#include <scl/scl-macros.h>
#include <scl/scl-network-spec.h>
#include <scl/scl-operation.h>

G_BEGIN_DECLS

#define SCL_TYPE_NETWORK (scl_network_get_type ())
SCL_PUBLIC
G_DECLARE_FINAL_TYPE (SclNetwork, scl_network, SCL, NETWORK, GObject)

SCL_PUBLIC const char *scl_network_get_name (SclNetwork *self);
SCL_PUBLIC SclNetworkSpec *scl_network_get_spec (SclNetwork *self);
SCL_PUBLIC const char *scl_network_get_namespace (SclNetwork *self);
SCL_PUBLIC const char *const *scl_network_get_vms (SclNetwork *self);
SCL_PUBLIC const char *const *scl_network_get_problems (SclNetwork *self);
SCL_PUBLIC SclOperation *scl_network_delete (SclNetwork *self);

G_END_DECLS
