/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Bytes to nodes. Each reader reports all that is wrong and returns NULL if there is no tree. The
 * two notations are told apart by the name (.json; .yaml, .yml), else by how the text begins. */

#include "config/scl-report-private.h"

SclNode *_scl_read (const SclSource *source, SclReport *report);

SclNode *_scl_yaml_read (const SclSource *source, SclReport *report);
SclNode *_scl_json_read (const SclSource *source, SclReport *report);
