/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scl-nix-source.h"

#include <errno.h>
#include <scl/scl.h>
#include <stdlib.h>
#include <string.h>

char *
nix_harmless (const char *text)
{
  char *valid = g_utf8_make_valid (text, -1);

  for (char *at = valid; *at != '\0'; at++)
    if (g_ascii_iscntrl (*at))
      *at = '?';
  return valid;
}

void
nix_source_free (NixSource *self)
{
  g_free (self->given);
  g_free (self->file);
  g_free (self->folder);
  g_free (self->shown);
  g_free (self->copy);
  g_free (self->library);
  g_free (self);
}

static gboolean
set_error (const NixSource *self, GError **error, const char *message)
{
  g_set_error (error, SCL_ERROR, SCL_ERROR_INVALID, "%s: %s", self->given, message);
  return FALSE;
}

static gboolean
resolve_file (NixSource *self, const char *input, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (input);
  char *real = realpath (input, NULL);

  if (real == NULL)
    return set_error (self, error, g_strerror (errno));
  self->file = g_strdup (real);
  free (real);
  if (!g_file_test (self->file, G_FILE_TEST_IS_REGULAR))
    return set_error (self, error,
                      g_file_test (self->file, G_FILE_TEST_IS_DIR)
                          ? "is a folder; name the file, or the flake as FOLDER#ATTR"
                          : "is not a regular file");
  self->folder = g_path_get_dirname (self->file);
  self->shown = g_str_equal (parent, ".") ? g_strdup ("") : nix_harmless (parent);
  return TRUE;
}

/* What is not on this machine would be downloaded, even with --offline. */
static gboolean
is_local (const char *flake)
{
  return *flake == '.' || *flake == '/' || g_str_has_prefix (flake, "path:")
         || g_str_has_prefix (flake, "git+file:");
}

static gboolean
resolve_flake (NixSource *self, const NixOptions *options, GError **error)
{
  const char *hash = strchr (options->input, '#');

  if (hash == NULL)
    return set_error (self, error, "there is no such file");
  if (hash[1] == '\0')
    return set_error (self, error, "which attribute of the flake? give FLAKE#ATTR");
  if (options->attr != NULL || options->args != NULL || options->strings != NULL)
    return set_error (self, error, "-A, --arg and --argstr are not for flakes; give FLAKE#ATTR");
  if (!options->unrestricted && !is_local (options->input))
    return set_error (self, error,
                      "is not a flake on this machine (./FOLDER#ATTR); others need --unrestricted");
  return TRUE;
}

/* Beside the program, as it is in a build or a relocated tree; else where it was installed. */
static char *
find_library (void)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = g_path_get_dirname (program == NULL ? "/" : program);
  g_autofree char *beside = g_build_filename (folder, "..", "share", "scl", "nix", NULL);
  const char *candidates[] = { g_getenv ("SCL_NIX_LIB"), beside, SCL_NIX_LIB };

  for (guint i = 0; i < G_N_ELEMENTS (candidates); i++)
    {
      g_autofree char *entry
          = candidates[i] == NULL ? NULL : g_build_filename (candidates[i], "file.nix", NULL);
      char *real = entry == NULL ? NULL : realpath (entry, NULL);
      char *found = real == NULL ? NULL : g_path_get_dirname (real);

      free (real);
      if (found != NULL)
        return found;
    }
  return NULL;
}

NixSource *
nix_source_new (const NixOptions *options, GError **error)
{
  g_autoptr (NixSource) self = g_new0 (NixSource, 1);
  gboolean flake
      = !g_file_test (options->input, G_FILE_TEST_EXISTS) && strchr (options->input, '#') != NULL;

  self->given = nix_harmless (options->input);
  self->library = find_library ();
  if (self->library == NULL)
    return set_error (self, error, "the library of scl-nix (" SCL_NIX_LIB ") is not installed"),
           NULL;
  if (flake ? !resolve_flake (self, options, error) : !resolve_file (self, options->input, error))
    return NULL;
  return g_steal_pointer (&self);
}

/* What PATH is below FOLDER; NULL: it is elsewhere. */
static const char *
below (const char *path, const char *folder)
{
  gsize length = folder == NULL ? 0 : strlen (folder);

  if (length == 0 || strncmp (path, folder, length) != 0)
    return NULL;
  if (folder[length - 1] == '/')
    return path + length;
  return path[length] == '/' ? path + length + 1 : NULL;
}

char *
nix_source_locate (const NixSource *self, const char *path)
{
  const char *rest = below (path, self->copy);

  return rest == NULL || self->folder == NULL ? g_strdup (path)
                                              : g_build_filename (self->folder, rest, NULL);
}

char *
nix_source_show (const NixSource *self, const char *path)
{
  g_autofree char *real = nix_source_locate (self, path);
  g_autofree char *named = NULL;
  const char *rest = below (real, self->folder);

  if (below (path, self->library) != NULL || g_str_has_prefix (path, "«")
      || g_str_has_prefix (path, "("))
    return NULL;
  if (g_strcmp0 (path, self->file) == 0)
    return g_strdup (self->given);
  if (rest == NULL || self->shown == NULL)
    return nix_harmless (real);
  named = *self->shown == '\0' ? g_strdup (rest) : g_build_filename (self->shown, rest, NULL);
  return nix_harmless (named);
}
