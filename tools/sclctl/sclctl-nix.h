/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Manifests written in Nix: scl-nix makes JSON of them and says which line comes from where. They
 * are checked here, with the other inputs, and findings are told about the Nix source. */

#include "sclctl-context.h"

typedef struct _SclctlNix SclctlNix;

SclctlNix *sclctl_nix_new (void);
void sclctl_nix_free (SclctlNix *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclctlNix, sclctl_nix_free)

/* Whether FILE is one. */
gboolean sclctl_nix_is (const char *file);

/* PURE: the files that the expression generates are not needed. */
gboolean sclctl_nix_add (SclctlNix *self, SclctlContext *context, SclManifestLoader *loader,
                         const char *file, gboolean pure, GError **error);

/* An error of the loader with places in the JSON -> the same with places in the source. */
void sclctl_nix_locate (SclctlNix *self, GError **error);
