/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One value of a manifest: text to the type of a model's property and back. */

#include "config/scl-report-private.h"
#include "config/scl-schema-private.h"

/* Reports what is wrong with NODE at PATH and returns FALSE, or fills OUT (not initialised before).
 * For SCL_VALUE_FORWARDS the node is one item of the list, and OUT holds an SclForwardSpec. */
gboolean _scl_value_parse (const SclField *field, const SclNode *node, const char *path,
                           SclReport *report, GValue *out);

/* As the manifest writes VALUE; NULL if it says nothing. For forwards: one item. (transfer full) */
char *_scl_value_format (const SclField *field, const GValue *value);

/* Numbers and booleans are written without quotes, all others are text. */
gboolean _scl_value_is_plain (const SclField *field);
