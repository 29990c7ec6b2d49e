/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Runs a helper program (nft, qemu-img …): argv only, never a shell; bounded; killed when it
 * is cancelled or too slow. The only place in libscl that starts programs. */

#include <gio/gio.h>

typedef struct
{
  int exit_status;  /* -N: signal N ended it */
  GBytes *output;   /* stdout */
  char *message;    /* stderr, UTF-8, without the last newline */
} SclRunResult;

void _scl_run_result_free (SclRunResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclRunResult, _scl_run_result_free)

/* NULL if the program could not be run at all (SCL_ERROR_MISSING names the Debian package, if the
 * program is a known one), did not end within TIMEOUT seconds (SCL_ERROR_TIMEOUT), or its exit
 * status is not known (SCL_ERROR_FAILED). A non-zero exit status is a result, not an error. NETNS_FD: run in that network namespace, or -1.
 * USER: run as that user with its groups, or NULL. */
SclRunResult *_scl_run (const char *const *argv, GBytes *input, int netns_fd, const char *user,
                        guint timeout, GCancellable *cancellable, GError **error);

/* As _scl_run, and a non-zero exit status is SCL_ERROR_BACKEND with the program's message. */
GBytes *_scl_run_checked (const char *const *argv, GBytes *input, int netns_fd, guint timeout,
                          GCancellable *cancellable, GError **error);

/* As _scl_run_checked, for a program that is asked something: its answer is some UTF-8, or
 * SCL_ERROR_BACKEND. */
GBytes *_scl_run_asked (const char *const *argv, int netns_fd, guint timeout,
                        GCancellable *cancellable, GError **error);
