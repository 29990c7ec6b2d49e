/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Manifests written in Nix: scl-nix makes JSON of them and says which line comes from where. They
 * are checked here, with the other inputs. */

#include "sclctl-context.h"

/* Whether FILE is one. */
gboolean sclctl_nix_is (const char *file);

/* PURE: the files that the expression generates are not needed. */
gboolean sclctl_nix_add (SclctlContext *context, SclManifestLoader *loader, const char *file,
                         gboolean pure, GError **error);
