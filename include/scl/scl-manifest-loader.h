/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#if !defined(SCL_INSIDE) && !defined(SCL_COMPILATION)
#error "Only <scl/scl.h> can be included directly."
#endif

#include <gio/gio.h>
#include <scl/scl-enums.h>
#include <scl/scl-macros.h>
#include <scl/scl-manifest.h>

G_BEGIN_DECLS

#define SCL_TYPE_MANIFEST_LOADER (scl_manifest_loader_get_type ())
SCL_PUBLIC
G_DECLARE_FINAL_TYPE (SclManifestLoader, scl_manifest_loader, SCL, MANIFEST_LOADER, GObject)

SCL_PUBLIC SclManifestLoader *scl_manifest_loader_new (void);
SCL_PUBLIC void scl_manifest_loader_set_prefix (SclManifestLoader *self, const char *prefix);
SCL_PUBLIC gboolean scl_manifest_loader_add_path (SclManifestLoader *self, const char *path,
                                                  GCancellable *cancellable, GError **error);
SCL_PUBLIC gboolean scl_manifest_loader_add_bytes (SclManifestLoader *self, GBytes *bytes,
                                                   const char *file_name, const char *base_dir,
                                                   GError **error);
SCL_PUBLIC gboolean scl_manifest_loader_add_generated (SclManifestLoader *self, GBytes *bytes,
                                                       const char *file_name, const char *base_dir,
                                                       GVariant *origins, GError **error);
SCL_PUBLIC SclManifest *scl_manifest_loader_load (SclManifestLoader *self,
                                                  GCancellable *cancellable, GError **error);
SCL_PUBLIC GPtrArray *scl_manifest_loader_list_diagnostics (SclManifestLoader *self);

SCL_PUBLIC SclManifest *scl_manifest_new_from_string (const char *text, const char *base_dir,
                                                      GError **error);
SCL_PUBLIC char *scl_manifest_to_string (SclManifest *self, SclManifestFormat format, GError **error);
SCL_PUBLIC char *scl_manifest_schema (void);

G_END_DECLS
