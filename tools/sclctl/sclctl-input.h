/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The manifests that -f names, as one. */

#include "sclctl-context.h"

/* FALSE: no -f was given, which has been complained about. */
gboolean sclctl_has_input (SclctlContext *context);

/* OUT_LOADER (optional) gets the loader, for its diagnostics. */
SclManifest *sclctl_load (SclctlContext *context, SclManifestLoader **out_loader, GError **error);

/* What --prune, --yes, --allow-empty and --boot say. */
SclApplyFlags sclctl_apply_flags (SclctlContext *context);
