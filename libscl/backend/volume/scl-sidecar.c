/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/volume/scl-sidecar-private.h"

#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include <fcntl.h>
#include <json-glib/json-glib.h>
#include <string.h>

#define SIDECAR_VERSION 1
#define SIDECAR_MAX (32u * 1024)
#define NS_PER_S G_GUINT64_CONSTANT (1000000000)

/* Unsigned, because a file may say any year. */
gint64
_scl_sidecar_mtime (const struct stat *info)
{
  return (gint64) ((guint64) info->st_mtim.tv_sec * NS_PER_S + (guint64) info->st_mtim.tv_nsec);
}

SclSidecar *
_scl_sidecar_new (const char *instance, const char *vm, const char *image, const struct stat *info)
{
  SclSidecar *self = g_new0 (SclSidecar, 1);

  self->id = g_uuid_string_random ();
  self->instance = g_strdup (instance);
  self->vm = g_strdup (vm);
  self->created = g_get_real_time () / G_USEC_PER_SEC;
  self->image = g_strdup (image);
  self->image_size = (guint64) info->st_size;
  self->image_mtime = _scl_sidecar_mtime (info);
  self->image_inode = (guint64) info->st_ino;
  return self;
}

SclSidecar *
_scl_sidecar_new_again (const char *instance, const char *vm, const char *image, const char *instance_id)
{
  const struct stat unknown = { 0 };
  SclSidecar *self = _scl_sidecar_new (instance, vm, image, &unknown);

  self->created = 0;
  self->instance_id = g_strdup (instance_id);
  return self;
}

void
_scl_sidecar_free (SclSidecar *self)
{
  g_free (self->instance_id);
  g_free (self->id);
  g_free (self->instance);
  g_free (self->vm);
  g_free (self->image);
  g_free (self);
}

static void
sidecar_set_int (JsonObject *object, const char *key, guint64 value)
{
  json_object_set_int_member (object, key, (gint64) value);
}

static JsonObject *
sidecar_image_object (SclSidecar *self)
{
  JsonObject *image = json_object_new ();

  json_object_set_string_member (image, "path", self->image);
  sidecar_set_int (image, "size", self->image_size);
  sidecar_set_int (image, "mtimeNs", (guint64) self->image_mtime);
  sidecar_set_int (image, "inode", self->image_inode);
  return image;
}

static JsonObject *
sidecar_pending_object (SclSidecar *self)
{
  JsonObject *pending = json_object_new ();

  sidecar_set_int (pending, "inode", self->file_inode);
  sidecar_set_int (pending, "bornNs", (guint64) self->file_born);
  return pending;
}

GBytes *
_scl_sidecar_to_bytes (SclSidecar *self)
{
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  g_autoptr (GDateTime) created = g_date_time_new_from_unix_utc (self->created);
  g_autofree char *created_text = g_date_time_format_iso8601 (created);
  JsonObject *object = json_object_new ();
  g_autofree char *text = NULL;

  sidecar_set_int (object, "version", SIDECAR_VERSION);
  json_object_set_string_member (object, "id", self->id);
  if (self->instance != NULL)
    json_object_set_string_member (object, "instance", self->instance);
  if (self->vm != NULL)
    json_object_set_string_member (object, "vm", self->vm);
  if (self->instance_id != NULL)
    json_object_set_string_member (object, "instanceId", self->instance_id);
  json_object_set_string_member (object, "created", created_text);
  json_object_set_object_member (object, "image", sidecar_image_object (self));
  if (self->pending)
    json_object_set_object_member (object, "pending", sidecar_pending_object (self));
  json_node_take_object (root, object);
  text = json_to_string (root, TRUE);
  return g_bytes_new_take (g_strconcat (text, "\n", NULL), strlen (text) + 1);
}

/* NULL if there is no such member or it has another type; json-glib would only warn. */
static JsonNode *
sidecar_get (JsonObject *object, const char *key, GType type)
{
  JsonNode *node = json_object_get_member (object, key);

  return node != NULL && json_node_get_value_type (node) == type ? node : NULL;
}

static const char *
sidecar_get_string (JsonObject *object, const char *key)
{
  JsonNode *node = sidecar_get (object, key, G_TYPE_STRING);

  return node != NULL ? json_node_get_string (node) : NULL;
}

static gboolean
sidecar_get_int (JsonObject *object, const char *key, gint64 *out_value)
{
  JsonNode *node = sidecar_get (object, key, G_TYPE_INT64);

  *out_value = node != NULL ? json_node_get_int (node) : 0;
  return node != NULL;
}

static JsonObject *
sidecar_get_object (JsonObject *object, const char *key)
{
  JsonNode *node = json_object_get_member (object, key);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static gboolean
sidecar_parse_image (SclSidecar *self, JsonObject *object)
{
  JsonObject *image = sidecar_get_object (object, "image");
  gint64 size;
  gint64 inode;

  if (image == NULL || sidecar_get_string (image, "path") == NULL
      || !sidecar_get_int (image, "size", &size)
      || !sidecar_get_int (image, "mtimeNs", &self->image_mtime)
      || !sidecar_get_int (image, "inode", &inode))
    return FALSE;
  self->image = g_strdup (sidecar_get_string (image, "path"));
  self->image_size = (guint64) size;
  self->image_inode = (guint64) inode;
  return TRUE;
}

static void
sidecar_parse_pending (SclSidecar *self, JsonObject *object)
{
  JsonObject *pending = sidecar_get_object (object, "pending");
  gint64 inode;

  self->pending = json_object_has_member (object, "pending");
  if (pending == NULL || !sidecar_get_int (pending, "inode", &inode)
      || !sidecar_get_int (pending, "bornNs", &self->file_born))
    return;
  self->file_inode = (guint64) inode;
}

static gboolean
sidecar_parse (SclSidecar *self, JsonObject *object)
{
  const char *created = sidecar_get_string (object, "created");
  g_autoptr (GDateTime) time
      = created != NULL ? g_date_time_new_from_iso8601 (created, NULL) : NULL;

  self->id = g_strdup (sidecar_get_string (object, "id"));
  self->instance = g_strdup (sidecar_get_string (object, "instance"));
  self->vm = g_strdup (sidecar_get_string (object, "vm"));
  self->instance_id = g_strdup (sidecar_get_string (object, "instanceId"));
  self->created = time != NULL ? g_date_time_to_unix (time) : 0;
  sidecar_parse_pending (self, object);
  return self->id != NULL && sidecar_parse_image (self, object);
}

SclSidecar *
_scl_sidecar_from_bytes (GBytes *bytes, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (SclSidecar) self = g_new0 (SclSidecar, 1);
  gsize size;
  const char *text = g_bytes_get_data (bytes, &size);
  JsonNode *root;

  if (size == 0 || !g_utf8_validate (text, (gssize) size, NULL)
      || !json_parser_load_from_data (parser, text, (gssize) size, NULL))
    return scl_null_throw (error, SCL_ERROR_INVALID, "not a volume's sidecar: not JSON");
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root)
      || !sidecar_parse (self, json_node_get_object (root)))
    return scl_null_throw (error, SCL_ERROR_INVALID, "not a volume's sidecar: members are missing");
  return g_steal_pointer (&self);
}

SclSidecar *
_scl_sidecar_read (int folder, const char *name, GError **error)
{
  g_autofree char *file = g_strconcat (name, ".json", NULL);
  g_auto (SclFd) fd = _scl_fd_open_regular (folder, file, NULL, error);
  g_autoptr (GBytes) bytes = fd < 0 ? NULL : _scl_fd_read_all (fd, SIDECAR_MAX, file, error);

  return bytes != NULL ? _scl_sidecar_from_bytes (bytes, error) : NULL;
}

gboolean
_scl_sidecar_is_lost (const GError *error)
{
  return g_error_matches (error, SCL_ERROR, SCL_ERROR_NOT_FOUND)
         || g_error_matches (error, SCL_ERROR, SCL_ERROR_INVALID);
}

static gint64
born (const struct statx *info)
{
  return (info->stx_mask & STATX_BTIME) == 0
             ? 0
             : (gint64) ((guint64) info->stx_btime.tv_sec * NS_PER_S + info->stx_btime.tv_nsec);
}

void
_scl_sidecar_set_pending (SclSidecar *self, int fd)
{
  struct statx info = { 0 };

  (void) statx (fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &info);
  self->pending = TRUE;
  self->file_inode = info.stx_ino;
  self->file_born = born (&info);
}

gboolean
_scl_sidecar_is_of (const SclSidecar *self, int folder, const char *file)
{
  struct statx info = { 0 };

  if (!self->pending)
    return TRUE;
  return statx (folder, file, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &info) == 0
         && info.stx_ino == self->file_inode && born (&info) == self->file_born;
}

gboolean
_scl_sidecar_image_differs (const char *made_from, guint64 size, gint64 mtime, const char *image)
{
  gboolean same_path = g_strcmp0 (made_from, image) == 0;
  struct stat info;

  if (stat (image, &info) != 0)
    return !same_path;
  if ((guint64) info.st_size != size || _scl_sidecar_mtime (&info) != mtime)
    return TRUE;
  /* Files in a Nix store all have the same time, the first second: there the path is what tells. */
  return !same_path && info.st_mtim.tv_sec <= 1;
}
