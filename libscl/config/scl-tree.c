/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/scl-tree-private.h"
#include "config/scl-text-private.h"
#include <string.h>

typedef struct
{
  SclNode *node;
  SclNode *key;     /* that waits for its value */
  GHashTable *seen; /* key text -> key */
  gboolean broken;
} Frame;

struct _SclTree
{
  SclReport *report;
  SclNode *root;
  Frame frames[SCL_INPUT_MAX_DEPTH];
  guint depth;
  guint n_nodes;
};

SclTree *
_scl_tree_new (SclReport *report)
{
  SclTree *self = g_new0 (SclTree, 1);

  self->report = report;
  return self;
}

static void
frame_clear (Frame *frame)
{
  g_clear_pointer (&frame->node, _scl_node_free);
  g_clear_pointer (&frame->key, _scl_node_free);
  g_clear_pointer (&frame->seen, g_hash_table_unref);
  frame->broken = FALSE;
}

void
_scl_tree_free (SclTree *self)
{
  while (self->depth > 0)
    frame_clear (&self->frames[--self->depth]);
  g_clear_pointer (&self->root, _scl_node_free);
  g_free (self);
}

SclNode *
_scl_tree_steal_root (SclTree *self)
{
  return g_steal_pointer (&self->root);
}

static Frame *
top (SclTree *self)
{
  return self->depth == 0 ? NULL : &self->frames[self->depth - 1];
}

static gboolean
wants_key (SclTree *self)
{
  Frame *frame = top (self);

  return frame != NULL && frame->node->kind == SCL_NODE_MAP && frame->key == NULL;
}

gboolean
_scl_tree_drops_value (SclTree *self)
{
  Frame *frame = top (self);

  return frame != NULL && frame->key != NULL && frame->key->kind == SCL_NODE_BROKEN;
}

char *
_scl_tree_path (SclTree *self)
{
  g_autofree char *path = g_strdup ("");

  for (guint i = 0; i < self->depth; i++)
    {
      Frame *frame = &self->frames[i];
      g_autofree char *around = g_steal_pointer (&path);

      if (frame->node->kind == SCL_NODE_LIST)
        path = _scl_path_item (around, frame->node->values->len);
      else if (frame->key != NULL && frame->key->kind == SCL_NODE_SCALAR)
        path = _scl_path_key (around, frame->key->text);
      else
        path = g_steal_pointer (&around);
    }
  return g_steal_pointer (&path);
}

void
_scl_tree_report (SclTree *self, SclPlace place, const char *message)
{
  g_autofree char *path = _scl_tree_path (self);

  if (_scl_tree_drops_value (self))
    return;
  /* A wrong key does not make the object around it wrong. */
  if (wants_key (self))
    _scl_report_add_at (self->report, place, path, message);
  else
    _scl_report_error (self->report, place, path, "%s", message);
}

static void
add_pair (SclTree *self, Frame *frame, SclNode *value)
{
  SclNode *key = g_steal_pointer (&frame->key);
  SclNode *first = NULL;

  if (key->kind == SCL_NODE_SCALAR)
    first = g_hash_table_lookup (frame->seen, key->text);
  if (first != NULL)
    {
      g_autofree char *around = _scl_tree_path (self);
      g_autofree char *path = _scl_path_key (around, key->text);

      _scl_report_error (self->report, key->place, path,
                         "duplicate key; it is given at %u:%u already", first->place.line,
                         first->place.column);
    }
  if (key->kind == SCL_NODE_BROKEN)
    frame->node->damaged = TRUE;
  if (key->kind == SCL_NODE_BROKEN || first != NULL)
    {
      _scl_node_free (key);
      _scl_node_free (value);
      return;
    }
  g_hash_table_insert (frame->seen, key->text, key);
  _scl_node_add_pair (frame->node, key, value);
}

static void
put (SclTree *self, SclNode *node)
{
  Frame *frame = top (self);

  if (frame == NULL)
    {
      g_clear_pointer (&self->root, _scl_node_free);
      self->root = node;
    }
  else if (frame->node->kind == SCL_NODE_LIST)
    _scl_node_add_item (frame->node, node);
  else if (frame->key == NULL)
    frame->key = node;
  else
    add_pair (self, frame, node);
}

static gboolean
count (SclTree *self, SclPlace place)
{
  if (++self->n_nodes <= SCL_INPUT_MAX_NODES)
    return TRUE;
  _scl_report_syntax (self->report, place, "more than %u values and keys in one file",
                      SCL_INPUT_MAX_NODES);
  return FALSE;
}

gboolean
_scl_tree_begin (SclTree *self, SclNodeKind kind, SclPlace place)
{
  if (!count (self, place))
    return FALSE;
  if (self->depth == SCL_INPUT_MAX_DEPTH)
    {
      _scl_report_syntax (self->report, place, "nested deeper than %u levels", SCL_INPUT_MAX_DEPTH);
      return FALSE;
    }
  if (wants_key (self))
    _scl_tree_report (self, place,
                      kind == SCL_NODE_MAP ? "a key must be text, not a map"
                                           : "a key must be text, not a list");
  self->frames[self->depth].node = _scl_node_new (kind, place);
  if (kind == SCL_NODE_MAP)
    self->frames[self->depth].seen = g_hash_table_new (g_str_hash, g_str_equal);
  self->depth++;
  return TRUE;
}

void
_scl_tree_end (SclTree *self)
{
  Frame *frame = top (self);
  SclNode *node = g_steal_pointer (&frame->node);
  gboolean broken = frame->broken;

  frame_clear (frame);
  self->depth--;
  if (broken || wants_key (self))
    node->kind = SCL_NODE_BROKEN;
  put (self, node);
}

void
_scl_tree_break (SclTree *self)
{
  top (self)->broken = TRUE;
}

gboolean
_scl_tree_broken (SclTree *self, SclPlace place)
{
  put (self, _scl_node_new (SCL_NODE_BROKEN, place));
  return count (self, place);
}

static gboolean
check_length (SclTree *self, gsize length, gboolean is_key, SclPlace place)
{
  gsize max = is_key ? SCL_INPUT_MAX_KEY : SCL_INPUT_MAX_SCALAR;

  if (length <= max)
    return TRUE;
  _scl_report_syntax (self->report, place, "%s is longer than %" G_GSIZE_FORMAT " bytes",
                      is_key ? "a key" : "a value", max);
  return FALSE;
}

/* NULL, or what is wrong with a scalar wherever it stands. */
static char *
check_scalar (const char *text, gsize length, gboolean is_key)
{
  gboolean found;
  gunichar control = _scl_text_find_control (text, length, &found);

  if (control == '\n')
    return g_strdup_printf ("%s contains a line break", is_key ? "a key" : "the value");
  if (found)
    return g_strdup_printf ("%s contains the control character U+%04X",
                            is_key ? "a key" : "the value", control);
  return NULL;
}

/* NULL, or why a scalar cannot be a key. */
static char *
check_key (SclNode *key)
{
  g_autofree char *quoted = NULL;

  if (key->plain && strcmp (key->text, "<<") == 0)
    return g_strdup ("merge keys (<<) are not accepted; write the keys out");
  if (key->plain && *key->text == '\0')
    return g_strdup ("a key is missing before the \":\"");
  if (_scl_node_scalar_kind (key) == SCL_SCALAR_TEXT)
    return NULL;
  quoted = _scl_text_quote (key->text);
  return g_strdup_printf ("a key must be text, not %s; put it in quotes: %s",
                          _scl_node_describe (key), quoted);
}

gboolean
_scl_tree_scalar (SclTree *self, const char *text, gsize length, gboolean plain, SclPlace place)
{
  gboolean is_key = wants_key (self);
  g_autoptr (SclNode) node = NULL;
  g_autofree char *problem = NULL;

  if (!count (self, place) || !check_length (self, length, is_key, place))
    return FALSE;
  problem = check_scalar (text, length, is_key);
  if (problem == NULL)
    {
      node = _scl_node_new_scalar (text, length, plain, place);
      problem = is_key ? check_key (node) : NULL;
    }
  if (problem == NULL)
    {
      put (self, g_steal_pointer (&node));
      return TRUE;
    }
  _scl_tree_report (self, place, problem);
  put (self, _scl_node_new (SCL_NODE_BROKEN, place));
  return TRUE;
}
