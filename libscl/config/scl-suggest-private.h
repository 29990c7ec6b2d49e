/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* "Did you mean …": the known word nearest to a misspelt one. Pure. */

#include <glib.h>

/* Borrowed from WORDS (NULL-terminated); NULL if none is near enough to be meant. */
const char *_scl_suggest (const char *word, const char *const *words);

/* Whether WORD is one of WORDS (blank-separated), whatever its spelling ("user_data", "UserData"). */
gboolean _scl_suggest_is_one (const char *word, const char *words);
