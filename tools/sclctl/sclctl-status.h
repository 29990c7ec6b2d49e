/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Everything that a connection knows, after a refresh. */

#include <json-glib/json-glib.h>
#include <scl/scl.h>

JsonNode *sclctl_status_to_json (SclConnection *connection);
void sclctl_status_print (SclConnection *connection);
