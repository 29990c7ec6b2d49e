/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#if !defined(SCL_INSIDE) && !defined(SCL_COMPILATION)
#error "Only <scl/scl.h> can be included directly."
#endif

#include <gio/gio.h>
#include <scl/scl-enums.h>
#include <scl/scl-macros.h>
#include <scl/scl-operation.h>

G_BEGIN_DECLS

#define SCL_TYPE_VOLUME (scl_volume_get_type ())
SCL_PUBLIC
G_DECLARE_FINAL_TYPE (SclVolume, scl_volume, SCL, VOLUME, GObject)

SCL_PUBLIC const char *scl_volume_get_name (SclVolume *self);
SCL_PUBLIC const char *scl_volume_get_path (SclVolume *self);
SCL_PUBLIC guint64 scl_volume_get_size_mib (SclVolume *self);
SCL_PUBLIC guint64 scl_volume_get_allocated_bytes (SclVolume *self);
SCL_PUBLIC const char *scl_volume_get_image (SclVolume *self);
SCL_PUBLIC const char *scl_volume_get_vm (SclVolume *self);
SCL_PUBLIC gboolean scl_volume_is_used (SclVolume *self);
SCL_PUBLIC gboolean scl_volume_is_foreign (SclVolume *self);
SCL_PUBLIC gboolean scl_volume_is_nvram (SclVolume *self);
SCL_PUBLIC GDateTime *scl_volume_get_created (SclVolume *self);
SCL_PUBLIC SclOperation *scl_volume_delete (SclVolume *self, SclDeleteFlags flags);

G_END_DECLS
