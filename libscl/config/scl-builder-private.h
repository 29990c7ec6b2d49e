/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The merged tree to model objects, driven by the tables of scl-schema.c. Objects are built from
 * wrong input too, with the wrong properties left out, so that one pass finds all errors. */

#include "config/scl-report-private.h"
#include <scl/scl-manifest.h>

/* ROOT comes from _scl_merge; items that are wrong are removed from it, so that it has the same
 * shape as the manifest. Never NULL: whether it can be used, REPORT says. */
SclManifest *_scl_build (SclNode *root, SclReport *report);

/* Reports what the model's own check finds, at the places that ROOT knows, except what
 * only follows from errors in REPORT. */
void _scl_build_check (SclManifest *manifest, SclNode *root, const char *prefix, SclReport *report);
