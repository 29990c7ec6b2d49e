/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Runs one of Nix's programs: a bounded time, a bounded output, a process group of its own that
 * ends with it or with us. Never a shell. */

#include <gio/gio.h>

typedef struct
{
  char *output;
  char *message; /* what it said on stderr; the end, if it was much */
  int status;    /* exit status; -1: it was killed by a signal */
} NixResult;

void nix_result_free (NixResult *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NixResult, nix_result_free)

typedef enum
{
  NIX_RUN_NONE = 0,
  NIX_RUN_CONFINED = 1 << 0, /* no NIX_PATH, no way to the network, bounded memory */
  NIX_RUN_SHOW = 1 << 1,     /* its stderr is ours */
} NixRunFlags;

/* TIMEOUT in seconds; 0: none. An error if it could not be run, took too long or wrote too much;
 * else the result, whatever its status is. */
NixResult *nix_run (const char *const *argv, NixRunFlags flags, guint timeout, GError **error);
