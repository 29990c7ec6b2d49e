/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-nix.h"

#include <json-glib/json-glib.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#define PROGRAM "scl-nix"

gboolean
sclctl_nix_is (const char *file)
{
  return g_str_has_suffix (file, ".nix") && !g_file_test (file, G_FILE_TEST_IS_DIR);
}

/* Of the same installation, so that both understand each other. */
static char *
find_program (void)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = self == NULL ? NULL : g_path_get_dirname (self);
  g_autofree char *beside = folder == NULL ? NULL : g_build_filename (folder, PROGRAM, NULL);

  if (beside != NULL && g_file_test (beside, G_FILE_TEST_IS_EXECUTABLE))
    return g_steal_pointer (&beside);
  return g_find_program_in_path (PROGRAM);
}

static void
end_with_parent (gpointer data)
{
  (void) prctl (PR_SET_PDEATHSIG, SIGTERM);
}

static GSubprocess *
start (SclctlContext *context, const char *file, gboolean pure, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher
      = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autofree char *program = find_program ();

  if (program == NULL)
    {
      g_set_error (error, SCL_ERROR, SCL_ERROR_MISSING,
                   "%s: %s is not installed; it is a part of SCL and needs the package nix-bin",
                   file, PROGRAM);
      return NULL;
    }
  g_ptr_array_add (argv, program);
  g_ptr_array_add (argv, (char *) "--places");
  if (pure)
    g_ptr_array_add (argv, (char *) "--no-files");
  if (sclctl_is_verbose (context))
    g_ptr_array_add (argv, (char *) "--verbose");
  g_ptr_array_add (argv, (char *) "--");
  g_ptr_array_add (argv, (char *) file);
  g_ptr_array_add (argv, NULL);
  g_subprocess_launcher_set_child_setup (launcher, end_with_parent, NULL, NULL);
  return g_subprocess_launcher_spawnv (launcher, (const char *const *) argv->pdata, error);
}

static gboolean
has_member (JsonNode *node, const char *name, JsonNodeType type)
{
  JsonNode *member = json_object_get_member (json_node_get_object (node), name);

  return member != NULL && json_node_get_node_type (member) == type;
}

static JsonNode *
take_output (const char *file, const char *text, GError **error)
{
  g_autoptr (JsonNode) node = json_from_string (text, NULL);

  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node)
      && has_member (node, "manifest", JSON_NODE_VALUE)
      && has_member (node, "places", JSON_NODE_ARRAY)
      && json_object_get_string_member (json_node_get_object (node), "manifest") != NULL)
    return g_steal_pointer (&node);
  g_set_error (error, SCL_ERROR, SCL_ERROR_FAILED,
               "%s: %s answered with something else; is it of another version?", file, PROGRAM);
  return NULL;
}

static JsonNode *
run (SclctlContext *context, const char *file, gboolean pure, GError **error)
{
  g_autoptr (GSubprocess) process = start (context, file, pure, error);
  g_autofree char *output = NULL;
  g_autofree char *message = NULL;

  if (process == NULL
      || !g_subprocess_communicate_utf8 (process, NULL, NULL, &output, &message, error))
    return NULL;
  g_strchomp (message);
  if (!g_subprocess_get_successful (process))
    {
      g_set_error (error, SCL_ERROR, SCL_ERROR_INVALID, "%s%s", *message == '\0' ? file : message,
                   *message == '\0' ? ": " PROGRAM " was killed" : "");
      return NULL;
    }
  if (*message != '\0')
    sclctl_tell (context, "%s", message);
  return take_output (file, output, error);
}

static void
add_origin (GVariantBuilder *builder, JsonNode *place)
{
  JsonArray *parts = JSON_NODE_HOLDS_ARRAY (place) ? json_node_get_array (place) : NULL;
  gboolean known = parts != NULL && json_array_get_length (parts) == 3;
  const char *file = known ? json_array_get_string_element (parts, 0) : NULL;

  if (file == NULL)
    g_variant_builder_add (builder, "(suu)", "", 0, 0);
  else
    g_variant_builder_add (builder, "(suu)", file, (guint) json_array_get_int_element (parts, 1),
                           (guint) json_array_get_int_element (parts, 2));
}

static GVariant *
list_origins (JsonArray *places)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(suu)"));
  for (guint i = 0; i < json_array_get_length (places); i++)
    add_origin (&builder, json_array_get_element (places, i));
  return g_variant_builder_end (&builder);
}

gboolean
sclctl_nix_add (SclctlContext *context, SclManifestLoader *loader, const char *file, gboolean pure,
                GError **error)
{
  g_autofree char *path = g_canonicalize_filename (file, NULL);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (JsonNode) output = run (context, file, pure, error);
  g_autoptr (GBytes) bytes = NULL;
  JsonObject *object;
  const char *text;

  if (output == NULL)
    return FALSE;
  object = json_node_get_object (output);
  text = json_object_get_string_member (object, "manifest");
  bytes = g_bytes_new (text, strlen (text));
  return scl_manifest_loader_add_generated (
      loader, bytes, file, folder, list_origins (json_object_get_array_member (object, "places")),
      error);
}
