/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/volume/scl-image-probe-private.h"

#include "base/scl-throw-private.h"
#include <string.h>
#include <unistd.h>

#define PROBE_SIZE (33u * 1024)
#define PROBE_VHD_FOOTER 512

typedef struct
{
  const char *what;
  gsize offset;
  const char *magic;
  gsize length;
  const char *command; /* takes the image's path; NULL: qemu-img */
} SclImageMagic;

#define MAGIC(what, offset, magic, command)                                                        \
  {                                                                                                \
    what, offset, magic, sizeof (magic) - 1, command                                               \
  }

static const SclImageMagic image_magics[] = {
  MAGIC ("a qcow2 image", 0, "QFI\xfb", NULL),
  MAGIC ("a QED image", 0, "QED\0", NULL),
  MAGIC ("a VMDK image", 0, "KDMV", NULL),
  MAGIC ("a VMDK image", 0, "COWD", NULL),
  MAGIC ("a VMDK descriptor", 0, "# Disk DescriptorFile", NULL),
  MAGIC ("a VHDX image", 0, "vhdxfile", NULL),
  MAGIC ("a VHD image", 0, "conectix", NULL),
  MAGIC ("a VDI image", 0x40, "\x7f\x10\xda\xbe", NULL),
  MAGIC ("a Parallels image", 0, "WithoutFreeSpace", NULL),
  MAGIC ("a Parallels image", 0, "WithouFreSpacExt", NULL),
  MAGIC ("compressed with gzip", 0, "\x1f\x8b", "gunzip --keep"),
  MAGIC ("compressed with xz", 0, "\3757zXZ\0", "unxz --keep"),
  MAGIC ("compressed with bzip2", 0, "BZh", "bunzip2 --keep"),
  MAGIC ("compressed with zstd", 0, "\x28\xb5\x2f\xfd", "unzstd"),
  MAGIC ("compressed with lz4", 0, "\x04\x22\x4d\x18", "unlz4"),
  MAGIC ("a ZIP archive", 0, "PK\x03\x04", "unzip"),
  MAGIC ("a 7z archive", 0, "7z\xbc\xaf\x27\x1c", "7z x"),
  MAGIC ("a tar or OVA archive", 257, "ustar", "tar -xf"),
};

static gboolean
image_has (const guint8 *head, gsize size, gsize offset, const char *magic, gsize length)
{
  return offset + length <= size && memcmp (head + offset, magic, length) == 0;
}

/* "/a/disk.qcow2" -> "/a/disk.raw"; never PATH itself, whatever it is called. */
static char *
image_raw_path (const char *path)
{
  const char *slash = strrchr (path, '/');
  const char *base = slash != NULL ? slash + 1 : path;
  const char *dot = strrchr (base, '.');
  gboolean has_suffix = dot != NULL && dot != base && !g_str_equal (dot, ".raw");
  gsize stem = has_suffix ? (gsize) (dot - path) : strlen (path);

  return g_strdup_printf ("%.*s.raw", (int) stem, path);
}

static gboolean
image_throw_convert (const char *path, const char *what, const char *option, GError **error)
{
  g_autofree char *raw = image_raw_path (path);
  g_autofree char *quoted_path = g_shell_quote (path);
  g_autofree char *quoted_raw = g_shell_quote (raw);

  return scl_throw (error, SCL_ERROR_UNSUPPORTED,
                    "%s: is %s, not a raw image; convert it and name the result: "
                    "qemu-img convert -O raw %s%s %s",
                    path, what, option, quoted_path, quoted_raw);
}

static gboolean
image_throw_unpack (const char *path, const SclImageMagic *found, GError **error)
{
  g_autofree char *quoted = g_shell_quote (path);

  return scl_throw (error, SCL_ERROR_UNSUPPORTED,
                    "%s: is %s, not a raw image; unpack it and name the result: %s %s", path,
                    found->what, found->command, quoted);
}

static gboolean
image_check_head (const guint8 *head, gsize size, const char *path, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (image_magics); i++)
    {
      const SclImageMagic *magic = &image_magics[i];

      if (!image_has (head, size, magic->offset, magic->magic, magic->length))
        continue;
      return magic->command != NULL ? image_throw_unpack (path, magic, error)
                                    : image_throw_convert (path, magic->what, "", error);
    }
  /* A hybrid image has a boot sector too and starts from a disk. */
  if (image_has (head, size, 32769, "CD001", 5) && !image_has (head, size, 510, "\x55\xaa", 2))
    return scl_throw (error, SCL_ERROR_UNSUPPORTED,
                      "%s: is a CD or DVD image, which cannot be started from a disk; name the "
                      "raw image of an installed disk",
                      path);
  return TRUE;
}

gboolean
_scl_image_probe (int fd, guint64 size, const char *path, GError **error)
{
  g_autofree guint8 *head = g_malloc (PROBE_SIZE);
  gssize n = pread (fd, head, PROBE_SIZE, 0);
  guint8 tail[PROBE_VHD_FOOTER];

  if (n < 0)
    return scl_throw_errno (error, errno, "%s: cannot read", path);
  if (n == 0 || size == 0)
    return scl_throw (error, SCL_ERROR_INVALID, "%s: is empty, not a disk image", path);
  if (!image_check_head (head, (gsize) n, path, error))
    return FALSE;
  if (size > sizeof tail
      && pread (fd, tail, sizeof tail, (off_t) (size - sizeof tail)) == (gssize) sizeof tail
      && image_has (tail, sizeof tail, 0, "conectix", 8))
    return image_throw_convert (path, "a VHD image", "-f vpc ", error);
  return TRUE;
}
