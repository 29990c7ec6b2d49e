/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/volume/scl-seed-private.h"

#include "backend/volume/scl-cloud-config-private.h"
#include "backend/volume/scl-iso-private.h"
#include "backend/volume/scl-part-file-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-names-private.h"
#include <fcntl.h>
#include <string.h>

/* cloud-init looks for this label in either case. */
#define SEED_LABEL "cidata"
#define SEED_MODE 0600
/* What a seed of ours can hold at most, with room for headers. */
#define SEED_MAX (3u * SCL_SEED_INPUT_MAX)
#define SEED_INSTANCE_ID "instance-id: \""

#define USER_DATA "user-data"
#define META_DATA "meta-data"
#define NETWORK_CONFIG "network-config"

GBytes *
_scl_seed_read_input (const char *path, GError **error)
{
  g_auto (SclFd) fd = _scl_fd_open_named (path, NULL, error);

  return fd < 0 ? NULL : _scl_fd_read_all (fd, SCL_SEED_INPUT_MAX, path, error);
}

static void
seed_take (SclSeed *self, const char *name, GBytes *content)
{
  g_hash_table_replace (self, g_strdup (name), content);
}

/* Quoted, so that a VM called "null" or "1e3" keeps its name. */
static GBytes *
seed_meta_data (const char *name, const char *instance_id)
{
  char *text
      = g_strdup_printf (SEED_INSTANCE_ID "%s\"\nlocal-hostname: \"%s\"\n", instance_id, name);

  return g_bytes_new_take (text, strlen (text));
}

static gboolean
seed_read (const char *path, GBytes **out_content, GError **error)
{
  *out_content = path != NULL ? _scl_seed_read_input (path, error) : NULL;
  return path == NULL || *out_content != NULL;
}

SclSeed *
_scl_seed_new (SclVmSpec *vm, const char *instance_id, GError **error)
{
  g_autoptr (SclSeed) self = _scl_iso_files_new ();
  g_autoptr (GBytes) user = NULL;
  g_autoptr (GBytes) network = NULL;
  const char *name = scl_vm_spec_get_name (vm);

  if (_scl_names_check_label (name) != NULL)
    return scl_null_throw (error, SCL_ERROR_INVALID, "\"%s\" cannot be a host name", name);
  if (!seed_read (scl_vm_spec_get_user_config_file (vm), &user, error)
      || !seed_read (scl_vm_spec_get_network_config_file (vm), &network, error))
    return NULL;
  seed_take (self, USER_DATA, _scl_cloud_config_complete (user));
  seed_take (self, META_DATA, seed_meta_data (name, instance_id));
  if (network != NULL)
    seed_take (self, NETWORK_CONFIG, g_steal_pointer (&network));
  return g_steal_pointer (&self);
}

SclSeed *
_scl_seed_load (int folder)
{
  g_auto (SclFd) fd = _scl_fd_open_regular (folder, SCL_SEED_FILE, NULL, NULL);

  return fd < 0 ? NULL : _scl_iso_read (fd, SEED_MAX, NULL);
}

static gboolean
seed_write (SclPartFile *part, GBytes *image, GError **error)
{
  gsize size;
  const void *data = g_bytes_get_data (image, &size);

  return _scl_fd_write_all (_scl_part_file_get_fd (part), data, size, SCL_SEED_FILE, error)
         && _scl_part_file_sync (part, error) && _scl_part_file_commit (part, TRUE, error);
}

gboolean
_scl_seed_save (SclSeed *self, int folder, GError **error)
{
  g_autoptr (GBytes) image = _scl_iso_write (SEED_LABEL, self, error);
  g_autoptr (SclPartFile) part = NULL;

  if (image == NULL)
    return FALSE;
  _scl_part_file_sweep (folder, SCL_SEED_FILE);
  part = _scl_part_file_new (folder, SCL_SEED_FILE, SEED_MODE, SCL_PART_FILE_NAMED, error);
  if (part == NULL || !seed_write (part, image, error))
    return FALSE;
  if (fsync (folder) != 0)
    return scl_throw_errno (error, errno, SCL_SEED_FILE ": cannot write the folder to the disk");
  return TRUE;
}

gboolean
_scl_seed_equal (SclSeed *self, SclSeed *other)
{
  GHashTableIter iter;
  gpointer name;
  gpointer content;

  if (self == NULL || other == NULL)
    return self == other;
  if (g_hash_table_size (self) != g_hash_table_size (other))
    return FALSE;
  g_hash_table_iter_init (&iter, self);
  while (g_hash_table_iter_next (&iter, &name, &content))
    {
      GBytes *twin = g_hash_table_lookup (other, name);

      if (twin == NULL || !g_bytes_equal (content, twin))
        return FALSE;
    }
  return TRUE;
}

char *
_scl_seed_get_instance_id (SclSeed *self)
{
  GBytes *meta = self != NULL ? g_hash_table_lookup (self, META_DATA) : NULL;
  gsize size = 0;
  const char *text = meta != NULL ? g_bytes_get_data (meta, &size) : NULL;
  gsize skip = strlen (SEED_INSTANCE_ID);
  const char *end;

  if (size <= skip || memcmp (text, SEED_INSTANCE_ID, skip) != 0)
    return NULL;
  end = memchr (text + skip, '"', size - skip);
  return end != NULL ? g_strndup (text + skip, (gsize) (end - text) - skip) : NULL;
}
