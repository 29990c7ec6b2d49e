/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scl-nix-options.h"

#include <scl/scl.h>
#include <string.h>

#define TIMEOUT_DEFAULT 60
#define TIMEOUT_MAX 86400

#define SUMMARY                                                                                    \
  "Turns a Nix expression into a manifest, JSON on stdout, and checks it. FILE has an attribute\n" \
  "set, a function that gives one, or a NixOS module that sets ctrl-os.vms."

#define DESCRIPTION                                                                                \
  "Examples:\n"                                                                                    \
  "  # Check, without writing anything\n"                                                          \
  "  scl-nix -q vms.nix\n"                                                                         \
  "  # Show the manifest\n"                                                                        \
  "  scl-nix vms.nix\n"                                                                            \
  "  # Apply it; the same as \"sclctl apply -f vms.nix\"\n"                                        \
  "  sudo scl-nix vms.nix | sudo sclctl apply -f -\n"                                              \
  "  # Build images with Nix first\n"                                                              \
  "  sudo scl-nix -I nixpkgs=PATH --unrestricted --build vms.nix | sudo sclctl apply -f -\n"       \
  "  # From a flake\n"                                                                             \
  "  scl-nix .#nixosConfigurations.host.config.ctrl-os.vms\n\n"                                    \
  "Evaluation reads only the folder of FILE and what -I names, and has no network.\n"              \
  "Exit status: 0 done, 1 error, 64 wrong usage. More: scl-nix(1), scl-manifest(5).\n"

void
nix_options_clear (NixOptions *self)
{
  g_free (self->input);
  g_free (self->attr);
  g_strfreev (self->includes);
  g_strfreev (self->args);
  g_strfreev (self->strings);
  g_free (self->files);
}

static int refuse (const char *format, ...) G_GNUC_PRINTF (1, 2);

static int
refuse (const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_printerr ("scl-nix: %s\n", text);
  return NIX_EXIT_USAGE;
}

/* Names of ours begin so; "scl" itself is the set of helpers. */
static int
check_arguments (char **list, const char *option)
{
  for (guint i = 0; list != NULL && list[i] != NULL; i++)
    {
      const char *end = strchr (list[i], '=');

      if (end == NULL || end == list[i])
        return refuse ("%s %s: it is NAME=VALUE", option, list[i]);
      if (g_str_has_prefix (list[i], "scl"))
        return refuse ("%s %s: names that begin with scl are taken", option, list[i]);
    }
  return -1;
}

/* What is no path may be downloaded. */
static int
check_includes (const NixOptions *self)
{
  for (guint i = 0; self->includes != NULL && self->includes[i] != NULL; i++)
    {
      const char *name_end = strchr (self->includes[i], '=');
      const char *path = name_end == NULL ? self->includes[i] : name_end + 1;

      if (!self->unrestricted && !g_file_test (path, G_FILE_TEST_EXISTS))
        return refuse ("-I %s: what is not on this machine needs --unrestricted",
                       self->includes[i]);
    }
  return -1;
}

static int
check (NixOptions *self, int argc, char **argv)
{
  int status;

  if (argc < 2)
    return refuse ("which expression? give FILE or FLAKE#ATTR; see \"scl-nix --help\"");
  if (argc > 2)
    return refuse ("\"%s\" is one argument too many", argv[2]);
  if (self->timeout < 1 || self->timeout > TIMEOUT_MAX)
    return refuse ("--timeout %d: not a number of seconds from 1 to %d", self->timeout,
                   TIMEOUT_MAX);
  /* As Nix has it in some versions: "#ATTR" is of the flake here. */
  self->input = g_strconcat (*argv[1] == '#' ? "." : "", argv[1], NULL);
  status = check_arguments (self->args, "--arg");
  if (status < 0)
    status = check_arguments (self->strings, "--argstr");
  return status < 0 ? check_includes (self) : status;
}

static int
show_version (void)
{
  g_print ("scl-nix %s\n", scl_version_string ());
  return NIX_EXIT_DONE;
}

int
nix_options_parse (NixOptions *self, int *argc, char ***argv)
{
  gboolean version = FALSE;
  const GOptionEntry entries[] = {
    { "attr", 'A', 0, G_OPTION_ARG_STRING, &self->attr, "the attribute of FILE to take, as a.b.c",
      "ATTR" },
    { "include", 'I', 0, G_OPTION_ARG_STRING_ARRAY, &self->includes,
      "a folder that may be read, and found as <NAME>; nixpkgs is used for pkgs and lib",
      "NAME=PATH" },
    { "arg", 0, 0, G_OPTION_ARG_STRING_ARRAY, &self->args, "an argument of the function",
      "NAME=EXPRESSION" },
    { "argstr", 0, 0, G_OPTION_ARG_STRING_ARRAY, &self->strings, "the same, a text", "NAME=TEXT" },
    { "files", 0, 0, G_OPTION_ARG_FILENAME, &self->files,
      "where generated files go (root: " SCL_NIX_STATE ", else ~/.cache/scl/nix)", "DIR" },
    { "check-only", 'q', 0, G_OPTION_ARG_NONE, &self->quiet, "print and write nothing, only check",
      NULL },
    { "build", 0, 0, G_OPTION_ARG_NONE, &self->build, "build what derivations make", NULL },
    { "unrestricted", 0, 0, G_OPTION_ARG_NONE, &self->unrestricted,
      "evaluation may read everything, use the network, and build", NULL },
    { "timeout", 0, 0, G_OPTION_ARG_INT, &self->timeout,
      "how long the evaluation may take (default 60)", "SECONDS" },
    { "verbose", 'v', 0, G_OPTION_ARG_NONE, &self->verbose, "all that Nix says about an error",
      NULL },
    { "places", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &self->places, NULL, NULL },
    { "no-files", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &self->no_files, NULL, NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &version, "show the version", NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("FILE|FLAKE#ATTR");
  g_autoptr (GError) error = NULL;

  self->timeout = TIMEOUT_DEFAULT;
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_summary (context, SUMMARY);
  g_option_context_set_description (context, DESCRIPTION);
  if (!g_option_context_parse (context, argc, argv, &error))
    return refuse ("%s", error->message);
  if (version)
    return show_version ();
  /* GOption leaves it in the list of arguments. */
  if (*argc > 1 && g_str_equal ((*argv)[1], "--"))
    return check (self, *argc - 1, *argv + 1);
  return check (self, *argc, *argv);
}
