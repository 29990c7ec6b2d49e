/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-domain-firmware-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define QCOW2_MAGIC "QFI\xfb"
#define QCOW2_SIZE_AT 24
/* Only the host's root can set it. */
#define FORMAT_ATTRIBUTE "trusted.scl.nvram-format"

/* -1 unless it is a regular file. */
static SclFd
open_file (const char *path, guint64 *out_size)
{
  g_auto (SclFd) fd = path != NULL ? open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
  struct stat st;

  if (fd < 0 || fstat (fd, &st) < 0 || !S_ISREG (st.st_mode))
    return -1;
  *out_size = (guint64) st.st_size;
  return scl_fd_steal (&fd);
}

/* 0: it has no such header. */
static guint64
read_qcow2_size (int fd)
{
  char head[QCOW2_SIZE_AT + sizeof (guint64)];
  guint64 big_endian;

  if (pread (fd, head, sizeof head, 0) != sizeof head || memcmp (head, QCOW2_MAGIC, 4) != 0)
    return 0;
  memcpy (&big_endian, head + QCOW2_SIZE_AT, sizeof big_endian);
  return GUINT64_FROM_BE (big_endian);
}

static gboolean
is_qcow2 (const char *format)
{
  return g_strcmp0 (format, "qcow2") == 0;
}

SclNvram
_scl_nvram_measure (const char *path, const char *format)
{
  SclNvram nvram = { NULL, 0 };
  g_auto (SclFd) fd = open_file (path, &nvram.size);

  if (fd < 0)
    return nvram;
  nvram.format = is_qcow2 (format) ? "qcow2" : "raw";
  if (is_qcow2 (format))
    nvram.size = read_qcow2_size (fd);
  return nvram;
}

void
_scl_nvram_note_format (const char *path, const char *format)
{
  guint64 size;
  g_auto (SclFd) fd = is_qcow2 (format) ? open_file (path, &size) : -1;

  if (fd >= 0)
    (void) fsetxattr (fd, FORMAT_ATTRIBUTE, format, strlen (format), 0);
}

const char *
_scl_nvram_read_format (const char *path)
{
  char format[16] = "";
  guint64 size;
  g_auto (SclFd) fd = open_file (path, &size);

  if (fd >= 0 && fgetxattr (fd, FORMAT_ATTRIBUTE, format, sizeof format - 1) < 0)
    return "raw";
  return is_qcow2 (format) ? "qcow2" : "raw";
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
  const char *format
      = def->nvram_template_format != NULL ? def->nvram_template_format : def->nvram_format;
  SclNvram template = _scl_nvram_measure (def->nvram_template, format);

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
