/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Nodes to YAML. Text that any version of YAML could take for something else is quoted. */

#include "config/scl-node-private.h"

char *_scl_yaml_write (SclNode *root);
