/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the command line asks for. */

#include <gio/gio.h>

enum
{
  NIX_EXIT_DONE = 0,
  NIX_EXIT_ERROR = 1,
  NIX_EXIT_USAGE = 64,
};

typedef struct
{
  char *input; /* FILE or FLAKE#ATTR */
  char *attr;
  char **includes;
  char **args;    /* NAME=EXPRESSION */
  char **strings; /* NAME=TEXT */
  char *files;
  int timeout;
  gboolean unrestricted;
  gboolean build;
  gboolean quiet;
  gboolean no_files;
  gboolean places;
  gboolean verbose;
} NixOptions;

void nix_options_clear (NixOptions *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (NixOptions, nix_options_clear)

/* -1: go on; else the exit status, everything is said. */
int nix_options_parse (NixOptions *self, int *argc, char ***argv);
