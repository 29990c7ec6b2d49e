/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A connection's fields, shared by its three files (the object, refreshing, async twins). */

#include "client/scl-driver-private.h"
#include <scl/scl-connection.h>

struct _SclConnection
{
  GObject parent_instance;
  char *uri;
  SclDriver *driver; /* NULL: closed */
  GMainContext *context;

  /* Lists in the order of names; changed by refresh only. */
  GListStore *networks;
  GListStore *volumes;
  GListStore *vms;
  GListStore *diagnostics;
};

SclConnection *_scl_connection_new (const char *uri, SclDriver *driver);
/* FALSE and SCL_ERROR_FAILED if it is closed. */
gboolean _scl_connection_check_open (SclConnection *self, GError **error);
/* Puts what was observed into the lists. */
void _scl_connection_take (SclConnection *self, SclObservation *observation, GPtrArray *addresses);
/* By VM, in the order of the observation: GPtrArray of SclAddress. (transfer full) */
GPtrArray *_scl_connection_list_addresses (SclDriver *driver, SclObservation *observation);
