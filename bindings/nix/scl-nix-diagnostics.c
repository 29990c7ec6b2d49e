/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scl-nix-diagnostics.h"

static void
append_finding (GString *text, const NixSource *source, NixTree *tree, SclDiagnostic *diagnostic)
{
  const NixPlace *place = nix_tree_get_place (tree, scl_diagnostic_get_line (diagnostic));
  const char *path = scl_diagnostic_get_path (diagnostic);

  if (text->len > 0)
    g_string_append_c (text, '\n');
  if (place != NULL)
    g_string_append_printf (text, "%s:%u:%u: ", place->file, place->line, place->column);
  else
    g_string_append_printf (text, "%s: ", source->given);
  if (path != NULL && *path != '\0')
    g_string_append_printf (text, "%s: ", path);
  g_string_append (text, scl_diagnostic_get_message (diagnostic));
}

/* Findings in an order of the source, not of the names that Nix sorts by, would be nicer; but they
 * may come from several files. */
static GString *
tell_findings (const NixSource *source, NixTree *tree, SclManifestLoader *loader)
{
  g_autoptr (GPtrArray) found = scl_manifest_loader_list_diagnostics (loader);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < found->len; i++)
    if (scl_diagnostic_get_severity (found->pdata[i]) == SCL_SEVERITY_ERROR)
      append_finding (text, source, tree, found->pdata[i]);
  return text;
}

SclManifest *
nix_check (const NixSource *source, NixTree *tree, GError **error)
{
  g_autoptr (SclManifestLoader) loader = scl_manifest_loader_new ();
  g_autoptr (GBytes) bytes = g_bytes_new (tree->text->str, tree->text->len);
  g_autoptr (SclManifest) manifest = NULL;
  g_autoptr (GString) text = NULL;
  g_autoptr (GError) cause = NULL;

  if (!scl_manifest_loader_add_bytes (loader, bytes, "manifest.json", source->folder, error))
    return g_prefix_error (error, "%s: ", source->given), NULL;
  manifest = scl_manifest_loader_load (loader, &cause);
  if (manifest != NULL)
    return g_steal_pointer (&manifest);
  text = tell_findings (source, tree, loader);
  g_set_error_literal (error, SCL_ERROR, cause->code, text->len > 0 ? text->str : cause->message);
  return NULL;
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
