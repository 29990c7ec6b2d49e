/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scl-nix-tree.h"

static void
place_free (gpointer data)
{
  NixPlace *place = data;

  if (place == NULL)
    return;
  g_free (place->file);
  g_free (place);
}

void
nix_tree_free (NixTree *self)
{
  g_string_free (self->text, TRUE);
  g_ptr_array_unref (self->places);
  g_hash_table_unref (self->references);
  g_free (self);
}

static NixPlace *
place_copy (const NixPlace *place)
{
  NixPlace *copy;

  if (place == NULL)
    return NULL;
  copy = g_new0 (NixPlace, 1);
  *copy = *place;
  copy->file = g_strdup (place->file);
  return copy;
}

/* Of the node itself, else of what it is in. */
static NixPlace *
place_of (NixTree *self, JsonObject *node, const NixPlace *around)
{
  JsonNode *at = json_object_get_member (node, "at");
  g_autofree char *file = NULL;
  JsonArray *array;
  NixPlace *place;

  if (at == NULL || !JSON_NODE_HOLDS_ARRAY (at))
    return place_copy (around);
  array = json_node_get_array (at);
  file = nix_source_show (self->source, json_array_get_string_element (array, 0));
  if (file == NULL)
    return place_copy (around);
  place = g_new0 (NixPlace, 1);
  place->file = g_steal_pointer (&file);
  place->line = (guint) json_array_get_int_element (array, 1);
  place->column = (guint) json_array_get_int_element (array, 2);
  return place;
}

static void
append_node (NixTree *self, JsonNode *value)
{
  g_autofree char *text = json_to_string (value, FALSE);

  g_string_append (self->text, text);
}

static void
append_string (NixTree *self, const char *string)
{
  g_autoptr (JsonNode) node = json_node_init_string (json_node_alloc (), string);

  append_node (self, node);
}

/* What comes next is on a line of its own, from PLACE. */
static void
begin_line (NixTree *self, const NixPlace *place)
{
  g_string_append_c (self->text, '\n');
  g_ptr_array_add (self->places, place_copy (place));
}

static void write_node (NixTree *self, JsonNode *node, const NixPlace *around, const char *key);

static void
write_map (NixTree *self, JsonObject *attrs, const NixPlace *place)
{
  g_autoptr (GList) names = json_object_get_members (attrs);

  g_string_append_c (self->text, '{');
  for (GList *at = names; at != NULL; at = at->next)
    {
      write_node (self, json_object_get_member (attrs, at->data), place, at->data);
      if (at->next != NULL)
        g_string_append_c (self->text, ',');
    }
  if (names != NULL)
    begin_line (self, place);
  g_string_append_c (self->text, '}');
}

static void
write_list (NixTree *self, JsonArray *items, const NixPlace *place)
{
  guint length = json_array_get_length (items);

  g_string_append_c (self->text, '[');
  for (guint i = 0; i < length; i++)
    {
      write_node (self, json_array_get_element (items, i), place, NULL);
      if (i + 1 < length)
        g_string_append_c (self->text, ',');
    }
  g_string_append_c (self->text, ']');
}

static void
write_file (NixTree *self, JsonObject *file)
{
  g_autofree char *path = nix_files_add (self->files, json_object_get_string_member (file, "name"),
                                         json_object_get_string_member (file, "content"));

  append_string (self, path);
}

static void
write_path (NixTree *self, const char *path)
{
  g_autofree char *real = nix_source_locate (self->source, path);

  append_string (self, real);
}

static void
take_references (NixTree *self, JsonArray *references)
{
  for (guint i = 0; i < json_array_get_length (references); i++)
    g_hash_table_add (self->references, g_strdup (json_array_get_string_element (references, i)));
}

static void
write_value (NixTree *self, JsonObject *node, const NixPlace *place)
{
  if (json_object_has_member (node, "refs"))
    take_references (self, json_object_get_array_member (node, "refs"));
  if (json_object_has_member (node, "attrs"))
    write_map (self, json_object_get_object_member (node, "attrs"), place);
  else if (json_object_has_member (node, "items"))
    write_list (self, json_object_get_array_member (node, "items"), place);
  else if (json_object_has_member (node, "file"))
    write_file (self, json_object_get_object_member (node, "file"));
  else if (json_object_has_member (node, "path"))
    write_path (self, json_object_get_string_member (node, "path"));
  else
    append_node (self, json_object_get_member (node, "value"));
}

static void
write_node (NixTree *self, JsonNode *node, const NixPlace *around, const char *key)
{
  JsonObject *object = json_node_get_object (node);
  NixPlace *place = place_of (self, object, around);

  begin_line (self, place);
  if (key != NULL)
    {
      append_string (self, key);
      g_string_append_c (self->text, ':');
    }
  write_value (self, object, place);
  place_free (place);
}

NixTree *
nix_tree_new (const NixSource *source, NixFiles *files, JsonNode *root)
{
  NixTree *self = g_new0 (NixTree, 1);
  NixPlace *place;

  self->source = source;
  self->files = files;
  self->text = g_string_new (NULL);
  self->places = g_ptr_array_new_with_free_func (place_free);
  self->references = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  place = place_of (self, json_node_get_object (root), NULL);
  g_ptr_array_add (self->places, place_copy (place));
  write_value (self, json_node_get_object (root), place);
  place_free (place);
  return self;
}
