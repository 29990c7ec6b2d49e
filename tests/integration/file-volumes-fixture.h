/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A state folder, an image and the backend on them. */

#include "backend/volume/scl-file-volumes-private.h"
#include "base/scl-fd-private.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <scl/scl-error.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "test-skip.h"

#define MIB (1024 * 1024)

typedef struct
{
  char *root; /* holds all */
  char *state;
  char *volumes;
  char *image; /* sparse, odd size */
  guint64 image_size;
  SclVolumeBackend *backend;
} Fixture;

/* Incompressible, so that no file system cheats. */
static inline void
write_random (int fd, off_t at, gsize length, guint32 seed)
{
  g_autofree guint32 *block = g_malloc (MIB);
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);

  for (gsize i = 0; i < MIB / sizeof *block; i++)
    block[i] = g_rand_int (random);
  while (length > 0)
    {
      gsize step = MIN (length, (gsize) MIB);

      block[0]++;
      assert_int_equal (pwrite (fd, block, step, at), step);
      at += (off_t) step;
      length -= step;
    }
}

/* DATA_MIB of data in 3 extents, holes between them, SIZE bytes. */
static inline void
make_image (const char *path, guint64 size, guint data_mib)
{
  g_auto (SclFd) fd = open (path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0644);
  gsize part = (gsize) data_mib * MIB / 3;

  assert_true (fd >= 0);
  assert_int_equal (ftruncate (fd, (off_t) size), 0);
  for (guint i = 0; i < 3; i++)
    write_random (fd, (off_t) (size / 3 * i), part, i);
  assert_int_equal (pwrite (fd, "tail", 4, (off_t) size - 4), 4);
}

static inline Fixture *
fixture_new (const char *root, guint64 image_size, guint data_mib)
{
  Fixture *fixture = g_new0 (Fixture, 1);

  fixture->root = g_strdup (root);
  fixture->state = g_build_filename (root, "state", NULL);
  fixture->volumes = g_build_filename (fixture->state, "volumes", NULL);
  fixture->image = g_build_filename (root, "image.raw", NULL);
  fixture->image_size = image_size;
  make_image (fixture->image, image_size, data_mib);
  fixture->backend = _scl_file_volumes_new (fixture->state, NULL, "scl", NULL, NULL);
  assert_non_null (fixture->backend);
  return fixture;
}

static inline int
fixture_setup (void **state)
{
  g_autofree char *root = g_dir_make_tmp ("test-file-volumes-XXXXXX", NULL);

  *state = fixture_new (root, 40 * MIB + 777, 9);
  return 0;
}

static inline void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;
  struct stat info;

  if (lstat (path, &info) != 0)
    return;
  if (S_ISDIR (info.st_mode))
    dir = g_dir_open (path, 0, NULL);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }
  (void) g_remove (path);
}

static inline int
fixture_teardown (void **state)
{
  Fixture *fixture = *state;

  remove_tree (fixture->root);
  g_clear_object (&fixture->backend);
  g_free (fixture->root);
  g_free (fixture->state);
  g_free (fixture->volumes);
  g_free (fixture->image);
  g_free (fixture);
  return 0;
}

static inline char *
in_root (Fixture *fixture, const char *name)
{
  return g_build_filename (fixture->root, name, NULL);
}

static inline char *
put_file (Fixture *fixture, const char *name, const char *text)
{
  char *path = in_root (fixture, name);

  assert_true (g_file_set_contents (path, text, -1, NULL));
  return path;
}

static inline gboolean
create_from (Fixture *fixture, const char *name, const char *image, guint64 size_mib,
             const SclProgress *progress, GError **error)
{
  g_autoptr (SclDiskSpec) disk = scl_disk_spec_new (name, image, size_mib);

  return _scl_volume_backend_create (fixture->backend, disk, name, progress, error);
}

static inline gboolean
create (Fixture *fixture, const char *name, guint64 size_mib, GError **error)
{
  return create_from (fixture, name, fixture->image, size_mib, NULL, error);
}

static inline struct stat
stat_of (const char *path)
{
  struct stat info = { 0 };

  (void) lstat (path, &info);
  return info;
}

static inline struct stat
volume_stat (Fixture *fixture, const char *name)
{
  g_autofree char *path = _scl_volume_backend_volume_path (fixture->backend, name);

  return stat_of (path);
}

static inline guint
count_entries (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint n = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

/* All of the image is at the beginning of the volume, and zeros follow. */
static inline gboolean
is_copy (Fixture *fixture, const char *name)
{
  g_autofree char *path = _scl_volume_backend_volume_path (fixture->backend, name);
  g_auto (SclFd) image = open (fixture->image, O_RDONLY | O_CLOEXEC);
  g_auto (SclFd) volume = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  g_autofree guint8 *left = g_malloc (MIB);
  g_autofree guint8 *right = g_malloc (MIB);
  off_t at = 0;
  gssize n;

  while ((n = pread (volume, right, MIB, at)) > 0)
    {
      gssize m = pread (image, left, MIB, at);

      memset (left + MAX (m, 0), 0, (gsize) (MIB - MAX (m, 0)));
      if (memcmp (left, right, (gsize) n) != 0)
        return FALSE;
      at += n;
    }
  return n == 0 && (guint64) at >= fixture->image_size;
}

static inline SclObservation *
observe (Fixture *fixture, SclManifest *desired)
{
  SclObservation *out = _scl_observation_new ();

  assert_true (_scl_volume_backend_observe (fixture->backend, desired, out, NULL, NULL));
  return out;
}

/* A VM with one disk and its cloud-init files. */
static inline SclVmSpec *
make_vm (const char *name, const char *image, guint64 size_mib, const char *user,
         const char *network)
{
  g_autoptr (GListStore) disks = g_list_store_new (SCL_TYPE_DISK_SPEC);
  g_autoptr (SclDiskSpec) disk = scl_disk_spec_new (name, image, size_mib);

  g_list_store_append (disks, disk);
  return g_object_new (SCL_TYPE_VM_SPEC, "name", name, "disks", disks, "user-config-file", user,
                       "network-config-file", network, NULL);
}

static inline SclManifest *
make_manifest (SclVmSpec *first, SclVmSpec *second)
{
  g_autoptr (GListStore) vms = g_list_store_new (SCL_TYPE_VM_SPEC);

  if (first != NULL)
    g_list_store_append (vms, first);
  if (second != NULL)
    g_list_store_append (vms, second);
  return scl_manifest_new (NULL, NULL, G_LIST_MODEL (vms));
}

#define assert_error(error, error_code, part)                                                      \
  G_STMT_START                                                                                     \
  {                                                                                                \
    assert_non_null (error);                                                                       \
    if (!g_error_matches (error, SCL_ERROR, error_code)                                            \
        || strstr ((error)->message, part) == NULL)                                                \
      fail_msg ("unexpected error %d: %s", (error)->code, (error)->message);                       \
  }                                                                                                \
  G_STMT_END
