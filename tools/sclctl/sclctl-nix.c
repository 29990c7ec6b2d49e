/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-nix.h"

#include <json-glib/json-glib.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#define PROGRAM "scl-nix"

typedef struct
{
  char *file; /* as the user named it */
  char *name; /* what the loader calls its JSON */
  JsonNode *output;
} Input;

struct _SclctlNix
{
  GPtrArray *inputs;
};

static void
input_free (gpointer data)
{
  Input *input = data;

  g_free (input->file);
  g_free (input->name);
  json_node_unref (input->output);
  g_free (input);
}

SclctlNix *
sclctl_nix_new (void)
{
  SclctlNix *self = g_new0 (SclctlNix, 1);

  self->inputs = g_ptr_array_new_with_free_func (input_free);
  return self;
}

void
sclctl_nix_free (SclctlNix *self)
{
  g_ptr_array_unref (self->inputs);
  g_free (self);
}

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

/* As the loader writes names. */
static char *
harmless (const char *file)
{
  g_autofree char *valid = g_utf8_make_valid (file, -1);

  return g_strdelimit (g_strdup (valid), "\n\r\t", '?');
}

gboolean
sclctl_nix_add (SclctlNix *self, SclctlContext *context, SclManifestLoader *loader,
                const char *file, gboolean pure, GError **error)
{
  g_autofree char *path = g_canonicalize_filename (file, NULL);
  g_autofree char *folder = g_path_get_dirname (path);
  JsonNode *output = run (context, file, pure, error);
  g_autoptr (GBytes) bytes = NULL;
  const char *text;
  Input *input;

  if (output == NULL)
    return FALSE;
  input = g_new0 (Input, 1);
  input->file = harmless (file);
  /* Not the file's name alone: lines are those of the JSON. */
  input->name = g_strdup_printf ("%s (as JSON)", input->file);
  input->output = output;
  g_ptr_array_add (self->inputs, input);
  text = json_object_get_string_member (json_node_get_object (output), "manifest");
  bytes = g_bytes_new (text, strlen (text));
  return scl_manifest_loader_add_bytes (loader, bytes, input->name, folder, error);
}

/* NULL: not known. */
static JsonArray *
find_place (const Input *input, const char *line)
{
  JsonArray *places = json_object_get_array_member (json_node_get_object (input->output), "places");
  guint64 number = g_ascii_strtoull (line, NULL, 10);
  JsonNode *node;

  if (number < 1 || number > json_array_get_length (places))
    return NULL;
  node = json_array_get_element (places, (guint) number - 1);
  return JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

static gboolean
replace_place (const GMatchInfo *match, GString *result, gpointer data)
{
  const Input *input = data;
  g_autofree char *line = g_match_info_fetch (match, 1);
  JsonArray *place = find_place (input, line);

  if (place == NULL)
    g_string_append (result, input->file);
  else
    g_string_append_printf (result, "%s:%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT,
                            json_array_get_string_element (place, 0),
                            json_array_get_int_element (place, 1),
                            json_array_get_int_element (place, 2));
  return FALSE;
}

static char *
locate (const Input *input, const char *message)
{
  g_autofree char *name = g_regex_escape_string (input->name, -1);
  g_autofree char *pattern = g_strdup_printf ("%s:(\\d+):\\d+", name);
  g_autoptr (GRegex) regex = g_regex_new (pattern, 0, 0, NULL);
  char *located = NULL;

  if (regex != NULL)
    located
        = g_regex_replace_eval (regex, message, -1, 0, 0, replace_place, (gpointer) input, NULL);
  return located != NULL ? located : g_strdup (message);
}

void
sclctl_nix_locate (SclctlNix *self, GError **error)
{
  if (error == NULL || *error == NULL)
    return;
  for (guint i = 0; i < self->inputs->len; i++)
    {
      char *located = locate (self->inputs->pdata[i], (*error)->message);

      g_free ((*error)->message);
      (*error)->message = located;
    }
}
