/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who holds a prefix on this host. */
#include "engine/scl-instance-claim-private.h"
#include "engine/scl-instance-lock-private.h"
#include "instance-folders.h"

#define SYSTEM "qemu:///system"
#define EMBED "qemu:///embed"

static SclInstanceClaim *
claim (Folders *folders, const char *folder, const char *hypervisor)
{
  return _scl_instance_claim_new (folders->run, folder, "claimt", hypervisor);
}

static void
assert_takes (SclInstanceClaim *claim, gboolean is_new)
{
  GError *error = NULL;
  gboolean was_new;

  if (!_scl_instance_claim_take (claim, TRUE, &was_new, &error))
    fail_msg ("%s", error->message);
  assert_int_equal (was_new, is_new);
}

static void
assert_refused (SclInstanceClaim *claim, const char *hypervisor, const char *folder)
{
  g_autofree char *text = g_strdup_printf ("hypervisor %s with state folder %s", hypervisor, folder);
  gboolean was_new;
  GError *error = NULL;

  assert_false (_scl_instance_claim_check (claim, &error));
  assert_error_is (error, SCL_ERROR_IN_USE, text);
  assert_false (_scl_instance_claim_take (claim, TRUE, &was_new, &error));
  assert_error_is (error, SCL_ERROR_IN_USE, text);
}

static void
test_taken_once (void **state)
{
  Folders *folders = *state;
  g_autoptr (SclInstanceClaim) mine = claim (folders, folders->state, SYSTEM);

  assert_true (_scl_instance_claim_check (mine, NULL));
  assert_takes (mine, TRUE);
  assert_takes (mine, FALSE);
}

/* A folder that is somebody's, as /srv is: the note is put into it, and its mode stays. */
static void
test_shared_folder (void **state)
{
  Folders *folders = *state;
  g_autoptr (SclInstanceClaim) mine
      = _scl_instance_claim_new (folders->run, folders->state, "scl", SYSTEM);
  g_autofree char *file = g_build_filename (folders->state, "website", NULL);
  struct stat info;

  assert_int_equal (g_mkdir_with_parents (folders->state, 0755), 0);
  assert_true (g_file_set_contents (file, "x", -1, NULL));
  assert_int_equal (chmod (folders->state, 0755), 0);
  assert_takes (mine, TRUE);
  assert_int_equal (stat (folders->state, &info), 0);
  assert_int_equal (info.st_mode & 07777, 0755);
}

static void
test_others_are_refused (void **state)
{
  Folders *folders = *state;
  g_autoptr (SclInstanceClaim) mine = claim (folders, folders->state, SYSTEM);
  g_autoptr (SclInstanceClaim) folder = claim (folders, folders->other, SYSTEM);
  g_autoptr (SclInstanceClaim) hypervisor = claim (folders, folders->state, EMBED);

  assert_takes (mine, TRUE);
  assert_refused (folder, SYSTEM, folders->state);
  assert_refused (hypervisor, SYSTEM, folders->state);
  assert_false (g_file_test (folders->other, G_FILE_TEST_EXISTS));
  _scl_instance_claim_give_up (mine);
  assert_takes (folder, TRUE);
  assert_refused (mine, SYSTEM, folders->other);
}

static void
test_process_is_named (void **state)
{
  Folders *folders = *state;
  g_autoptr (SclInstanceClaim) mine = claim (folders, folders->state, SYSTEM);
  g_autoptr (SclInstanceClaim) other = claim (folders, folders->other, EMBED);
  g_autoptr (SclInstanceLock) lock = NULL;
  g_autofree char *text = g_strdup_printf ("is held by process %d, hypervisor", getpid ());
  GError *error = NULL;

  assert_takes (mine, TRUE);
  lock = _scl_instance_lock_acquire (folders->run, folders->state, "claimt", SCL_LOCK_EXCLUSIVE, 0, NULL, NULL);
  assert_non_null (lock);
  assert_false (_scl_instance_claim_check (other, &error));
  assert_error_is (error, SCL_ERROR_IN_USE, text);
}

static void
test_the_same_by_another_name (void **state)
{
  Folders *folders = *state;
  g_autofree char *link = g_build_filename (folders->top, "link", NULL);
  g_autoptr (SclInstanceClaim) mine = claim (folders, folders->state, SYSTEM);
  g_autoptr (SclInstanceClaim) same = NULL;

  assert_takes (mine, TRUE);
  assert_int_equal (symlink (folders->state, link), 0);
  same = claim (folders, link, "qemu+unix:///system");
  assert_takes (same, FALSE);
}

/* Before the folder is made, its name says as little as that of a link to what is not there. */
static void
test_the_same_below_a_link (void **state)
{
  Folders *folders = *state;
  g_autofree char *real = g_build_filename (folders->top, "real", NULL);
  g_autofree char *link = g_build_filename (folders->top, "link", NULL);
  g_autofree char *below = g_build_filename (link, "deep", "state", NULL);
  g_autofree char *direct = g_build_filename (real, "deep", "state", NULL);
  g_autoptr (SclInstanceClaim) first = NULL;
  g_autoptr (SclInstanceClaim) again = NULL;
  g_autoptr (SclInstanceClaim) other = NULL;

  assert_int_equal (mkdir (real, 0711), 0);
  assert_int_equal (symlink (real, link), 0);
  first = claim (folders, below, SYSTEM);
  assert_takes (first, TRUE);
  again = claim (folders, below, SYSTEM);
  assert_takes (again, FALSE);
  other = claim (folders, direct, SYSTEM);
  assert_takes (other, FALSE);
  again = (_scl_instance_claim_free (again), claim (folders, folders->other, SYSTEM));
  assert_refused (again, SYSTEM, direct);
}

/* It is named where it is now, not where it was noted. */
static void
test_moved_state_of_another_hypervisor (void **state)
{
  Folders *folders = *state;
  g_autoptr (SclInstanceClaim) mine = claim (folders, folders->state, SYSTEM);
  g_autoptr (SclInstanceClaim) hypervisor = NULL;

  assert_takes (mine, TRUE);
  assert_int_equal (rename (folders->state, folders->other), 0);
  hypervisor = claim (folders, folders->other, EMBED);
  assert_refused (hypervisor, SYSTEM, folders->other);
}

/* /run is empty then. */
static void
test_reboot (void **state)
{
  Folders *folders = *state;
  g_autoptr (SclInstanceClaim) mine = claim (folders, folders->state, SYSTEM);
  g_autoptr (SclInstanceClaim) hypervisor = claim (folders, folders->state, EMBED);

  assert_takes (mine, TRUE);
  test_folder_remove (g_strdup (folders->run));
  assert_refused (hypervisor, SYSTEM, folders->state);
  assert_takes (mine, TRUE);
}

static void
test_state_that_was_thrown_away (void **state)
{
  Folders *folders = *state;
  g_autoptr (SclInstanceClaim) mine = claim (folders, folders->state, SYSTEM);
  g_autoptr (SclInstanceClaim) other = claim (folders, folders->other, EMBED);

  assert_takes (mine, TRUE);
  assert_refused (other, SYSTEM, folders->state);
  test_folder_remove (g_strdup (folders->state));
  assert_takes (other, TRUE);
}

/* Killed between its two steps, both ways: the same again completes it. */
static void
test_killed_in_between (void **state)
{
  Folders *folders = *state;
  g_autoptr (SclInstanceClaim) mine = claim (folders, folders->state, SYSTEM);
  g_autofree char *now = g_build_filename (folders->run, "claimt", "instance", NULL);
  g_autofree char *kept = g_build_filename (folders->state, "instances", "claimt", "instance", NULL);

  assert_takes (mine, TRUE);
  assert_true (g_file_test (kept, G_FILE_TEST_EXISTS));
  assert_int_equal (unlink (now), 0);
  assert_takes (mine, TRUE);
  assert_true (g_file_test (now, G_FILE_TEST_EXISTS));
  assert_int_equal (unlink (now), 0);
  _scl_instance_claim_give_up (mine);
  assert_false (g_file_test (kept, G_FILE_TEST_EXISTS));
}

static void
assert_foreign_folder (Folders *folders, const char *folder, const char *prefix, const char *owner)
{
  g_autoptr (SclInstanceClaim) other = _scl_instance_claim_new (folders->run, folder, prefix, SYSTEM);
  g_autofree char *text = g_strdup_printf ("%s is the folder of instance \"%s\"", folder, owner);
  gboolean is_new;
  GError *error = NULL;

  assert_false (_scl_instance_claim_check (other, &error));
  assert_error_is (error, SCL_ERROR_IN_USE, text);
  assert_false (_scl_instance_claim_take (other, TRUE, &is_new, &error));
  assert_error_is (error, SCL_ERROR_IN_USE, text);
}

/* An instance's own folder is no state folder of others, and the note in it stays. */
static void
test_folder_of_another_instance (void **state)
{
  Folders *folders = *state;
  g_autoptr (SclInstanceClaim) mine = claim (folders, folders->state, SYSTEM);
  g_autofree char *home = g_build_filename (folders->state, "instances", "claimt", NULL);
  g_autoptr (SclInstanceClaim) first = _scl_instance_claim_new (folders->run, folders->other, "scl", SYSTEM);
  g_autoptr (SclInstanceClaim) beside = _scl_instance_claim_new (folders->run, folders->other, "third", SYSTEM);

  assert_takes (mine, TRUE);
  assert_foreign_folder (folders, home, "scl", "claimt");
  assert_foreign_folder (folders, home, "third", "claimt");
  assert_takes (mine, FALSE);
  /* What the default instance has for its own is the state folder of all. */
  assert_takes (first, TRUE);
  assert_takes (beside, TRUE);
}

/* The other way round: somebody took what would be the instance's folder. */
static void
test_folder_that_became_a_state_folder (void **state)
{
  Folders *folders = *state;
  g_autofree char *home = g_build_filename (folders->state, "instances", "claimt", NULL);
  g_autoptr (SclInstanceClaim) scl = NULL;
  g_autoptr (SclInstanceClaim) mine = claim (folders, folders->state, SYSTEM);
  GError *error = NULL;

  assert_int_equal (g_mkdir_with_parents (home, 0711), 0);
  scl = _scl_instance_claim_new (folders->run, home, "scl", SYSTEM);
  assert_takes (scl, TRUE);
  assert_false (_scl_instance_claim_check (mine, &error));
  assert_error_is (error, SCL_ERROR_IN_USE, "is the folder of instance \"scl\"");
}

/* The state folder is not mounted. */
static void
test_nothing_is_written_into_the_folder (void **state)
{
  Folders *folders = *state;
  g_autoptr (SclInstanceClaim) mine = claim (folders, folders->state, SYSTEM);
  g_autofree char *now = g_build_filename (folders->run, "claimt", "instance", NULL);
  gboolean is_new;

  assert_true (_scl_instance_claim_take (mine, FALSE, &is_new, NULL));
  assert_true (is_new);
  assert_true (g_file_test (now, G_FILE_TEST_EXISTS));
  assert_false (g_file_test (folders->state, G_FILE_TEST_EXISTS));
}

/* Half a file from a full disk is no holder. */
static void
test_damaged_note (void **state)
{
  Folders *folders = *state;
  g_autoptr (SclInstanceClaim) mine = claim (folders, folders->state, SYSTEM);
  g_autofree char *now = g_build_filename (folders->run, "claimt", "instance", NULL);

  assert_takes (mine, TRUE);
  assert_true (g_file_set_contents (now, "[instance]\nhyper", -1, NULL));
  assert_takes (mine, TRUE);
  assert_takes (mine, FALSE);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, folders_setup, folders_teardown)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    TEST (test_taken_once),
    TEST (test_shared_folder),
    TEST (test_others_are_refused),
    TEST (test_process_is_named),
    TEST (test_the_same_by_another_name),
    TEST (test_the_same_below_a_link),
    TEST (test_moved_state_of_another_hypervisor),
    TEST (test_reboot),
    TEST (test_state_that_was_thrown_away),
    TEST (test_killed_in_between),
    TEST (test_folder_of_another_instance),
    TEST (test_folder_that_became_a_state_folder),
    TEST (test_nothing_is_written_into_the_folder),
    TEST (test_damaged_note),
  };

  return cmocka_run_group_tests_name ("instance-claim", tests, NULL, NULL);
}
