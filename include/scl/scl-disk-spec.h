/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#if !defined(SCL_INSIDE) && !defined(SCL_COMPILATION)
#error "Only <scl/scl.h> can be included directly."
#endif

#include <gio/gio.h>
#include <scl/scl-macros.h>

G_BEGIN_DECLS

#define SCL_TYPE_DISK_SPEC (scl_disk_spec_get_type ())
SCL_PUBLIC
G_DECLARE_FINAL_TYPE (SclDiskSpec, scl_disk_spec, SCL, DISK_SPEC, GObject)

SCL_PUBLIC SclDiskSpec *scl_disk_spec_new (const char *volume, const char *image, guint64 size_mib);
SCL_PUBLIC const char *scl_disk_spec_get_volume (SclDiskSpec *self);
SCL_PUBLIC const char *scl_disk_spec_get_image (SclDiskSpec *self);
SCL_PUBLIC guint64 scl_disk_spec_get_size_mib (SclDiskSpec *self);
SCL_PUBLIC gboolean scl_disk_spec_equal (SclDiskSpec *self, SclDiskSpec *other);

G_END_DECLS
