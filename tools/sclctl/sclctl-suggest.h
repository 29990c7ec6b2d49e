/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* "did you mean": the known word that is nearest to a misspelt one. Pure. */

#include <glib.h>

/* Borrowed from the candidates; NULL: none is near enough to be meant. */
const char *sclctl_suggest (const char *word, GPtrArray *candidates);
