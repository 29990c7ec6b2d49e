/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A program that has been started: what it says, and how it ended. Bounded, cancellable, and never
 * a success that nobody has seen. Starting it is for others (scl-run; bindings/nix, which compiles
 * this file as well, so it uses nothing of libscl but its public errors). */

#include <gio/gio.h>

typedef struct
{
  const char *program; /* for messages */
  GPid pid;
  int pidfd; /* -1: none could be had; its end is then looked for */
  int out;   /* -1: has ended, or is not read */
  int err;
  GByteArray *output;
  GByteArray *message; /* what is wrong is said last: its end, if it is much */
} SclChild;

#define SCL_CHILD_INIT                                                                             \
  {                                                                                                \
    .pidfd = -1, .out = -1, .err = -1                                                              \
  }

typedef enum
{
  SCL_CHILD_ENDED,
  SCL_CHILD_CANCELLED,
  SCL_CHILD_TOO_SLOW,
  SCL_CHILD_TOO_MUCH
} SclChildOutcome;

void _scl_child_clear (SclChild *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SclChild, _scl_child_clear)

/* Begins to look after PID, a child of this process that nobody has waited for. */
void _scl_child_watch (SclChild *self, const char *program, GPid pid);

/* Until both streams and the process have ended, or TIMEOUT seconds are over (0: none), or it wrote
 * more than OUTPUT_MAX bytes. Whatever the outcome is, kill and reap follow. */
SclChildOutcome _scl_child_collect (SclChild *self, guint timeout, gsize output_max,
                                    GCancellable *cancellable);

void _scl_child_kill (SclChild *self);

/* The exit status, -N if signal N ended it. FALSE: it is not known, because somebody else took it
 * (SIGCHLD ignored, a waitpid (-1) elsewhere in the process), which is no success. */
gboolean _scl_child_reap (SclChild *self, int *out_status, GError **error);
