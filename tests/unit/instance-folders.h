/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A run folder and two state folders, none of which is there yet, in a folder that vanishes. */

#include "base-test.h"

typedef struct
{
  char *top;
  char *run;
  char *state;
  char *other; /* a second state folder */
} Folders;

static inline void
folders_init (Folders *self)
{
  self->top = test_folder_new ();
  self->run = g_build_filename (self->top, "run", NULL);
  self->state = g_build_filename (self->top, "state", NULL);
  self->other = g_build_filename (self->top, "other", NULL);
}

static inline void
folders_clear (Folders *self)
{
  test_folder_remove (self->top);
  g_free (self->run);
  g_free (self->state);
  g_free (self->other);
}

static inline int
folders_setup (void **state)
{
  Folders *self = g_new0 (Folders, 1);

  folders_init (self);
  *state = self;
  return 0;
}

static inline int
folders_teardown (void **state)
{
  folders_clear (*state);
  g_free (*state);
  return 0;
}
