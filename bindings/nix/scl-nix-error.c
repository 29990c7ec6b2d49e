/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scl-nix-error.h"

#include <json-glib/json-glib.h>
#include <string.h>

#define ERROR "error: "
#define OPTION "scl-option "

/* What is known after looking at the lines around the message. */
typedef struct
{
  const NixSource *source;
  char *place;  /* FILE:LINE:COLUMN */
  char *option; /* the way to the value that was evaluated */
} Trace;

static void
trace_clear (Trace *trace)
{
  g_free (trace->place);
  g_free (trace->option);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Trace, trace_clear)

/* "at FILE:LINE:COLUMN:" */
static void
take_place (Trace *trace, const char *line)
{
  g_autoptr (GRegex) regex = g_regex_new ("^at (.+):(\\d+):(\\d+):?$", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *file = NULL;
  g_autofree char *shown = NULL;
  g_autofree char *rest = NULL;

  if (trace->place != NULL || !g_regex_match (regex, line, 0, &match))
    return;
  file = g_match_info_fetch (match, 1);
  shown = nix_source_show (trace->source, file);
  rest = g_match_info_expand_references (match, "\\2:\\3", NULL);
  if (shown != NULL)
    trace->place = g_strdup_printf ("%s:%s", shown, rest);
}

static void
take_at (Trace *trace, JsonArray *at)
{
  g_autofree char *shown = nix_source_show (trace->source, json_array_get_string_element (at, 0));

  if (shown != NULL)
    trace->place
        = g_strdup_printf ("%s:%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT, shown,
                           json_array_get_int_element (at, 1), json_array_get_int_element (at, 2));
}

/* What lib/manifest.nix put into the trace. */
static void
take_option (Trace *trace, const char *line)
{
  const char *begin = strstr (line, OPTION);
  g_autoptr (JsonNode) node = NULL;
  JsonObject *object;

  if (trace->option != NULL || begin == NULL)
    return;
  node = json_from_string (begin + strlen (OPTION), NULL);
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return;
  object = json_node_get_object (node);
  trace->option = nix_harmless (json_object_get_string_member_with_default (object, "path", ""));
  node = json_node_ref (json_object_get_member (object, "at"));
  if (trace->place == NULL && JSON_NODE_HOLDS_ARRAY (node))
    take_at (trace, json_node_get_array (node));
}

static gboolean
is_trace (const char *line)
{
  return *line == '\0' || g_str_has_prefix (line, "at ") || g_str_has_prefix (line, "…")
         || g_str_has_prefix (line, "(use ");
}

/* The line with the message: the last error, since newer versions of Nix put the trace before it.
 */
static int
find_error (char **lines)
{
  int found = -1;

  for (int i = 0; lines[i] != NULL; i++)
    {
      g_strstrip (lines[i]);
      if (g_str_has_prefix (lines[i], ERROR))
        found = i;
    }
  return found;
}

/* The nearest frames tell most: those after the message, else (newer Nix) those before it. */
static void
look_around (Trace *trace, char **lines, int error)
{
  for (int i = error + 1; lines[i] != NULL; i++)
    {
      take_place (trace, lines[i]);
      take_option (trace, lines[i]);
    }
  for (int i = error - 1; i >= 0; i--)
    {
      take_place (trace, lines[i]);
      take_option (trace, lines[i]);
    }
}

static GString *
join_message (char **lines, int error)
{
  GString *text = g_string_new (lines[error] + strlen (ERROR));

  for (int i = error + 1; lines[i] != NULL && !is_trace (lines[i]); i++)
    g_string_append_printf (text, " %s", lines[i]);
  return text;
}

/* What somebody may look for in a set of ours that has it not. */
typedef struct
{
  const char *set;
  const char *hint;
} Stranger;

static const Stranger strangers[] = {
  { "pkgs",
    " in the stand-in for nixpkgs; use nixpkgs: scl-nix -I nixpkgs=PATH --unrestricted --build" },
  { "lib", " in the stand-in for nixpkgs' lib; use the real one: scl-nix -I nixpkgs=PATH" },
  { "types", " in the stand-in for nixpkgs' lib; use the real one: scl-nix -I nixpkgs=PATH" },
  { "config", "; NixOS' own options have no value here unless the file sets them" },
};

/* Whether MESSAGE, with the lines of the source in it, looks for MEMBER in SET or below. */
static gboolean
mentions (const char *message, const char *set, const char *member)
{
  g_autofree char *name = g_regex_escape_string (member, -1);
  g_autofree char *pattern
      = g_strdup_printf ("(^|[^\\w.'-])%s(\\.[\\w'-]+)*\\.%s($|[^\\w'-])", set, name);
  g_autoptr (GRegex) regex = g_regex_new (pattern, G_REGEX_MULTILINE, 0, NULL);

  return regex != NULL && g_regex_match (regex, message, 0, NULL);
}

static const char *
find_hint (const char *text, const char *message)
{
  g_autoptr (GRegex) regex = g_regex_new ("^attribute '([^']+)' missing$", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *member = NULL;

  if (!g_regex_match (regex, text, 0, &match))
    return NULL;
  member = g_match_info_fetch (match, 1);
  for (guint i = 0; i < G_N_ELEMENTS (strangers); i++)
    if (mentions (message, strangers[i].set, member))
      return strangers[i].hint;
  return NULL;
}

static gboolean
has (const GString *text, const char *part)
{
  return strstr (text->str, part) != NULL;
}

static void
append_way_out (GString *text, const char *message)
{
  const char *hint = find_hint (text->str, message);

  if (hint != NULL)
    g_string_append (text, hint);
  else if (has (text, "path '") && has (text, "in restricted mode"))
    g_string_append (text, "; -I FOLDER allows a folder, --unrestricted everything");
  else if (has (text, "in restricted mode"))
    g_string_append (text, "; --unrestricted allows it");
  else if (has (text, ".drv' is not valid") || has (text, "allow-import-from-derivation"))
    g_string_append (text,
                     "; the evaluation must not build what it reads (import from derivation); "
                     "--unrestricted --build allows it");
  else if (has (text, "infinite recursion encountered"))
    g_string_append (text, ": what this is needs itself to be known");
}

/* Newer versions of Nix make the JSON with a library that has words of its own for this. */
static void
translate (GString *text)
{
  if (has (text, "JSON serialization error") && has (text, "UTF-8"))
    g_string_assign (text, "the result has text that is not UTF-8");
}

char *
nix_error_line (const NixSource *source, const char *message)
{
  g_auto (GStrv) lines = g_strsplit (message, "\n", -1);
  g_auto (Trace) trace = { .source = source };
  g_autoptr (GString) text = NULL;
  int error = find_error (lines);

  if (error < 0)
    return g_strdup_printf ("%s: Nix failed without a message", source->given);
  text = join_message (lines, error);
  translate (text);
  append_way_out (text, message);
  look_around (&trace, lines, error);
  g_string_prepend (text, ": ");
  if (trace.option != NULL && *trace.option != '\0')
    g_string_prepend (g_string_prepend (text, trace.option), ": ");
  g_string_prepend (text, trace.place != NULL ? trace.place : source->given);
  return nix_harmless (text->str);
}
