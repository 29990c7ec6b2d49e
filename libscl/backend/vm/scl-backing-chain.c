/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-backing-chain-private.h"
#include "backend/vm/scl-source-name-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include <fcntl.h>
#include <string.h>

#define MAX_DEPTH 64
#define MAX_NAME 1024 /* qcow2's own bound is 1023 */
#define MAX_EXTENSIONS 64
#define MAX_VERSION 3

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
#define EXTENSION_BACKING_FORMAT 0xe2792aca

/* Formats, as libvirt calls them, in which QEMU sees nothing but blocks. */
static const char *const raw_formats[] = { "raw", "iso", "dir", "fat", NULL };

void
_scl_backing_file_clear (SclBackingFile *file)
{
  g_clear_pointer (&file->name, g_free);
  g_clear_pointer (&file->format, g_free);
}

static char *
read_text (int fd, guint64 offset, guint32 size)
{
  g_autofree char *text = NULL;

  if (size == 0 || size >= MAX_NAME || offset > G_MAXINT64)
    return NULL;
  text = g_malloc0 (size + 1);
  return pread (fd, text, size, (off_t) offset) == (gssize) size ? g_steal_pointer (&text) : NULL;
}

/* The text of the first extension that is TYPE. */
static char *
read_extension (int fd, const Header *header, guint32 type)
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
      if (GUINT32_FROM_BE (extension[0]) == type)
        return read_text (fd, at, length);
      at += (length + 7ULL) & ~7ULL;
    }
  return NULL;
}

/* --- one file after the other --- */

typedef struct
{
  SclPathFunc func;
  gpointer user_data;
  GCancellable *cancellable;
  GError **error;
  guint depth;
} Walk;

static gboolean follow (Walk *walk, const char *path, const char *format);

static gboolean
is_raw (const char *format)
{
  return format != NULL && g_strv_contains (raw_formats, format);
}

static gboolean
descend (Walk *walk, const char *path, const char *format)
{
  gboolean ok;

  walk->func (path, walk->user_data);
  if (++walk->depth > MAX_DEPTH)
    return scl_throw (walk->error, SCL_ERROR_BACKEND, "%s: more than %d files below each other", path,
                      MAX_DEPTH);
  ok = follow (walk, path, format);
  walk->depth--;
  return ok;
}

static void
collect (const char *path, gpointer paths)
{
  g_ptr_array_add (paths, g_strdup (path));
}

/* "json:{…}": every string in it that is a path. */
static gboolean
descend_json (Walk *walk, const char *above, const SclBackingFile *file)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);

  if (!_scl_source_name_foreach (file->name, collect, paths))
    return scl_throw (walk->error, SCL_ERROR_BACKEND, "%s: it stands on \"%s\", which cannot be read",
                      above, file->name);
  for (guint i = 0; i < paths->len; i++)
    if (!descend (walk, paths->pdata[i], file->format))
      return FALSE;
  return TRUE;
}

/* As QEMU tells "nbd:…" from a file with a colon in its name. */
static gboolean
has_protocol (const char *name)
{
  return name[strcspn (name, ":/")] == ':';
}

static gboolean
descend_backing (Walk *walk, const char *above, const SclBackingFile *file)
{
  const char *name = file->name;
  g_autofree char *folder = g_path_get_dirname (above);
  g_autofree char *path = NULL;

  if (g_str_has_prefix (name, "json:"))
    return descend_json (walk, above, file);
  name += g_str_has_prefix (name, "file:") ? strlen ("file:") : 0;
  if (has_protocol (name))
    return is_raw (file->format)
           || scl_throw (walk->error, SCL_ERROR_BACKEND, "%s: it stands on \"%s\", which is no file",
                         above, name);
  path = g_canonicalize_filename (name, folder);
  return descend (walk, path, file->format);
}

/* --- one file --- */

static void
tell_data_file (Walk *walk, const char *above, const char *name)
{
  g_autofree char *folder = g_path_get_dirname (above);
  g_autofree char *path = NULL;

  if (name == NULL)
    return;
  (void) _scl_source_name_foreach (name, walk->func, walk->user_data);
  path = g_canonicalize_filename (
      name + (g_str_has_prefix (name, "file:") ? strlen ("file:") : 0), folder);
  walk->func (path, walk->user_data);
}

/* FALSE: it is something else, or nothing that we understand. */
static gboolean
read_qcow2 (Walk *walk, int fd, const char *path, SclBackingFile *out_backing)
{
  Header header;
  g_autofree char *data = NULL;

  if (pread (fd, &header, sizeof header, 0) != (gssize) sizeof header
      || memcmp (header.magic, "QFI\xfb", sizeof header.magic) != 0
      || GUINT32_FROM_BE (header.version) > MAX_VERSION)
    return FALSE;
  out_backing->name = read_text (fd, GUINT64_FROM_BE (header.backing_offset),
                                 GUINT32_FROM_BE (header.backing_size));
  if (out_backing->name == NULL && header.backing_size != 0)
    return FALSE;
  out_backing->format = read_extension (fd, &header, EXTENSION_BACKING_FORMAT);
  data = read_extension (fd, &header, EXTENSION_DATA_FILE);
  tell_data_file (walk, path, data);
  return TRUE;
}

static gboolean
is_qcow (const char *format)
{
  return format == NULL || g_str_equal (format, "qcow2") || g_str_equal (format, "qcow");
}

static gboolean
read_backing (Walk *walk, int fd, const char *path, const char *format, SclBackingFile *out_backing)
{
  return (is_qcow (format) && read_qcow2 (walk, fd, path, out_backing))
         || _scl_image_info_read (path, format, walk->func, walk->user_data, out_backing,
                                  walk->cancellable, walk->error)
         || scl_prefix (walk->error, "%s: what it stands on is not known", path);
}

static gboolean
follow (Walk *walk, const char *path, const char *format)
{
  g_auto (SclFd) fd = -1;
  g_auto (SclBackingFile) backing = { NULL, NULL };
  struct stat info;

  if (is_raw (format))
    return TRUE;
  fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
    return TRUE;
  if (fd < 0 || fstat (fd, &info) != 0)
    return scl_throw_errno (walk->error, errno, "%s: what it stands on is not known", path);
  if (!S_ISREG (info.st_mode) && !S_ISBLK (info.st_mode))
    return TRUE;
  return read_backing (walk, fd, path, format, &backing)
         && (backing.name == NULL || descend_backing (walk, path, &backing));
}

gboolean
_scl_backing_chain_foreach (const char *path, const char *format, SclPathFunc func,
                            gpointer user_data, GCancellable *cancellable, GError **error)
{
  Walk walk = { .func = func, .user_data = user_data, .cancellable = cancellable, .error = error };

  return follow (&walk, path, format);
}
