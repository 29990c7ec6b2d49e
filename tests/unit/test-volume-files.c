/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The small pieces under the volumes: probing, sidecars, part files, reach, copying. */

#include "backend/volume/scl-copy-private.h"
#include "backend/volume/scl-image-probe-private.h"
#include "backend/volume/scl-part-file-private.h"
#include "backend/volume/scl-reach-private.h"
#include "backend/volume/scl-sidecar-private.h"
#include "backend/volume/scl-volume-store-private.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <scl/scl-error.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/file.h>

#include <cmocka.h>

#include "test-skip.h"

#define MIB (1024 * 1024)

typedef struct
{
  char *path;
  int fd;
} Folder;

static int
setup (void **state)
{
  Folder *folder = g_new0 (Folder, 1);

  folder->path = g_dir_make_tmp ("test-volume-files-XXXXXX", NULL);
  folder->fd = open (folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  *state = folder;
  return folder->fd < 0;
}

static guint
count_entries (Folder *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder->path, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static int
teardown (void **state)
{
  Folder *folder = *state;
  g_autoptr (GDir) dir = g_dir_open (folder->path, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    if (unlinkat (folder->fd, name, 0) != 0)
      (void) unlinkat (folder->fd, name, AT_REMOVEDIR);
  (void) g_rmdir (folder->path);
  (void) close (folder->fd);
  g_free (folder->path);
  g_free (folder);
  return 0;
}

static int
open_new (Folder *folder, const char *name)
{
  int fd = openat (folder->fd, name, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);

  assert_true (fd >= 0);
  return fd;
}

/* What a probe must refuse, and which way out it must name. */
static const struct
{
  gsize offset;
  const char *magic;
  gsize length;
  const char *advice; /* NULL: accepted */
} images[] = {
  { 0, "QFI\xfb\0\0\0\3", 8, "qemu-img convert -O raw '/i/disk.img' '/i/disk.raw'" },
  { 0, "QED\0", 4, "qemu-img convert -O raw" },
  { 0, "KDMV\1\0\0\0", 8, "qemu-img convert -O raw" },
  { 0, "# Disk DescriptorFile\n", 22, "qemu-img convert -O raw" },
  { 0, "vhdxfile", 8, "qemu-img convert -O raw" },
  { 0, "conectix", 8, "qemu-img convert -O raw" },
  { MIB - 512, "conectix", 8, "qemu-img convert -O raw -f vpc" },
  { 64, "\x7f\x10\xda\xbe", 4, "qemu-img convert -O raw" },
  { 0, "\x1f\x8b\x08", 3, "gunzip --keep '/i/disk.img'" },
  { 0, "\3757zXZ\0", 6, "unxz --keep '/i/disk.img'" },
  { 0, "\x28\xb5\x2f\xfd", 4, "unzstd '/i/disk.img'" },
  { 0, "BZh91AY", 7, "bunzip2 --keep" },
  { 0, "PK\3\4", 4, "unzip" },
  { 257, "ustar", 5, "tar -xf" },
  { 32769, "CD001", 5, "installed disk" },
  { 510, "\x55\xaa", 2, NULL },
  { 512, "EFI PART", 8, NULL },
  { 0, "\xeb\x63\x90", 3, NULL },
  { 0, "qfi", 3, NULL },
};

static void
test_probe (void **state)
{
  Folder *folder = *state;

  for (gsize i = 0; i < G_N_ELEMENTS (images); i++)
    {
      g_auto (SclFd) fd = open_new (folder, "image");
      g_autoptr (GError) error = NULL;
      gboolean ok;

      assert_int_equal (ftruncate (fd, MIB), 0);
      assert_int_equal (pwrite (fd, images[i].magic, images[i].length, (off_t) images[i].offset),
                        images[i].length);
      ok = _scl_image_probe (fd, MIB, "/i/disk.img", &error);
      if (ok != (images[i].advice == NULL)
          || (!ok && strstr (error->message, images[i].advice) == NULL))
        fail_msg ("case %zu: %s", i, ok ? "accepted" : error->message);
    }
}

static void
test_probe_odd (void **state)
{
  Folder *folder = *state;
  g_auto (SclFd) fd = open_new (folder, "image");
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) quoted = NULL;

  assert_false (_scl_image_probe (fd, 0, "/i/x", &error));
  assert_true (g_error_matches (error, SCL_ERROR, SCL_ERROR_INVALID));
  assert_int_equal (pwrite (fd, "\x55\xaa", 2, 510), 2);
  assert_int_equal (pwrite (fd, "CD001", 5, 32769), 5);
  assert_true (_scl_image_probe (fd, 32774, "/i/hybrid.iso", NULL));
  assert_int_equal (pwrite (fd, "QFI\xfb", 4, 0), 4);
  assert_false (_scl_image_probe (fd, 32774, "/i/it's.d/x y", &quoted));
  assert_non_null (strstr (quoted->message, "'/i/it'\\''s.d/x y' '/i/it'\\''s.d/x y.raw'"));
}

/* The command must not write over its own input. */
static void
test_probe_names (void **state)
{
  Folder *folder = *state;
  g_auto (SclFd) fd = open_new (folder, "image");
  static const char *const names[][2] = { { "/i/a.raw", "'/i/a.raw' '/i/a.raw.raw'" },
                                          { "/i.d/a", "'/i.d/a' '/i.d/a.raw'" },
                                          { "/i/.a", "'/i/.a' '/i/.a.raw'" },
                                          { "/i/a.b.qcow2", "'/i/a.b.qcow2' '/i/a.b.raw'" } };

  assert_int_equal (pwrite (fd, "QFI\xfb", 4, 0), 4);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;

      assert_false (_scl_image_probe (fd, 4, names[i][0], &error));
      if (!g_str_has_suffix (error->message, names[i][1]))
        fail_msg ("case %zu: %s", i, error->message);
    }
}

static void
test_size (void **state)
{
  guint64 size = 0;
  g_autoptr (GError) error = NULL;

  assert_true (_scl_volume_store_size (1, 0, &size, NULL));
  assert_int_equal (size, MIB);
  assert_true (_scl_volume_store_size (2 * MIB, 0, &size, NULL));
  assert_int_equal (size, 2 * MIB);
  assert_true (_scl_volume_store_size (2 * MIB, 4, &size, NULL));
  assert_int_equal (size, 4 * MIB);
  assert_false (_scl_volume_store_size (2 * MIB + 1, 2, &size, &error));
  assert_non_null (strstr (error->message, "possible is 3"));
  assert_false (_scl_volume_store_size (1, G_MAXUINT64, &size, NULL));
  assert_false (_scl_volume_store_size (1, G_MAXUINT64 / MIB + 1, &size, NULL));
}

static void
test_sidecar_round_trip (void **state)
{
  struct stat info
      = { .st_size = 12345, .st_ino = G_MAXUINT64, .st_mtim = { 1700000000, 123456789 } };
  g_autoptr (SclSidecar) sidecar = _scl_sidecar_new ("lab", "vm\"\\\n", "/a/\xc3\xa4 \"b\"", &info);
  g_autoptr (GBytes) bytes = _scl_sidecar_to_bytes (sidecar);
  g_autoptr (SclSidecar) back = _scl_sidecar_from_bytes (bytes, NULL);

  assert_non_null (back);
  assert_string_equal (back->id, sidecar->id);
  assert_string_equal (back->vm, sidecar->vm);
  assert_string_equal (back->image, sidecar->image);
  assert_int_equal (back->created, sidecar->created);
  assert_int_equal (back->image_size, 12345);
  assert_true (back->image_mtime == G_GINT64_CONSTANT (1700000000123456789));
  assert_true (back->image_inode == G_MAXUINT64);
}

static const char *const damaged[] = {
  "",
  "\0\0\0",
  "{",
  "[]",
  "null",
  "\"x\"",
  "{}",
  "\xff\xfe",
  "{\"id\": 1}",
  "{\"id\":\"x\",\"image\":null}",
  "{\"id\":\"x\",\"image\":{\"path\":\"/a\"}}",
  "{\"id\":\"x\",\"image\":{\"path\":7,\"size\":1,\"mtimeNs\":1,\"inode\":1}}",
  "{\"id\":\"x\",\"image\":{\"path\":\"/a\",\"size\":\"1\",\"mtimeNs\":1,\"inode\":1}}",
  "{\"id\":[],\"image\":{\"path\":\"/a\",\"size\":1,\"mtimeNs\":1,\"inode\":1}}",
  "{\"image\":{\"path\":\"/a\",\"size\":1,\"mtimeNs\":1,\"inode\":1}}",
};

static void
test_sidecar_damaged (void **state)
{
  g_autofree char *deep = g_strnfill (32 * 1024, '[');
  g_autoptr (GBytes) deep_bytes = g_bytes_new_static (deep, 32 * 1024);

  for (gsize i = 0; i < G_N_ELEMENTS (damaged); i++)
    {
      g_autoptr (GBytes) bytes = g_bytes_new_static (damaged[i], strlen (damaged[i]));

      if (_scl_sidecar_from_bytes (bytes, NULL) != NULL)
        fail_msg ("case %zu", i);
    }
  assert_null (_scl_sidecar_from_bytes (deep_bytes, NULL));
}

static void
test_image_differs (void **state)
{
  Folder *folder = *state;
  g_auto (SclFd) fd = open_new (folder, "a");
  g_autofree char *a = g_build_filename (folder->path, "a", NULL);
  g_autofree char *b = g_build_filename (folder->path, "b", NULL);
  struct timespec nix[] = { { 1, 0 }, { 1, 0 } };
  struct stat info;
  gint64 mtime;

  assert_int_equal (ftruncate (fd, 1000), 0);
  assert_int_equal (fstat (fd, &info), 0);
  mtime = _scl_sidecar_mtime (&info);
  assert_false (_scl_sidecar_image_differs (a, 1000, mtime, a));
  assert_false (_scl_sidecar_image_differs ("/elsewhere", 1000, mtime, a));
  assert_true (_scl_sidecar_image_differs (a, 1001, mtime, a));
  assert_true (_scl_sidecar_image_differs (a, 1000, mtime + 1, a));
  assert_false (_scl_sidecar_image_differs (b, 1000, mtime, b));
  assert_true (_scl_sidecar_image_differs (a, 1000, mtime, b));
  assert_int_equal (futimens (fd, nix), 0);
  assert_true (_scl_sidecar_image_differs ("/nix/store/x", 1000, 1000000000, a));
  assert_false (_scl_sidecar_image_differs (a, 1000, 1000000000, a));
}

/* As a network file system may: it is done, and the answer got lost. */
static gboolean answer_gets_lost;

static int
lose_answer (int rc)
{
  if (rc != 0 || !answer_gets_lost)
    return rc;
  errno = EIO;
  return -1;
}

int
linkat (int from, const char *old, int to, const char *new, int flags)
{
  int (*real) (int, const char *, int, const char *, int)
      = (int (*) (int, const char *, int, const char *, int)) dlsym (RTLD_NEXT, "linkat");

  return lose_answer (real (from, old, to, new, flags));
}

int
renameat2 (int from, const char *old, int to, const char *new, unsigned int flags)
{
  int (*real) (int, const char *, int, const char *, unsigned int)
      = (int (*) (int, const char *, int, const char *, unsigned int)) dlsym (RTLD_NEXT, "renameat2");

  return lose_answer (real (from, old, to, new, flags));
}

static void
check_part_file (Folder *folder, SclPartFileFlags flags)
{
  g_autoptr (GError) error = NULL;
  SclPartFile *part = _scl_part_file_new (folder->fd, "x", 0640, flags, NULL);
  SclPartFile *late = _scl_part_file_new (folder->fd, "x", 0600, flags, NULL);
  struct stat info;

  assert_int_not_equal (fstatat (folder->fd, "x", &info, 0), 0);
  assert_int_equal (write (_scl_part_file_get_fd (part), "abc", 3), 3);
  assert_true (_scl_part_file_commit (part, FALSE, NULL));
  _scl_part_file_free (part);
  assert_false (_scl_part_file_commit (late, FALSE, &error));
  assert_true (g_error_matches (error, SCL_ERROR, SCL_ERROR_EXISTS));
  _scl_part_file_free (late);
  assert_int_equal (fstatat (folder->fd, "x", &info, 0), 0);
  assert_int_equal (info.st_size, 3);
  assert_int_equal (info.st_mode & 07777, 0640);
  assert_int_equal (info.st_nlink, 1);
  assert_int_equal (count_entries (folder), 1);
}

static void
test_part_file (void **state)
{
  check_part_file (*state, SCL_PART_FILE_NONE);
}

static void
test_part_file_of_lost_answer (void **state)
{
  Folder *folder = *state;

  answer_gets_lost = TRUE;
  check_part_file (folder, SCL_PART_FILE_NONE);
  assert_int_equal (unlinkat (folder->fd, "x", 0), 0);
  check_part_file (folder, SCL_PART_FILE_NAMED);
  answer_gets_lost = FALSE;
}

static void
test_part_file_named (void **state)
{
  Folder *folder = *state;
  SclPartFile *part;
  struct stat info;

  check_part_file (folder, SCL_PART_FILE_NAMED);
  part = _scl_part_file_new (folder->fd, "x", 0600, SCL_PART_FILE_NAMED, NULL);
  assert_true (_scl_part_file_commit (part, TRUE, NULL));
  _scl_part_file_free (part);
  assert_int_equal (fstatat (folder->fd, "x", &info, 0), 0);
  assert_int_equal (info.st_size, 0);
  assert_int_equal (count_entries (folder), 1);
}

/* Leftovers go; work in progress, users' files and other names stay. */
static void
test_sweep (void **state)
{
  Folder *folder = *state;
  static const char *const keep[]
      = { ".a.raw.part",          "a.raw.12345678.part", ".a.raw.1234567.part",
          ".a.raw.1234567z.part", ".a.raw.12345678",     ".b.raw.12345678.part" };
  SclPartFile *working = _scl_part_file_new (folder->fd, "a.raw", 0600, SCL_PART_FILE_NAMED, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (keep); i++)
    (void) close (open_new (folder, keep[i]));
  (void) close (open_new (folder, ".a.raw.12345678.part"));
  assert_int_equal (mkdirat (folder->fd, ".a.raw.00000000.part", 0700), 0);
  _scl_part_file_sweep (folder->fd, "a.raw");
  assert_int_equal (count_entries (folder), G_N_ELEMENTS (keep) + 2);
  assert_true (faccessat (folder->fd, ".a.raw.12345678.part", F_OK, 0) != 0);
  _scl_part_file_sweep (folder->fd, NULL);
  assert_int_equal (count_entries (folder), G_N_ELEMENTS (keep) + 1);
  assert_true (_scl_part_file_commit (working, FALSE, NULL));
  _scl_part_file_free (working);
  assert_int_equal (faccessat (folder->fd, "a.raw", F_OK, 0), 0);
}

static void
test_reach (void **state)
{
  Folder *folder = *state;
  g_autofree char *inner = g_build_filename (folder->path, "inner", NULL);
  g_autofree char *deep = g_build_filename (inner, "volumes", NULL);
  g_autofree char *link = g_build_filename (folder->path, "link", NULL);
  g_autofree char *through = g_build_filename (link, "volumes", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) linked = NULL;
  g_autoptr (GError) nobody = NULL;

  if (geteuid () != 0)
    skip_because ("root");
  assert_int_equal (mkdir (inner, 0700), 0);
  assert_int_equal (symlink ("inner", link), 0);
  assert_int_equal (chmod (folder->path, 0711), 0);
  assert_false (_scl_reach_check (deep, "nobody", NULL, &error));
  assert_true (g_error_matches (error, SCL_ERROR, SCL_ERROR_PERMISSION));
  assert_non_null (strstr (error->message, inner));
  assert_true (_scl_reach_check (deep, "root", NULL, NULL));
  assert_false (_scl_reach_check (through, "nobody", NULL, &linked));
  assert_int_equal (chmod (inner, 0711), 0);
  assert_true (_scl_reach_check (deep, "nobody", NULL, NULL));
  assert_true (_scl_reach_check ("/", "nobody", NULL, NULL));
  assert_false (_scl_reach_check (deep, "no-such-user-here", NULL, &nobody));
  assert_true (g_error_matches (nobody, SCL_ERROR, SCL_ERROR_NOT_FOUND));
}

/* Random extents and holes, odd size. */
static guint64
fill_sparse (int fd)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (7);
  g_autofree guint8 *block = g_malloc (300000);
  guint64 size = 20 * MIB + 12345;

  for (guint i = 0; i < 300000; i++)
    block[i] = (guint8) g_rand_int (random);
  assert_int_equal (ftruncate (fd, (off_t) size), 0);
  for (guint i = 0; i < 8; i++)
    {
      gsize length = (gsize) g_rand_int_range (random, 1, 300000);
      off_t at = g_rand_int_range (random, 0, 20 * MIB);

      assert_int_equal (pwrite (fd, block, MIN (length, size - (guint64) at), at),
                        MIN (length, size - (guint64) at));
    }
  assert_int_equal (pwrite (fd, "tail", 4, (off_t) size - 4), 4);
  return size;
}

static void
assert_same (int a, int b, guint64 size)
{
  g_autofree guint8 *left = g_malloc0 (MIB);
  g_autofree guint8 *right = g_malloc0 (MIB);

  for (guint64 at = 0; at < size; at += MIB)
    {
      gssize n = pread (a, left, MIB, (off_t) at);

      assert_int_equal (pread (b, right, MIB, (off_t) at), n);
      assert_memory_equal (left, right, n);
    }
}

static void
test_copy (void **state)
{
  Folder *folder = *state;
  static const SclCopyMethod methods[] = { SCL_COPY_REFLINK, SCL_COPY_RANGE, SCL_COPY_READ_WRITE };
  g_auto (SclFd) in = open_new (folder, "in");
  guint64 size = fill_sparse (in);

  for (gsize i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_auto (SclFd) out = open_new (folder, "out");
      SclCopyMethod used = SCL_COPY_REFLINK;
      struct stat info;

      assert_true (_scl_copy (in, out, size, methods[i], "in", NULL, &used, NULL));
      assert_true (used >= methods[i]);
      assert_int_equal (ftruncate (out, (off_t) size), 0);
      assert_same (in, out, size);
      assert_int_equal (fstat (out, &info), 0);
      assert_true (info.st_blocks * 512 < 4 * MIB);
    }
}

typedef struct
{
  GCancellable *cancellable;
  guint calls;
} Cancel;

static void
cancel_report (guint64 done, guint64 total, const char *message, gpointer user_data)
{
  Cancel *cancel = user_data;

  cancel->calls++;
  g_cancellable_cancel (cancel->cancellable);
}

/* Before the next step, not at the end. */
static void
test_copy_cancel (void **state)
{
  Folder *folder = *state;
  g_auto (SclFd) in = open_new (folder, "in");
  g_auto (SclFd) out = open_new (folder, "out");
  guint64 size = fill_sparse (in);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Cancel cancel = { cancellable, 0 };
  SclProgress progress = { .cancellable = cancellable, .report = cancel_report, .user_data = &cancel };
  g_autoptr (GError) error = NULL;
  struct stat info;

  assert_false (_scl_copy (in, out, size, SCL_COPY_RANGE, "in", &progress, NULL, &error));
  assert_true (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  assert_int_equal (cancel.calls, 1);
  assert_int_equal (fstat (out, &info), 0);
  assert_int_equal (info.st_size, 0);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (test_probe, setup, teardown),
    cmocka_unit_test_setup_teardown (test_probe_odd, setup, teardown),
    cmocka_unit_test_setup_teardown (test_probe_names, setup, teardown),
    cmocka_unit_test (test_size),
    cmocka_unit_test (test_sidecar_round_trip),
    cmocka_unit_test (test_sidecar_damaged),
    cmocka_unit_test_setup_teardown (test_image_differs, setup, teardown),
    cmocka_unit_test_setup_teardown (test_part_file, setup, teardown),
    cmocka_unit_test_setup_teardown (test_part_file_of_lost_answer, setup, teardown),
    cmocka_unit_test_setup_teardown (test_part_file_named, setup, teardown),
    cmocka_unit_test_setup_teardown (test_sweep, setup, teardown),
    cmocka_unit_test_setup_teardown (test_reach, setup, teardown),
    cmocka_unit_test_setup_teardown (test_copy, setup, teardown),
    cmocka_unit_test_setup_teardown (test_copy_cancel, setup, teardown),
  };

  return cmocka_run_group_tests_name ("volume-files", tests, NULL, NULL);
}
