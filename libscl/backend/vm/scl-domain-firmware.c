/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-domain-firmware-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define QCOW2_MAGIC "QFI\xfb"
#define QCOW2_SIZE_AT 24

SclNvram
_scl_nvram_probe (const char *path)
{
  g_auto (SclFd) fd = path != NULL ? open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
  char head[QCOW2_SIZE_AT + sizeof (guint64)];
  SclNvram nvram = { NULL, 0 };
  guint64 big_endian;
  struct stat st;

  if (fd < 0 || fstat (fd, &st) < 0 || !S_ISREG (st.st_mode))
    return nvram;
  nvram.format = "raw";
  nvram.size = (guint64) st.st_size;
  if (pread (fd, head, sizeof head, 0) != sizeof head || memcmp (head, QCOW2_MAGIC, 4) != 0)
    return nvram;
  memcpy (&big_endian, head + QCOW2_SIZE_AT, sizeof big_endian);
  nvram.format = "qcow2";
  nvram.size = GUINT64_FROM_BE (big_endian);
  return nvram;
}

gboolean
_scl_domain_firmware_is_gone (const SclDomainDef *def)
{
  return def->firmware == SCL_FIRMWARE_UEFI && def->loader != NULL
         && !g_file_test (def->loader, G_FILE_TEST_EXISTS);
}

gboolean
_scl_domain_firmware_fits (const SclDomainDef *def, const SclNvram *nvram)
{
  SclNvram template = _scl_nvram_probe (def->nvram_template);

  if (nvram->format == NULL || def->loader == NULL)
    return TRUE;
  if (def->nvram_format != NULL && strcmp (def->nvram_format, nvram->format) != 0)
    return FALSE;
  return template.format == NULL || template.size == nvram->size;
}

gboolean
_scl_domain_firmware_throw (const SclDomainDef *def, const SclNvram *nvram, GError **error)
{
  return scl_throw (error, SCL_ERROR_UNSUPPORTED,
                    "VM \"%s\": no UEFI firmware of this host fits its NVRAM %s (%s, %" G_GUINT64_FORMAT
                    " bytes): install the firmware that it was made with (package ovmf), or move "
                    "that file away, with which the guest loses its boot entries",
                    def->vm_name, def->nvram, nvram->format, nvram->size);
}
