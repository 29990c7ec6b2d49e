/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-domain-paths-private.h"
#include "base/scl-fd-private.h"
#include <fcntl.h>
#include <string.h>

#define MAX_DEPTH 64
#define MAX_NAME 1024 /* qcow2's own bound is 1023 */
#define MAX_EXTENSIONS 64

/* The beginning of a qcow2 file; numbers are big-endian. */
typedef struct __attribute__ ((packed))
{
  guint8 magic[4];
  guint32 version;
  guint64 backing_offset;
  guint32 backing_size;
  guint8 between[80];
  guint32 header_length; /* version 3 */
} Header;

#define HEADER_LENGTH_2 72
#define EXTENSION_END 0
#define EXTENSION_DATA_FILE 0x44415441

static char *
read_text (int fd, guint64 offset, guint32 size)
{
  g_autofree char *text = NULL;

  if (size == 0 || size >= MAX_NAME || offset > G_MAXINT64)
    return NULL;
  text = g_malloc0 (size + 1);
  return pread (fd, text, size, (off_t) offset) == (gssize) size ? g_steal_pointer (&text) : NULL;
}

/* The raw file that holds the content, if it is another one. */
static char *
read_data_file (int fd, const Header *header)
{
  guint64 at = GUINT32_FROM_BE (header->version) >= 3 ? GUINT32_FROM_BE (header->header_length)
                                                      : HEADER_LENGTH_2;
  guint32 extension[2]; /* type, length */

  for (int i = 0; i < MAX_EXTENSIONS; i++)
    {
      guint32 length;

      if (pread (fd, extension, sizeof extension, (off_t) at) != (gssize) sizeof extension
          || GUINT32_FROM_BE (extension[0]) == EXTENSION_END)
        return NULL;
      at += sizeof extension;
      length = GUINT32_FROM_BE (extension[1]);
      if (GUINT32_FROM_BE (extension[0]) == EXTENSION_DATA_FILE)
        return read_text (fd, at, length);
      at += (length + 7ULL) & ~7ULL;
    }
  return NULL;
}

/* QEMU also takes "file:PATH" and "json:{…}"; of the latter every string that is a path. */
static void
tell_name (const char *above, const char *name, SclPathFunc func, gpointer user_data)
{
  g_autofree char *folder = g_path_get_dirname (above);
  g_autofree char *path = NULL;

  if (g_str_has_prefix (name, "json:"))
    {
      g_auto (GStrv) words = g_strsplit (name, "\"", -1);

      for (char **word = words; *word != NULL; word++)
        if (g_path_is_absolute (*word))
          func (*word, user_data);
      return;
    }
  name += g_str_has_prefix (name, "file:") ? strlen ("file:") : 0;
  path = g_canonicalize_filename (name, folder);
  func (path, user_data);
}

/* Deeper: once for each file that is found, in the order of the chain. */
typedef struct
{
  SclPathFunc func;
  gpointer user_data;
  guint depth;
} Descent;

static void descend (const char *path, gpointer user_data);

static void
follow (const char *path, Descent *descent)
{
  g_auto (SclFd) fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  struct stat info;
  Header header;
  g_autofree char *backing = NULL;
  g_autofree char *data = NULL;

  if (fd < 0 || fstat (fd, &info) != 0 || !S_ISREG (info.st_mode)
      || pread (fd, &header, sizeof header, 0) != (gssize) sizeof header
      || memcmp (header.magic, "QFI\xfb", sizeof header.magic) != 0)
    return;
  backing = read_text (fd, GUINT64_FROM_BE (header.backing_offset),
                       GUINT32_FROM_BE (header.backing_size));
  data = read_data_file (fd, &header);
  if (data != NULL)
    tell_name (path, data, descent->func, descent->user_data);
  if (backing != NULL)
    tell_name (path, backing, descend, descent);
}

static void
descend (const char *path, gpointer user_data)
{
  Descent *descent = user_data;

  descent->func (path, descent->user_data);
  if (descent->depth >= MAX_DEPTH)
    return;
  descent->depth++;
  follow (path, descent);
  descent->depth--;
}

void
_scl_backing_chain_foreach (const char *path, SclPathFunc func, gpointer user_data)
{
  Descent descent = { .func = func, .user_data = user_data };

  follow (path, &descent);
}
