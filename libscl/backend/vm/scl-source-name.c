/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-source-name-private.h"
#include <json-glib/json-glib.h>
#include <string.h>

#define JSON_PROTOCOL "json:"

typedef struct
{
  SclSourceNameFunc func;
  gpointer user_data;
} Walk;

static void tell_node (JsonNode *node, const Walk *walk);

/* A path may hold what else separates: so all that may be one is told. */
static void
tell_paths (const char *text, const Walk *walk)
{
  for (const char *at = text; *at != '\0'; at++)
    if (*at == '/' && (at == text || strchr (":=", at[-1]) != NULL))
      walk->func (at, walk->user_data);
}

static void
tell_member (JsonObject *object, const char *name, JsonNode *node, gpointer user_data)
{
  tell_node (node, user_data);
}

static void
tell_element (JsonArray *array, guint index, JsonNode *node, gpointer user_data)
{
  tell_node (node, user_data);
}

static void
tell_node (JsonNode *node, const Walk *walk)
{
  if (JSON_NODE_HOLDS_OBJECT (node))
    json_object_foreach_member (json_node_get_object (node), tell_member, (gpointer) walk);
  else if (JSON_NODE_HOLDS_ARRAY (node))
    json_array_foreach_element (json_node_get_array (node), tell_element, (gpointer) walk);
  else if (json_node_get_value_type (node) == G_TYPE_STRING)
    (void) _scl_source_name_foreach (json_node_get_string (node), walk->func, walk->user_data);
}

/* QEMU's JSON has strings in single quotes, too. */
static char *
quote_doubly (const char *text)
{
  GString *out = g_string_new (NULL);
  char quote = '\0';

  for (const char *at = text; *at != '\0'; at++)
    {
      if (quote != '\0' && *at == '\\' && at[1] != '\0')
        {
          g_string_append (out, at[1] == '\'' ? "'" : (char[]){ '\\', at[1], '\0' });
          at++;
        }
      else if ((quote == '\0' && (*at == '\'' || *at == '"')) || (quote != '\0' && *at == quote))
        {
          quote = quote == '\0' ? *at : '\0';
          g_string_append_c (out, '"');
        }
      else if (quote == '\'' && *at == '"')
        g_string_append (out, "\\\"");
      else
        g_string_append_c (out, *at);
    }
  return g_string_free (out, FALSE);
}

static gboolean
tell_json (const char *text, const Walk *walk)
{
  g_autofree char *json = quote_doubly (text);
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();

  if (!json_parser_load_from_data (parser, json, -1, NULL) || json_parser_get_root (parser) == NULL)
    return FALSE;
  tell_node (json_parser_get_root (parser), walk);
  return TRUE;
}

gboolean
_scl_source_name_foreach (const char *name, SclSourceNameFunc func, gpointer user_data)
{
  const Walk walk = { func, user_data };

  if (g_str_has_prefix (name, JSON_PROTOCOL))
    return tell_json (name + strlen (JSON_PROTOCOL), &walk);
  if (name[0] == '{')
    return tell_json (name, &walk);
  tell_paths (name, &walk);
  return TRUE;
}

/* What stands at *AT up to the next comma, which *AT is behind then. (transfer full) */
static char *
take_option (const char **at)
{
  GString *option = g_string_new (NULL);

  for (; **at != '\0'; (*at)++)
    {
      if (**at == ',' && (*at)[1] != ',')
        break;
      if (**at == ',')
        (*at)++;
      g_string_append_c (option, **at);
    }
  *at += **at == ',' ? 1 : 0;
  return g_string_free (option, FALSE);
}

static void
tell_option (const char *option, SclSourceNameFunc func, gpointer user_data)
{
  const char *json = strstr (option, "=" JSON_PROTOCOL);

  if (json != NULL)
    (void) _scl_source_name_foreach (json + 1, func, user_data);
  (void) _scl_source_name_foreach (option, func, user_data);
}

/* Names in quotes, whatever that is written in. */
static void
tell_quoted (const char *options, const Walk *walk)
{
  g_auto (GStrv) words = g_strsplit (options, "\"", -1);

  for (char **word = words; word[0] != NULL && word[1] != NULL; word++)
    tell_paths (*word, walk);
}

void
_scl_source_options_foreach (const char *options, SclSourceNameFunc func, gpointer user_data)
{
  const Walk walk = { func, user_data };
  const char *at = options;

  /* As a whole first: a name has commas, too. */
  if (!_scl_source_name_foreach (options, func, user_data))
    tell_quoted (options, &walk);
  while (strchr (options, ',') != NULL && *at != '\0')
    {
      g_autofree char *option = take_option (&at);

      tell_option (option, func, user_data);
    }
}
