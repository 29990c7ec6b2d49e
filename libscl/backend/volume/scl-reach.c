/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/volume/scl-reach-private.h"

#include "base/scl-run-private.h"
#include "base/scl-throw-private.h"
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define REACH_GROUPS_MAX 256
#define REACH_TIMEOUT 10

typedef struct
{
  const char *name;
  uid_t uid;
  gid_t groups[REACH_GROUPS_MAX];
  int n_groups;
} SclReachUser;

static gboolean
reach_lookup (SclReachUser *self, const char *name, GError **error)
{
  struct passwd entry;
  struct passwd *found = NULL;
  char buffer[16384];

  if (getpwnam_r (name, &entry, buffer, sizeof buffer, &found) != 0 || found == NULL)
    return scl_throw (error, SCL_ERROR_NOT_FOUND, "user %s, who runs QEMU, does not exist", name);
  self->name = name;
  self->uid = entry.pw_uid;
  self->n_groups = REACH_GROUPS_MAX;
  if (getgrouplist (name, entry.pw_gid, self->groups, &self->n_groups) < 0)
    self->n_groups = REACH_GROUPS_MAX;
  return TRUE;
}

static gboolean
reach_is_member (const SclReachUser *self, gid_t group)
{
  for (int i = 0; i < self->n_groups; i++)
    if (self->groups[i] == group)
      return TRUE;
  return FALSE;
}

static gboolean
reach_mode_allows (const SclReachUser *self, const struct stat *info)
{
  if (self->uid == 0)
    return TRUE;
  if (info->st_uid == self->uid)
    return (info->st_mode & S_IXUSR) != 0;
  if (reach_is_member (self, info->st_gid))
    return (info->st_mode & S_IXGRP) != 0;
  return (info->st_mode & S_IXOTH) != 0;
}

/* An access list can give what the mode does not show: only trying it tells. */
static gboolean
reach_list_allows (const SclReachUser *self, const char *folder, GCancellable *cancellable)
{
  const char *const argv[] = { "test", "-x", folder, NULL };
  g_autoptr (SclRunResult) result = NULL;

  if (getxattr (folder, "system.posix_acl_access", NULL, 0) <= 0)
    return FALSE;
  result = _scl_run (argv, NULL, -1, self->name, REACH_TIMEOUT, cancellable, NULL);
  return result != NULL && result->exit_status == 0;
}

static gboolean
reach_check_folder (const SclReachUser *self, const char *folder, GCancellable *cancellable,
                    GError **error)
{
  g_autofree char *quoted = NULL;
  struct stat info;

  if (stat (folder, &info) != 0)
    return TRUE;
  if (!S_ISDIR (info.st_mode))
    return scl_throw (error, SCL_ERROR_INVALID, "%s: is not a folder", folder);
  if (reach_mode_allows (self, &info) || reach_list_allows (self, folder, cancellable))
    return TRUE;
  quoted = g_shell_quote (folder);
  return scl_throw (error, SCL_ERROR_PERMISSION,
                    "%s: QEMU's user %s may not pass through this folder (mode %04o); allow it: "
                    "chmod o+x %s",
                    folder, self->name, (unsigned) info.st_mode & 07777, quoted);
}

/* "/", "/a", "/a/b" … */
static gboolean
reach_walk (const SclReachUser *self, const char *path, GCancellable *cancellable, GError **error)
{
  const char *slash = path;

  while (slash != NULL)
    {
      const char *next = strchr (slash + 1, '/');
      gsize length = next != NULL ? (gsize) (next - path) : strlen (path);
      g_autofree char *folder = g_strndup (path, slash == path && slash[1] == '\0' ? 1 : length);

      if (!reach_check_folder (self, folder, cancellable, error))
        return FALSE;
      slash = next;
    }
  return TRUE;
}

/* PATH without its last components that do not exist. */
static char *
reach_resolve (const char *path)
{
  g_autofree char *existing = g_strdup (path);

  while (strcmp (existing, "/") != 0)
    {
      char *resolved = realpath (existing, NULL);
      char *parent;

      if (resolved != NULL)
        return resolved; /* by malloc, as g_free takes it since GLib 2.46 */
      parent = g_path_get_dirname (existing);
      g_free (existing);
      existing = parent;
    }
  return g_strdup ("/");
}

gboolean
_scl_reach_check (const char *path, const char *user, GCancellable *cancellable, GError **error)
{
  SclReachUser self;
  g_autofree char *written = g_canonicalize_filename (path, "/");
  g_autofree char *resolved = reach_resolve (written);

  if (!reach_lookup (&self, user, error))
    return FALSE;
  if (!reach_check_folder (&self, "/", cancellable, error))
    return FALSE;
  if (!reach_walk (&self, written, cancellable, error))
    return FALSE;
  return strcmp (written, resolved) == 0 || reach_walk (&self, resolved, cancellable, error);
}
