/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <scl/scl-error.h>
#include <scl/scl-manifest-loader.h>
#include <string.h>

/* Any bytes: a manifest or errors, never a crash. A manifest can be written and read back, and then
 * it is the same. */

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check_round_trip (SclManifest *manifest, SclManifestFormat format)
{
  g_autofree char *text = scl_manifest_to_string (manifest, format, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (SclManifest) again = scl_manifest_new_from_string (text, NULL, &error);
  g_autofree char *text_again = NULL;

  if (again == NULL)
    g_error ("what was written cannot be read: %s\n%s", error->message, text);
  text_again = scl_manifest_to_string (again, format, NULL);
  if (!scl_manifest_equal (manifest, again) || strcmp (text, text_again) != 0)
    g_error ("what was written reads differently:\n%s\n%s", text, text_again);
}

static void
check_errors (SclManifestLoader *loader, const GError *error)
{
  g_autoptr (GPtrArray) diagnostics = scl_manifest_loader_list_diagnostics (loader);

  if (!g_error_matches (error, SCL_ERROR, SCL_ERROR_INVALID) || diagnostics->len == 0
      || !g_utf8_validate (error->message, -1, NULL))
    g_error ("not a proper error");
  for (guint i = 0; i < diagnostics->len; i++)
    {
      g_autofree char *line = scl_diagnostic_to_string (diagnostics->pdata[i]);

      if (strpbrk (line, "\n\r\x1b") != NULL)
        g_error ("not one line: %s", line);
    }
}

static void
check (GBytes *bytes, const char *name)
{
  g_autoptr (SclManifestLoader) loader = scl_manifest_loader_new ();
  g_autoptr (SclManifest) manifest = NULL;
  g_autoptr (GError) error = NULL;

  if (!scl_manifest_loader_add_bytes (loader, bytes, name, "/base", &error))
    g_error ("refused: %s", error->message);
  manifest = scl_manifest_loader_load (loader, NULL, &error);
  if (manifest == NULL)
    {
      check_errors (loader, error);
      return;
    }
  check_round_trip (manifest, SCL_MANIFEST_FORMAT_YAML);
  check_round_trip (manifest, SCL_MANIFEST_FORMAT_JSON);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);

  check (bytes, "input.yaml");
  check (bytes, "input.json");
  return 0;
}
