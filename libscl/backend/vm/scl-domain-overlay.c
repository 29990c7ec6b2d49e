/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that another tool has put over a volume (a snapshot, or a backup that is under way) or into its place (a
 * copy that it went over to). */
#include "backend/vm/scl-domain-own-private.h"
#include "backend/vm/scl-backing-chain-private.h"
#include <string.h>
#include <sys/stat.h>

/* What SCL set as disk INDEX; NULL: nothing, or it is not noted. (transfer full) */
static char *
set_path (const SclDomainDef *self, guint index)
{
  g_autofree char *key = g_strdup_printf ("disk %u", index);

  return _scl_domain_own_get_field (self->fields, key);
}

typedef struct
{
  const char *base;
  gboolean found;
} Search;

static void
compare (const char *path, gpointer user_data)
{
  Search *search = user_data;
  struct stat a, b;

  search->found = search->found || strcmp (path, search->base) == 0
                  || (stat (path, &a) == 0 && stat (search->base, &b) == 0 && a.st_dev == b.st_dev
                      && a.st_ino == b.st_ino);
}

/* A raw file stands on nothing, whatever a guest has written into it. A chain that cannot be read does
 * not lead to the volume as far as we know. */
static gboolean
stands_on (const SclDomainDisk *disk, const char *base)
{
  Search search = { .base = base };

  if (g_strcmp0 (disk->format, "qcow2") == 0)
    (void) _scl_backing_chain_foreach (disk->path, disk->format, compare, &search, NULL, NULL);
  return search.found;
}

/* What is not there has no data that a redefinition could lose. */
static gboolean
is_there (const SclDomainDisk *disk)
{
  struct stat info;

  return stat (disk->path, &info) == 0;
}

char *
_scl_domain_def_skip_overlays (SclDomainDef *self, const char **out_target)
{
  char *first = NULL;

  for (guint i = 0; i < self->disks->len; i++)
    {
      SclDomainDisk *disk = g_ptr_array_index (self->disks, i);
      g_autofree char *base = disk != NULL && disk->path != NULL ? set_path (self, i) : NULL;

      if (base == NULL || strcmp (base, disk->path) == 0 || !is_there (disk))
        continue;
      if (first == NULL && out_target != NULL)
        *out_target = stands_on (disk, base) ? disk->target : NULL;
      if (first == NULL)
        first = g_strdup (disk->path);
      g_free (disk->path);
      disk->path = g_steal_pointer (&base);
    }
  return first;
}
