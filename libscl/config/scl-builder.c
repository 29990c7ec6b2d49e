/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/scl-builder-private.h"
#include "config/scl-merger-private.h"
#include "config/scl-value-private.h"
#include "model/scl-list-private.h"
#include <scl/scl-forward-spec.h>
#include <string.h>

#define PROPERTIES_MAX 16

/* The properties of one object to be. */
typedef struct
{
  const char *names[PROPERTIES_MAX];
  GValue values[PROPERTIES_MAX];
  guint n;
} Properties;

typedef struct
{
  const SclObjectSchema *schema;
  const char *name; /* NULL: the manifest itself */
  const char *path;
  gboolean preset;
  SclNode *map; /* NULL: nothing is said */
  SclPlace place;
  SclReport *report;
  Properties parts[SCL_PARTS_MAX + 1];
  GPtrArray *forwards; /* of both protocols */
} Object;

static GObject *build_object (const SclObjectSchema *schema, const char *name, const char *path,
                              gboolean preset, SclNode *map, SclPlace place, SclReport *report);

static GValue *
add_property (Properties *properties, const char *name)
{
  g_assert (properties->n < PROPERTIES_MAX);
  properties->names[properties->n] = name;
  return &properties->values[properties->n++];
}

static void
add_string (Properties *properties, const char *property, const char *text)
{
  GValue *value = add_property (properties, property);

  g_value_init (value, G_TYPE_STRING);
  g_value_set_string (value, text);
}

static void
add_list (Properties *properties, const char *property, GType item_type, GPtrArray *items)
{
  GValue *value = add_property (properties, property);

  g_value_init (value, G_TYPE_LIST_MODEL);
  g_value_take_object (value, _scl_list_new (item_type, items));
}

static GObject *
make (GType type, Properties *properties)
{
  GObject *object
      = g_object_new_with_properties (type, properties->n, properties->names, properties->values);

  for (guint i = 0; i < properties->n; i++)
    g_value_unset (&properties->values[i]);
  return object;
}

static void
set_value (Object *self, const SclField *field, const SclNode *node, const char *path)
{
  GValue value = G_VALUE_INIT;

  if (!_scl_value_parse (field, node, path, self->report, &value))
    return;
  if (field->property == NULL)
    g_value_unset (&value);
  else
    *add_property (&self->parts[field->part], field->property) = value;
}

/* The text of the tables goes the way of the user's text. */
static void
set_default (Object *self, const SclField *field, const char *path)
{
  const char *text = self->preset && field->preset != NULL ? field->preset : field->fallback;
  SclNode node
      = { .kind = SCL_NODE_SCALAR, .plain = TRUE, .place = self->place, .text = (char *) text };

  if (text != NULL)
    set_value (self, field, &node, path);
  else if (field->required && (self->map == NULL || !self->map->damaged))
    _scl_report_error (self->report, self->place, path, "is missing: the %s needs it, e.g. %s: %s",
                       self->schema->noun, field->key, field->example);
}

static void
set_forwards (Object *self, const SclField *field, SclNode *list, const char *path)
{
  if (list->kind != SCL_NODE_LIST)
    {
      _scl_report_error (self->report, list->place, path,
                         "expected a list such as [\"%s\"], found %s", field->example,
                         _scl_node_describe (list));
      return;
    }
  for (guint i = 0; i < list->values->len; i++)
    {
      SclNode *item = list->values->pdata[i];
      g_autofree char *item_path = _scl_path_item (path, item->position);
      g_auto (GValue) value = G_VALUE_INIT;

      if (item->kind != SCL_NODE_BROKEN
          && _scl_value_parse (field, item, item_path, self->report, &value))
        g_ptr_array_add (self->forwards, g_value_dup_object (&value));
      else
        item->kind = SCL_NODE_BROKEN;
    }
  _scl_node_drop_broken (list);
}

static int
compare_names (gconstpointer a, gconstpointer b, gpointer data)
{
  GPtrArray *keys = data;

  return strcmp (((SclNode *) keys->pdata[*(const guint *) a])->text,
                 ((SclNode *) keys->pdata[*(const guint *) b])->text);
}

/* Null is how the preset object is switched off, and nothing else. An empty value is null too by
 * the rules of YAML, but easily an accident. */
static gboolean
is_switched_off (Object *self, const SclField *field, SclNode *key, SclNode *value,
                 const char *path)
{
  gboolean preset = g_strcmp0 (key->text, field->preset_name) == 0;
  gboolean written;

  if (!_scl_node_is_null (value))
    return FALSE;
  written = *value->text != '\0';
  if (preset && !written)
    _scl_report_error (self->report, value->place, path,
                       "is empty; write null to switch the %s off, or {} for its defaults",
                       field->items->noun);
  else if (!preset && field->preset_name != NULL)
    _scl_report_error (self->report, value->place, path,
                       "only the %s \"%s\" can be null; leave another one out to remove it",
                       field->items->noun, field->preset_name);
  else if (!preset)
    _scl_report_error (self->report, value->place, path, "is null; leave the %s out to remove it",
                       field->items->noun);
  return preset && written;
}

static void
build_item (Object *self, const SclField *field, SclNode *key, SclNode *value, GPtrArray *items)
{
  g_autofree char *path = _scl_path_key (field->key, key->text);
  gboolean preset = g_strcmp0 (key->text, field->preset_name) == 0;
  gboolean is_map = value->kind == SCL_NODE_MAP;

  if (is_switched_off (self, field, key, value, path))
    return;
  if (!is_map && value->kind != SCL_NODE_BROKEN && !_scl_node_is_null (value))
    _scl_report_error (self->report, value->place, path,
                       "expected a map with the keys of a %s, found %s", field->items->noun,
                       _scl_node_describe (value));
  if (is_map)
    g_ptr_array_add (items, build_object (field->items, key->text, path, preset, value, key->place,
                                          self->report));
  else
    {
      /* The name is known to the rest; what it lacks was reported. */
      g_autoptr (SclNode) nothing = _scl_node_new (SCL_NODE_MAP, value->place);

      nothing->damaged = TRUE;
      g_ptr_array_add (items, build_object (field->items, key->text, path, preset, nothing,
                                            key->place, self->report));
    }
}

static void
set_map (Object *self, const SclField *field, SclNode *map)
{
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func (g_object_unref);
  guint n = map == NULL ? 0 : map->keys->len;
  g_autofree guint *order = g_new (guint, n + 1);

  if (field->preset_name != NULL
      && (map == NULL || _scl_node_lookup (map, field->preset_name) == NULL))
    {
      g_autofree char *path = _scl_path_key (field->key, field->preset_name);

      g_ptr_array_add (items, build_object (field->items, field->preset_name, path, TRUE, NULL,
                                            self->place, self->report));
    }
  for (guint i = 0; i < n; i++)
    order[i] = i;
  if (n > 0)
    g_qsort_with_data (order, (int) n, sizeof *order, compare_names, map->keys);
  for (guint i = 0; i < n; i++)
    build_item (self, field, map->keys->pdata[order[i]], map->values->pdata[order[i]], items);
  add_list (&self->parts[0], field->property, field->items->get_type (), items);
}

static void
set_field (Object *self, const SclField *field)
{
  g_autofree char *path = _scl_path_key (self->path, field->key);
  SclNode *node = self->map == NULL ? NULL : _scl_node_lookup (self->map, field->key);
  gboolean absent = node == NULL || _scl_node_is_null (node);

  if (field->type == SCL_VALUE_MAP)
    set_map (self, field, absent ? NULL : node);
  else if (node != NULL && node->kind == SCL_NODE_BROKEN)
    return;
  else if (absent && field->type != SCL_VALUE_FORWARDS)
    set_default (self, field, path);
  else if (!absent && field->type == SCL_VALUE_FORWARDS)
    set_forwards (self, field, node, path);
  else if (!absent)
    set_value (self, field, node, path);
}

static GObject *
finish (Object *self)
{
  const SclObjectSchema *schema = self->schema;

  if (schema->named)
    add_string (&self->parts[0], "name", self->name);
  if (self->forwards != NULL)
    add_list (&self->parts[0], "forwards", SCL_TYPE_FORWARD_SPEC, self->forwards);
  for (guint i = 0; i < schema->n_parts; i++)
    {
      const SclPart *part = &schema->parts[i];
      g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func (g_object_unref);

      if (part->name_property != NULL)
        add_string (&self->parts[i + 1], part->name_property, self->name);
      g_ptr_array_add (items, make (part->get_type (), &self->parts[i + 1]));
      add_list (&self->parts[0], part->list, part->get_type (), items);
    }
  return make (schema->get_type (), &self->parts[0]);
}

static GObject *
build_object (const SclObjectSchema *schema, const char *name, const char *path, gboolean preset,
              SclNode *map, SclPlace place, SclReport *report)
{
  Object self = { .schema = schema,
                  .name = name,
                  .path = path,
                  .preset = preset,
                  .map = map,
                  .place = place,
                  .report = report };
  g_autoptr (GPtrArray) forwards = g_ptr_array_new_with_free_func (g_object_unref);

  if (map != NULL)
    _scl_merge_correct_keys (map, schema, path, report);
  for (const SclField *field = schema->fields; field->key != NULL; field++)
    if (field->type == SCL_VALUE_FORWARDS)
      self.forwards = forwards;
  for (const SclField *field = schema->fields; field->key != NULL; field++)
    set_field (&self, field);
  return finish (&self);
}

SclManifest *
_scl_build (SclNode *root, SclReport *report)
{
  return SCL_MANIFEST (
      build_object (&_scl_manifest_schema, NULL, "", FALSE, root, root->place, report));
}
