/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The files that the domains of a hypervisor name, whoever made them: nothing of that may be removed.
 * Compared by what a path leads to, so links, bind mounts and second names count. No libvirt here. */

#include <gio/gio.h>

typedef struct _SclSources SclSources;

SclSources *_scl_sources_new (void);
SclSources *_scl_sources_ref (SclSources *self);
void _scl_sources_unref (SclSources *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclSources, _scl_sources_unref)

/* DOMAIN names PATH. VM: that VM of instance INSTANCE, by its mark; both NULL: a domain that is
 * nobody's. */
void _scl_sources_add (SclSources *self, const char *domain, const char *instance, const char *vm,
                       const char *path);

/* The same of a folder that DOMAIN shares with its guest, which so has all that is in it. */
void _scl_sources_add_folder (SclSources *self, const char *domain, const char *instance,
                              const char *vm, const char *path);

/* What is added from here on is named by SNAPSHOT of its domain; NULL: by the domain. */
void _scl_sources_set_snapshot (SclSources *self, const char *snapshot);

/* Where they come from, for who needs them seldom. NULL with an error: it is not known. (transfer full) */
typedef struct
{
  SclSources *(*ask) (gpointer data, GCancellable *cancellable, GError **error);
  gpointer data;
} SclSourcesAsk;

/* One domain that names PATH. */
typedef struct
{
  const char *domain;
  const char *instance; /* nullable */
  const char *vm;       /* nullable */
  const char *snapshot; /* nullable: only that snapshot of the domain does */
} SclSourceUser;

/* The first domain that names PATH and is not VM of INSTANCE (both nullable: none is left out). */
gboolean _scl_sources_find (SclSources *self, const char *path, const char *instance, const char *vm,
                            SclSourceUser *out_user);

/* As _find, and domains that share a folder in which PATH is: who would miss it. */
gboolean _scl_sources_find_need (SclSources *self, const char *path, SclSourceUser *out_user);
