/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A manifest as text, by the tables of scl-schema.c. Only what differs from the defaults is
 * written, and names are sorted: equal manifests are equal texts. */

#include <json-glib/json-glib.h>
#include <scl/scl-manifest.h>

/* NULL with SCL_ERROR_UNSUPPORTED: text has no words for all of it. (transfer full) */
char *_scl_write (SclManifest *manifest, SclManifestFormat format, GError **error);

/* Indented, with a newline at the end; takes the builder's root. (transfer full) */
char *_scl_write_json (JsonBuilder *builder);

/* The JSON Schema of manifests. (transfer full) */
char *_scl_schema_to_json (void);
