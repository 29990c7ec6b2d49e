/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/scl-request-private.h"

static void
request_free (gpointer data)
{
  SclRequest *request = data;

  g_object_unref (request->driver);
  g_free (request->name);
  g_free (request->from);
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

static SclRequest *
request_new (SclDriver *driver, SclObjectKind kind, const char *name)
{
  SclRequest *request = g_new0 (SclRequest, 1);

  request->driver = g_object_ref (driver);
  request->kind = kind;
  request->name = g_strdup (name);
  return request;
}

/* Takes REQUEST. */
static SclOperation *
request_start (SclRequest *request, const char *verb, SclOperationFunc func)
{
  g_autofree char *description
      = g_strdup_printf ("%s %s \"%s\"", verb, kind_word (request->kind), request->name);

  return _scl_operation_start (G_OBJECT (request->driver), description, func, request,
                               request_free);
}

SclOperation *
_scl_request_start (SclDriver *driver, const char *verb, SclObjectKind kind, const char *name,
                    gboolean force, SclOperationFunc func)
{
  SclRequest *request = request_new (driver, kind, name);

  request->force = force;
  return request_start (request, verb, func);
}

SclOperation *
_scl_request_start_adoption (SclDriver *driver, const char *name, const char *from,
                             SclOperationFunc func)
{
  SclRequest *request = request_new (driver, SCL_OBJECT_KIND_VOLUME, name);

  request->from = g_strdup (from);
  return request_start (request, "adopt", func);
}

static gboolean
run_removal (SclOperation *operation, gpointer data, GCancellable *cancellable, GError **error)
{
  SclRequest *request = data;

  return SCL_DRIVER_GET_IFACE (request->driver)
      ->remove (request->driver, request->kind, request->name, request->flags, operation,
                cancellable, error);
}

SclOperation *
_scl_request_start_removal (SclDriver *driver, SclObjectKind kind, const char *name,
                            SclDeleteFlags flags)
{
  SclRequest *request = request_new (driver, kind, name);

  request->flags = flags;
  return request_start (request, "delete", run_removal);
}
