/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-backing-chain-private.h"
#include "base/scl-run-private.h"
#include "base/scl-throw-private.h"
#include <json-glib/json-glib.h>

#define TIMEOUT 10 /* seconds; only headers are read */

typedef struct
{
  SclPathFunc func;
  gpointer user_data;
} Walk;

static void walk_node (JsonNode *node, Walk *walk);

static void
walk_member (JsonObject *object, const char *name, JsonNode *node, gpointer user_data)
{
  walk_node (node, user_data);
}

static void
walk_element (JsonArray *array, guint index, JsonNode *node, gpointer user_data)
{
  walk_node (node, user_data);
}

/* Every path, whatever the format calls it: extents, data files. */
static void
walk_node (JsonNode *node, Walk *walk)
{
  if (JSON_NODE_HOLDS_OBJECT (node))
    json_object_foreach_member (json_node_get_object (node), walk_member, walk);
  else if (JSON_NODE_HOLDS_ARRAY (node))
    json_array_foreach_element (json_node_get_array (node), walk_element, walk);
  else if (json_node_get_value_type (node) == G_TYPE_STRING
           && g_path_is_absolute (json_node_get_string (node)))
    walk->func (json_node_get_string (node), walk->user_data);
}

static char *
dup_string (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);

  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_dup_string (node)
             : NULL;
}

/* No backing file is opened: it may be anywhere. */
static GBytes *
ask (const char *path, const char *format, GCancellable *cancellable, GError **error)
{
  const char *argv[] = { "qemu-img", "info", "-U", "--output=json", NULL, NULL, NULL, NULL };
  guint n = 4;

  if (format != NULL)
    {
      argv[n++] = "-f";
      argv[n++] = format;
    }
  argv[n] = path;
  return _scl_run_asked (argv, -1, TIMEOUT, cancellable, error);
}

gboolean
_scl_image_info_read (const char *path, const char *format, SclPathFunc func, gpointer user_data,
                      SclBackingFile *out_backing, GCancellable *cancellable, GError **error)
{
  Walk walk = { func, user_data };
  g_autoptr (GBytes) bytes = ask (path, format, cancellable, error);
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  JsonNode *root = NULL;
  JsonObject *object;

  if (bytes == NULL)
    return FALSE;
  if (json_parser_load_from_data (parser, g_bytes_get_data (bytes, NULL),
                                  (gssize) g_bytes_get_size (bytes), NULL))
    root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return scl_throw (error, SCL_ERROR_BACKEND, "qemu-img's answer cannot be read");
  walk_node (root, &walk);
  object = json_node_get_object (root);
  out_backing->name = dup_string (object, "full-backing-filename");
  out_backing->format = dup_string (object, "backing-filename-format");
  return TRUE;
}
