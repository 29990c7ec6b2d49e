/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-nft-private.h"
#include "base/scl-throw-private.h"
#include <json-glib/json-glib.h>
#include <string.h>

static const char *
get_string (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);

  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

static gint64
get_int (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);

  return node != NULL && json_node_get_value_type (node) == G_TYPE_INT64 ? json_node_get_int (node)
                                                                         : 0;
}

static JsonObject *
get_object (JsonNode *node, const char *member)
{
  JsonNode *child = NULL;

  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    child = json_object_get_member (json_node_get_object (node), member);
  return child != NULL && JSON_NODE_HOLDS_OBJECT (child) ? json_node_get_object (child) : NULL;
}

static JsonArray *
get_array (JsonObject *object, const char *member)
{
  JsonNode *node = object == NULL ? NULL : json_object_get_member (object, member);

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

/* A string, a number, or {"concat": [...]} as text. */
static char *
value_text (JsonNode *node)
{
  JsonArray *parts = NULL;
  g_autoptr (GString) text = g_string_new (NULL);

  if (JSON_NODE_HOLDS_OBJECT (node))
    parts = get_array (json_node_get_object (node), "concat");
  for (guint i = 0; parts != NULL && i < json_array_get_length (parts); i++)
    {
      g_autofree char *part = value_text (json_array_get_element (parts, i));

      g_string_append_printf (text, "%s%s", i > 0 ? " . " : "", part);
    }
  if (json_node_get_value_type (node) == G_TYPE_STRING)
    g_string_append (text, json_node_get_string (node));
  else if (json_node_get_value_type (node) == G_TYPE_INT64)
    g_string_append_printf (text, "%" G_GINT64_FORMAT, json_node_get_int (node));
  return g_strdup (text->str);
}

/* KEY, {"elem": {"val": KEY, "comment": …}}, or [KEY, VALUE] of a map. */
static void
parse_element (SclNftSet *set, JsonNode *node)
{
  JsonNode *key = node;
  JsonObject *elem;
  const char *comment = NULL;
  g_autofree char *value = NULL;
  g_autofree char *text = NULL;

  if (JSON_NODE_HOLDS_ARRAY (node) && json_array_get_length (json_node_get_array (node)) == 2)
    {
      key = json_array_get_element (json_node_get_array (node), 0);
      value = value_text (json_array_get_element (json_node_get_array (node), 1));
    }
  elem = get_object (key, "elem");
  if (elem != NULL && json_object_has_member (elem, "val"))
    {
      comment = get_string (elem, "comment");
      key = json_object_get_member (elem, "val");
    }
  text = value_text (key);
  _scl_nft_set_add (set, text, value, comment);
}

static SclNftTable *
table_of (GPtrArray *tables, JsonObject *object)
{
  const char *family = get_string (object, "family");
  const char *name = get_string (object, "table");

  return family == NULL || name == NULL ? NULL : _scl_nft_tables_find (tables, family, name);
}

static void
parse_set (GPtrArray *tables, JsonObject *object)
{
  SclNftTable *table = table_of (tables, object);
  JsonArray *elements = get_array (object, "elem");
  SclNftSet *set;

  if (table == NULL)
    return;
  set = _scl_nft_table_add_set (table, get_string (object, "name"), NULL);
  for (guint i = 0; elements != NULL && i < json_array_get_length (elements); i++)
    parse_element (set, json_array_get_element (elements, i));
}

static void
parse_chain (GPtrArray *tables, JsonObject *object)
{
  SclNftTable *table = table_of (tables, object);

  if (table != NULL)
    _scl_nft_table_add_chain (table, get_string (object, "name"), get_string (object, "type"),
                              get_string (object, "hook"), (int)get_int (object, "prio"),
                              get_string (object, "policy"));
}

/* What the rule does if it does it to every packet (a counter does not narrow it). */
static const char *
unconditional_verdict (JsonObject *object)
{
  JsonArray *statements = get_array (object, "expr");
  const char *verdict = NULL;

  for (guint i = 0; statements != NULL && i < json_array_get_length (statements); i++)
    {
      JsonNode *node = json_array_get_element (statements, i);
      JsonObject *statement = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

      if (statement == NULL || json_object_has_member (statement, "match"))
        return NULL;
      for (gsize k = 0; k < 3; k++)
        if (json_object_has_member (statement, ((const char *[]){ "drop", "reject", "accept" })[k]))
          verdict = ((const char *[]){ "drop", "reject", "accept" })[k];
      if (verdict == NULL && !json_object_has_member (statement, "counter")
          && !json_object_has_member (statement, "log"))
        return NULL;
    }
  return verdict;
}

/* TRUE if it is {"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "eth0"}}, or of
 * oifname. */
static gboolean
take_link (SclNftRule *rule, JsonObject *match)
{
  JsonNode *left = json_object_get_member (match, "left");
  JsonObject *meta = left == NULL ? NULL : get_object (left, "meta");
  const char *key = meta == NULL ? NULL : get_string (meta, "key");
  const char *name = get_string (match, "right");
  char **place = g_strcmp0 (key, "iifname") == 0   ? &rule->iif
                 : g_strcmp0 (key, "oifname") == 0 ? &rule->oif
                                                   : NULL;

  if (place == NULL || *place != NULL || name == NULL || name[0] == '\0'
      || g_strcmp0 (get_string (match, "op"), "==") != 0)
    return FALSE;
  *place = g_strdup (name);
  return TRUE;
}

static gboolean
take_action (SclNftRule *rule, JsonObject *statement)
{
  static const char *const actions[] = { "accept", "drop", "reject", "return", "jump", "goto" };

  for (gsize i = 0; i < G_N_ELEMENTS (actions); i++)
    if (json_object_has_member (statement, actions[i]))
      {
        JsonNode *node = json_object_get_member (statement, actions[i]);
        JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

        g_free (rule->action);
        rule->action = g_strdup (actions[i]);
        g_free (rule->target);
        rule->target = object == NULL ? NULL : g_strdup (get_string (object, "target"));
        return TRUE;
      }
  return FALSE;
}

/* Whatever is not known may be a condition. */
static void
take_statement (SclNftRule *rule, JsonNode *node)
{
  JsonObject *statement = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  JsonObject *match = get_object (node, "match");

  if (statement == NULL)
    rule->narrow = TRUE;
  else if (match != NULL)
    rule->narrow = !take_link (rule, match) || rule->narrow;
  else if (!take_action (rule, statement) && !json_object_has_member (statement, "counter")
           && !json_object_has_member (statement, "log"))
    rule->narrow = TRUE;
}

static void
parse_rule (GPtrArray *tables, JsonObject *object)
{
  SclNftTable *table = table_of (tables, object);
  const char *name = get_string (object, "chain");
  SclNftChain *chain
      = table == NULL || name == NULL ? NULL : _scl_nft_table_find_chain (table, name);
  JsonArray *statements;
  SclNftRule *rule;

  if (chain == NULL)
    return;
  rule
      = _scl_nft_chain_add_read (chain, get_string (object, "comment"), get_int (object, "handle"));
  rule->verdict = g_strdup (unconditional_verdict (object));
  statements = get_array (object, "expr");
  for (guint i = 0; statements != NULL && i < json_array_get_length (statements); i++)
    take_statement (rule, json_array_get_element (statements, i));
}

static void
parse_entry (GPtrArray *tables, JsonNode *node)
{
  JsonObject *object;

  if ((object = get_object (node, "table")) != NULL && get_string (object, "family") != NULL
      && get_string (object, "name") != NULL)
    g_ptr_array_add (
        tables, _scl_nft_table_new (get_string (object, "family"), get_string (object, "name")));
  else if (((object = get_object (node, "set")) != NULL
            || (object = get_object (node, "map")) != NULL)
           && get_string (object, "name") != NULL)
    parse_set (tables, object);
  else if ((object = get_object (node, "chain")) != NULL && get_string (object, "name") != NULL)
    parse_chain (tables, object);
  else if ((object = get_object (node, "rule")) != NULL)
    parse_rule (tables, object);
}

GPtrArray *
_scl_nft_parse (const char *json, gssize length, GError **error)
{
  g_autoptr (GPtrArray) tables
      = g_ptr_array_new_with_free_func ((GDestroyNotify)_scl_nft_table_free);
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) local = NULL;
  JsonNode *root;
  JsonArray *entries;

  if (length == 0 || !json_parser_load_from_data (parser, json, length, &local))
    return scl_null_throw (error, SCL_ERROR_BACKEND, "nft's listing is not JSON: %s",
                           local == NULL ? "it is empty" : local->message);
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return scl_null_throw (error, SCL_ERROR_BACKEND, "nft's listing holds no object");
  entries = get_array (json_node_get_object (root), "nftables");
  if (entries == NULL)
    return scl_null_throw (error, SCL_ERROR_BACKEND, "nft's listing holds no tables");
  for (guint i = 0; i < json_array_get_length (entries); i++)
    parse_entry (tables, json_array_get_element (entries, i));
  return g_steal_pointer (&tables);
}
