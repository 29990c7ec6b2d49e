/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Several inputs to one tree, as if everything had been written into one file: maps of named
 * objects are joined, anything that is said twice must be the same or is an error with both
 * places. */

#include "config/scl-report-private.h"
#include "config/scl-schema-private.h"

/* Takes the ROOTS' contents. The result has only keys of _scl_manifest_schema, once each, and
 * its maps are maps; `damaged` says that something that may matter to the rest was left out. */
SclNode *_scl_merge (GPtrArray *roots, SclReport *report);

/* Reports the keys of MAP that SCHEMA does not have. A misspelt one is corrected, so that what it
 * says counts and is checked; the others are removed. */
void _scl_merge_correct_keys (SclNode *map, const SclObjectSchema *schema, const char *path,
                              SclReport *report);
