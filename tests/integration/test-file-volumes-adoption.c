/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A volume goes over to another instance: whole or not at all, wherever it is cut short, and nobody's
 * file is touched. */

#include "adoption-fixture.h"
#include "backend/volume/scl-volume-adoption-private.h"
#include <dlfcn.h>
#include <stdio.h>
#include <sys/wait.h>

static char *
owners (SclVolumeBackend *backend, const char *name)
{
  g_auto (GStrv) list = _scl_volume_backend_list_owners (backend, name);

  return g_strjoinv (" ", list);
}

#define assert_owners(backend, name, expected)                                                     \
  do                                                                                               \
    {                                                                                              \
      g_autofree char *they = owners (backend, name);                                              \
                                                                                                   \
      assert_string_equal (they, expected);                                                        \
    }                                                                                              \
  while (0)

/* Wherever it lies in the state folder; what nobody's note tells of is nobody's. */
static void
test_owners (void **state)
{
  World *w = *state;
  g_autofree char *doc = g_build_filename (w->fixture->state, "instances", "doc", "volumes", NULL);
  g_autofree char *shared = g_build_filename (w->fixture->volumes, "demo.json", NULL);
  g_autofree char *note = NULL;
  g_autofree char *docs = NULL;
  g_auto (GStrv) parts = NULL;

  assert_owners (w->lab, "demo", "scl");
  assert_owners (w->fixture->backend, "demo", "");
  assert_owners (w->lab, "other", "");
  assert_owners (w->lab, "../demo", "");
  put_in (doc, "demo.raw", "content");
  assert_owners (w->lab, "demo", "scl");
  /* As 0.1's state of another instance is, once that has noted it. */
  note = get_from (w->fixture->volumes, "demo.json");
  parts = g_strsplit (note, "\"instance\" : \"scl\"", -1);
  docs = g_strjoinv ("\"instance\" : \"doc\"", parts);
  assert_string_not_equal (note, docs);
  put_in (doc, "demo.json", docs);
  assert_owners (w->lab, "demo", "doc scl");
  assert_owners (w->fixture->backend, "demo", "doc");
  put_in (w->fixture->volumes, "demo.json", docs);
  assert_owners (w->lab, "demo", "doc");
  assert_owners (w->fixture->backend, "demo", "doc");
  /* A folder that others may write into tells nothing. */
  assert_int_equal (unlink (shared), 0);
  assert_int_equal (chmod (doc, 0777), 0);
  assert_owners (w->lab, "demo", "");
}

static void
test_adopt (void **state)
{
  World *w = *state;
  guint64 inode = volume_stat (w->fixture, "demo").st_ino;
  g_autofree char *before = get_from (w->fixture->volumes, "demo.json");
  g_autofree char *after = NULL;
  g_autofree char *path = NULL;
  g_autofree char *nvram = NULL;
  GError *error = NULL;

  assert_true (_scl_volume_backend_find_other (w->lab, "demo", scl (w), &path, &nvram, NULL));
  assert_null (nvram);
  assert_string_equal (strrchr (path, '/'), "/demo.raw");
  assert_true (adopt (w, NULL));
  assert_adopted (w, inode);
  after = get_from (w->volumes, "demo.json");
  /* What it was made from, and when, and that it is this volume. */
  assert_string_equal (strstr (after, "\"vm\""), strstr (before, "\"vm\""));
  assert_memory_equal (after, before, (gsize) (strstr (before, "\"instance\"") - before));
  /* Once more says what there is no more. */
  assert_false (adopt (w, &error));
  assert_error (error, SCL_ERROR_NOT_FOUND, "instance \"scl\" has no volume \"demo\"");
  g_clear_error (&error);
}

/* And back: from an instance that has a folder of its own. */
static void
test_back (void **state)
{
  World *w = *state;
  guint64 inode = volume_stat (w->fixture, "demo").st_ino;
  const SclOtherInstance lab = { "lab", w->home };

  assert_true (adopt (w, NULL));
  assert_true (_scl_volume_backend_adopt (w->fixture->backend, "demo", &lab, NULL));
  assert_kept (w, inode);
  assert_false (owns (w->lab));
  assert_int_equal (count_entries (w->volumes), 0);
}

/* 0.1 put those of all instances into one folder; the file is there already. */
static void
test_one_folder (void **state)
{
  World *w = *state;
  const SclOtherInstance doc = { "doc", "/nonexistent" };
  guint64 inode = volume_stat (w->fixture, "demo").st_ino;
  g_autofree char *text = get_from (w->fixture->volumes, "demo.json");
  g_auto (GStrv) parts = g_strsplit (text, "\"scl\"", 2);
  g_autofree char *theirs = g_strjoinv ("\"doc\"", parts);

  put_in (w->fixture->volumes, "demo.json", theirs);
  assert_false (owns (w->fixture->backend));
  assert_true (_scl_volume_backend_adopt (w->fixture->backend, "demo", &doc, NULL));
  assert_kept (w, inode);
}

/* 0.1 did not write whose it is: the default instance's, as long as nobody uses it. */
static void
test_unnoted (void **state)
{
  World *w = *state;
  const SclOtherInstance doc = { "doc", "/nonexistent" };
  guint64 inode = volume_stat (w->fixture, "demo").st_ino;
  g_autofree char *text = get_from (w->fixture->volumes, "demo.json");
  g_auto (GStrv) parts = g_strsplit (text, "\"instance\"", 2);
  g_autofree char *unnoted = g_strjoinv ("\"other\"", parts);
  GError *error = NULL;

  put_in (w->fixture->volumes, "demo.json", unnoted);
  assert_false (_scl_volume_backend_adopt (w->lab, "demo", &doc, &error));
  assert_error (error, SCL_ERROR_NOT_FOUND, "instance \"doc\" has no volume \"demo\"");
  g_clear_error (&error);
  assert_true (adopt (w, NULL));
  assert_adopted (w, inode);
}

static void
refuse (World *w, SclError code, const char *part)
{
  GError *error = NULL;

  assert_false (adopt (w, &error));
  assert_error (error, code, part);
  g_clear_error (&error);
}

static void
test_refused (void **state)
{
  World *w = *state;
  guint64 inode = volume_stat (w->fixture, "demo").st_ino;
  g_autofree char *path = g_build_filename (w->fixture->volumes, "demo.raw", NULL);
  g_autofree char *content = NULL;
  struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 101, .l_len = 1 };
  g_auto (SclFd) qemu = open (path, O_RDWR | O_CLOEXEC);

  assert_int_equal (fcntl (qemu, F_OFD_SETLK, &lock), 0);
  refuse (w, SCL_ERROR_IN_USE, "has demo.raw open");
  scl_fd_clear (&qemu);
  assert_kept (w, inode);
  assert_int_equal (count_entries (w->volumes), 0);

  put_in (w->volumes, "demo.raw", "precious");
  refuse (w, SCL_ERROR_EXISTS, "instance \"lab\" has a file demo.raw already");
  content = get_from (w->volumes, "demo.raw");
  assert_string_equal (content, "precious");
  assert_kept (w, inode);
  assert_int_equal (count_entries (w->volumes), 1);
}

/* NAME.json where the note would be is somebody's. */
static void
test_another_note (void **state)
{
  World *w = *state;
  guint64 inode = volume_stat (w->fixture, "demo").st_ino;
  g_autofree char *content = NULL;

  put_in (w->volumes, "demo.json", "{\"my\": \"recipe\"}");
  refuse (w, SCL_ERROR_EXISTS, "demo.json is not the note of a volume");
  content = get_from (w->volumes, "demo.json");
  assert_string_equal (content, "{\"my\": \"recipe\"}");
  assert_kept (w, inode);
}

static void
test_not_theirs (void **state)
{
  World *w = *state;
  g_autofree char *note = g_build_filename (w->fixture->volumes, "demo.json", NULL);
  g_autofree char *file = g_build_filename (w->fixture->volumes, "demo.raw", NULL);
  g_autofree char *text = get_from (w->fixture->volumes, "demo.json");
  g_auto (GStrv) parts = g_strsplit (text, "\"scl\"", 2);
  g_autofree char *theirs = g_strjoinv ("\"doc\"", parts);

  put_in (w->fixture->volumes, "demo.json", theirs);
  refuse (w, SCL_ERROR_NOT_FOUND, "instance \"scl\" has no volume \"demo\"");
  assert_int_equal (g_unlink (note), 0);
  refuse (w, SCL_ERROR_NOT_FOUND, "instance \"scl\" has no volume \"demo\"");
  assert_true (is_copy (w->fixture, "demo"));
  put_in (w->fixture->volumes, "demo.json", text);
  assert_int_equal (g_unlink (file), 0);
  refuse (w, SCL_ERROR_NOT_FOUND, "instance \"scl\" has no volume \"demo\"");
  assert_int_equal (symlink ("/etc/passwd", file), 0);
  refuse (w, SCL_ERROR_EXISTS, "a symbolic link that somebody else made");
  assert_false (_scl_volume_backend_adopt (w->lab, "../demo", scl (w), NULL));
}

/* What stands there could be changed by others: nothing is taken from it. */
static void
test_folder_of_others (void **state)
{
  World *w = *state;
  guint64 inode = volume_stat (w->fixture, "demo").st_ino;

  assert_int_equal (chmod (w->fixture->volumes, 0777), 0);
  refuse (w, SCL_ERROR_PERMISSION, "nothing is taken from it");
  assert_int_equal (chmod (w->fixture->volumes, 0711), 0);
  assert_kept (w, inode);
}

/* --- the NVRAM of the VM that it is named after --- */

static char *
vm_folder (World *w, gboolean lab)
{
  return g_build_filename (lab ? w->home : w->fixture->state, "vms", "demo", NULL);
}

static void
assert_nvram (World *w, gboolean lab, const char *expected)
{
  g_autofree char *folder = vm_folder (w, lab);
  g_autofree char *text = get_from (folder, SCL_NVRAM_FILE);

  assert_int_equal (g_strcmp0 (text, expected), 0);
}

static void
test_nvram_goes_along (void **state)
{
  World *w = *state;
  const SclOtherInstance lab = { "lab", w->home };
  guint64 inode = volume_stat (w->fixture, "demo").st_ino;
  g_autofree char *theirs = vm_folder (w, FALSE);
  g_autofree char *path = NULL;
  g_autofree char *nvram = NULL;

  put_in (theirs, SCL_NVRAM_FILE, "variables");
  assert_true (_scl_volume_backend_find_other (w->lab, "demo", scl (w), &path, &nvram, NULL));
  assert_true (g_str_has_prefix (nvram, theirs));
  assert_true (adopt (w, NULL));
  assert_adopted (w, inode);
  assert_nvram (w, TRUE, "variables");
  assert_false (g_file_test (theirs, G_FILE_TEST_EXISTS));
  assert_true (_scl_volume_backend_adopt (w->fixture->backend, "demo", &lab, NULL));
  assert_nvram (w, FALSE, "variables");
}

/* One that is here is not lost, one that may be somebody's is not taken, and a QEMU that has it open has the VM. */
static void
test_nvram_that_stays (void **state)
{
  World *w = *state;
  guint64 inode = volume_stat (w->fixture, "demo").st_ino;
  g_autofree char *theirs = vm_folder (w, FALSE);
  g_autofree char *ours = vm_folder (w, TRUE);
  g_autofree char *file = g_build_filename (theirs, SCL_NVRAM_FILE, NULL);
  g_auto (SclFd) qemu = -1;
  struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 101, .l_len = 1 };
  const SclOtherInstance lab = { "lab", w->home };

  put_in (theirs, SCL_NVRAM_FILE, "variables");
  qemu = open (file, O_RDWR | O_CLOEXEC);
  assert_int_equal (fcntl (qemu, F_OFD_SETLK, &lock), 0);
  refuse (w, SCL_ERROR_IN_USE, "has nvram.fd open");
  scl_fd_clear (&qemu);
  assert_kept (w, inode);
  put_in (ours, SCL_NVRAM_FILE, "mine");
  assert_true (adopt (w, NULL));
  assert_adopted (w, inode);
  assert_nvram (w, TRUE, "mine");
  assert_nvram (w, FALSE, "variables");
  assert_true (_scl_volume_backend_adopt (w->fixture->backend, "demo", &lab, NULL));
  assert_nvram (w, FALSE, "variables");
  assert_nvram (w, TRUE, "mine");
  put_in (ours, "x", "");
  assert_int_equal (chmod (theirs, 0777), 0);
  assert_true (adopt (w, NULL));
  assert_nvram (w, FALSE, "variables");
}

/* --- cut short --- */

static void
open_folders (World *w, SclVolumeAdoption *out)
{
  *out = (SclVolumeAdoption){ .name = "demo", .owner = "scl", .taker = "lab" };
  assert_int_equal (g_mkdir_with_parents (w->volumes, 0711), 0);
  out->from = open (w->fixture->volumes, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  out->to = open (w->volumes, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void
close_folders (SclVolumeAdoption *self)
{
  (void) close (self->from);
  (void) close (self->to);
}

/* Which calls that change something there are is not written here: each is made to be the last one. */
static int killed_at;
static int calls;

static void
die_at (void)
{
  if (++calls == killed_at)
    _exit (9);
}

#define REAL(name) ((__typeof__ (&name)) dlsym (RTLD_NEXT, #name))

static int rename_error;
static gboolean rename_late;

int
renameat (int from, const char *old, int to, const char *new)
{
  die_at ();
  return REAL (renameat) (from, old, to, new);
}

int
renameat2 (int from, const char *old, int to, const char *new, unsigned int flags)
{
  die_at ();
  if (rename_error == 0 || rename_late)
    {
      int rc = REAL (renameat2) (from, old, to, new, flags);

      if (rc != 0 || rename_error == 0)
        return rc;
    }
  errno = rename_error;
  return -1;
}

int
unlinkat (int folder, const char *path, int flags)
{
  die_at ();
  return REAL (unlinkat) (folder, path, flags);
}

int
fsync (int fd)
{
  die_at ();
  return REAL (fsync) (fd);
}

static int
adopt_in_child (World *w, int at)
{
  pid_t pid = fork ();
  int status;

  assert_true (pid >= 0);
  if (pid == 0)
    {
      calls = 0;
      killed_at = at;
      _exit (adopt (w, NULL) ? 0 : 1);
    }
  assert_int_equal (waitpid (pid, &status, 0), pid);
  assert_true (WIFEXITED (status));
  return WEXITSTATUS (status);
}

/* One owner at each moment, and it has the file; who does not has nothing that is called foreign. */
static gboolean
assert_one_owner (World *w, guint64 inode)
{
  g_autofree char *path = g_build_filename (w->volumes, "demo.raw", NULL);
  gboolean moved = stat_of (path).st_ino == inode;
  g_autoptr (SclObservation) mine = see (w->fixture->backend);
  g_autoptr (SclObservation) theirs = see (w->lab);
  SclObservedVolume *here = _scl_observation_lookup_volume (mine, "demo");
  SclObservedVolume *there = _scl_observation_lookup_volume (theirs, "demo");

  assert_int_equal (moved ? 0 : inode, volume_stat (w->fixture, "demo").st_ino);
  assert_true ((here == NULL) == moved);
  assert_true ((there != NULL) == moved);
  assert_false (moved ? there->foreign : here->foreign);
  return moved;
}

static void
test_killed (void **state)
{
  World *w = *state;
  guint64 inode = volume_stat (w->fixture, "demo").st_ino;
  const SclOtherInstance lab = { "lab", w->home };
  guint moved = 0;
  int status = 9;
  int at;
  g_autofree char *theirs_vm = vm_folder (w, FALSE);

  put_in (theirs_vm, SCL_NVRAM_FILE, "variables");
  for (at = 1; status == 9; at++)
    {
      GError *error = NULL;

      assert_true (at < 100);
      status = adopt_in_child (w, at);
      assert_true (status == 9 || status == 0);
      moved += assert_one_owner (w, inode);
      /* All had been done but the last fsync. */
      if (!adopt (w, &error))
        assert_error (error, SCL_ERROR_NOT_FOUND, "instance \"scl\" has no volume \"demo\"");
      g_clear_error (&error);
      assert_adopted (w, inode);
      assert_nvram (w, TRUE, "variables");
      assert_true (_scl_volume_backend_adopt (w->fixture->backend, "demo", &lab, NULL));
      assert_kept (w, inode);
      assert_nvram (w, FALSE, "variables");
    }
  /* The notes, their folders, the rename, the folders, the note, its folder, the old note, its folder. */
  assert_true (at > 10);
  assert_true (moved > 4 && (int) moved < at - 4);
}

/* What the owner does after that is his to do: the volume stays his, and can be deleted. */
static void
test_owner_goes_on (void **state)
{
  World *w = *state;
  int status;

  for (int at = 1; (status = adopt_in_child (w, at)) == 9; at++)
    {
      g_autoptr (SclObservation) mine = see (w->fixture->backend);
      g_autoptr (SclObservation) theirs = NULL;

      assert_true (_scl_volume_backend_claim (w->fixture->backend, mine, NULL));
      theirs = see (w->lab);
      assert_true (_scl_volume_backend_claim (w->lab, theirs, NULL));
      if (!owns (w->fixture->backend))
        break;
      assert_true (_scl_volume_backend_remove (w->fixture->backend, "demo", NULL, NULL, NULL));
      assert_int_equal (count_entries (w->fixture->volumes), 0);
      assert_false (owns (w->lab));
      assert_true (create (w->fixture, "demo", 0, NULL));
    }
  assert_int_equal (status, 9);
  assert_true (owns (w->lab));
}

/* Not killed, but told that it cannot be done. */
static void
test_rename_fails (void **state)
{
  World *w = *state;
  guint64 inode = volume_stat (w->fixture, "demo").st_ino;
  g_autofree char *before = get_from (w->fixture->volumes, "demo.json");
  const struct
  {
    int number;
    SclError code;
  } cases[] = { { EXDEV, SCL_ERROR_UNSUPPORTED },
                { EINVAL, SCL_ERROR_UNSUPPORTED },
                { EEXIST, SCL_ERROR_EXISTS } };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *after = NULL;

      rename_error = cases[i].number;
      refuse (w, cases[i].code, "volume \"demo\" of instance \"scl\"");
      rename_error = 0;
      assert_kept (w, inode);
      assert_int_equal (count_entries (w->volumes), 0);
      after = get_from (w->fixture->volumes, "demo.json");
      assert_string_equal (after, before);
    }
}

/* Told so though it was done: the file has its note, and the same again completes it. */
static void
test_rename_fails_late (void **state)
{
  World *w = *state;
  guint64 inode = volume_stat (w->fixture, "demo").st_ino;

  rename_error = EIO;
  rename_late = TRUE;
  assert_false (adopt (w, NULL));
  rename_error = 0;
  rename_late = FALSE;
  assert_true (assert_one_owner (w, inode));
  assert_true (adopt (w, NULL));
  assert_adopted (w, inode);
}

/* A note that lost its file to somebody else's hands leads to no other file of that name. */
static void
test_cut_is_about_one_file (void **state)
{
  World *w = *state;
  SclVolumeAdoption adoption;
  SclAdoptionState is;
  g_autofree char *path = g_build_filename (w->volumes, "demo.raw", NULL);
  g_autofree char *elsewhere = in_root (w->fixture, "elsewhere");

  rename_error = EIO;
  rename_late = TRUE;
  assert_false (adopt (w, NULL));
  rename_error = 0;
  rename_late = FALSE;
  open_folders (w, &adoption);
  assert_true (_scl_volume_adoption_look (&adoption, &is, NULL));
  assert_int_equal (is, SCL_ADOPTION_CUT);
  assert_int_equal (g_rename (path, elsewhere), 0);
  put_in (w->volumes, "demo.raw", "precious");
  assert_true (_scl_volume_adoption_look (&adoption, &is, NULL));
  assert_int_equal (is, SCL_ADOPTION_NOTHING);
  close_folders (&adoption);
  assert_false (owns (w->lab));
}

#define TEST(function) cmocka_unit_test_setup_teardown (function, setup, teardown)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    TEST (test_owners),
    TEST (test_adopt),         TEST (test_back),
    TEST (test_one_folder),    TEST (test_unnoted),
    TEST (test_refused),       TEST (test_another_note),
    TEST (test_not_theirs),    TEST (test_folder_of_others),
    TEST (test_nvram_goes_along), TEST (test_nvram_that_stays),
    TEST (test_killed),        TEST (test_owner_goes_on),
    TEST (test_rename_fails),  TEST (test_rename_fails_late),
    TEST (test_cut_is_about_one_file),
  };

  return cmocka_run_group_tests_name ("file-volumes-adoption", tests, NULL, NULL);
}
