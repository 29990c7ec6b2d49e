/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/volume/scl-volume-removal-private.h"

#include "backend/volume/scl-image-lock-private.h"
#include "backend/volume/scl-volume-store-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include <fcntl.h>

static gboolean
check_owner (const SclSidecar *note, const char *instance, GError **error)
{
  return note == NULL || note->instance == NULL || g_str_equal (note->instance, instance)
         || scl_throw (error, SCL_ERROR_EXISTS, "it belongs to instance \"%s\"", note->instance);
}

/* FALSE only if it is there and cannot be removed. */
static gboolean
unlink_file (int folder, const char *file, gboolean *out_found, GError **error)
{
  if (unlinkat (folder, file, 0) == 0)
    *out_found = TRUE;
  else if (errno != ENOENT)
    return scl_throw_errno (error, errno, "%s: cannot remove", file);
  return TRUE;
}

/* On a full disk the note cannot be written anew, and this is what makes room: then the volume itself goes
 * first, while the note as it is still says whose it is and stays until the rest is gone. */
static gboolean
mark (int folder, const char *name, const char *file, SclSidecar *note, GError **error)
{
  g_autoptr (GError) why = NULL;
  gboolean found;

  if (_scl_volume_store_mark (folder, name, note, &why))
    return TRUE;
  if (g_error_matches (why, SCL_ERROR, SCL_ERROR_NO_SPACE))
    return unlink_file (folder, file, &found, error) && _scl_volume_store_sync (folder, error);
  g_propagate_error (error, g_steal_pointer (&why));
  return FALSE;
}

/* A note that is of another file says nothing of this one. */
static gboolean
begin (int folder, const char *name, const char *instance, GError **error)
{
  g_autofree char *file = _scl_volume_store_file (name);
  g_autoptr (SclSidecar) note = NULL;

  if (!_scl_volume_store_read_note (folder, name, &note, error)
      || !check_owner (note, instance, error) || !_scl_image_lock_check_free (folder, file, error))
    return FALSE;
  if (note == NULL || faccessat (folder, file, F_OK, AT_SYMLINK_NOFOLLOW) != 0
      || !_scl_sidecar_is_of (note, folder, file))
    return TRUE;
  return mark (folder, name, file, note, error);
}

gboolean
_scl_volume_removal_begin (int folder, const char *name, const char *instance, GError **error)
{
  gboolean present;
  struct stat info;

  return _scl_volume_store_lookup (folder, name, &present, &info, error)
         && (begin (folder, name, instance, error) || scl_prefix (error, "volume \"%s\"", name));
}

gboolean
_scl_volume_removal_end (int folder, const char *name, gboolean *out_found, GError **error)
{
  g_autofree char *file = _scl_volume_store_file (name);
  g_autofree char *note = _scl_volume_store_note (name);

  *out_found = FALSE;
  _scl_volume_store_sweep (folder, name);
  if (!unlink_file (folder, file, out_found, error)
      || (*out_found && !_scl_volume_store_sync (folder, error))
      || !unlink_file (folder, note, out_found, error) || !_scl_volume_store_sync (folder, error))
    return scl_prefix (error, "volume \"%s\"", name);
  return TRUE;
}
