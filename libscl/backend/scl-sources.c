/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/scl-sources-private.h"
#include "base/scl-fd-private.h"
#include <string.h>

typedef struct
{
  char *domain;
  char *instance;
  char *vm;
} User;

struct _SclSources
{
  gatomicrefcount refs;
  GPtrArray *users;  /* User */
  GHashTable *by_id; /* "device:inode", or the path of what is not there -> GPtrArray of User */
};

static void
user_free (User *user)
{
  g_free (user->domain);
  g_free (user->instance);
  g_free (user->vm);
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

  if (user != NULL && is_user (user, domain, instance, vm))
    return user;
  user = g_new0 (User, 1);
  user->domain = g_strdup (domain);
  user->instance = g_strdup (instance);
  user->vm = g_strdup (vm);
  g_ptr_array_add (self->users, user);
  return user;
}

void
_scl_sources_add (SclSources *self, const char *domain, const char *instance, const char *vm,
                  const char *path)
{
  g_autofree char *id = _scl_fd_identify (path);
  GPtrArray *users = g_hash_table_lookup (self->by_id, id);
  User *user = take_user (self, domain, instance, vm);

  if (users == NULL)
    {
      users = g_ptr_array_new ();
      g_hash_table_insert (self->by_id, g_steal_pointer (&id), users);
    }
  if (!g_ptr_array_find (users, user, NULL))
    g_ptr_array_add (users, user);
}

gboolean
_scl_sources_find (SclSources *self, const char *path, const char *instance, const char *vm,
                   SclSourceUser *out_user)
{
  g_autofree char *id = _scl_fd_identify (path);
  GPtrArray *users = g_hash_table_lookup (self->by_id, id);

  for (guint i = 0; users != NULL && i < users->len; i++)
    {
      const User *user = users->pdata[i];

      if (vm != NULL && is_user (user, NULL, instance, vm))
        continue;
      *out_user = (SclSourceUser){ user->domain, user->instance, user->vm };
      return TRUE;
    }
  return FALSE;
}
