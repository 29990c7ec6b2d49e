/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/volume/scl-volume-adoption-private.h"

#include "backend/volume/scl-image-lock-private.h"
#include "backend/volume/scl-volume-backend-private.h"
#include "backend/volume/scl-volume-store-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-names-private.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static gboolean
is_one_folder (const SclVolumeAdoption *self)
{
  struct stat from, to;

  return fstat (self->from, &from) == 0 && fstat (self->to, &to) == 0 && from.st_dev == to.st_dev
         && from.st_ino == to.st_ino;
}

static gboolean
is_one_file_system (const SclVolumeAdoption *self)
{
  struct stat from, to;

  return fstat (self->from, &from) == 0 && fstat (self->to, &to) == 0 && from.st_dev == to.st_dev;
}

/* 0.1 did not write whose a volume is; what nobody uses was the default instance's. */
static const char *
owner_in (const SclSidecar *note)
{
  return note->instance != NULL ? note->instance : SCL_PREFIX_DEFAULT;
}

/* OWNER's note of NAME in FROM; NULL: it has none. */
static SclSidecar *
read_owners_note (const SclVolumeAdoption *self)
{
  g_autoptr (SclSidecar) note = _scl_sidecar_read (self->from, self->name, NULL);

  return note != NULL && strcmp (owner_in (note), self->owner) == 0 ? g_steal_pointer (&note) : NULL;
}

/* NOTE has lost its file to TO. */
static gboolean
is_cut (const SclVolumeAdoption *self, const SclSidecar *note, const char *file)
{
  g_autoptr (SclSidecar) taken
      = self->to < 0 ? NULL : _scl_sidecar_read (self->to, self->name, NULL);

  return taken != NULL && note->pending && strcmp (taken->id, note->id) == 0
         && g_strcmp0 (taken->instance, self->taker) == 0 && _scl_sidecar_is_of (note, self->to, file)
         && faccessat (self->to, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

gboolean
_scl_volume_adoption_look (const SclVolumeAdoption *self, SclAdoptionState *out_state,
                           GError **error)
{
  g_autofree char *file = _scl_volume_store_file (self->name);
  g_autoptr (SclSidecar) note = read_owners_note (self);
  gboolean present;
  struct stat info;

  *out_state = SCL_ADOPTION_NOTHING;
  if (!_scl_volume_store_lookup (self->from, self->name, &present, &info, error))
    return FALSE;
  if (note == NULL)
    return TRUE;
  if (present && _scl_sidecar_is_of (note, self->from, file))
    *out_state = SCL_ADOPTION_WHOLE;
  else if (!present && is_cut (self, note, file))
    *out_state = SCL_ADOPTION_CUT;
  return TRUE;
}

static gboolean
write_notes (const SclVolumeAdoption *self, SclSidecar *note, GError **error)
{
  g_free (note->instance);
  note->instance = g_strdup (self->owner);
  if (!_scl_volume_store_mark (self->from, self->name, note, error))
    return FALSE;
  g_free (note->instance);
  note->instance = g_strdup (self->taker);
  return _scl_volume_store_write_note (self->to, self->name, note, error)
         && _scl_volume_store_sync (self->to, error);
}

/* As it was before, but that OWNER's name is in its note. A file that has gone after all keeps its notes, by
 * which the same again completes it. */
static void
undo (const SclVolumeAdoption *self)
{
  g_autofree char *file = _scl_volume_store_file (self->name);
  g_autofree char *note = _scl_volume_store_note (self->name);

  if (faccessat (self->from, file, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
    return;
  (void) unlinkat (self->to, note, 0);
  (void) _scl_volume_store_claim (self->from, self->name, self->owner, NULL);
}

static gboolean
throw_rename (const SclVolumeAdoption *self, int errno_value, GError **error)
{
  g_autofree char *file = _scl_volume_store_file (self->name);

  if (errno_value == EEXIST)
    return scl_throw (error, SCL_ERROR_EXISTS, "instance \"%s\" has a file %s already, which is left as it is",
                      self->taker, file);
  if (errno_value == EXDEV || errno_value == EINVAL || errno_value == ENOSYS)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED,
                      "the volumes of instance \"%s\" and of \"%s\" are in different file systems, or in one that "
                      "cannot rename a file without replacing another: it is not copied; mount one file "
                      "system for both, or name the file as image of a new VM",
                      self->owner, self->taker);
  return scl_throw_errno (error, errno_value, "cannot move %s", file);
}

static gboolean
move_file (const SclVolumeAdoption *self, GError **error)
{
  g_autofree char *file = _scl_volume_store_file (self->name);

  return renameat2 (self->from, file, self->to, file, RENAME_NOREPLACE) == 0
         || throw_rename (self, errno, error);
}

static gboolean
is_free_here (const SclVolumeAdoption *self, GError **error)
{
  gboolean present;
  struct stat info;

  return _scl_volume_store_lookup (self->to, self->name, &present, &info, error)
         && (!present || throw_rename (self, EEXIST, error));
}

static gboolean
begin (const SclVolumeAdoption *self, SclSidecar *note, GError **error)
{
  if (!is_one_file_system (self))
    return throw_rename (self, EXDEV, error);
  if (!is_free_here (self, error)
      || !_scl_volume_store_check_note (self->to, self->name, self->taker, error))
    return FALSE;
  if (write_notes (self, note, error) && move_file (self, error))
    return TRUE;
  undo (self);
  return FALSE;
}

/* --- the NVRAM --- */

/* Only the folders of TAKER were judged. -1: there is none, or not one that is OWNER's alone. */
static int
open_nvram_folder (const SclVolumeAdoption *self)
{
  g_auto (SclFd) folder = self->from_vm == NULL
                              ? -1
                              : open (self->from_vm, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  struct stat info, file;

  if (folder < 0 || fstat (folder, &info) != 0 || info.st_uid != geteuid ()
      || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0
      || fstatat (folder, SCL_NVRAM_FILE, &file, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG (file.st_mode))
    return -1;
  return scl_fd_steal (&folder);
}

char *
_scl_volume_adoption_find_nvram (const SclVolumeAdoption *self)
{
  g_auto (SclFd) folder = open_nvram_folder (self);

  return folder < 0 ? NULL : g_build_filename (self->from_vm, SCL_NVRAM_FILE, NULL);
}

static gboolean
check_nvram_free (const SclVolumeAdoption *self, GError **error)
{
  g_auto (SclFd) folder = open_nvram_folder (self);

  return folder < 0 || _scl_image_lock_check_free (folder, SCL_NVRAM_FILE, error);
}

static gboolean
move_nvram (const SclVolumeAdoption *self, int from, int to, GError **error)
{
  int number;

  if (renameat2 (from, SCL_NVRAM_FILE, to, SCL_NVRAM_FILE, RENAME_NOREPLACE) == 0)
    return _scl_volume_store_sync (to, error) && _scl_volume_store_sync (from, error);
  number = errno;
  return number == EEXIST || number == EXDEV || number == EINVAL || number == ENOSYS || number == ENOENT
         || scl_throw_errno (error, number, "cannot move %s/" SCL_NVRAM_FILE, self->from_vm);
}

/* Twice is as once: what was moved before a kill is not there any more. */
static gboolean
take_nvram (const SclVolumeAdoption *self, GError **error)
{
  g_auto (SclFd) from = open_nvram_folder (self);
  g_auto (SclFd) to = -1;

  if (from < 0)
    return TRUE;
  to = _scl_fd_open_folder (self->to_vm, 0711, error);
  if (to < 0 || !move_nvram (self, from, to, error))
    return FALSE;
  /* Stays if the VM's log is in it. */
  (void) rmdir (self->from_vm);
  return TRUE;
}

/* The file is there before the note that led to it goes, and has one of its own. The NVRAM comes while that note is
 * still there, by which a killed one is found. */
static gboolean
end (const SclVolumeAdoption *self, GError **error)
{
  g_autofree char *note = _scl_volume_store_note (self->name);

  if (!_scl_volume_store_sync (self->to, error) || !_scl_volume_store_sync (self->from, error)
      || !take_nvram (self, error)
      || !_scl_volume_store_claim (self->to, self->name, self->taker, error))
    return FALSE;
  if (unlinkat (self->from, note, 0) != 0 && errno != ENOENT)
    return scl_throw_errno (error, errno, "%s: cannot remove", note);
  return _scl_volume_store_sync (self->from, error);
}

/* 0.1 had one folder for all: there only the name in the note is another. */
static gboolean
rewrite (const SclVolumeAdoption *self, SclSidecar *note, GError **error)
{
  g_free (note->instance);
  note->instance = g_strdup (self->taker);
  note->pending = FALSE;
  return _scl_volume_store_write_note (self->to, self->name, note, error)
         && _scl_volume_store_sync (self->to, error);
}

static gboolean
take_whole (const SclVolumeAdoption *self, GError **error)
{
  g_autofree char *file = _scl_volume_store_file (self->name);
  g_autoptr (SclSidecar) note = read_owners_note (self);

  if (note == NULL)
    return scl_throw (error, SCL_ERROR_IN_USE, "somebody has just changed its note: try again");
  if (!_scl_image_lock_check_free (self->from, file, error) || !check_nvram_free (self, error))
    return FALSE;
  if (is_one_folder (self))
    return rewrite (self, note, error);
  return begin (self, note, error) && end (self, error);
}

gboolean
_scl_volume_adoption_run (const SclVolumeAdoption *self, GError **error)
{
  SclAdoptionState state;

  if (!_scl_volume_adoption_look (self, &state, error))
    return FALSE;
  if (state == SCL_ADOPTION_NOTHING)
    return scl_throw (error, SCL_ERROR_NOT_FOUND, "instance \"%s\" has no volume \"%s\"", self->owner,
                      self->name);
  return (state == SCL_ADOPTION_CUT ? end (self, error) : take_whole (self, error))
         || scl_prefix (error, "volume \"%s\" of instance \"%s\"", self->name, self->owner);
}
