/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a manifest's disks and seeds need of this host. Looks only; makes nothing. */

#include "plan/scl-observation-private.h"
#include <scl/scl-disk-spec.h>
#include <scl/scl-manifest.h>

/* FOLDER: path of the volumes' folder, which need not exist. QEMU_USER may be NULL: reach is not
 * checked. Appends SclDiagnostic; FALSE only if it was cancelled. */
gboolean _scl_volume_preflight (const char *folder, const char *qemu_user, SclManifest *manifest,
                                SclObservation *observed, GPtrArray *diagnostics,
                                GCancellable *cancellable, GError **error);
