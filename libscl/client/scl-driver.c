/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/scl-driver-private.h"
#include "base/scl-process-private.h"
#include "base/scl-throw-private.h"
#include <string.h>

#define MAX_SCHEMES 4

static struct
{
  const char *scheme;
  SclDriverOpenFunc open;
} schemes[MAX_SCHEMES];

G_DEFINE_INTERFACE (SclDriver, _scl_driver, G_TYPE_OBJECT)

static void
_scl_driver_default_init (SclDriverInterface *iface)
{
}

void
_scl_driver_register (const char *scheme, SclDriverOpenFunc open)
{
  for (gsize i = 0; i < MAX_SCHEMES; i++)
    if (schemes[i].scheme == NULL || strcmp (schemes[i].scheme, scheme) == 0)
      {
        schemes[i].scheme = scheme;
        schemes[i].open = open;
        return;
      }
  g_assert_not_reached ();
}

gboolean
_scl_driver_check_process (GError **error)
{
  int opener = _scl_process_find_opener ();

  if (opener == 0)
    return TRUE;
  return scl_throw (error, SCL_ERROR_UNSUPPORTED,
                    "process %d had opened a connection when it forked this one: what serves connections is "
                    "not forked; open them in the process that uses them only, and start others by running a "
                    "program (in Python: multiprocessing with \"spawn\")",
                    opener);
}

SclDriver *
_scl_driver_open (const char *uri, GCancellable *cancellable, GError **error)
{
  if (!_scl_driver_check_process (error))
    return NULL;
  _scl_process_open ();
  for (gsize i = 0; i < MAX_SCHEMES && schemes[i].scheme != NULL; i++)
    if (g_str_has_prefix (uri, schemes[i].scheme))
      return schemes[i].open (uri, cancellable, error);
  return scl_null_throw (error, SCL_ERROR_INVALID,
                         "\"%s\" is an unknown kind of connection (\"local:\" is known, e.g. "
                         "local:?hypervisor=qemu:///system)",
                         uri);
}
