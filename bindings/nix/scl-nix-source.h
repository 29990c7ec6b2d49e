/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the expression comes from, and what its files are called for people: as the user named the
 * input, not as Nix sees it. */

#include "scl-nix-options.h"

typedef struct
{
  char *given;  /* as the user wrote it, harmless for a terminal */
  char *file;   /* absolute, links resolved; NULL: a flake */
  char *folder; /* of FILE, or of the flake if it is on this machine; NULL: elsewhere */
  char *shown;  /* what FOLDER is called; "" if it is the current one */
  char *copy;   /* the flake's files in the Nix store; NULL: not known */
  char *library;
} NixSource;

NixSource *nix_source_new (const NixOptions *options, GError **error);
void nix_source_free (NixSource *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NixSource, nix_source_free)

/* The user's name for a file that Nix names; NULL: it is one of our library. */
char *nix_source_show (const NixSource *self, const char *path);

/* A path of the user's, where it is really: not in the store's copy of a flake. */
char *nix_source_locate (const NixSource *self, const char *path);

/* Without control characters. */
char *nix_harmless (const char *text);
