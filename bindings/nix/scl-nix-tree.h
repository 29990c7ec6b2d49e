/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The evaluated tree as a manifest in JSON, one key or value a line, and for each line the place in
 * the Nix source that it comes from: so a finding about the JSON can be told about the source. */

#include "scl-nix-files.h"
#include "scl-nix-source.h"

#include <json-glib/json-glib.h>

typedef struct
{
  char *file;
  guint line;
  guint column;
} NixPlace;

typedef struct
{
  const NixSource *source;
  NixFiles *files;
  GString *text;
  GPtrArray *places;      /* NixPlace (nullable) of each line */
  GHashTable *references; /* what has to be realised in the Nix store */
} NixTree;

NixTree *nix_tree_new (const NixSource *source, NixFiles *files, JsonNode *root);
void nix_tree_free (NixTree *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NixTree, nix_tree_free)
