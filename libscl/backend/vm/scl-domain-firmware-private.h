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

/* FORMAT (nullable: raw) is never told from the file: the guest writes its content, and a qcow2 header
 * names other files. */
SclNvram _scl_nvram_measure (const char *path, const char *format);

/* An NVRAM outlives its domain, where its format stands: it is noted at the file when that goes. Where it
 * cannot be, it is raw to _read. */
void _scl_nvram_note_format (const char *path, const char *format);
const char *_scl_nvram_read_format (const char *path);

/* The stored choice is a file that is gone. */
gboolean _scl_domain_firmware_is_gone (const SclDomainDef *def);
/* FALSE: what libvirt has chosen for DEF is made for an NVRAM of another format or size. */
gboolean _scl_domain_firmware_fits (const SclDomainDef *def, const SclNvram *nvram);
/* SCL_ERROR_UNSUPPORTED with the way out. Always FALSE. */
gboolean _scl_domain_firmware_throw (const SclDomainDef *def, const SclNvram *nvram, GError **error);
