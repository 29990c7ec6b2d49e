/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scl-nix-files.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <scl/scl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* One for all: who writes holds the lock of the folder. */
#define TEMPORARY ".new"

typedef struct
{
  char *name;
  char *content;
} Entry;

struct _NixFiles
{
  char *folder;
  GPtrArray *entries;
  int fd;
};

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_free (entry->name);
  g_free (entry->content);
  g_free (entry);
}

static char *
usual_folder (void)
{
  if (g_getenv ("SCL_NIX_FILES") != NULL)
    return g_strdup (g_getenv ("SCL_NIX_FILES"));
  if (geteuid () == 0)
    return g_strdup (SCL_NIX_STATE);
  return g_build_filename (g_get_user_cache_dir (), "scl", "nix", NULL);
}

NixFiles *
nix_files_new (const char *folder)
{
  NixFiles *self = g_new0 (NixFiles, 1);
  g_autofree char *usual = usual_folder ();

  self->folder = g_canonicalize_filename (folder != NULL ? folder : usual, NULL);
  self->entries = g_ptr_array_new_with_free_func (entry_free);
  self->fd = -1;
  return self;
}

void
nix_files_free (NixFiles *self)
{
  if (self->fd >= 0)
    (void) close (self->fd);
  g_ptr_array_unref (self->entries);
  g_free (self->folder);
  g_free (self);
}

const char *
nix_files_get_folder (NixFiles *self)
{
  return self->folder;
}

char *
nix_files_add (NixFiles *self, const char *name, const char *content)
{
  g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, content, -1);
  g_autofree char *plain = g_strdelimit (g_strdup (name), "/", '_');
  Entry *entry = g_new0 (Entry, 1);

  entry->name = g_strdup_printf ("%s-%s", hash, plain);
  entry->content = g_strdup (content);
  g_ptr_array_add (self->entries, entry);
  return g_build_filename (self->folder, entry->name, NULL);
}

static gboolean
set_errno (GError **error, const char *folder, const char *what, int number)
{
  g_set_error (error, SCL_ERROR, number == EACCES ? SCL_ERROR_PERMISSION : SCL_ERROR_FAILED,
               "%s: %s: %s", folder, what, g_strerror (number));
  return FALSE;
}

static gboolean
check_folder (NixFiles *self, GError **error)
{
  struct stat st;

  if (fstat (self->fd, &st) < 0)
    return set_errno (error, self->folder, "cannot look at the folder", errno);
  if (st.st_uid == geteuid () && (st.st_mode & 07777) == 0700)
    return TRUE;
  g_set_error (
      error, SCL_ERROR, SCL_ERROR_PERMISSION,
      "%s: generated files may hold secrets, so the folder must be yours alone (mode 0700); "
      "it has mode %04o and user %u",
      self->folder, st.st_mode & 07777, st.st_uid);
  return FALSE;
}

gboolean
nix_files_prepare (NixFiles *self, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (self->folder);

  if (self->fd >= 0)
    return TRUE;
  /* 0711 is what SCL gives its own folder, which may be among these. */
  if (g_mkdir_with_parents (parent, 0711) < 0
      || (mkdir (self->folder, 0700) < 0 && errno != EEXIST))
    return set_errno (error, self->folder, "cannot make the folder", errno);
  self->fd = open (self->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (self->fd < 0)
    return set_errno (error, self->folder, "cannot open the folder", errno);
  return check_folder (self, error);
}

static gboolean
is_there (NixFiles *self, const Entry *entry)
{
  struct stat st;

  return fstatat (self->fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG (st.st_mode)
         && (st.st_mode & 07777) == 0600 && st.st_uid == geteuid ()
         && (gsize) st.st_size == strlen (entry->content);
}

static gboolean
write_content (int fd, const char *content)
{
  gsize left = strlen (content);

  while (left > 0)
    {
      gssize n = TEMP_FAILURE_RETRY (write (fd, content, left));

      if (n < 0)
        return FALSE;
      content += n;
      left -= (gsize) n;
    }
  return fsync (fd) == 0;
}

static gboolean
write_entry (NixFiles *self, const Entry *entry)
{
  gboolean written;
  int fd, number;

  if (unlinkat (self->fd, TEMPORARY, 0) < 0 && errno != ENOENT)
    return FALSE;
  fd = openat (self->fd, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return FALSE;
  written = fchmod (fd, 0600) == 0 && write_content (fd, entry->content);
  number = errno;
  (void) close (fd);
  errno = number;
  return written && renameat (self->fd, TEMPORARY, self->fd, entry->name) == 0;
}

gboolean
nix_files_write (NixFiles *self, GError **error)
{
  if (self->entries->len == 0)
    return TRUE;
  if (!nix_files_prepare (self, error))
    return FALSE;
  if (TEMP_FAILURE_RETRY (flock (self->fd, LOCK_EX)) < 0)
    return set_errno (error, self->folder, "cannot lock the folder", errno);
  for (guint i = 0; i < self->entries->len; i++)
    {
      const Entry *entry = self->entries->pdata[i];

      if (!is_there (self, entry) && !write_entry (self, entry))
        return set_errno (error, self->folder, "cannot write a generated file", errno);
    }
  if (fsync (self->fd) < 0)
    return set_errno (error, self->folder, "cannot write", errno);
  return flock (self->fd, LOCK_UN) == 0;
}
