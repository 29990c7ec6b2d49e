/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-domain-own-private.h"

#include "backend/vm/scl-domain-node-private.h"
#include <string.h>

#define HIGHEST_INDEX 255

/* As SCL writes it, without zeros before it. */
static gboolean
read_number (const char *text, guint *out_number)
{
  guint64 number;

  if ((text[0] == '0' && text[1] != '\0')
      || !g_ascii_string_to_unsigned (text, 10, 0, HIGHEST_INDEX, &number, NULL))
    return FALSE;
  *out_number = (guint) number;
  return TRUE;
}

gboolean
_scl_domain_own_read_index (const xmlNode *device, const char *kind, guint *out_index)
{
  g_autofree char *alias = _scl_node_attribute (_scl_node_child (device, "alias"), "name");

  return alias != NULL && g_str_has_prefix (alias, kind)
         && read_number (alias + strlen (kind), out_index);
}

gboolean
_scl_domain_own_has_alias (const xmlNode *device)
{
  guint index;

  if (_scl_node_is_element (device, "interface"))
    return _scl_domain_own_read_index (device, "ua-nic", &index);
  return _scl_domain_own_read_index (device, "ua-disk", &index)
         || _scl_node_attribute_is (_scl_node_child (device, "alias"), "name", "ua-seed");
}

char *
_scl_domain_own_get_field (const char *fields, const char *key)
{
  gsize length = strlen (key);

  for (const char *at = fields; at != NULL && *at != '\0'; at += *at == '\n')
    {
      gsize line = strcspn (at, "\n");

      if (line > length && strncmp (at, key, length) == 0 && at[length] == '=')
        return g_strndup (at + length + 1, line - length - 1);
      at += line;
    }
  return NULL;
}

typedef gboolean (*MatchFunc) (const char *value, const char *first, const char *second);

/* They are numbered without gaps. */
static gboolean
find (const char *fields, const char *kind, MatchFunc matches, const char *first, const char *second,
      guint *out_index)
{
  for (guint i = 0; i <= HIGHEST_INDEX; i++)
    {
      g_autofree char *key = g_strdup_printf ("%s %u", kind, i);
      g_autofree char *value = _scl_domain_own_get_field (fields, key);

      if (value == NULL)
        return FALSE;
      *out_index = i;
      if (matches (value, first, second))
        return TRUE;
    }
  return FALSE;
}

static gboolean
is_file (const char *value, const char *path, const char *unused G_GNUC_UNUSED)
{
  return strcmp (value, path) == 0;
}

gboolean
_scl_domain_own_find_disk (const char *fields, const char *path, guint *out_index)
{
  return path != NULL && find (fields, "disk", is_file, path, NULL, out_index);
}

static gboolean
is_nic (const char *value, const char *mac, const char *tap)
{
  g_auto (GStrv) parts = g_strsplit (value, " on ", 2);

  return g_strcmp0 (parts[0], mac) == 0 || (tap != NULL && g_strcmp0 (parts[1], tap) == 0);
}

gboolean
_scl_domain_own_find_nic (const char *fields, const char *mac, const char *tap, guint *out_index)
{
  return find (fields, "NIC", is_nic, mac, tap, out_index);
}

static void
add_name (GHashTable *names, const char *name)
{
  if (name != NULL)
    g_hash_table_add (names, g_strdup (name));
}

static void
add_existing (GHashTable *names, const SclDomainDef *def)
{
  add_name (names, def->log);
  add_name (names, def->seed != NULL ? def->seed->path : NULL);
  for (guint i = 0; i < def->disks->len; i++)
    if (g_ptr_array_index (def->disks, i) != NULL)
      add_name (names, ((SclDomainDisk *) g_ptr_array_index (def->disks, i))->path);
  for (guint i = 0; i < def->nics->len; i++)
    {
      const SclDomainNic *nic = g_ptr_array_index (def->nics, i);

      add_name (names, nic != NULL ? nic->mac : NULL);
      add_name (names, nic != NULL ? nic->tap : NULL);
    }
}

static void
add_all (GHashTable *names, const GPtrArray *from)
{
  for (guint i = 0; i < from->len; i++)
    add_name (names, g_ptr_array_index (from, i));
}

GHashTable *
_scl_domain_own_names (const SclDomainDef *existing, const SclVmWiring *wiring)
{
  GHashTable *names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  add_existing (names, existing);
  if (wiring == NULL)
    return names;
  add_name (names, wiring->log_path);
  add_name (names, wiring->seed_path);
  add_all (names, wiring->disk_paths);
  add_all (names, wiring->tap_links);
  for (guint i = 0; i < wiring->macs->len; i++)
    g_hash_table_add (names, g_ascii_strdown (g_ptr_array_index (wiring->macs, i), -1));
  return names;
}
