/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Two instances in one state folder, and what is whose. */

#include "file-volumes-fixture.h"

/* The fixture's backend is instance "scl"; this is "lab" in the same state folder. */
typedef struct
{
  Fixture *fixture;
  char *home;
  char *volumes;
  SclVolumeBackend *lab;
} World;

static const SclOtherInstance *
scl (World *w)
{
  static SclOtherInstance other;

  other = (SclOtherInstance){ "scl", w->fixture->state };
  return &other;
}

static int
setup (void **state)
{
  World *w = g_new0 (World, 1);

  (void) fixture_setup (state);
  w->fixture = *state;
  w->home = g_build_filename (w->fixture->state, "instances", "lab", NULL);
  w->volumes = g_build_filename (w->home, "volumes", NULL);
  w->lab = _scl_file_volumes_new (w->home, w->fixture->state, "lab", NULL, NULL);
  assert_true (create (w->fixture, "demo", 0, NULL));
  *state = w;
  return 0;
}

static int
teardown (void **state)
{
  World *w = *state;
  void *fixture = w->fixture;

  g_object_unref (w->lab);
  g_free (w->home);
  g_free (w->volumes);
  g_free (w);
  return fixture_teardown (&fixture);
}

static gboolean
adopt (World *w, GError **error)
{
  return _scl_volume_backend_adopt (w->lab, "demo", scl (w), error);
}

static SclObservation *
see (SclVolumeBackend *backend)
{
  SclObservation *out = _scl_observation_new ();

  assert_true (_scl_volume_backend_observe (backend, NULL, out, NULL, NULL));
  return out;
}

static gboolean
owns (SclVolumeBackend *backend)
{
  g_autoptr (SclObservation) seen = see (backend);
  SclObservedVolume *volume = _scl_observation_lookup_volume (seen, "demo");

  return volume != NULL && !volume->foreign;
}

static void
put_in (const char *folder, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  assert_int_equal (g_mkdir_with_parents (folder, 0711), 0);
  assert_true (g_file_set_contents (path, text, -1, NULL));
}

static char *
get_from (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  char *text = NULL;

  (void) g_file_get_contents (path, &text, NULL, NULL);
  return text;
}

/* The note is as it would be had LAB made it, and nothing else is left. */
static void
assert_adopted (World *w, guint64 inode)
{
  g_autofree char *path = g_build_filename (w->volumes, "demo.raw", NULL);
  g_autofree char *note = get_from (w->volumes, "demo.json");

  assert_int_equal (stat_of (path).st_ino, inode);
  assert_non_null (strstr (note, "\"instance\" : \"lab\""));
  assert_null (strstr (note, "pending"));
  assert_int_equal (count_entries (w->volumes), 2);
  assert_int_equal (count_entries (w->fixture->volumes), 0);
  assert_true (owns (w->lab));
  assert_false (owns (w->fixture->backend));
}

/* As it was: nothing of it was changed but what notes whose it is. */
static void
assert_kept (World *w, guint64 inode)
{
  assert_int_equal (volume_stat (w->fixture, "demo").st_ino, inode);
  assert_true (is_copy (w->fixture, "demo"));
  assert_true (owns (w->fixture->backend));
  assert_int_equal (count_entries (w->fixture->volumes), 2);
}
