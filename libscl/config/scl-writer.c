/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/scl-writer-private.h"
#include "base/scl-throw-private.h"
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

/* --- what text has no words for --- */

static const char *
key_of_part (const SclObjectSchema *schema, guint part)
{
  for (const SclField *field = schema->fields; field->key != NULL; field++)
    if (field->part == part)
      return field->key;
  return NULL;
}

static gboolean
has_default (const SclObjectSchema *schema, guint part)
{
  for (const SclField *field = schema->fields; field->key != NULL; field++)
    if (field->part == part && field->fallback != NULL)
      return TRUE;
  return FALSE;
}

/* Its name is that of the object around it: there is no key for another one. */
static gboolean
check_part_name (const SclPart *part, GListModel *list, const char *where, const char *name,
                 GError **error)
{
  g_autoptr (GObject) item = part->name_property != NULL ? g_list_model_get_item (list, 0) : NULL;
  g_autofree char *said = NULL;

  if (item == NULL)
    return TRUE;
  g_object_get (item, part->name_property, &said, NULL);
  return g_strcmp0 (said, name) == 0
         || scl_throw (error, SCL_ERROR_UNSUPPORTED,
                       "%s: its %s is called \"%s\", and in the text of a manifest it has the name of the VM; "
                       "apply the manifest as it is",
                       where, part->name_property, said != NULL ? said : "");
}

/* A library may build what keys cannot say: it would be lost, or there once more, without a word. */
static gboolean
check_part (const SclObjectSchema *schema, guint number, GObject *object, const char *where,
            const char *name, GError **error)
{
  const SclPart *part = &schema->parts[number - 1];
  const char *key = key_of_part (schema, number);
  g_autoptr (GListModel) list = NULL;
  guint n;

  g_object_get (object, part->list, &list, NULL);
  n = list != NULL ? g_list_model_get_n_items (list) : 0;
  if (n > 1)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED,
                      "%s.%s: it has %u %s, and the text of a manifest says only one; apply the manifest as it is",
                      where, key, n, part->list);
  if (n == 0 && has_default (schema, number))
    return scl_throw (error, SCL_ERROR_UNSUPPORTED,
                      "%s.%s: it has no %s, and the text of a manifest cannot say that; apply the manifest as it is",
                      where, key, part->list);
  return n == 0 || check_part_name (part, list, where, name, error);
}

static gboolean
check_object (const SclField *field, GObject *object, GError **error)
{
  g_autofree char *name = dup_name (object);
  g_autofree char *valid = g_utf8_make_valid (name, -1);
  g_autofree char *where = g_strdup_printf ("%s.%s", field->key, valid);

  for (guint part = 1; part <= field->items->n_parts; part++)
    if (!check_part (field->items, part, object, where, name, error))
      return FALSE;
  return TRUE;
}

static gboolean
check_field (const SclField *field, GObject *manifest, GError **error)
{
  g_autoptr (GListModel) list = NULL;

  if (field->type != SCL_VALUE_MAP)
    return TRUE;
  g_object_get (manifest, field->property, &list, NULL);
  for (guint i = 0; list != NULL && i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (GObject) object = g_list_model_get_item (list, i);

      if (!check_object (field, object, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
can_be_said (SclManifest *manifest, GError **error)
{
  for (const SclField *field = _scl_manifest_schema.fields; field->key != NULL; field++)
    if (!check_field (field, G_OBJECT (manifest), error))
      return FALSE;
  return TRUE;
}

/* --- text --- */

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
_scl_write (SclManifest *manifest, SclManifestFormat format, GError **error)
{
  g_autoptr (SclNode) root = NULL;
  g_autoptr (JsonBuilder) builder = NULL;

  if (!can_be_said (manifest, error))
    return NULL;
  root = new_object_node (&_scl_manifest_schema, G_OBJECT (manifest), FALSE);
  if (format == SCL_MANIFEST_FORMAT_YAML)
    return _scl_yaml_write (root);
  builder = json_builder_new ();
  add_json (builder, root);
  return _scl_write_json (builder);
}
