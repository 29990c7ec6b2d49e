/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/volume/scl-volume-preflight-private.h"

#include "backend/volume/scl-copy-private.h"
#include "backend/volume/scl-image-probe-private.h"
#include "backend/volume/scl-network-config-private.h"
#include "backend/volume/scl-reach-private.h"
#include "backend/volume/scl-seed-private.h"
#include "backend/volume/scl-user-data-private.h"
#include "backend/volume/scl-volume-store-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-diagnostic-private.h"
#include "model/scl-list-private.h"
#include <fcntl.h>
#include <scl/scl-nic-spec.h>
#include <sys/statvfs.h>

#define BLOCK 512
#define MIB (G_GUINT64_CONSTANT (1) << 20)
#define ROOT_KEY "virtualMachines"

/* What a new volume needs on the disk. */
typedef struct
{
  const char *image;
  guint64 allocated;
} SclNeed;

/* An image is looked at once, however many disks are copies of it. */
typedef struct
{
  GError *error; /* NULL: it can be copied */
  struct stat info;
} SclImageLook;

static void
image_look_free (SclImageLook *self)
{
  g_clear_error (&self->error);
  g_free (self);
}

typedef struct
{
  const char *path;    /* of the folder, as it will be */
  char *existing;      /* the nearest folder above it that is there */
  SclFd folder;        /* that one */
  gboolean is_volumes; /* FOLDER is the volumes' folder itself */
  SclObservation *observed;
  GPtrArray *diagnostics;
  GArray *needs;
  GHashTable *images; /* path → SclImageLook */
} SclPreflight;

static void
preflight_clear (SclPreflight *self)
{
  g_free (self->existing);
  scl_fd_clear (&self->folder);
  g_array_unref (self->needs);
  g_hash_table_unref (self->images);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SclPreflight, preflight_clear)

static void
preflight_add (SclPreflight *self, SclSeverity severity, const char *vm, const char *key,
               const char *message)
{
  g_autofree char *path = g_strjoin (".", ROOT_KEY, vm, key, NULL);

  _scl_diagnostic_add (self->diagnostics, severity, path, "%s", message);
}

static void
preflight_find_folder (SclPreflight *self)
{
  self->existing = g_strdup (self->path);
  while ((self->folder = open (self->existing, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0
         && errno == ENOENT && !g_str_equal (self->existing, "/"))
    {
      char *parent = g_path_get_dirname (self->existing);

      g_free (self->existing);
      self->existing = parent;
    }
  self->is_volumes = self->folder >= 0 && g_str_equal (self->existing, self->path);
}

/* Does not count a volume that is there already. */
static void
preflight_need (SclPreflight *self, const char *image, const struct stat *info)
{
  SclNeed need = { image, (guint64) info->st_blocks * BLOCK };

  g_array_append_val (self->needs, need);
}

static void
preflight_new_volume (SclPreflight *self, const char *vm, SclDiskSpec *disk,
                      const struct stat *info)
{
  g_autoptr (GError) error = NULL;
  gboolean present = FALSE;
  struct stat unused;

  if (self->is_volumes
      && !_scl_volume_store_lookup (self->folder, scl_disk_spec_get_volume (disk), &present,
                                    &unused, &error))
    preflight_add (self, SCL_SEVERITY_ERROR, vm, "image", error->message);
  else if (!present)
    preflight_need (self, scl_disk_spec_get_image (disk), info);
}

static const SclImageLook *
preflight_look (SclPreflight *self, const char *path)
{
  SclImageLook *look = g_hash_table_lookup (self->images, path);
  g_auto (SclFd) fd = -1;

  if (look != NULL)
    return look;
  look = g_new0 (SclImageLook, 1);
  fd = _scl_fd_open_named (path, &look->info, &look->error);
  if (fd >= 0)
    (void) _scl_image_probe (fd, (guint64) look->info.st_size, path, &look->error);
  g_hash_table_insert (self->images, g_strdup (path), look);
  return look;
}

static void
preflight_image (SclPreflight *self, const char *vm, SclDiskSpec *disk, gboolean exists)
{
  const SclImageLook *look = preflight_look (self, scl_disk_spec_get_image (disk));
  g_autoptr (GError) error = NULL;
  guint64 size;

  if (look->error != NULL)
    /* The volume was made; an image that has gone since is missed only by a rebuild. */
    preflight_add (self,
                   exists && g_error_matches (look->error, SCL_ERROR, SCL_ERROR_NOT_FOUND)
                       ? SCL_SEVERITY_WARNING
                       : SCL_SEVERITY_ERROR,
                   vm, "image", look->error->message);
  else if (!_scl_volume_store_size ((guint64) look->info.st_size, scl_disk_spec_get_size_mib (disk),
                                    &size, &error))
    preflight_add (self, SCL_SEVERITY_ERROR, vm, "imageSize", error->message);
  else if (!exists)
    preflight_new_volume (self, vm, disk, &look->info);
}

static void
preflight_disk (SclPreflight *self, const char *vm, SclDiskSpec *disk, guint index)
{
  const char *name = scl_disk_spec_get_volume (disk);
  gboolean is_made = FALSE;

  /* One that is lost is not made anew either: its image matters to nobody now. */
  if (self->observed != NULL)
    is_made = _scl_observation_lookup_volume (self->observed, name) != NULL
              || _scl_observation_is_lost (
                  self->observed, _scl_observation_lookup_vm (self->observed, vm), name, index);
  preflight_image (self, vm, disk, is_made);
}

/* (nullable) */
static GBytes *
preflight_input (SclPreflight *self, const char *vm, const char *key, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) content = path != NULL ? _scl_seed_read_input (path, &error) : NULL;

  if (path != NULL && content == NULL)
    preflight_add (self, SCL_SEVERITY_ERROR, vm, key, error->message);
  return g_steal_pointer (&content);
}

static void
preflight_user_data (SclPreflight *self, const char *vm, const char *path)
{
  static const char key[] = "cloudInitUserConfigFile";
  g_autoptr (GBytes) content = preflight_input (self, vm, key, path);
  g_autofree char *warning = NULL;
  g_autoptr (GError) error = NULL;

  if (content != NULL && !_scl_user_data_check (content, path, &warning, &error))
    preflight_add (self, SCL_SEVERITY_ERROR, vm, key, error->message);
  else if (warning != NULL)
    preflight_add (self, SCL_SEVERITY_WARNING, vm, key, warning);
}

/* The definition's, or those declared. NULL: one is to be chosen yet. (nullable) */
static GPtrArray *
preflight_macs (SclVmSpec *vm, const SclObservedVm *observed)
{
  g_autoptr (GPtrArray) macs = g_ptr_array_new ();
  GListModel *nics = scl_vm_spec_get_nics (vm);

  for (guint i = 0; i < g_list_model_get_n_items (nics); i++)
    {
      const char *mac = scl_nic_spec_get_mac (_scl_list_peek (nics, i));

      if (mac == NULL && observed != NULL && i < observed->macs->len)
        mac = observed->macs->pdata[i];
      if (mac == NULL)
        return NULL;
      g_ptr_array_add (macs, (gpointer) mac);
    }
  g_ptr_array_add (macs, NULL);
  return g_steal_pointer (&macs);
}

/* What only some images understand is said while the guest has not read it: then it has shown. */
static void
preflight_network_config (SclPreflight *self, SclVmSpec *vm)
{
  static const char key[] = "cloudInitNetworkConfigFile";
  const char *name = scl_vm_spec_get_name (vm);
  const char *path = scl_vm_spec_get_network_config_file (vm);
  SclObservedVm *observed
      = self->observed != NULL ? _scl_observation_lookup_vm (self->observed, name) : NULL;
  g_autoptr (GBytes) content = preflight_input (self, name, key, path);
  g_autoptr (GPtrArray) macs = preflight_macs (vm, observed);
  g_autofree char *warning = NULL;
  g_autofree char *note = NULL;

  if (content == NULL)
    return;
  warning = _scl_network_config_check (
      content, path, macs != NULL ? (const char *const *) macs->pdata : NULL, &note);
  if (warning != NULL)
    preflight_add (self, SCL_SEVERITY_WARNING, name, key, warning);
  if (note != NULL && (observed == NULL || observed->seed_differs))
    preflight_add (self, SCL_SEVERITY_NOTE, name, key, note);
}

static void
preflight_vm (SclPreflight *self, SclVmSpec *vm)
{
  const char *name = scl_vm_spec_get_name (vm);
  GListModel *disks = scl_vm_spec_get_disks (vm);

  for (guint i = 0; i < g_list_model_get_n_items (disks); i++)
    preflight_disk (self, name, _scl_list_peek (disks, i), i);
  preflight_user_data (self, name, scl_vm_spec_get_user_config_file (vm));
  preflight_network_config (self, vm);
}

/* Without the images whose extents the volumes will share. */
static guint64
preflight_sum (SclPreflight *self, gboolean try_reflink)
{
  guint64 sum = 0;

  for (guint i = 0; i < self->needs->len; i++)
    {
      const SclNeed *need = &g_array_index (self->needs, SclNeed, i);
      g_auto (SclFd) fd = try_reflink ? _scl_fd_open_named (need->image, NULL, NULL) : -1;

      if (fd < 0 || !_scl_copy_can_reflink (fd, self->folder))
        sum += need->allocated;
    }
  return sum;
}

static void
preflight_space (SclPreflight *self)
{
  g_autofree char *wanted = NULL;
  g_autofree char *present = NULL;
  struct statvfs info;
  guint64 available;
  guint64 sum;

  if (self->needs->len == 0 || self->folder < 0 || fstatvfs (self->folder, &info) != 0)
    return;
  available = (guint64) info.f_bavail * info.f_frsize;
  sum = preflight_sum (self, FALSE);
  if (sum > available)
    sum = preflight_sum (self, TRUE);
  if (sum <= available)
    return;
  wanted = _scl_volume_store_format_size (sum);
  present = _scl_volume_store_format_size (available);
  _scl_diagnostic_add (self->diagnostics, SCL_SEVERITY_ERROR, ROOT_KEY,
                       "the volumes of %u new VM%s need %s in %s, where only %s are free",
                       self->needs->len, self->needs->len == 1 ? "" : "s", wanted, self->path,
                       present);
}

static void
preflight_reach (SclPreflight *self, const char *qemu_user, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;

  if (!_scl_reach_check (self->existing, qemu_user, cancellable, &error))
    _scl_diagnostic_add (self->diagnostics, SCL_SEVERITY_ERROR, ROOT_KEY, "%s", error->message);
}

gboolean
_scl_volume_preflight (const char *folder, const char *qemu_user, SclManifest *manifest,
                       SclObservation *observed, GPtrArray *diagnostics, GCancellable *cancellable,
                       GError **error)
{
  g_auto (SclPreflight) self = { .path = folder,
                                 .folder = -1,
                                 .observed = observed,
                                 .diagnostics = diagnostics,
                                 .needs = g_array_new (FALSE, FALSE, sizeof (SclNeed)),
                                 .images = g_hash_table_new_full (
                                     g_str_hash, g_str_equal, g_free,
                                     (GDestroyNotify) image_look_free) };
  GListModel *vms = scl_manifest_get_vms (manifest);
  guint n_vms = g_list_model_get_n_items (vms);

  preflight_find_folder (&self);
  for (guint i = 0; i < n_vms; i++)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      preflight_vm (&self, _scl_list_peek (vms, i));
    }
  preflight_space (&self);
  if (n_vms > 0 && qemu_user != NULL)
    preflight_reach (&self, qemu_user, cancellable);
  return TRUE;
}
