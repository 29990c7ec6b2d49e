/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scl-nix-build.h"

#include "scl-nix-run.h"

#include <errno.h>
#include <scl/scl.h>
#include <string.h>
#include <sys/stat.h>

static gboolean
realise (const char *reference, const char *roots, GError **error)
{
  g_autofree char *name = g_path_get_basename (reference);
  g_autofree char *root = g_build_filename (roots, g_strdelimit (name, "!", '-'), NULL);
  const char *argv[]
      = { "nix-store", "--realise", reference, "--add-root", root, "--indirect", NULL };
  g_autoptr (NixResult) result = nix_run (argv, NIX_RUN_SHOW, 0, error);

  if (result == NULL)
    return FALSE;
  if (result->status == 0)
    return TRUE;
  g_set_error (error, SCL_ERROR, SCL_ERROR_FAILED, "cannot build %s: see above", reference);
  return FALSE;
}

gboolean
nix_build (GHashTable *references, const char *folder, GError **error)
{
  g_autofree char *roots = g_build_filename (folder, "roots", NULL);
  GHashTableIter iter;
  gpointer reference;

  if (g_hash_table_size (references) == 0)
    return TRUE;
  if (mkdir (roots, 0700) < 0 && errno != EEXIST)
    {
      g_set_error (error, SCL_ERROR, SCL_ERROR_FAILED, "%s: cannot make the folder: %s", roots,
                   g_strerror (errno));
      return FALSE;
    }
  g_hash_table_iter_init (&iter, references);
  while (g_hash_table_iter_next (&iter, &reference, NULL))
    if (!realise (reference, roots, error))
      return FALSE;
  return TRUE;
}
