/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#if !defined(SCL_INSIDE) && !defined(SCL_COMPILATION)
#error "Only <scl/scl.h> can be included directly."
#endif

#include <gio/gio.h>
#include <scl/scl-macros.h>

G_BEGIN_DECLS

#define SCL_TYPE_NIC_SPEC (scl_nic_spec_get_type ())
SCL_PUBLIC
G_DECLARE_FINAL_TYPE (SclNicSpec, scl_nic_spec, SCL, NIC_SPEC, GObject)

SCL_PUBLIC SclNicSpec *scl_nic_spec_new (const char *network, const char *mac);
SCL_PUBLIC const char *scl_nic_spec_get_network (SclNicSpec *self);
SCL_PUBLIC const char *scl_nic_spec_get_mac (SclNicSpec *self);
SCL_PUBLIC gboolean scl_nic_spec_equal (SclNicSpec *self, SclNicSpec *other);

G_END_DECLS
