/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The JSON that programs read; its keys are a promise, written down in doc/json.md. Every function
 * gives a new node. */

#include <json-glib/json-glib.h>
#include <scl/scl.h>

JsonNode *sclctl_json_network (SclNetwork *network);
JsonNode *sclctl_json_volume (SclVolume *volume);
JsonNode *sclctl_json_vm (SclVm *vm);
JsonNode *sclctl_json_step (SclStep *step);
JsonNode *sclctl_json_result (SclStepResult *result);
JsonNode *sclctl_json_diagnostic (SclDiagnostic *diagnostic);
JsonNode *sclctl_json_error (const GError *error);

typedef JsonNode *(*SclctlJsonFunc) (gpointer item);
#define SCLCTL_JSON_FUNC(function) ((SclctlJsonFunc)(gpointer)(function))

/* An array of what FUNCTION makes of each item; LIST may be NULL. */
JsonNode *sclctl_json_list (GListModel *list, SclctlJsonFunc function);

/* Adds a member; NODE or TEXT may be NULL, which is null. Takes the node. */
void sclctl_json_set (JsonObject *object, const char *key, JsonNode *node);
void sclctl_json_set_text (JsonObject *object, const char *key, const char *text);

/* Takes the object. */
JsonNode *sclctl_json_node (JsonObject *object);

/* To stdout, indented and with a line end, or on one line. Takes the node. */
void sclctl_json_print (JsonNode *node);
void sclctl_json_print_line (JsonNode *node);
