/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#if !defined(SCL_INSIDE) && !defined(SCL_COMPILATION)
#error "Only <scl/scl.h> can be included directly."
#endif

#include <gio/gio.h>
#include <scl/scl-enums.h>
#include <scl/scl-macros.h>

G_BEGIN_DECLS

#define SCL_TYPE_FORWARD_SPEC (scl_forward_spec_get_type ())
SCL_PUBLIC
G_DECLARE_FINAL_TYPE (SclForwardSpec, scl_forward_spec, SCL, FORWARD_SPEC, GObject)

SCL_PUBLIC SclForwardSpec *scl_forward_spec_new (SclProtocol protocol, guint16 host_port,
                                                 GInetAddress *address, guint16 port);
SCL_PUBLIC SclForwardSpec *scl_forward_spec_new_from_string (SclProtocol protocol, const char *text,
                                                             GError **error);
SCL_PUBLIC SclProtocol scl_forward_spec_get_protocol (SclForwardSpec *self);
SCL_PUBLIC guint16 scl_forward_spec_get_host_port (SclForwardSpec *self);
SCL_PUBLIC GInetAddress *scl_forward_spec_get_address (SclForwardSpec *self);
SCL_PUBLIC guint16 scl_forward_spec_get_port (SclForwardSpec *self);
SCL_PUBLIC char *scl_forward_spec_to_string (SclForwardSpec *self);
SCL_PUBLIC gboolean scl_forward_spec_equal (SclForwardSpec *self, SclForwardSpec *other);

G_END_DECLS
