/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Evaluates the user's expression with our Nix library around it. */

#include "scl-nix-source.h"

#include <json-glib/json-glib.h>

/* The tree that lib/manifest.nix makes. */
JsonNode *nix_evaluate (NixSource *source, const NixOptions *options, GError **error);
