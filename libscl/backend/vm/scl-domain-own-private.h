/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which devices of a domain are SCL's: those with its alias and, where somebody has taken that away, those that lead
 * to what SCL set. Pure. */

#include "backend/vm/scl-domain-def-private.h"
#include <libxml/tree.h>

/* N of the alias "KINDn" that SCL gave the device; FALSE: it is not one, as it may go on behind the number. */
gboolean _scl_domain_own_read_index (const xmlNode *device, const char *kind, guint *out_index);
gboolean _scl_domain_own_has_alias (const xmlNode *device);

/* FIELDS (nullable): what SCL set. (transfer full): its value of KEY; NULL: none. */
char *_scl_domain_own_get_field (const char *fields, const char *key);
/* Which disk it set as the file PATH, which NIC as MAC or on TAP (nullable all). */
gboolean _scl_domain_own_find_disk (const char *fields, const char *path, guint *out_index);
gboolean _scl_domain_own_find_nic (const char *fields, const char *mac, const char *tap, guint *out_index);

/* The files, MACs and taps of EXISTING and of WIRING (nullable). (transfer full), a set of char* */
GHashTable *_scl_domain_own_names (const SclDomainDef *existing, const SclVmWiring *wiring);
