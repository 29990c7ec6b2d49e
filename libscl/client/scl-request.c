/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/scl-request-private.h"

static void
request_free (gpointer data)
{
  SclRequest *request = data;

  g_object_unref (request->driver);
  g_free (request->name);
  g_free (request);
}

static const char *
kind_word (SclObjectKind kind)
{
  switch (kind)
    {
    case SCL_OBJECT_KIND_NETWORK:
      return "network";
    case SCL_OBJECT_KIND_VOLUME:
      return "volume";
    case SCL_OBJECT_KIND_VM:
      return "VM";
    case SCL_OBJECT_KIND_HOST:
    default:
      return "host";
    }
}

SclOperation *
_scl_request_start (SclDriver *driver, const char *verb, SclObjectKind kind, const char *name,
                    gboolean force, SclOperationFunc func)
{
  SclRequest *request = g_new0 (SclRequest, 1);
  g_autofree char *description = g_strdup_printf ("%s %s \"%s\"", verb, kind_word (kind), name);

  request->driver = g_object_ref (driver);
  request->kind = kind;
  request->name = g_strdup (name);
  request->force = force;
  return _scl_operation_start (description, func, request, request_free);
}

static gboolean
run_removal (SclOperation *operation, gpointer data, GCancellable *cancellable, GError **error)
{
  SclRequest *request = data;

  return SCL_DRIVER_GET_IFACE (request->driver)
      ->remove (request->driver, request->kind, request->name, operation, cancellable, error);
}

SclOperation *
_scl_request_start_removal (SclDriver *driver, SclObjectKind kind, const char *name)
{
  return _scl_request_start (driver, "delete", kind, name, FALSE, run_removal);
}
