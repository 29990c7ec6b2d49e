/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program of somebody else's: only what is installed. Compiled as C and as C++. */
#include <scl/scl.h>

#if !SCL_CHECK_VERSION(0, 1, 0)
#error "wrong version"
#endif

int
main (void)
{
  GError *error = NULL;
  SclConnection *connection = scl_connection_open ("local:?hypervisor=memory", NULL, &error);
  int n = -1;

  if (connection == NULL)
    {
      g_printerr ("%s\n", error->message);
      g_error_free (error);
      return 1;
    }
  n = (int) g_list_model_get_n_items (scl_connection_get_vms (connection));
  g_print ("%s %d\n", scl_version_string (), n);
  g_object_unref (connection);
  return n == 0 ? 0 : 1;
}
