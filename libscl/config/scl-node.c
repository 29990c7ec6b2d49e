/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/scl-node-private.h"
#include <string.h>

SclSource *
_scl_source_new (const char *name, const char *base_dir, GBytes *bytes, guint number)
{
  SclSource *self = g_new0 (SclSource, 1);

  self->name = g_strdup (name);
  self->base_dir = g_strdup (base_dir);
  self->bytes = g_bytes_ref (bytes);
  self->number = number;
  return self;
}

void
_scl_source_free (SclSource *self)
{
  g_free (self->name);
  g_free (self->base_dir);
  g_free (self->member);
  g_bytes_unref (self->bytes);
  g_clear_pointer (&self->origins, g_variant_unref);
  g_free (self);
}

SclOrigin
_scl_place_origin (SclPlace place)
{
  SclOrigin origin = { NULL, place.line, place.column };
  const char *file = "";

  if (place.source == NULL)
    return origin;
  origin.file = place.source->name;
  if (place.source->origins == NULL)
    return origin;
  origin.line = origin.column = 0;
  if (place.line > 0 && place.line <= g_variant_n_children (place.source->origins))
    g_variant_get_child (place.source->origins, place.line - 1, "(&suu)", &file, &origin.line,
                         &origin.column);
  if (*file != '\0')
    origin.file = file;
  return origin;
}

char *
_scl_place_describe (SclPlace place)
{
  SclOrigin origin = _scl_place_origin (place);

  if (origin.line == 0)
    return g_strdup (origin.file == NULL ? "" : origin.file);
  return g_strdup_printf ("%s:%u:%u", origin.file, origin.line, origin.column);
}

static void
node_free (gpointer node)
{
  _scl_node_free (node);
}

SclNode *
_scl_node_new (SclNodeKind kind, SclPlace place)
{
  SclNode *self = g_new0 (SclNode, 1);

  self->kind = kind;
  self->place = place;
  if (kind == SCL_NODE_MAP)
    self->keys = g_ptr_array_new_with_free_func (node_free);
  if (kind == SCL_NODE_MAP || kind == SCL_NODE_LIST)
    self->values = g_ptr_array_new_with_free_func (node_free);
  return self;
}

SclNode *
_scl_node_new_scalar (const char *text, gsize length, gboolean plain, SclPlace place)
{
  SclNode *self = _scl_node_new (SCL_NODE_SCALAR, place);

  self->text = g_strndup (text, length);
  self->plain = plain;
  return self;
}

void
_scl_node_free (SclNode *self)
{
  g_free (self->text);
  g_clear_pointer (&self->keys, g_ptr_array_unref);
  g_clear_pointer (&self->values, g_ptr_array_unref);
  g_free (self);
}

void
_scl_node_add_pair (SclNode *map, SclNode *key, SclNode *value)
{
  g_ptr_array_add (map->keys, key);
  g_ptr_array_add (map->values, value);
}

void
_scl_node_add_item (SclNode *list, SclNode *item)
{
  item->position = list->values->len;
  g_ptr_array_add (list->values, item);
}

void
_scl_node_drop_broken (SclNode *self)
{
  guint n = self->values->len;
  g_autofree gpointer *values = g_ptr_array_steal (self->values, NULL);
  g_autofree gpointer *keys = self->keys == NULL ? NULL : g_ptr_array_steal (self->keys, NULL);

  for (guint i = 0; i < n; i++)
    {
      const SclNode *judged = keys == NULL ? values[i] : keys[i];
      gboolean broken = judged->kind == SCL_NODE_BROKEN;

      if (!broken && keys != NULL)
        _scl_node_add_pair (self, keys[i], values[i]);
      if (!broken && keys == NULL)
        g_ptr_array_add (self->values, values[i]);
      if (broken)
        _scl_node_free (values[i]);
      if (broken && keys != NULL)
        _scl_node_free (keys[i]);
    }
}

SclNode *
_scl_node_lookup (SclNode *map, const char *key)
{
  for (guint i = 0; i < map->keys->len; i++)
    if (strcmp (((SclNode *) map->keys->pdata[i])->text, key) == 0)
      return map->values->pdata[i];
  return NULL;
}

static const char *
skip_digits (const char *at)
{
  while (g_ascii_isdigit (*at))
    at++;
  return at;
}

/* [-+]? ( digits [. digits?] | . digits ) ( [eE] [-+]? digits )? */
static gboolean
is_decimal (const char *at)
{
  const char *whole = at;
  const char *end = skip_digits (at);
  gboolean digits = end > whole;

  if (*end == '.')
    {
      whole = end + 1;
      end = skip_digits (whole);
      digits = digits || end > whole;
    }
  if (!digits)
    return FALSE;
  if (*end != 'e' && *end != 'E')
    return *end == '\0';
  end += end[1] == '-' || end[1] == '+' ? 2 : 1;
  return g_ascii_isdigit (*end) && *skip_digits (end) == '\0';
}

static gboolean
is_number (const char *text)
{
  static const char *const words[] = { ".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN", NULL };
  const char *at = *text == '-' || *text == '+' ? text + 1 : text;

  if (g_str_has_prefix (text, "0x"))
    return text[2] != '\0' && text[2 + strspn (text + 2, "0123456789abcdefABCDEF")] == '\0';
  if (g_str_has_prefix (text, "0o"))
    return text[2] != '\0' && text[2 + strspn (text + 2, "01234567")] == '\0';
  return is_decimal (at) || g_strv_contains (words, at);
}

SclScalarKind
_scl_node_scalar_kind (const SclNode *self)
{
  static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
  static const char *const bools[] = { "true", "True", "TRUE", "false", "False", "FALSE", NULL };

  if (!self->plain)
    return SCL_SCALAR_TEXT;
  if (g_strv_contains (nulls, self->text))
    return SCL_SCALAR_NULL;
  if (g_strv_contains (bools, self->text))
    return SCL_SCALAR_BOOL;
  return is_number (self->text) ? SCL_SCALAR_NUMBER : SCL_SCALAR_TEXT;
}

gboolean
_scl_node_is_null (const SclNode *self)
{
  return self->kind == SCL_NODE_SCALAR && _scl_node_scalar_kind (self) == SCL_SCALAR_NULL;
}

const char *
_scl_node_describe (const SclNode *self)
{
  static const char *const scalars[] = { "text", "null", "true or false", "a number" };

  if (self->kind == SCL_NODE_LIST)
    return "a list";
  if (self->kind == SCL_NODE_MAP)
    return "a map";
  return scalars[_scl_node_scalar_kind (self)];
}

char *
_scl_path_key (const char *path, const char *key)
{
  return *path == '\0' ? g_strdup (key) : g_strconcat (path, ".", key, NULL);
}

char *
_scl_path_item (const char *path, guint index)
{
  return g_strdup_printf ("%s[%u]", path, index);
}

static void
walk (SclNode *node, const char *path, const char *shown, SclNodeVisitor visitor, gpointer data)
{
  for (guint i = 0; node->values != NULL && i < node->values->len; i++)
    {
      SclNode *key = node->keys == NULL ? NULL : node->keys->pdata[i];
      SclNode *value = node->values->pdata[i];
      g_autofree char *child
          = key == NULL ? _scl_path_item (path, i) : _scl_path_key (path, key->text);
      g_autofree char *child_shown = key == NULL ? _scl_path_item (shown, value->position)
                                                 : _scl_path_key (shown, key->text);

      visitor (child, child_shown, key, value, data);
      walk (value, child, child_shown, visitor, data);
    }
}

void
_scl_node_walk (SclNode *root, SclNodeVisitor visitor, gpointer data)
{
  walk (root, "", "", visitor, data);
}
