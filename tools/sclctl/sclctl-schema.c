/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-verbs.h"

int
sclctl_schema (SclctlContext *context G_GNUC_UNUSED)
{
  g_autofree char *schema = scl_manifest_schema ();

  g_print ("%s%s", schema, g_str_has_suffix (schema, "\n") ? "" : "\n");
  return SCLCTL_EXIT_DONE;
}
