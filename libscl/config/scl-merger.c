/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/scl-merger-private.h"
#include "config/scl-suggest-private.h"
#include <string.h>

typedef struct
{
  SclNode *root;
  GHashTable *objects; /* path -> key node of a named object */
  SclReport *report;
} Merger;

/* What is meant by an unknown key: what other programs mean by it, else the key nearest to it. NULL
 * where nothing, or another thing than a key, is meant. */
static const char *
find_meant (const SclObjectSchema *schema, const char *const *keys, const char *word)
{
  const SclField *synonym = _scl_schema_lookup_synonym (schema, word);

  if (synonym != NULL)
    return synonym->key;
  return _scl_schema_advise (schema, word) != NULL ? NULL : _scl_suggest (word, keys);
}

static void
report_unknown (SclNode *key, const SclObjectSchema *schema, const char *const *keys,
                const char *meant, const char *path, SclReport *report)
{
  g_autofree char *key_path = _scl_path_key (path, key->text);
  g_autofree char *known = g_strjoinv (", ", (char **) keys);
  const char *advice = _scl_schema_advise (schema, key->text);

  if (meant == NULL && advice != NULL)
    _scl_report_error (report, key->place, key_path, "unknown key; %s", advice);
  else if (meant != NULL)
    _scl_report_add (report, SCL_SEVERITY_ERROR, key->place, key_path, meant, "unknown key");
  else
    _scl_report_error (report, key->place, key_path, "unknown key; the known ones are %s", known);
}

void
_scl_merge_correct_keys (SclNode *map, const SclObjectSchema *schema, const char *path,
                         SclReport *report)
{
  g_autofree const char **keys = _scl_schema_keys (schema);

  for (guint i = 0; i < map->keys->len; i++)
    {
      SclNode *key = map->keys->pdata[i];
      const char *meant;

      if (_scl_schema_lookup (schema, key->text) != NULL)
        continue;
      meant = find_meant (schema, keys, key->text);
      report_unknown (key, schema, keys, meant, path, report);
      if (meant != NULL && _scl_node_lookup (map, meant) == NULL)
        {
          g_free (key->text);
          key->text = g_strdup (meant);
          continue;
        }
      key->kind = SCL_NODE_BROKEN;
    }
  _scl_node_drop_broken (map);
}

static void
merge_objects (Merger *self, SclNode *into, SclNode *from, const SclField *field)
{
  guint n = from->keys->len;
  g_autofree gpointer *keys = g_ptr_array_steal (from->keys, NULL);
  g_autofree gpointer *values = g_ptr_array_steal (from->values, NULL);

  for (guint i = 0; i < n; i++)
    {
      SclNode *key = keys[i];
      SclNode *value = values[i];
      g_autofree char *path = _scl_path_key (field->key, key->text);
      SclNode *first = g_hash_table_lookup (self->objects, path);
      g_autofree char *place = first == NULL ? NULL : _scl_place_describe (first->place);

      if (first == NULL)
        {
          g_hash_table_insert (self->objects, g_steal_pointer (&path), key);
          _scl_node_add_pair (into, key, value);
          continue;
        }
      _scl_report_error (self->report, key->place, path,
                         "the %s is declared in two files; the other place is %s",
                         field->items->noun, place);
      _scl_node_free (key);
      _scl_node_free (value);
    }
  self->root->damaged = self->root->damaged || from->damaged;
}

static void
merge_values (Merger *self, SclNode *first, SclNode *second, SclNode *key)
{
  g_autofree char *place = NULL;

  if (first->kind == SCL_NODE_SCALAR && second->kind == SCL_NODE_SCALAR
      && first->plain == second->plain && strcmp (first->text, second->text) == 0)
    return;
  place = _scl_place_describe (first->place);
  _scl_report_error (self->report, second->place, key->text,
                     "has another value in another file; the other place is %s", place);
}

/* FALSE: nothing to merge. */
static gboolean
check_value (Merger *self, const SclField *field, SclNode *value)
{
  if (value->kind == SCL_NODE_BROKEN)
    self->root->damaged = TRUE;
  if (value->kind == SCL_NODE_BROKEN || _scl_node_is_null (value))
    return FALSE;
  if (field->type != SCL_VALUE_MAP || value->kind == SCL_NODE_MAP)
    return TRUE;
  _scl_report_error (self->report, value->place, field->key,
                     "expected a map of %ss by name, found %s", field->items->noun,
                     _scl_node_describe (value));
  self->root->damaged = TRUE;
  return FALSE;
}

/* Takes KEY and VALUE over. */
static void
merge_pair (Merger *self, SclNode *key, SclNode *value)
{
  const SclField *field = _scl_schema_lookup (&_scl_manifest_schema, key->text);
  SclNode *first = _scl_node_lookup (self->root, key->text);

  if (!check_value (self, field, value))
    ;
  else if (field->type == SCL_VALUE_MAP)
    {
      if (first == NULL)
        {
          first = _scl_node_new (SCL_NODE_MAP, value->place);
          _scl_node_add_pair (
              self->root, _scl_node_new_scalar (key->text, strlen (key->text), TRUE, key->place),
              first);
        }
      merge_objects (self, first, value, field);
    }
  else if (first != NULL)
    merge_values (self, first, value, key);
  else
    {
      _scl_node_add_pair (self->root, key, value);
      return;
    }
  _scl_node_free (key);
  _scl_node_free (value);
}

static void
merge_root (Merger *self, SclNode *root)
{
  if (root->kind != SCL_NODE_MAP)
    {
      if (root->kind != SCL_NODE_BROKEN)
        _scl_report_error (
            self->report, root->place, "",
            "expected a map with keys such as virtualMachines and networks, found %s",
            _scl_node_describe (root));
      self->root->damaged = TRUE;
      return;
    }
  _scl_merge_correct_keys (root, &_scl_manifest_schema, "", self->report);
  self->root->damaged = self->root->damaged || root->damaged;
  for (guint n = root->keys->len; n > 0; n--)
    merge_pair (self, g_ptr_array_steal_index (root->keys, 0),
                g_ptr_array_steal_index (root->values, 0));
}

SclNode *
_scl_merge (GPtrArray *roots, SclReport *report)
{
  Merger self = { .report = report };
  SclPlace place = roots->len == 0 ? (SclPlace){ 0 } : ((SclNode *) roots->pdata[0])->place;

  self.root = _scl_node_new (SCL_NODE_MAP, place);
  self.objects = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < roots->len; i++)
    merge_root (&self, roots->pdata[i]);
  g_hash_table_unref (self.objects);
  return self.root;
}
