/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scl-nix-build.h"
#include "scl-nix-diagnostics.h"
#include "scl-nix-eval.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>

/* One line, or with -v also what Nix said; nothing in it moves the cursor. */
static int
fail (const GError *error)
{
  g_auto (GStrv) lines = g_strsplit (error->message, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_autofree char *line = nix_harmless (lines[i]);

      if (*line != '\0')
        g_printerr ("%s\n", line);
    }
  return NIX_EXIT_ERROR;
}

/* Nothing is built or written for a manifest that is wrong. */
static gboolean
provide (const NixOptions *options, const NixSource *source, NixTree *tree, NixFiles *files,
         GError **error)
{
  if (options->quiet || options->no_files)
    return TRUE;
  if ((g_hash_table_size (tree->references) == 0 || nix_files_prepare (files, error))
      && nix_build (tree->references, nix_files_get_folder (files), error)
      && nix_files_write (files, error))
    return TRUE;
  g_prefix_error (error, "%s: ", source->given);
  return FALSE;
}

/* What goes to stdout; NULL: it is wrong. */
static char *
make_output (const NixOptions *options, const NixSource *source, NixTree *tree, GError **error)
{
  g_autoptr (SclManifest) manifest = NULL;

  if (options->places)
    return nix_places_to_json (tree);
  manifest = nix_check (source, tree, error);
  return manifest == NULL ? NULL
                          : scl_manifest_to_string (manifest, SCL_MANIFEST_FORMAT_JSON, error);
}

static char *
translate (const NixOptions *options, GError **error)
{
  g_autoptr (NixSource) source = nix_source_new (options, error);
  g_autoptr (JsonNode) root = source == NULL ? NULL : nix_evaluate (source, options, error);
  g_autoptr (NixFiles) files = nix_files_new (options->files);
  g_autoptr (NixTree) tree = NULL;
  g_autofree char *output = NULL;

  if (root == NULL)
    return NULL;
  tree = nix_tree_new (source, files, root);
  output = make_output (options, source, tree, error);
  if (output == NULL || !provide (options, source, tree, files, error))
    return NULL;
  return g_steal_pointer (&output);
}

static int
print (const char *output)
{
  if (fputs (output, stdout) >= 0 && fflush (stdout) == 0)
    return NIX_EXIT_DONE;
  g_printerr ("scl-nix: cannot write the result\n");
  return NIX_EXIT_ERROR;
}

static void
print_raw (const char *text)
{
  fputs (text, stdout);
}

static void
print_raw_error (const char *text)
{
  fputs (text, stderr);
}

int
main (int argc, char **argv)
{
  g_auto (NixOptions) options = { 0 };
  g_autofree char *output = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  setlocale (LC_ALL, "");
  /* Ignored by whoever started us, it would hide how Nix's programs end. */
  (void) signal (SIGCHLD, SIG_DFL);
  g_set_prgname ("scl-nix");
  g_set_print_handler (print_raw);
  g_set_printerr_handler (print_raw_error);
  status = nix_options_parse (&options, &argc, &argv);
  if (status >= 0)
    return status;
  output = translate (&options, &error);
  if (output == NULL)
    return fail (error);
  return options.quiet ? NIX_EXIT_DONE : print (output);
}
