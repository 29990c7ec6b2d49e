/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#if !defined(SCL_INSIDE) && !defined(SCL_COMPILATION)
#error "Only <scl/scl.h> can be included directly."
#endif

#include <gio/gio.h>
#include <scl/scl-macros.h>

G_BEGIN_DECLS

#define SCL_TYPE_ADDRESS (scl_address_get_type ())
SCL_PUBLIC
G_DECLARE_FINAL_TYPE (SclAddress, scl_address, SCL, ADDRESS, GObject)

SCL_PUBLIC GInetAddress *scl_address_get_address (SclAddress *self);
SCL_PUBLIC const char *scl_address_get_source (SclAddress *self);

G_END_DECLS
