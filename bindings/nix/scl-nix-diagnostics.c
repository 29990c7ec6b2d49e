/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scl-nix-diagnostics.h"

static GVariant *
list_origins (NixTree *tree)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(suu)"));
  for (guint i = 0; i < tree->places->len; i++)
    {
      const NixPlace *place = tree->places->pdata[i];

      g_variant_builder_add (&builder, "(suu)", place == NULL ? "" : place->file,
                             place == NULL ? 0 : place->line, place == NULL ? 0 : place->column);
    }
  return g_variant_builder_end (&builder);
}

SclManifest *
nix_check (const NixSource *source, NixTree *tree, GError **error)
{
  g_autoptr (SclManifestLoader) loader = scl_manifest_loader_new ();
  g_autoptr (GBytes) bytes = g_bytes_new (tree->text->str, tree->text->len);

  if (!scl_manifest_loader_add_generated (loader, bytes, source->given, source->folder,
                                          list_origins (tree), error))
    return NULL;
  return scl_manifest_loader_load (loader, NULL, error);
}

static void
add_place (JsonBuilder *builder, const NixPlace *place)
{
  if (place == NULL)
    {
      json_builder_add_null_value (builder);
      return;
    }
  json_builder_begin_array (builder);
  json_builder_add_string_value (builder, place->file);
  json_builder_add_int_value (builder, place->line);
  json_builder_add_int_value (builder, place->column);
  json_builder_end_array (builder);
}

char *
nix_places_to_json (NixTree *tree)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "manifest");
  json_builder_add_string_value (builder, tree->text->str);
  json_builder_set_member_name (builder, "places");
  json_builder_begin_array (builder);
  for (guint i = 0; i < tree->places->len; i++)
    add_place (builder, tree->places->pdata[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}
