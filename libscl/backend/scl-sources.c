/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/scl-sources-private.h"
#include "base/scl-fd-private.h"
#include <stdlib.h>
#include <string.h>

typedef struct
{
  char *domain;
  char *instance;
  char *vm;
  char *snapshot;
} User;

struct _SclSources
{
  gatomicrefcount refs;
  GPtrArray *users;  /* User */
  GHashTable *by_id; /* "device:inode", or the path of what is not there -> GPtrArray of User */
  GHashTable *shared; /* the same of folders */
  char *snapshot;    /* of what is added now */
};

static void
user_free (User *user)
{
  g_free (user->domain);
  g_free (user->instance);
  g_free (user->vm);
  g_free (user->snapshot);
  g_free (user);
}

SclSources *
_scl_sources_new (void)
{
  SclSources *self = g_new0 (SclSources, 1);

  g_atomic_ref_count_init (&self->refs);
  self->users = g_ptr_array_new_with_free_func ((GDestroyNotify) user_free);
  self->by_id = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                       (GDestroyNotify) g_ptr_array_unref);
  self->shared = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                        (GDestroyNotify) g_ptr_array_unref);
  return self;
}

SclSources *
_scl_sources_ref (SclSources *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
_scl_sources_unref (SclSources *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_hash_table_unref (self->by_id);
  g_hash_table_unref (self->shared);
  g_free (self->snapshot);
  g_ptr_array_unref (self->users);
  g_free (self);
}

static gboolean
is_user (const User *user, const char *domain, const char *instance, const char *vm)
{
  return (domain == NULL || strcmp (user->domain, domain) == 0)
         && g_strcmp0 (user->instance, instance) == 0 && g_strcmp0 (user->vm, vm) == 0;
}

/* Paths of one domain come one after the other. */
static User *
take_user (SclSources *self, const char *domain, const char *instance, const char *vm)
{
  User *user = self->users->len == 0 ? NULL : self->users->pdata[self->users->len - 1];

  if (user != NULL && is_user (user, domain, instance, vm)
      && g_strcmp0 (user->snapshot, self->snapshot) == 0)
    return user;
  user = g_new0 (User, 1);
  user->domain = g_strdup (domain);
  user->instance = g_strdup (instance);
  user->vm = g_strdup (vm);
  user->snapshot = g_strdup (self->snapshot);
  g_ptr_array_add (self->users, user);
  return user;
}

static void
add_user (GHashTable *table, const char *path, User *user)
{
  g_autofree char *id = _scl_fd_identify (path);
  GPtrArray *users = g_hash_table_lookup (table, id);

  if (users == NULL)
    {
      users = g_ptr_array_new ();
      g_hash_table_insert (table, g_steal_pointer (&id), users);
    }
  if (!g_ptr_array_find (users, user, NULL))
    g_ptr_array_add (users, user);
}

void
_scl_sources_add (SclSources *self, const char *domain, const char *instance, const char *vm,
                  const char *path)
{
  add_user (self->by_id, path, take_user (self, domain, instance, vm));
}

void
_scl_sources_add_folder (SclSources *self, const char *domain, const char *instance, const char *vm,
                         const char *path)
{
  add_user (self->shared, path, take_user (self, domain, instance, vm));
}

void
_scl_sources_set_snapshot (SclSources *self, const char *snapshot)
{
  g_free (self->snapshot);
  self->snapshot = g_strdup (snapshot);
}

static gboolean
find_in (GHashTable *table, const char *path, const char *instance, const char *vm,
         SclSourceUser *out_user)
{
  g_autofree char *id = _scl_fd_identify (path);
  GPtrArray *users = g_hash_table_lookup (table, id);

  for (guint i = 0; users != NULL && i < users->len; i++)
    {
      const User *user = users->pdata[i];

      if (vm != NULL && is_user (user, NULL, instance, vm))
        continue;
      *out_user = (SclSourceUser){ user->domain, user->instance, user->vm, user->snapshot };
      return TRUE;
    }
  return FALSE;
}

gboolean
_scl_sources_find (SclSources *self, const char *path, const char *instance, const char *vm,
                   SclSourceUser *out_user)
{
  return find_in (self->by_id, path, instance, vm, out_user);
}

/* Without links, so that each folder above is one. */
gboolean
_scl_sources_find_need (SclSources *self, const char *path, SclSourceUser *out_user)
{
  char *real = realpath (path, NULL);
  g_autofree char *at = g_strdup (real != NULL ? real : path);
  gboolean found = find_in (self->by_id, path, NULL, NULL, out_user);

  free (real);
  while (!found && g_hash_table_size (self->shared) > 0 && at[0] == '/' && at[1] != '\0')
    {
      char *above = g_path_get_dirname (at);

      g_free (at);
      at = above;
      found = find_in (self->shared, at, NULL, NULL, out_user);
    }
  return found;
}
