/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What went wrong in this invocation, for -o json: whoever fails has told stderr already, and a program that reads
 * stdout gets one document in any case. */

#include "sclctl-context.h"

/* Before any of the others; CONTEXT is borrowed until the last sclctl_failure_print(). */
void sclctl_failure_begin (SclctlContext *context);

/* Of errors the last counts, which makes the status; of words the first, if there is no error. */
void sclctl_failure_note (const GError *error);
void sclctl_failure_note_text (const char *text);

/* A document, or the first of several, is out: it says itself what failed. */
void sclctl_failure_set_answered (void);

/* Prints {"error": …} if STATUS is that of a failure that no document has told, and one is wanted. */
void sclctl_failure_print (int status);
