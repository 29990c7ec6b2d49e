/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scl-nix-eval.h"

#include "scl-nix-error.h"
#include "scl-nix-run.h"

#include <scl/scl.h>
#include <string.h>

static void
add (GPtrArray *argv, const char *word)
{
  g_ptr_array_add (argv, g_strdup (word));
}

static void
add_option (GPtrArray *argv, const char *name, const char *value)
{
  add (argv, "--option");
  add (argv, name);
  add (argv, value);
}

static void
add_restrictions (GPtrArray *argv, const NixOptions *options)
{
  if (options->unrestricted)
    return;
  add_option (argv, "restrict-eval", "true");
  add_option (argv, "allow-import-from-derivation", "false");
  add_option (argv, "allow-unsafe-native-code-during-evaluation", "false");
  add_option (argv, "allowed-uris", "");
  add_option (argv, "download-attempts", "1");
}

/* NAME=PATH, because a path alone may have a "=". */
static void
add_folder (GPtrArray *argv, const char *name, const char *path)
{
  add (argv, "-I");
  g_ptr_array_add (argv, g_strdup_printf ("%s=%s", name, path));
}

static void
add_includes (GPtrArray *argv, const NixOptions *options)
{
  for (guint i = 0; options->includes != NULL && options->includes[i] != NULL; i++)
    {
      add (argv, "-I");
      add (argv, options->includes[i]);
    }
}

static void
add_named (GPtrArray *argv, const char *option, const char *name, const char *value)
{
  add (argv, option);
  add (argv, name);
  add (argv, value);
}

static void
add_arguments (GPtrArray *argv, const char *option, char **list)
{
  for (guint i = 0; list != NULL && list[i] != NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (list[i], "=", 2);

      add_named (argv, option, parts[0], parts[1]);
    }
}

/* Whether the value is what the NixOS module has under ctrl-os.vms. */
static gboolean
is_options (const char *attr)
{
  return attr != NULL
         && (g_str_equal (attr, "ctrl-os.vms") || g_str_has_suffix (attr, ".ctrl-os.vms"));
}

static GPtrArray *
file_argv (const NixSource *source, const NixOptions *options)
{
  static const char *const begin[]
      = { "nix-instantiate", "--eval", "--strict", "--json", "--show-trace", NULL };
  GPtrArray *argv = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *entry = g_build_filename (source->library, "file.nix", NULL);

  for (guint i = 0; begin[i] != NULL; i++)
    add (argv, begin[i]);
  /* The dummy store needs no set-up, no daemon and no rights, and keeps nothing. */
  add (argv, options->build ? "--read-write-mode" : "--store");
  if (!options->build)
    add (argv, "dummy://");
  add_restrictions (argv, options);
  add_folder (argv, "scl-library", source->library);
  add_folder (argv, "scl-input", source->folder);
  add_includes (argv, options);
  add (argv, entry);
  add_named (argv, "--argstr", "sclFile", source->file);
  add_named (argv, "--argstr", "sclAttr", options->attr == NULL ? "" : options->attr);
  add_named (argv, "--arg", "sclIsOptions", is_options (options->attr) ? "true" : "false");
  add_named (argv, "--arg", "sclBuild", options->build ? "true" : "false");
  add_arguments (argv, "--arg", options->args);
  add_arguments (argv, "--argstr", options->strings);
  g_ptr_array_add (argv, NULL);
  return argv;
}

static gboolean
append_library (GString *text, const NixSource *source, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (source->library, name, NULL);
  g_autofree char *content = NULL;

  if (!g_file_get_contents (path, &content, NULL, error))
    return FALSE;
  g_string_append_printf (text, "(%s)", content);
  return TRUE;
}

/* A flake's evaluation is pure and reads no file of ours: our library is given as one expression.
 */
static char *
flake_function (const NixSource *source, const NixOptions *options, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  static const char *const names[]
      = { "absent", "arguments", "attrsets", "generators", "library", "lists", "manifest",
          "merge",  "modules",   "options",  "strings",    "trivial", "types", "vms" };

  if (!append_library (text, source, "evaluate.nix", error))
    return NULL;
  g_string_append (text, " {");
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *file = g_strconcat (names[i], ".nix", NULL);

      g_string_append_printf (text, " %s = ", names[i]);
      if (!append_library (text, source, file, error))
        return NULL;
      g_string_append_c (text, ';');
    }
  g_string_append_printf (text,
                          " } { nixpkgs = null; sources = true; build = %s; isOptions = %s; "
                          "attr = [ ]; given = { }; }",
                          options->build ? "true" : "false",
                          is_options (strchr (options->input, '#') + 1) ? "true" : "false");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static GPtrArray *
flake_argv (const NixOptions *options, const char *const *command)
{
  GPtrArray *argv = g_ptr_array_new_with_free_func (g_free);

  add (argv, "nix");
  add (argv, "--extra-experimental-features");
  add (argv, "nix-command flakes");
  for (guint i = 0; command[i] != NULL; i++)
    add (argv, command[i]);
  add (argv, "--json");
  add (argv, "--no-write-lock-file");
  if (!options->unrestricted)
    add (argv, "--offline");
  return argv;
}

static NixResult *
run (const NixSource *source, const NixOptions *options, GPtrArray *argv, GError **error)
{
  NixRunFlags flags = options->unrestricted ? NIX_RUN_NONE : NIX_RUN_CONFINED;
  g_autoptr (NixResult) result
      = nix_run ((const char *const *) argv->pdata, flags, (guint) options->timeout, error);
  g_autofree char *line = NULL;

  if (result == NULL)
    return g_prefix_error (error, "%s: ", source->given), NULL;
  if (result->status == 0)
    return g_steal_pointer (&result);
  line = nix_error_line (source, result->message);
  g_set_error (error, SCL_ERROR, SCL_ERROR_INVALID, "%s%s%s", line, options->verbose ? "\n" : "",
               options->verbose ? result->message : "");
  return NULL;
}

static JsonNode *
parse (const NixSource *source, const char *text, GError **error)
{
  g_autoptr (GError) cause = NULL;
  JsonNode *node = NULL;

  if (g_utf8_validate (text, -1, NULL))
    node = json_from_string (text, &cause);
  if (node == NULL)
    g_set_error (error, SCL_ERROR, SCL_ERROR_INVALID, "%s: the result has %s", source->given,
                 cause == NULL ? "text that is not UTF-8" : cause->message);
  return node;
}

static const char *
member (JsonObject *object, const char *name)
{
  return object == NULL ? NULL : json_object_get_string_member_with_default (object, name, NULL);
}

/* Where the flake is and where Nix copies it to, so that places and paths can be the user's. */
static gboolean
look_at_flake (NixSource *source, const NixOptions *options, GError **error)
{
  static const char *const command[] = { "flake", "metadata", NULL };
  g_autoptr (GPtrArray) argv = flake_argv (options, command);
  g_autofree char *flake = g_strndup (options->input, strcspn (options->input, "#"));
  g_autoptr (NixResult) result = NULL;
  g_autoptr (JsonNode) node = NULL;
  JsonObject *resolved;

  add (argv, "--");
  add (argv, flake);
  g_ptr_array_add (argv, NULL);
  result = run (source, options, argv, error);
  node = result == NULL ? NULL : parse (source, result->output, error);
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return result != NULL && node != NULL;
  resolved = json_object_get_object_member (json_node_get_object (node), "resolved");
  source->copy = g_strdup (member (json_node_get_object (node), "path"));
  if (g_strcmp0 (member (resolved, "type"), "path") == 0)
    source->folder = g_strdup (member (resolved, "path"));
  else if (g_str_has_prefix (member (resolved, "url") ? member (resolved, "url") : "", "file://"))
    source->folder = g_filename_from_uri (member (resolved, "url"), NULL, NULL);
  return TRUE;
}

static NixResult *
evaluate_flake (NixSource *source, const NixOptions *options, GError **error)
{
  static const char *const command[] = { "eval", "--show-trace", NULL };
  g_autofree char *function = flake_function (source, options, error);
  g_autoptr (GPtrArray) argv = NULL;

  if (function == NULL || !look_at_flake (source, options, error))
    return NULL;
  argv = flake_argv (options, command);
  add_restrictions (argv, options);
  add_includes (argv, options);
  add (argv, "--apply");
  add (argv, function);
  add (argv, "--");
  add (argv, options->input);
  g_ptr_array_add (argv, NULL);
  return run (source, options, argv, error);
}

static NixResult *
evaluate_file (const NixSource *source, const NixOptions *options, GError **error)
{
  g_autoptr (GPtrArray) argv = file_argv (source, options);

  return run (source, options, argv, error);
}

#define TRACE "trace: "
#define WARNING TRACE "warning: "

/* What builtins.trace said, warnings of the file, and with -v everything. */
static void
tell (const NixSource *source, const NixOptions *options, const char *message)
{
  g_auto (GStrv) lines = g_strsplit (message, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_autofree char *line = nix_harmless (lines[i]);

      if (g_str_has_prefix (line, WARNING))
        g_printerr ("%s: %s\n", source->given, line + strlen (TRACE));
      else if (*line != '\0' && (options->verbose || g_str_has_prefix (line, TRACE)))
        g_printerr ("%s\n", line);
    }
}

JsonNode *
nix_evaluate (NixSource *source, const NixOptions *options, GError **error)
{
  g_autoptr (NixResult) result = source->file != NULL ? evaluate_file (source, options, error)
                                                      : evaluate_flake (source, options, error);

  if (result == NULL)
    return NULL;
  tell (source, options, result->message);
  return parse (source, result->output, error);
}
