/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Text from outside: how it is shown in messages, and what no text of a manifest may contain. */

#include "config/scl-report-private.h"

/* In double quotes, with escapes, cut after 80 characters: fit for one line of a message. */
char *_scl_text_quote (const char *text);

/* The first character that no scalar may contain (control characters, line and paragraph
 * separators), 0 if there is none. TEXT is UTF-8 of LENGTH bytes and may contain NUL. */
gunichar _scl_text_find_control (const char *text, gsize length, gboolean *out_found);

/* Where byte OFFSET of SOURCE is. */
SclPlace _scl_text_place (const SclSource *source, gsize offset);

/* Whether the input can be read at all: not empty, UTF-8, no NUL, no stray control character. */
gboolean _scl_text_check (const SclSource *source, SclReport *report);

/* The bytes without a byte order mark. */
const char *_scl_text_peek (const SclSource *source, gsize *out_length);
