/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/scl-process-private.h"
#include <unistd.h>

static gint opener; /* pid */

void
_scl_process_open (void)
{
  (void) g_atomic_int_compare_and_exchange (&opener, 0, (gint) getpid ());
}

int
_scl_process_find_opener (void)
{
  gint pid = g_atomic_int_get (&opener);

  return pid == (gint) getpid () ? 0 : pid;
}

gboolean
_scl_process_keep_in_fork (GObject *object)
{
  if (_scl_process_find_opener () == 0)
    return FALSE;
  (void) g_object_ref (object);
  return TRUE;
}
