/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Volumes on file systems of their own, mounted in a private mount namespace: a full tmpfs, and
 * ext4, xfs and btrfs on loop devices. What the machine cannot mount is skipped, and says why. */

#include "file-volumes-fixture.h"
#include "backend/volume/scl-copy-private.h"
#include "backend/volume/scl-volume-removal-private.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

typedef struct
{
  char *root; /* on the machine's file system */
  char *mount;
  gboolean mounted;
  Fixture *fixture; /* state on the mount; the image too unless it has to be elsewhere */
} Mounted;

static gboolean
run (const char *const *argv)
{
  int status = -1;

  return g_spawn_sync (NULL, (char **) argv, NULL,
                       G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL
                           | G_SPAWN_STDERR_TO_DEV_NULL,
                       NULL, NULL, NULL, NULL, &status, NULL)
         && g_spawn_check_wait_status (status, NULL);
}

/* The program's own mounts vanish with it, whatever happens. */
static int
enter_namespace (void **state)
{
  if (geteuid () != 0 || unshare (CLONE_NEWNS) != 0
      || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
    {
      print_message ("cannot make a mount namespace: %s\n", g_strerror (errno));
      *state = NULL;
      return 0;
    }
  *state = GINT_TO_POINTER (1);
  return 0;
}

static Mounted *
mounted_new (void)
{
  Mounted *self = g_new0 (Mounted, 1);

  self->root = g_dir_make_tmp ("test-file-volumes-mounts-XXXXXX", NULL);
  self->mount = g_build_filename (self->root, "mount", NULL);
  assert_int_equal (mkdir (self->mount, 0755), 0);
  return self;
}

static int
teardown (void **state)
{
  Mounted *self = *state;
  void *fixture = self->fixture;

  if (fixture != NULL)
    (void) fixture_teardown (&fixture);
  if (self->mounted)
    (void) umount2 (self->mount, MNT_DETACH);
  remove_tree (self->root);
  g_free (self->mount);
  g_free (self->root);
  g_free (self);
  return 0;
}

static int
setup_tmpfs (void **state)
{
  Mounted *self = mounted_new ();

  self->mounted = *state != NULL && mount ("scl-test", self->mount, "tmpfs", 0, "size=24m") == 0;
  *state = self;
  return 0;
}

static int
setup_loop (Mounted *self, const char *type, const char *const *mkfs)
{
  g_autofree char *image = g_build_filename (self->root, "disk", NULL);
  const char *const mount_argv[] = { "mount", "-o", "loop", "-t", type, image, self->mount, NULL };
  g_auto (SclFd) fd = open (image, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();

  if (ftruncate (fd, 400 * MIB) != 0)
    return 0;
  for (; *mkfs != NULL; mkfs++)
    g_ptr_array_add (argv, (gpointer) *mkfs);
  g_ptr_array_add (argv, image);
  g_ptr_array_add (argv, NULL);
  self->mounted = run ((const char *const *) argv->pdata) && run (mount_argv);
  if (self->mounted)
    self->fixture = fixture_new (self->mount, 40 * MIB + 777, 9);
  return 0;
}

static int
setup_ext4 (void **state)
{
  static const char *const mkfs[] = { "mkfs.ext4", "-q", "-F", NULL };
  Mounted *self = mounted_new ();
  gboolean can_mount = *state != NULL;

  *state = self;
  return can_mount ? setup_loop (self, "ext4", mkfs) : 0;
}

static int
setup_xfs (void **state)
{
  static const char *const mkfs[] = { "mkfs.xfs", "-q", "-f", NULL };
  Mounted *self = mounted_new ();
  gboolean can_mount = *state != NULL;

  *state = self;
  return can_mount ? setup_loop (self, "xfs", mkfs) : 0;
}

static int
setup_btrfs (void **state)
{
  static const char *const mkfs[] = { "mkfs.btrfs", "-q", "-f", NULL };
  Mounted *self = mounted_new ();
  gboolean can_mount = *state != NULL;

  *state = self;
  return can_mount ? setup_loop (self, "btrfs", mkfs) : 0;
}

static void
need_mount (Mounted *self, const char *what)
{
  g_autofree char *reason = g_strconcat (what, " cannot be made or mounted here", NULL);

  if (!self->mounted)
    skip_because (reason);
}

static guint64
free_bytes (const char *path)
{
  struct statvfs info;

  assert_int_equal (statvfs (path, &info), 0);
  return (guint64) info.f_bavail * info.f_frsize;
}

static void
assert_no_space_diagnostic (Fixture *fixture, SclVmSpec *first, SclVmSpec *second, gboolean wanted)
{
  g_autoptr (SclManifest) manifest = make_manifest (first, second);
  g_autoptr (GPtrArray) diagnostics = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (SclObservation) seen = observe (fixture, manifest);

  assert_true (
      _scl_volume_backend_preflight (fixture->backend, manifest, seen, diagnostics, NULL, NULL));
  assert_int_equal (diagnostics->len, wanted);
  if (wanted)
    assert_non_null (
        strstr (scl_diagnostic_get_message (g_ptr_array_index (diagnostics, 0)), "free"));
}

/* The image is on the machine's file system, the state folder on the tmpfs. */
static void
use_tmpfs (Mounted *self, guint data_mib)
{
  Fixture *fixture = fixture_new (self->root, 64 * MIB, data_mib);

  g_free (fixture->state);
  g_free (fixture->volumes);
  g_clear_object (&fixture->backend);
  fixture->state = g_build_filename (self->mount, "state", NULL);
  fixture->volumes = g_build_filename (fixture->state, "volumes", NULL);
  fixture->backend = _scl_file_volumes_new (fixture->state, NULL, "scl", NULL, NULL);
  g_free (fixture->root);
  fixture->root = g_strdup (fixture->state);
  self->fixture = fixture;
}

static void
test_no_space (void **state)
{
  Mounted *self = *state;
  g_autoptr (GError) error = NULL;
  g_autoptr (SclVmSpec) vm = NULL;
  guint64 before;

  need_mount (self, "tmpfs");
  use_tmpfs (self, 30);
  vm = make_vm ("demo", self->fixture->image, 0, NULL, NULL);
  assert_no_space_diagnostic (self->fixture, vm, NULL, TRUE);
  assert_int_equal (g_mkdir_with_parents (self->fixture->volumes, 0711), 0);
  before = free_bytes (self->mount);
  assert_false (create (self->fixture, "demo", 0, &error));
  assert_error (error, SCL_ERROR_NO_SPACE, self->fixture->image);
  assert_int_equal (count_entries (self->fixture->volumes), 0);
  assert_true (free_bytes (self->mount) == before);
}

/* Each fits, both do not; one that is there already is not counted. */
static void
test_space_is_summed (void **state)
{
  Mounted *self = *state;
  g_autoptr (SclVmSpec) first = NULL;
  g_autoptr (SclVmSpec) second = NULL;

  need_mount (self, "tmpfs");
  use_tmpfs (self, 15);
  first = make_vm ("a", self->fixture->image, 4096, NULL, NULL);
  second = make_vm ("b", self->fixture->image, 4096, NULL, NULL);
  assert_no_space_diagnostic (self->fixture, first, NULL, FALSE);
  assert_no_space_diagnostic (self->fixture, first, second, TRUE);
  assert_true (create (self->fixture, "a", 4096, NULL));
  assert_true (is_copy (self->fixture, "a"));
  assert_no_space_diagnostic (self->fixture, first, NULL, FALSE);
}

static void
fill (Mounted *self)
{
  g_autofree char *path = g_build_filename (self->mount, "filler", NULL);
  g_auto (SclFd) fd = open (path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  char block[4096] = "x";

  while (write (fd, block, sizeof block) > 0)
    ;
  assert_int_equal (errno, ENOSPC);
}

static void
test_no_space_for_seed (void **state)
{
  Mounted *self = *state;
  g_autofree char *folder = NULL;
  g_autofree char *user = NULL;
  g_autoptr (SclVmSpec) vm = NULL;
  g_autoptr (GError) error = NULL;

  need_mount (self, "tmpfs");
  use_tmpfs (self, 3);
  folder = _scl_volume_backend_vm_folder (self->fixture->backend, "demo", NULL);
  user = g_build_filename (self->root, "user", NULL);
  assert_true (g_file_set_contents (user, "a: 1\n", -1, NULL));
  vm = make_vm ("demo", self->fixture->image, 0, user, NULL);
  fill (self);
  assert_false (_scl_volume_backend_ensure_seed (self->fixture->backend, vm, NULL, NULL, &error));
  assert_error (error, SCL_ERROR_NO_SPACE, "seed.iso");
  assert_int_equal (count_entries (folder), 0);
}

static gboolean
remove_demo (Mounted *self, GError **error)
{
  return _scl_volume_backend_remove (self->fixture->backend, "demo", NULL, NULL, error);
}

/* The VM's boot entries; a folder in their place cannot be removed as a file. */
static char *
put_nvram (Mounted *self, gboolean stuck)
{
  g_autofree char *folder = _scl_volume_backend_vm_folder (self->fixture->backend, "demo", NULL);
  char *path = g_build_filename (folder, SCL_NVRAM_FILE, NULL);

  if (stuck)
    assert_int_equal (g_mkdir (path, 0700), 0);
  else
    assert_true (g_file_set_contents (path, "boot entries", -1, NULL));
  return path;
}

/* Deleting makes room, so it may not need any. */
static void
test_no_space_to_remove (void **state)
{
  Mounted *self = *state;
  g_autofree char *nvram = NULL;
  guint64 before;

  need_mount (self, "tmpfs");
  use_tmpfs (self, 6);
  assert_true (create (self->fixture, "demo", 0, NULL));
  nvram = put_nvram (self, FALSE);
  fill (self);
  before = free_bytes (self->mount);
  assert_true (remove_demo (self, NULL));
  assert_int_equal (count_entries (self->fixture->volumes), 0);
  assert_false (g_file_test (nvram, G_FILE_TEST_EXISTS));
  assert_true (free_bytes (self->mount) >= before + 5 * MIB);
}

/* Cut short between the volume and the rest: the note is left, by which the same call finds that. */
static void
test_no_space_cut_short (void **state)
{
  Mounted *self = *state;
  g_autofree char *nvram = NULL;
  g_autoptr (SclObservation) seen = NULL;
  SclObservedVolume *left;

  need_mount (self, "tmpfs");
  use_tmpfs (self, 6);
  assert_true (create (self->fixture, "demo", 0, NULL));
  nvram = put_nvram (self, TRUE);
  fill (self);
  assert_false (remove_demo (self, NULL));
  assert_int_equal (volume_stat (self->fixture, "demo").st_nlink, 0);
  seen = observe (self->fixture, NULL);
  left = _scl_observation_lookup_remains (seen, "demo");
  assert_true (left != NULL && left->leftover && !left->foreign);
  assert_int_equal (g_rmdir (nvram), 0);
  assert_true (remove_demo (self, NULL));
  assert_int_equal (count_entries (self->fixture->volumes), 0);
}

/* Killed while it was being deleted, and then the disk is full: what every change notes first has no room. */
static void
test_no_space_to_claim (void **state)
{
  Mounted *self = *state;
  g_autoptr (SclObservation) seen = NULL;
  g_auto (SclFd) folder = -1;

  need_mount (self, "tmpfs");
  use_tmpfs (self, 6);
  assert_true (create (self->fixture, "demo", 0, NULL));
  folder = open (self->fixture->volumes, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  assert_true (_scl_volume_removal_begin (folder, "demo", "scl", NULL));
  fill (self);
  seen = observe (self->fixture, NULL);
  assert_true (_scl_observation_lookup_volume (seen, "demo")->unclaimed);
  assert_true (_scl_volume_backend_claim (self->fixture->backend, seen, NULL));
  assert_true (remove_demo (self, NULL));
  assert_int_equal (count_entries (self->fixture->volumes), 0);
}

static void
check_file_system (Mounted *self, gboolean can_reflink)
{
  Fixture *fixture = self->fixture;
  g_auto (SclFd) image = open (fixture->image, O_RDONLY | O_CLOEXEC);
  g_auto (SclFd) folder = -1;
  guint64 before;

  assert_true (create (fixture, "demo", 4096, NULL));
  assert_true (is_copy (fixture, "demo"));
  assert_int_equal (volume_stat (fixture, "demo").st_size, G_GINT64_CONSTANT (4096) * MIB);
  assert_true (volume_stat (fixture, "demo").st_blocks * 512 < 12 * MIB);
  assert_int_equal (count_entries (fixture->volumes), 2);
  folder = open (fixture->volumes, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  assert_int_equal (_scl_copy_can_reflink (image, folder), can_reflink);
  assert_true (_scl_volume_backend_grow (fixture->backend, "demo", 5000, NULL, NULL));
  assert_true (_scl_volume_backend_remove (fixture->backend, "demo", NULL, NULL, NULL));
  sync ();
  before = free_bytes (self->mount);
  assert_true (create (fixture, "again", 0, NULL));
  if (can_reflink)
    assert_true (before - free_bytes (self->mount) < 2 * MIB);
}

static void
test_ext4 (void **state)
{
  need_mount (*state, "ext4 on a loop device");
  check_file_system (*state, FALSE);
}

static void
test_xfs (void **state)
{
  need_mount (*state, "xfs on a loop device");
  check_file_system (*state, TRUE);
}

static void
test_btrfs (void **state)
{
  need_mount (*state, "btrfs on a loop device");
  check_file_system (*state, TRUE);
}

/* Where blocks are shared, many more volumes fit than there is room for copies. */
static void
test_reflink_needs_no_space (void **state)
{
  Mounted *self = *state;
  Fixture *fixture = self->fixture;
  g_autoptr (SclVmSpec) first = NULL;
  g_autoptr (SclVmSpec) second = NULL;

  need_mount (self, "xfs on a loop device");
  make_image (fixture->image, 300 * MIB, 200);
  fixture->image_size = 300 * MIB;
  first = make_vm ("a", fixture->image, 4096, NULL, NULL);
  second = make_vm ("b", fixture->image, 4096, NULL, NULL);
  assert_true (free_bytes (self->mount) < 400 * MIB);
  assert_no_space_diagnostic (fixture, first, second, FALSE);
  assert_true (create (fixture, "a", 4096, NULL));
  assert_true (create (fixture, "b", 4096, NULL));
}

/* Delayed allocation: the disk is found full only when the data is written out. */
static void
test_no_space_ext4 (void **state)
{
  Mounted *self = *state;
  Fixture *fixture = self->fixture;
  g_autofree char *elsewhere = g_build_filename (self->root, "image.raw", NULL);
  g_autoptr (GError) error = NULL;

  need_mount (self, "ext4 on a loop device");
  make_image (elsewhere, 900 * MIB, 600);
  assert_true (create (fixture, "small", 0, NULL));
  assert_false (create_from (fixture, "demo", elsewhere, 0, NULL, &error));
  assert_error (error, SCL_ERROR_NO_SPACE, elsewhere);
  assert_int_equal (count_entries (fixture->volumes), 2);
}

#define TEST(function, setup) cmocka_unit_test_setup_teardown (function, setup, teardown)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    TEST (test_no_space, setup_tmpfs),
    TEST (test_space_is_summed, setup_tmpfs),
    TEST (test_no_space_for_seed, setup_tmpfs),
    TEST (test_no_space_to_remove, setup_tmpfs),
    TEST (test_no_space_cut_short, setup_tmpfs),
    TEST (test_no_space_to_claim, setup_tmpfs),
    TEST (test_ext4, setup_ext4),
    TEST (test_no_space_ext4, setup_ext4),
    TEST (test_xfs, setup_xfs),
    TEST (test_reflink_needs_no_space, setup_xfs),
    TEST (test_btrfs, setup_btrfs),
  };

  return cmocka_run_group_tests_name ("file-volumes-mounts", tests, enter_namespace, NULL);
}
