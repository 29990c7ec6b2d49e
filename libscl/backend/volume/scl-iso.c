/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/volume/scl-iso-private.h"

#include "base/scl-throw-private.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <unistd.h>

#define ISO_BLOCK 2048

typedef struct archive SclArchiveWriter;
typedef struct archive SclArchiveReader;
typedef struct archive_entry SclArchiveEntry;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclArchiveWriter, archive_write_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclArchiveReader, archive_read_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclArchiveEntry, archive_entry_free)

GHashTable *
_scl_iso_files_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
}

static gboolean
iso_throw (struct archive *archive, const char *what, GError **error)
{
  const char *message = archive_error_string (archive);

  return scl_throw (error, SCL_ERROR_FAILED, "cannot %s an ISO image: %s", what,
                    message != NULL ? message : "unknown error");
}

/* The library keeps what it writes in a file there, whoever it writes to. */
static gboolean
iso_check_temporary (GError **error)
{
  const char *folder = g_getenv ("TMPDIR");

  if (folder == NULL || access (folder, W_OK | X_OK) == 0)
    return TRUE;
  return scl_throw_errno (error, errno,
                          "cannot write an ISO image: TMPDIR is %s, which cannot be written to", folder);
}

static la_ssize_t
iso_append (struct archive *archive, void *user_data, const void *buffer, size_t length)
{
  g_byte_array_append (user_data, buffer, (guint) length);
  return (la_ssize_t) length;
}

static gboolean
iso_write_file (struct archive *archive, const char *name, GBytes *content, GError **error)
{
  g_autoptr (SclArchiveEntry) entry = archive_entry_new ();
  gsize size;
  const void *data = g_bytes_get_data (content, &size);

  archive_entry_set_pathname (entry, name);
  archive_entry_set_filetype (entry, AE_IFREG);
  archive_entry_set_perm (entry, 0600);
  archive_entry_set_nlink (entry, 1);
  archive_entry_set_size (entry, (la_int64_t) size);
  archive_entry_set_mtime (entry, 0, 0);
  archive_entry_set_atime (entry, 0, 0);
  archive_entry_set_ctime (entry, 0, 0);
  if (archive_write_header (archive, entry) != ARCHIVE_OK)
    return iso_throw (archive, "write", error);
  if (size > 0 && archive_write_data (archive, data, size) != (la_ssize_t) size)
    return iso_throw (archive, "write", error);
  return TRUE;
}

static gboolean
iso_write_files (struct archive *archive, GHashTable *files, GError **error)
{
  g_autoptr (GList) names = g_list_sort (g_hash_table_get_keys (files), (GCompareFunc) g_strcmp0);

  for (GList *l = names; l != NULL; l = l->next)
    if (!iso_write_file (archive, l->data, g_hash_table_lookup (files, l->data), error))
      return FALSE;
  return TRUE;
}

GBytes *
_scl_iso_write (const char *label, GHashTable *files, GError **error)
{
  g_autoptr (SclArchiveWriter) archive = archive_write_new ();
  g_autoptr (GByteArray) out = g_byte_array_new ();

  if (!iso_check_temporary (error))
    return NULL;
  if (archive_write_set_format_iso9660 (archive) != ARCHIVE_OK
      || archive_write_set_format_option (archive, NULL, "volume-id", label) != ARCHIVE_OK
      || archive_write_set_format_option (archive, NULL, "joliet", "1") != ARCHIVE_OK
      || archive_write_set_format_option (archive, NULL, "rockridge", "useful") != ARCHIVE_OK
      || archive_write_set_format_option (archive, NULL, "pad", NULL) != ARCHIVE_OK
      || archive_write_set_bytes_per_block (archive, ISO_BLOCK) != ARCHIVE_OK
      || archive_write_open (archive, out, NULL, iso_append, NULL) != ARCHIVE_OK)
    {
      (void) iso_throw (archive, "write", error);
      return NULL;
    }
  if (!iso_write_files (archive, files, error))
    return NULL;
  if (archive_write_close (archive) != ARCHIVE_OK)
    {
      (void) iso_throw (archive, "write", error);
      return NULL;
    }
  return g_byte_array_free_to_bytes (g_steal_pointer (&out));
}

static GBytes *
iso_read_file (struct archive *archive, struct archive_entry *entry, gsize *left, GError **error)
{
  la_int64_t size = archive_entry_size (entry);
  g_autofree char *content = NULL;

  if (size < 0 || (guint64) size > *left)
    return scl_null_throw (error, SCL_ERROR_INVALID, "an ISO image holds more than expected");
  content = g_malloc ((gsize) size + 1);
  if (archive_read_data (archive, content, (gsize) size) != (la_ssize_t) size)
    {
      (void) iso_throw (archive, "read", error);
      return NULL;
    }
  *left -= (gsize) size;
  return g_bytes_new_take (g_steal_pointer (&content), (gsize) size);
}

GHashTable *
_scl_iso_read (int fd, gsize max, GError **error)
{
  g_autoptr (SclArchiveReader) archive = archive_read_new ();
  g_autoptr (GHashTable) files = _scl_iso_files_new ();
  struct archive_entry *entry;
  int rc;

  if (archive_read_support_format_iso9660 (archive) != ARCHIVE_OK
      || archive_read_open_fd (archive, fd, ISO_BLOCK) != ARCHIVE_OK)
    {
      (void) iso_throw (archive, "read", error);
      return NULL;
    }
  while ((rc = archive_read_next_header (archive, &entry)) == ARCHIVE_OK)
    {
      GBytes *content;

      if (archive_entry_filetype (entry) != AE_IFREG)
        continue;
      content = iso_read_file (archive, entry, &max, error);
      if (content == NULL)
        return NULL;
      g_hash_table_replace (files, g_strdup (archive_entry_pathname (entry)), content);
    }
  if (rc != ARCHIVE_EOF)
    {
      (void) iso_throw (archive, "read", error);
      return NULL;
    }
  return g_steal_pointer (&files);
}
