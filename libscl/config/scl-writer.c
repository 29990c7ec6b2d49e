/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/scl-writer-private.h"
#include "config/scl-value-private.h"
#include "config/scl-yaml-writer-private.h"
#include <scl/scl-forward-spec.h>
#include <string.h>

/* Object to nodes; the two notations follow from the nodes. */

static SclNode *new_object_node (const SclObjectSchema *schema, GObject *object, gboolean preset);

static SclNode *
new_text_node (const char *text, gboolean plain)
{
  /* A path in the model may be any bytes; both notations are UTF-8. */
  g_autofree char *valid = g_utf8_make_valid (text, -1);

  return _scl_node_new_scalar (valid, strlen (valid), plain, (SclPlace){ 0 });
}

static void
add_node (SclNode *map, const char *key, SclNode *value)
{
  _scl_node_add_pair (map, new_text_node (key, FALSE), value);
}

static SclNode *
new_forwards_node (const SclField *field, GListModel *forwards)
{
  SclNode *list = _scl_node_new (SCL_NODE_LIST, (SclPlace){ 0 });

  for (guint i = 0; forwards != NULL && i < g_list_model_get_n_items (forwards); i++)
    {
      g_autoptr (SclForwardSpec) forward = g_list_model_get_item (forwards, i);
      g_auto (GValue) value = G_VALUE_INIT;
      g_autofree char *text = NULL;

      if (scl_forward_spec_get_protocol (forward) != field->protocol)
        continue;
      g_value_init (&value, SCL_TYPE_FORWARD_SPEC);
      g_value_set_object (&value, forward);
      text = _scl_value_format (field, &value);
      _scl_node_add_item (list, new_text_node (text, FALSE));
    }
  return list;
}

static char *
dup_name (GObject *object)
{
  char *name = NULL;

  g_object_get (object, "name", &name, NULL);
  return name == NULL ? g_strdup ("") : name;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  g_autofree char *x = dup_name (*(GObject *const *) a);
  g_autofree char *y = dup_name (*(GObject *const *) b);

  return strcmp (x, y);
}

static GPtrArray *
sort_items (GListModel *list)
{
  GPtrArray *items = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; list != NULL && i < g_list_model_get_n_items (list); i++)
    g_ptr_array_add (items, g_list_model_get_item (list, i));
  g_ptr_array_sort (items, compare_names);
  return items;
}

static SclNode *
new_map_node (const SclField *field, GListModel *list)
{
  SclNode *map = _scl_node_new (SCL_NODE_MAP, (SclPlace){ 0 });
  g_autoptr (GPtrArray) items = sort_items (list);
  gboolean preset_is_there = FALSE;

  for (guint i = 0; i < items->len; i++)
    {
      g_autofree char *name = dup_name (items->pdata[i]);
      gboolean preset = g_strcmp0 (name, field->preset_name) == 0;
      SclNode *node = new_object_node (field->items, items->pdata[i], preset);

      preset_is_there = preset_is_there || preset;
      if (preset && node->keys->len == 0)
        _scl_node_free (node);
      else
        add_node (map, name, node);
    }
  if (field->preset_name != NULL && !preset_is_there)
    add_node (map, field->preset_name, new_text_node ("null", TRUE));
  return map;
}

/* The object that has the field's property. (transfer full) (nullable) */
static GObject *
get_part (const SclObjectSchema *schema, const SclField *field, GObject *object)
{
  g_autoptr (GListModel) list = NULL;

  if (field->part == 0)
    return g_object_ref (object);
  g_object_get (object, schema->parts[field->part - 1].list, &list, NULL);
  return list == NULL ? NULL : g_list_model_get_item (list, 0);
}

static void
add_value (SclNode *map, const SclField *field, GObject *object, gboolean preset)
{
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (object), field->property);
  const char *left_out = preset && field->preset != NULL ? field->preset : field->fallback;
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (SclNode) node = NULL;
  g_autofree char *text = NULL;

  g_value_init (&value, pspec->value_type);
  g_object_get_property (object, field->property, &value);
  if (field->type == SCL_VALUE_FORWARDS)
    node = new_forwards_node (field, g_value_get_object (&value));
  else if (field->type == SCL_VALUE_MAP)
    node = new_map_node (field, g_value_get_object (&value));
  if (node != NULL && node->values->len > 0)
    add_node (map, field->key, g_steal_pointer (&node));
  if (field->type == SCL_VALUE_FORWARDS || field->type == SCL_VALUE_MAP)
    return;
  text = _scl_value_format (field, &value);
  if (text != NULL && g_strcmp0 (text, left_out) != 0)
    add_node (map, field->key, new_text_node (text, _scl_value_is_plain (field)));
}

static SclNode *
new_object_node (const SclObjectSchema *schema, GObject *object, gboolean preset)
{
  SclNode *map = _scl_node_new (SCL_NODE_MAP, (SclPlace){ 0 });

  for (const SclField *field = schema->fields; field->key != NULL; field++)
    {
      g_autoptr (GObject) part = get_part (schema, field, object);

      if (field->property == NULL)
        add_node (map, field->key, new_text_node (field->fallback, _scl_value_is_plain (field)));
      else if (part != NULL)
        add_value (map, field, part, preset);
    }
  return map;
}

static void
add_json (JsonBuilder *builder, SclNode *node)
{
  if (node->kind == SCL_NODE_MAP)
    json_builder_begin_object (builder);
  else if (node->kind == SCL_NODE_LIST)
    json_builder_begin_array (builder);
  for (guint i = 0; node->values != NULL && i < node->values->len; i++)
    {
      if (node->keys != NULL)
        json_builder_set_member_name (builder, ((SclNode *) node->keys->pdata[i])->text);
      add_json (builder, node->values->pdata[i]);
    }
  if (node->kind == SCL_NODE_MAP)
    json_builder_end_object (builder);
  else if (node->kind == SCL_NODE_LIST)
    json_builder_end_array (builder);
  else if (_scl_node_scalar_kind (node) == SCL_SCALAR_TEXT)
    json_builder_add_string_value (builder, node->text);
  else if (_scl_node_scalar_kind (node) == SCL_SCALAR_NULL)
    json_builder_add_null_value (builder);
  else if (_scl_node_scalar_kind (node) == SCL_SCALAR_BOOL)
    json_builder_add_boolean_value (builder, node->text[0] == 't');
  else
    json_builder_add_int_value (builder, g_ascii_strtoll (node->text, NULL, 10));
}

char *
_scl_write_json (JsonBuilder *builder)
{
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree char *text = NULL;

  json_generator_set_pretty (generator, TRUE);
  json_generator_set_root (generator, root);
  text = json_generator_to_data (generator, NULL);
  return g_strconcat (text, "\n", NULL);
}

char *
_scl_write (SclManifest *manifest, SclManifestFormat format)
{
  g_autoptr (SclNode) root = new_object_node (&_scl_manifest_schema, G_OBJECT (manifest), FALSE);
  g_autoptr (JsonBuilder) builder = NULL;

  if (format == SCL_MANIFEST_FORMAT_YAML)
    return _scl_yaml_write (root);
  builder = json_builder_new ();
  add_json (builder, root);
  return _scl_write_json (builder);
}
