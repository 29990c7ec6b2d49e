/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Volumes of other instances in the same state folder. */
#include "backend/volume/scl-file-volumes-parts-private.h"

#include "backend/volume/scl-sidecar-private.h"
#include "backend/volume/scl-volume-adoption-private.h"
#include "backend/volume/scl-volume-store-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-names-private.h"
#include <fcntl.h>
#include <string.h>

/* Where one may be: in the other's own folder, and where 0.1 put those of all. */
typedef struct
{
  char *path;
  SclFd folder; /* -1: not there */
  char *from_vm; /* of the adoption */
  char *to_vm;
} Place;

static void
place_clear (Place *place)
{
  g_clear_pointer (&place->path, g_free);
  g_clear_pointer (&place->from_vm, g_free);
  g_clear_pointer (&place->to_vm, g_free);
  scl_fd_clear (&place->folder);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Place, place_clear)

/* The folder that holds all instances, which may be a link. */
static const char *
peek_shared (SclFileVolumes *self)
{
  return self->shared != NULL ? self->shared : self->state;
}

/* Only the folders of this instance, and the one that holds all, were judged when it was opened. */
static gboolean
judge (SclFileVolumes *self, const char *home, const Place *place, GError **error)
{
  gboolean may_be_link = strcmp (home, peek_shared (self)) == 0;
  struct stat info, above;

  if (fstat (place->folder, &info) != 0 || lstat (home, &above) != 0)
    return scl_throw_errno (error, errno, "%s: cannot look at the folder", place->path);
  if (info.st_uid == geteuid () && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0
      && (may_be_link || !S_ISLNK (above.st_mode)))
    return TRUE;
  return scl_throw (error, SCL_ERROR_PERMISSION,
                    "%s: others own it or can write into it, or a link leads there: nothing is taken from it",
                    place->path);
}

static gboolean
open_place (SclFileVolumes *self, const char *home, Place *out_place, GError **error)
{
  out_place->path = g_build_filename (home, "volumes", NULL);
  out_place->folder = open (out_place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (out_place->folder >= 0)
    return judge (self, home, out_place, error);
  return errno == ENOENT
         || scl_throw_errno (error, errno, "%s: cannot open the folder", out_place->path);
}

static gboolean
look (SclFileVolumes *self, const char *home, SclVolumeAdoption *adoption, Place *out_place,
      SclAdoptionState *out_state, GError **error)
{
  *out_state = SCL_ADOPTION_NOTHING;
  if (!open_place (self, home, out_place, error))
    return FALSE;
  adoption->from = out_place->folder;
  return adoption->from < 0 || _scl_volume_adoption_look (adoption, out_state, error);
}

/* Beside the volumes. Where 0.1 put those of all into one folder, the NVRAM is in its place already. */
static void
set_vm_folders (SclFileVolumes *self, SclVolumeAdoption *adoption, Place *place)
{
  g_autofree char *home = g_path_get_dirname (place->path);

  if (strcmp (home, self->state) == 0)
    return;
  adoption->from_vm = place->from_vm = g_build_filename (home, "vms", adoption->name, NULL);
  adoption->to_vm = place->to_vm = g_build_filename (self->state, "vms", adoption->name, NULL);
}

static gboolean
find (SclFileVolumes *self, SclVolumeAdoption *adoption, const SclOtherInstance *other,
      Place *out_place, SclAdoptionState *out_state, GError **error)
{
  const char *shared = peek_shared (self);

  if (!_scl_file_volumes_check_name (adoption->name, error)
      || !look (self, other->home, adoption, out_place, out_state, error))
    return FALSE;
  if (*out_state == SCL_ADOPTION_NOTHING && strcmp (shared, other->home) != 0)
    {
      place_clear (out_place);
      if (!look (self, shared, adoption, out_place, out_state, error))
        return FALSE;
    }
  if (*out_state != SCL_ADOPTION_NOTHING)
    set_vm_folders (self, adoption, out_place);
  return *out_state != SCL_ADOPTION_NOTHING
         || scl_throw (error, SCL_ERROR_NOT_FOUND, "instance \"%s\" has no volume \"%s\"", other->prefix,
                       adoption->name);
}

gboolean
_scl_file_volumes_find_other (SclVolumeBackend *backend, const char *name,
                              const SclOtherInstance *other, char **out_path, char **out_nvram,
                              GError **error)
{
  SclFileVolumes *self = SCL_FILE_VOLUMES (backend);
  g_autofree char *file = _scl_volume_store_file (name);
  g_auto (Place) place = { NULL, -1, NULL, NULL };
  g_auto (SclFd) to = -1;
  SclVolumeAdoption adoption = { .name = name, .owner = other->prefix, .taker = self->prefix };
  SclAdoptionState state;

  adoption.to = to = open (self->volumes, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (!find (self, &adoption, other, &place, &state, error))
    return FALSE;
  *out_path = state == SCL_ADOPTION_CUT ? NULL : g_build_filename (place.path, file, NULL);
  *out_nvram = _scl_volume_adoption_find_nvram (&adoption);
  return TRUE;
}

/* --- who has one of that name --- */

/* Where it lies, or where one that was taken over has left its note. */
static gboolean
has_volume (SclFileVolumes *self, const char *name, const char *prefix, const char *home)
{
  SclVolumeAdoption adoption = { .name = name, .owner = prefix, .taker = self->prefix, .to = -1 };
  g_auto (Place) place = { NULL, -1, NULL, NULL };
  SclAdoptionState state;

  return look (self, home, &adoption, &place, &state, NULL) && state == SCL_ADOPTION_WHOLE;
}

/* In the folder where 0.1 put those of all, the note says whose it is. */
static void
add_owner_of_old (SclFileVolumes *self, const char *name, const char *shared, GPtrArray *owners)
{
  g_autofree char *path = g_build_filename (shared, "volumes", NULL);
  g_auto (SclFd) folder = _scl_file_volumes_open_existing (path, NULL);
  g_autoptr (SclSidecar) note = folder < 0 ? NULL : _scl_sidecar_read (folder, name, NULL);
  const char *owner = note == NULL || note->instance == NULL ? SCL_PREFIX_DEFAULT : note->instance;

  if (note != NULL && strcmp (owner, self->prefix) != 0 && has_volume (self, name, owner, shared))
    g_ptr_array_add (owners, g_strdup (owner));
}

static void
add_owners_below (SclFileVolumes *self, const char *name, const char *shared, GPtrArray *owners)
{
  g_autofree char *instances = g_build_filename (shared, "instances", NULL);
  g_autoptr (GDir) dir = g_dir_open (instances, 0, NULL);
  const char *prefix;

  while (dir != NULL && (prefix = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *home = g_build_filename (instances, prefix, NULL);

      if (strcmp (prefix, self->prefix) != 0 && _scl_names_check_prefix (prefix) == NULL
          && !g_ptr_array_find_with_equal_func (owners, prefix, g_str_equal, NULL)
          && has_volume (self, name, prefix, home))
        g_ptr_array_add (owners, g_strdup (prefix));
    }
}

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

char **
_scl_file_volumes_list_owners (SclVolumeBackend *backend, const char *name)
{
  SclFileVolumes *self = SCL_FILE_VOLUMES (backend);
  const char *shared = peek_shared (self);
  GPtrArray *owners = g_ptr_array_new ();

  if (_scl_file_volumes_check_name (name, NULL))
    {
      add_owner_of_old (self, name, shared, owners);
      add_owners_below (self, name, shared, owners);
    }
  g_ptr_array_sort (owners, compare_texts);
  g_ptr_array_add (owners, NULL);
  return (char **) g_ptr_array_free (owners, FALSE);
}

gboolean
_scl_file_volumes_adopt (SclVolumeBackend *backend, const char *name, const SclOtherInstance *other,
                         GError **error)
{
  SclFileVolumes *self = SCL_FILE_VOLUMES (backend);
  g_auto (Place) place = { NULL, -1, NULL, NULL };
  g_auto (SclFd) to = -1;
  SclVolumeAdoption adoption = { .name = name, .owner = other->prefix, .taker = self->prefix };
  SclAdoptionState state;

  adoption.to = to = _scl_file_volumes_make_folder (self, self->volumes, error);
  return to >= 0 && find (self, &adoption, other, &place, &state, error)
         && _scl_volume_adoption_run (&adoption, error);
}
