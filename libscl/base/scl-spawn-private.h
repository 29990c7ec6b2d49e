/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Starts a program. Its process borrows our memory until it has become the program, as that of
 * posix_spawn() does, which knows neither namespaces nor PR_SET_PDEATHSIG: copying the page tables of
 * a process with hundreds of VMs takes longer than the program. _scl_spawn() is for scl-run only. */

#include <glib.h>

typedef struct
{
  const char *const *argv;
  int in;           /* its standard input */
  int netns_fd;     /* -1: the caller's */
  const char *user; /* NULL: the caller's; else with its groups */
} SclSpawn;

/* Its full path: by PATH, else where distributions put programs for root, which the PATH of a su without
 * dash, of cron or of a service may lack. (transfer full) (nullable) */
char *_scl_find_program (const char *name);

/* OUT_OUT, OUT_ERR: to read its standard output and error from. It ends with this process.
 * SCL_ERROR_MISSING names the Debian package, if the program is a known one. */
gboolean _scl_spawn (const SclSpawn *self, GPid *out_pid, int *out_out, int *out_err, GError **error);
