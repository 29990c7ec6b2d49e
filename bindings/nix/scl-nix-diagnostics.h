/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* libscl's judgement of the manifest, told about the Nix source. */

#include "scl-nix-tree.h"

#include <scl/scl.h>

/* NULL: it is wrong; the message has every finding on a line of its own. */
SclManifest *nix_check (const NixSource *source, NixTree *tree, GError **error);

/* {"manifest": TEXT, "places": [[FILE, LINE, COLUMN] or null for each line of it]}, for sclctl,
 * which checks several manifests together. */
char *nix_places_to_json (NixTree *tree);
