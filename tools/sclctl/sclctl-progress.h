/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What operations are doing, on stderr: on a terminal a block of bars, one per running step,
 * redrawn in place; elsewhere one line per finished step; nothing with -q or, elsewhere, with -o
 * json. */

#include "sclctl-context.h"

typedef struct _SclctlProgress SclctlProgress;

SclctlProgress *sclctl_progress_new (SclctlContext *context);
void sclctl_progress_free (SclctlProgress *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclctlProgress, sclctl_progress_free)

void sclctl_progress_watch (SclctlProgress *self, SclOperation *operation);

/* The operation has ended; one without steps gets its line now. */
void sclctl_progress_finish (SclctlProgress *self, SclOperation *operation, gboolean success);

/* What is still running, in one line; free it. */
char *sclctl_progress_describe (SclctlProgress *self);

/* Takes the block off the screen before somebody else writes; it comes back with the next change.
 */
void sclctl_progress_hide (void);

/* "[=====>    ]"; free it. */
char *sclctl_progress_bar (double fraction, guint width);
