/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which firmware fits the NVRAM that a guest has. libvirt >= 9.2 writes the firmware that it chose
 * into the stored definition, and chooses anew, without a look at the NVRAM, if it is not there. */

#include "backend/vm/scl-domain-def-private.h"

typedef struct
{
  const char *format; /* "raw" or "qcow2"; NULL: there is no file */
  guint64 size;       /* as the guest sees it, bytes */
} SclNvram;

/* Reads the file's first bytes. */
SclNvram _scl_nvram_probe (const char *path);

/* The stored choice is a file that is gone. */
gboolean _scl_domain_firmware_is_gone (const SclDomainDef *def);
/* FALSE: what libvirt has chosen for DEF is made for an NVRAM of another format or size. */
gboolean _scl_domain_firmware_fits (const SclDomainDef *def, const SclNvram *nvram);
/* SCL_ERROR_UNSUPPORTED with the way out. Always FALSE. */
gboolean _scl_domain_firmware_throw (const SclDomainDef *def, const SclNvram *nvram, GError **error);
