/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/scl-guest-files-private.h"
#include "config/scl-reader-private.h"
#include "config/scl-text-private.h"
#include <string.h>

#define USER_DATA_MARK "#cloud-config"

static void
node_free (gpointer node)
{
  if (node != NULL)
    _scl_node_free (node);
}

/* NULL if anything is wrong: then nothing of it has been reported yet. */
static SclNode *
read_silently (const SclSource *source)
{
  g_autoptr (SclReport) report = _scl_report_new ();
  g_autoptr (SclNode) root = _scl_read (source, report);
  g_autoptr (GPtrArray) found = _scl_report_list (report);

  return found->len == 0 ? g_steal_pointer (&root) : NULL;
}

static void
add_named (GHashTable *named, SclNode *vm, const char *key)
{
  SclNode *value = _scl_node_lookup (vm, key);
  const char *base_dir = value != NULL ? value->place.source->base_dir : NULL;

  if (value == NULL || value->kind != SCL_NODE_SCALAR
      || (base_dir == NULL && !g_path_is_absolute (value->text)))
    return;
  g_hash_table_add (named, g_canonicalize_filename (value->text, base_dir));
}

static void
add_named_in (GHashTable *named, SclNode *root)
{
  SclNode *vms = root != NULL && root->kind == SCL_NODE_MAP
                     ? _scl_node_lookup (root, "virtualMachines")
                     : NULL;

  if (vms == NULL || vms->kind != SCL_NODE_MAP)
    return;
  for (guint i = 0; i < vms->values->len; i++)
    {
      SclNode *vm = vms->values->pdata[i];

      if (vm->kind != SCL_NODE_MAP)
        continue;
      add_named (named, vm, "cloudInitUserConfigFile");
      add_named (named, vm, "cloudInitNetworkConfigFile");
    }
}

static gboolean
has_any_of (SclNode *root, const char *const *keys)
{
  for (guint i = 0; keys[i] != NULL; i++)
    if (_scl_node_lookup (root, keys[i]) != NULL)
      return TRUE;
  return FALSE;
}

static gboolean
is_manifest (SclNode *root)
{
  static const char *const keys[] = { "gatewayInterface", "networks", "virtualMachines", NULL };

  return root != NULL && root->kind == SCL_NODE_MAP && has_any_of (root, keys);
}

static gboolean
looks_like_cloud_init (const SclSource *source, SclNode *root)
{
  static const char *const keys[] = { "ethernets", "bonds", "bridges", "vlans", "wifis", NULL };
  gsize length;
  const char *text = _scl_text_peek (source, &length);

  if (length >= strlen (USER_DATA_MARK)
      && memcmp (text, USER_DATA_MARK, strlen (USER_DATA_MARK)) == 0)
    return TRUE;
  return root != NULL && root->kind == SCL_NODE_MAP && has_any_of (root, keys);
}

static gboolean
is_for_guests (const SclSource *source, SclNode *root, GHashTable *named, SclReport *report)
{
  if (source->member == NULL || is_manifest (root))
    return FALSE;
  if (g_hash_table_contains (named, source->member))
    return TRUE;
  if (!looks_like_cloud_init (source, root))
    return FALSE;
  _scl_report_add (report, SCL_SEVERITY_WARNING, _scl_text_place (source, 0), NULL, NULL,
                   "looks like a cloud-init file, but no VM names it: left out");
  return TRUE;
}

/* What the files are, and the names in them. NULL: cancelled. */
static GPtrArray *
read_first (GPtrArray *sources, GHashTable *named, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) read = g_ptr_array_new_with_free_func (node_free);

  for (guint i = 0; i < sources->len; i++)
    {
      SclNode *root;

      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return NULL;
      root = read_silently (sources->pdata[i]);
      g_ptr_array_add (read, root);
      add_named_in (named, root);
    }
  return g_steal_pointer (&read);
}

GPtrArray *
_scl_guest_files_read_others (GPtrArray *sources, SclReport *report, GCancellable *cancellable,
                              GError **error)
{
  g_autoptr (GHashTable) named = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) read = read_first (sources, named, cancellable, error);
  g_autoptr (GPtrArray) others = g_ptr_array_new_with_free_func (node_free);

  for (guint i = 0; read != NULL && i < sources->len; i++)
    {
      SclNode *root = read->pdata[i];

      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return NULL;
      if (is_for_guests (sources->pdata[i], root, named, report))
        continue;
      read->pdata[i] = NULL;
      if (root == NULL)
        root = _scl_read (sources->pdata[i], report);
      if (root != NULL)
        g_ptr_array_add (others, root);
    }
  return read == NULL ? NULL : g_steal_pointer (&others);
}
