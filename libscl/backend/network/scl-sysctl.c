/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-sysctl-private.h"
#include "backend/network/scl-port-set-private.h"
#include "backend/network/scl-ruleset-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include <fcntl.h>
#include <string.h>

#define RECORD "sysctl"
#define GROUP "before"

char *
_scl_sysctl_read (const char *path)
{
  g_autofree char *file = g_strdup_printf ("/proc/sys/net/%s", path);
  char *value = NULL;

  return g_file_get_contents (file, &value, NULL, NULL) ? g_strchomp (value) : NULL;
}

static const char *
readable (const char *value)
{
  return value == NULL ? "not there" : value[0] == '\0' ? "empty" : value;
}

char *
_scl_sysctl_explain (const char *path, const char *value, const char *wanted)
{
  return g_strdup_printf ("sysctl %s is %s, not %s", path, readable (value), readable (wanted));
}

static gboolean
write_value (const char *path, const char *value, gboolean optional, GError **error)
{
  g_autofree char *old = _scl_sysctl_read (path);
  g_autofree char *file = g_strdup_printf ("/proc/sys/net/%s", path);
  g_auto (SclFd) fd = -1;

  if (old == NULL && optional)
    return TRUE;
  if (g_strcmp0 (old, value) == 0)
    return TRUE;
  fd = open (file, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return scl_throw_errno (error, errno, "%s: cannot open", file);
  /* Nothing at all would not be taken for an empty list. */
  if (write (fd, value[0] == '\0' ? "\n" : value, MAX (strlen (value), 1)) < 0)
    return scl_throw_errno (error, errno, "%s: cannot set to %s", file, readable (value));
  return TRUE;
}

gboolean
_scl_sysctl_write (const char *path, const char *value, GError **error)
{
  return write_value (path, value, FALSE, error);
}

gboolean
_scl_sysctl_write_optional (const char *path, const char *value, GError **error)
{
  return write_value (path, value, TRUE, error);
}

char *
_scl_sysctl_link (const char *link, const char *key)
{
  return g_strdup_printf ("ipv4/conf/%s/%s", link, key);
}

static GKeyFile *
load_record (const char *run_dir, const char *prefix)
{
  g_autofree char *file = g_build_filename (run_dir, prefix, RECORD, NULL);
  g_autoptr (GKeyFile) record = g_key_file_new ();

  (void)g_key_file_load_from_file (record, file, G_KEY_FILE_NONE, NULL);
  return g_steal_pointer (&record);
}

static gboolean
store_record (const char *run_dir, const char *prefix, GKeyFile *record, GError **error)
{
  g_autofree char *folder = g_build_filename (run_dir, prefix, NULL);
  g_auto (SclFd) dirfd = _scl_fd_open_folder (folder, 0700, error);
  g_auto (GStrv) keys = NULL;
  g_autofree char *text = NULL;
  gsize length = 0;

  if (dirfd < 0)
    return FALSE;
  keys = g_key_file_get_keys (record, GROUP, NULL, NULL);
  if (keys == NULL || keys[0] == NULL)
    {
      (void)unlinkat (dirfd, RECORD, 0);
      (void)rmdir (folder);
      return TRUE;
    }
  text = g_key_file_to_data (record, &length, NULL);
  return _scl_fd_replace (dirfd, RECORD, text, length, 0600, error);
}

/* A path holds '/' and an interface's name '@' and ':': not all of it can stand in a key. */
static char *
key_of (const char *path)
{
  return g_uri_escape_string (path, NULL, FALSE);
}

/* The other instance that has recorded the value too; NULL: none. */
static char *
find_sibling (const char *run_dir, const char *prefix, const char *key)
{
  g_autoptr (GDir) dir = g_dir_open (run_dir, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autoptr (GKeyFile) record = NULL;

      if (strcmp (name, prefix) == 0 || strchr (name, '.') != NULL)
        continue;
      record = load_record (run_dir, name);
      if (g_key_file_has_key (record, GROUP, key, NULL))
        return g_strdup (name);
    }
  return NULL;
}

char *
_scl_sysctl_lookup_old (const char *run_dir, const char *prefix, const char *path)
{
  g_autofree char *key = key_of (path);
  g_autofree char *sibling = NULL;
  g_autoptr (GKeyFile) record = load_record (run_dir, prefix);

  if (g_key_file_has_key (record, GROUP, key, NULL))
    return g_key_file_get_value (record, GROUP, key, NULL);
  sibling = find_sibling (run_dir, prefix, key);
  if (sibling == NULL)
    return NULL;
  g_clear_pointer (&record, g_key_file_unref);
  record = load_record (run_dir, sibling);
  return g_key_file_get_value (record, GROUP, key, NULL);
}

gboolean
_scl_sysctl_borrow (const char *run_dir, const char *prefix, const char *path, const char *value,
                    GError **error)
{
  g_autofree char *key = key_of (path);
  g_autoptr (GKeyFile) record = load_record (run_dir, prefix);

  if (!g_key_file_has_key (record, GROUP, key, NULL))
    {
      g_autofree char *before = _scl_sysctl_lookup_old (run_dir, prefix, path);
      g_autofree char *old = before != NULL ? g_steal_pointer (&before) : _scl_sysctl_read (path);

      if (old == NULL)
        return scl_throw (error, SCL_ERROR_NOT_FOUND, "/proc/sys/net/%s: does not exist", path);
      g_key_file_set_value (record, GROUP, key, old);
      if (!store_record (run_dir, prefix, record, error))
        return FALSE;
    }
  return _scl_sysctl_write (path, value, error);
}

/* Of the reserved ports only ours are given back: others reserve some too, meanwhile. */
static char *
value_to_restore (const char *path, const char *old)
{
  g_autofree char *now = NULL;

  if (strcmp (path, SCL_SYSCTL_RESERVED_PORTS) != 0)
    return g_strdup (old);
  now = _scl_sysctl_read (path);
  return _scl_port_set_restore (now == NULL ? old : now, old, SCL_MASQUERADE_FIRST,
                                SCL_MASQUERADE_LAST);
}

static gboolean
give_back_one (const char *run_dir, const char *prefix, GKeyFile *record, const char *key,
               GError **error)
{
  g_autofree char *path = g_uri_unescape_string (key, NULL);
  g_autofree char *old = g_key_file_get_value (record, GROUP, key, NULL);
  g_autofree char *sibling = find_sibling (run_dir, prefix, key);
  g_autofree char *value = NULL;

  /* Whoever still needs the value has its own record of the same old one. */
  if (path == NULL || sibling != NULL)
    return TRUE;
  value = value_to_restore (path, old);
  return _scl_sysctl_write_optional (path, value, error);
}

static gboolean
is_kept (const char *key, GPtrArray *keep)
{
  g_autofree char *path = g_uri_unescape_string (key, NULL);

  return keep != NULL && path != NULL
         && g_ptr_array_find_with_equal_func (keep, path, g_str_equal, NULL);
}

gboolean
_scl_sysctl_give_back (const char *run_dir, const char *prefix, GPtrArray *keep, GError **error)
{
  g_autoptr (GKeyFile) record = load_record (run_dir, prefix);
  g_auto (GStrv) keys = g_key_file_get_keys (record, GROUP, NULL, NULL);
  gboolean changed = FALSE;

  for (gsize i = 0; keys != NULL && keys[i] != NULL; i++)
    {
      if (is_kept (keys[i], keep))
        continue;
      if (!give_back_one (run_dir, prefix, record, keys[i], error))
        return FALSE;
      (void)g_key_file_remove_key (record, GROUP, keys[i], NULL);
      changed = TRUE;
    }
  return !changed || store_record (run_dir, prefix, record, error);
}

gboolean
_scl_sysctl_forget (const char *run_dir, const char *prefix, const char *path, GError **error)
{
  g_autoptr (GKeyFile) record = load_record (run_dir, prefix);
  g_autofree char *key = key_of (path);

  return !g_key_file_remove_key (record, GROUP, key, NULL)
         || store_record (run_dir, prefix, record, error);
}
