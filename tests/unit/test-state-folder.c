/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose state folder is trusted. Needs root, to give things to others. */
#include "base-test.h"
#include "base/scl-fd-private.h"
#include "engine/scl-state-folder-private.h"
#include <fcntl.h>
#include <sys/stat.h>

#define STRANGER 65534
#define QEMU_USER "daemon" /* any user will do; this one is everywhere, with uid 1 */
#define QEMU 1

typedef struct
{
  char *top;
  char *state;
} World;

static const char *const folders[]
    = { "",          "embed",     "embed/etc", "embed/etc/qemu",   "embed/etc/qemu/autostart", "embed/lib",
        "embed/run", "volumes",   "vms",       "instances",        "instances/lab",
        "instances/lab/volumes" };

static char *
path_in (World *world, const char *name)
{
  return g_build_filename (world->state, name, NULL);
}

static int
world_setup (void **state)
{
  World *world = g_new0 (World, 1);

  world->top = test_folder_new ();
  world->state = g_build_filename (world->top, "state", NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autofree char *path = path_in (world, folders[i]);

      assert_int_equal (mkdir (path, 0711), 0);
    }
  *state = world;
  return 0;
}

static int
world_teardown (void **state)
{
  World *world = *state;

  test_folder_remove (world->top);
  g_free (world->state);
  g_free (world);
  return 0;
}

static void
assert_trusted (World *world)
{
  GError *error = NULL;

  if (!_scl_state_folder_check (world->state, "lab", QEMU_USER, &error))
    fail_msg ("%s", error->message);
}

static void
assert_refused (World *world, const char *path, const char *why)
{
  g_autofree char *text = g_strdup_printf ("%s: %s", path, why);
  GError *error = NULL;

  assert_false (_scl_state_folder_check (world->state, "lab", QEMU_USER, &error));
  assert_error_is (error, SCL_ERROR_PERMISSION, text);
}

static void
need_root (void)
{
  if (geteuid () != 0)
    skip_because ("root");
}

static void
test_ours (void **state)
{
  assert_trusted (*state);
}

static void
test_not_there (void **state)
{
  World *world = *state;
  World other = { .state = g_build_filename (world->top, "missing", NULL) };

  assert_trusted (&other);
  g_free (other.state);
}

static void
test_every_folder_of_a_stranger (void **state)
{
  World *world = *state;

  need_root ();
  for (gsize i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autofree char *path = folders[i][0] == '\0' ? g_strdup (world->state) : path_in (world, folders[i]);

      assert_int_equal (chown (path, STRANGER, STRANGER), 0);
      assert_refused (world, path, "user \"nobody\" owns it");
      assert_int_equal (chown (path, 0, 0), 0);
    }
  assert_trusted (world);
}

static void
test_owner_without_a_name (void **state)
{
  World *world = *state;

  need_root ();
  assert_int_equal (chown (world->state, 54321, 0), 0);
  assert_refused (world, world->state, "user 54321 owns it");
}

static void
test_others_can_write (void **state)
{
  static const struct
  {
    const char *name;
    mode_t mode;
  } cases[] = { { "", 01777 },       { "", 0775 },         { "embed/etc", 0775 }, { "embed/etc/qemu", 0775 },
                { "embed/run", 0757 }, { "volumes", 0777 } };
  World *world = *state;

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path
          = cases[i].name[0] == '\0' ? g_strdup (world->state) : path_in (world, cases[i].name);

      assert_int_equal (chmod (path, cases[i].mode), 0);
      assert_refused (world, path, "others can write into it");
      assert_int_equal (chmod (path, 0711), 0);
    }
  assert_trusted (world);
}

static void
test_definition_of_a_stranger (void **state)
{
  World *world = *state;
  g_autofree char *path = path_in (world, "embed/etc/qemu/x.xml");

  need_root ();
  assert_true (g_file_set_contents (path, "<domain/>", -1, NULL));
  assert_trusted (world);
  assert_int_equal (chown (path, STRANGER, STRANGER), 0);
  assert_refused (world, path, "user \"nobody\" owns it");
  /* Whoever breaks out of a guest must not say what runs next. */
  assert_int_equal (chown (path, QEMU, QEMU), 0);
  assert_refused (world, path, "user \"" QEMU_USER "\" owns it");
}

static void
test_links (void **state)
{
  World *world = *state;
  g_autofree char *link = path_in (world, "embed/etc/qemu/autostart/x.xml");
  World other = { .state = g_build_filename (world->top, "link", NULL) };

  need_root ();
  assert_int_equal (symlink ("../x.xml", link), 0);
  assert_int_equal (symlink (world->state, other.state), 0);
  assert_trusted (&other);
  assert_int_equal (lchown (other.state, STRANGER, STRANGER), 0);
  assert_refused (&other, other.state, "user \"nobody\" owns it");
  assert_int_equal (lchown (link, STRANGER, STRANGER), 0);
  assert_refused (world, link, "user \"nobody\" owns it");
  g_free (other.state);
}

static void
assert_link_refused (World *world, const char *name, const char *target, const char *why)
{
  g_autofree char *path = path_in (world, name);
  g_autofree char *away = g_strconcat (path, ".away", NULL);
  g_autofree char *text = g_strdup_printf ("%s: is %s", path, why);
  gboolean was_there = rename (path, away) == 0;
  GError *error = NULL;

  assert_int_equal (symlink (target != NULL ? target : away, path), 0);
  assert_false (_scl_state_folder_check (world->state, "lab", QEMU_USER, &error));
  assert_non_null (strstr (error->message, "mount --bind"));
  assert_error_is (error, SCL_ERROR_INVALID, text);
  assert_int_equal (unlink (path), 0);
  if (was_there)
    assert_int_equal (rename (away, path), 0);
  assert_trusted (world);
}

/* Who it belongs to says nothing of what is behind it. */
static void
test_folders_that_are_links (void **state)
{
  World *world = *state;
  g_autofree char *file = path_in (world, "vms");

  for (gsize i = 1; i < G_N_ELEMENTS (folders); i++)
    assert_link_refused (world, folders[i], NULL, "a symbolic link");
  assert_link_refused (world, "embed/lib", world->top, "a symbolic link");
  assert_link_refused (world, "embed/etc/qemu/x.xml", "/etc/passwd", "a symbolic link to a folder, or");
  assert_int_equal (rmdir (file), 0);
  assert_true (g_file_set_contents (file, "", -1, NULL));
  assert_false (_scl_state_folder_check (world->state, "lab", QEMU_USER, NULL));
}

/* A list of what is in it would be empty, as if nothing had ever been there. */
static void
test_no_folder (void **state)
{
  World *world = *state;
  g_autofree char *file = g_build_filename (world->top, "file", NULL);
  g_autofree char *below = g_build_filename (file, "state", NULL);
  g_autofree char *link = g_build_filename (world->top, "link", NULL);
  const struct
  {
    const char *path;
    const char *why;
  } cases[] = { { file, "is not a folder" },
                { below, "cannot be the state folder" },
                { link, "is a symbolic link to gone, which cannot be opened" } };

  assert_true (g_file_set_contents (file, "", -1, NULL));
  assert_int_equal (symlink ("gone", link), 0);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = g_strdup_printf ("%s: %s", cases[i].path, cases[i].why);
      GError *error = NULL;

      assert_false (_scl_state_folder_check (cases[i].path, "lab", QEMU_USER, &error));
      assert_non_null (strstr (error->message, text));
      assert_non_null (strstr (error->message, "state="));
      g_clear_error (&error);
    }
}

/* Who names a folder may name a link to it; what is in it may not be one. */
static void
test_folder_that_is_a_link (void **state)
{
  World *world = *state;
  g_autofree char *real = g_build_filename (world->top, "real", NULL);
  g_autofree char *link = g_build_filename (world->top, "link", NULL);
  GError *error = NULL;
  struct stat info;

  assert_int_equal (symlink ("real", link), 0);
  assert_int_equal (_scl_fd_ensure_folder (link, 0711, &error), -1);
  assert_non_null (strstr (error->message, "link: is a symbolic link to real, which cannot be opened"));
  g_clear_error (&error);
  assert_int_not_equal (stat (real, &info), 0);
  assert_int_equal (mkdir (real, 0755), 0);
  {
    g_auto (SclFd) named = _scl_fd_ensure_folder (link, 0711, NULL);
    g_auto (SclFd) opened = _scl_fd_open_state_folder (link, NULL);

    assert_true (named >= 0 && opened >= 0);
    assert_int_equal (stat (real, &info), 0);
    assert_int_equal (info.st_mode & 07777, 0711);
  }
  assert_int_equal (_scl_fd_open_folder (link, 0711, &error), -1);
  g_clear_error (&error);
}

/* As libvirt makes them: sockets and folders that QEMU's user owns and its group may write. */
static void
test_what_libvirt_gives_away (void **state)
{
  World *world = *state;
  g_autofree char *run = path_in (world, "embed/run/dbus");
  g_autofree char *lib = path_in (world, "embed/lib/qemu");

  need_root ();
  assert_int_equal (mkdir (run, 0770), 0);
  assert_int_equal (chmod (run, 0770), 0);
  assert_int_equal (mkdir (lib, 0755), 0);
  assert_int_equal (chown (run, QEMU, QEMU), 0);
  assert_int_equal (chown (lib, QEMU, QEMU), 0);
  assert_trusted (world);
}

/* libvirt gives the NVRAM to QEMU's user, and its daemon writes the log: whatever is behind the name. */
static void
test_folders_of_vms (void **state)
{
  static const char *const files[] = { "nvram.fd", "console.log", "seed.iso" };
  World *world = *state;
  g_autofree char *folder = path_in (world, "instances/lab/vms");
  g_autofree char *vm = path_in (world, "instances/lab/vms/a");
  GError *error = NULL;

  need_root ();
  assert_int_equal (mkdir (folder, 0711), 0);
  assert_int_equal (mkdir (vm, 0711), 0);
  assert_trusted (world);
  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *link = g_build_filename (vm, files[i], NULL);
      g_autofree char *text = g_strconcat (link, ": is a symbolic link", NULL);

      assert_int_equal (symlink ("/etc/passwd", link), 0);
      assert_false (_scl_state_folder_check (world->state, "lab", QEMU_USER, &error));
      assert_error_is (error, SCL_ERROR_INVALID, text);
      assert_int_equal (unlink (link), 0);
    }
  assert_link_refused (world, "instances/lab/vms/b", vm, "a symbolic link");
  assert_int_equal (chmod (vm, 0777), 0);
  assert_refused (world, vm, "others can write into it");
  assert_int_equal (chmod (vm, 0711), 0);
  assert_int_equal (chown (vm, STRANGER, STRANGER), 0);
  assert_refused (world, vm, "user \"nobody\" owns it");
  assert_int_equal (chown (vm, QEMU, QEMU), 0);
  assert_refused (world, vm, "user \"" QEMU_USER "\" owns it");
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, world_setup, world_teardown)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    TEST (test_ours),
    TEST (test_not_there),
    TEST (test_every_folder_of_a_stranger),
    TEST (test_owner_without_a_name),
    TEST (test_others_can_write),
    TEST (test_definition_of_a_stranger),
    TEST (test_links),
    TEST (test_folders_of_vms),
    TEST (test_folders_that_are_links),
    TEST (test_no_folder),
    TEST (test_folder_that_is_a_link),
    TEST (test_what_libvirt_gives_away),
  };

  return cmocka_run_group_tests_name ("state-folder", tests, NULL, NULL);
}
