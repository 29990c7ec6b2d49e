/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Console output as lines: without escape sequences and control characters, so that a guest cannot
 * steer the terminal that shows several of them. Pure. */

#include <glib.h>

typedef struct _SclctlLines SclctlLines;
typedef void (*SclctlLineFunc) (const char *line, gpointer user_data);

SclctlLines *sclctl_lines_new (SclctlLineFunc function, gpointer user_data);
void sclctl_lines_free (SclctlLines *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclctlLines, sclctl_lines_free)

void sclctl_lines_push (SclctlLines *self, const char *text, gsize length);
/* Delivers a last line without end. */
void sclctl_lines_flush (SclctlLines *self);
