/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/scl-builder-private.h"
#include "config/scl-schema-private.h"
#include "config/scl-suggest-private.h"
#include <string.h>

typedef struct
{
  SclPlace place;
  char *shown;
  const char *text; /* of a scalar, borrowed from its node */
} Location;

static void
location_free (gpointer data)
{
  Location *location = data;

  g_free (location->shown);
  g_free (location);
}

static void
remember (const char *path, const char *shown, SclNode *key, SclNode *value, gpointer data)
{
  Location *location = g_new0 (Location, 1);

  /* An object is at its name, a value where it is written. */
  location->place = key != NULL && value->values != NULL ? key->place : value->place;
  location->shown = g_strdup (shown);
  location->text = value->text;
  g_hash_table_insert (data, g_strdup (path), location);
}

/* The place of PATH, or of what is around it if it is not written down (a default). */
static const Location *
locate (GHashTable *locations, const char *path)
{
  g_autofree char *around = g_strdup (path);

  for (gsize i = strlen (around); i > 0; i--)
    {
      const Location *found;

      if (path[i] != '\0' && path[i] != '.' && path[i] != '[')
        continue;
      around[i] = '\0';
      found = g_hash_table_lookup (locations, around);
      if (found != NULL)
        return found;
    }
  return NULL;
}

/* Whether a key of the object around PATH that others depend on is known to be wrong, as the
 * gateway is for the addresses of a network. */
static gboolean
is_governed (SclReport *report, const SclField *objects, const char *path)
{
  const char *name = path + strlen (objects->key) + 1;
  const char *end = strrchr (name, '.');
  g_autofree char *object = end == NULL ? NULL : g_strndup (path, (gsize) (end - path));

  for (const SclField *field = objects->items->fields; end != NULL && field->key != NULL; field++)
    {
      g_autofree char *key = _scl_path_key (object, field->key);

      if (field->governs && _scl_report_knows (report, key))
        return TRUE;
    }
  return FALSE;
}

static gboolean
follows_from_errors (SclReport *report, const char *path)
{
  if (_scl_report_knows (report, path))
    return TRUE;
  for (const SclField *field = _scl_manifest_schema.fields; field->key != NULL; field++)
    if (field->type == SCL_VALUE_MAP && g_str_has_prefix (path, field->key)
        && path[strlen (field->key)] == '.' && is_governed (report, field, path))
      return TRUE;
  return FALSE;
}

#define SUGGESTIONS_MAX 200

/* The field that PATH ("virtualMachines.demo.network") is a value of, NULL if it is none. */
static const SclField *
find_field (const char *path)
{
  const char *last = strrchr (path, '.');

  for (const SclField *field = _scl_manifest_schema.fields; last != NULL && field->key != NULL;
       field++)
    if (field->type == SCL_VALUE_MAP && g_str_has_prefix (path, field->key)
        && path[strlen (field->key)] == '.')
      return _scl_schema_lookup (field->items, last + 1);
  return NULL;
}

/* For a reference to nothing: the name that may be meant. Borrowed from ROOT. */
static const char *
suggest_name (SclNode *root, const char *path, const Location *location)
{
  const SclField *field = find_field (path);
  const SclField *objects = field == NULL || field->refers_to == NULL
                                ? NULL
                                : _scl_schema_lookup (&_scl_manifest_schema, field->refers_to);
  SclNode *map = objects == NULL ? NULL : _scl_node_lookup (root, objects->key);
  guint n = map == NULL ? 0 : map->keys->len;
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  if (objects == NULL || location->text == NULL || n > SUGGESTIONS_MAX)
    return NULL;
  if (objects->preset_name != NULL
      && (map == NULL || _scl_node_lookup (map, objects->preset_name) == NULL))
    g_ptr_array_add (names, (gpointer) objects->preset_name);
  for (guint i = 0; i < n; i++)
    if (!_scl_node_is_null (map->values->pdata[i]))
      g_ptr_array_add (names, ((SclNode *) map->keys->pdata[i])->text);
  g_ptr_array_add (names, NULL);
  return _scl_suggest (location->text, (const char *const *) names->pdata);
}

void
_scl_build_check (SclManifest *manifest, SclNode *root, const char *prefix, SclReport *report)
{
  g_autoptr (GPtrArray) found = NULL;
  g_autoptr (GPtrArray) kept = g_ptr_array_new ();
  g_autoptr (GHashTable) locations = NULL;

  /* References to what was lost would all be reported as undefined. */
  if (root->damaged || _scl_report_has_syntax_errors (report))
    return;
  found = scl_manifest_check (manifest, prefix);
  for (guint i = 0; i < found->len; i++)
    if (!follows_from_errors (report, scl_diagnostic_get_path (found->pdata[i])))
      g_ptr_array_add (kept, found->pdata[i]);
  if (kept->len == 0)
    return;
  locations = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, location_free);
  _scl_node_walk (root, remember, locations);
  for (guint i = 0; i < kept->len; i++)
    {
      SclDiagnostic *diagnostic = kept->pdata[i];
      const char *path = scl_diagnostic_get_path (diagnostic);
      const Location *location = locate (locations, path);
      gboolean exact = g_hash_table_contains (locations, path);

      _scl_report_add (report, scl_diagnostic_get_severity (diagnostic),
                       location == NULL ? root->place : location->place,
                       exact ? location->shown : path,
                       exact ? suggest_name (root, path, location) : NULL, "%s",
                       scl_diagnostic_get_message (diagnostic));
    }
}
