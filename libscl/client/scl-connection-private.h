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
  guint64 begun_readings; /* atomic: how many refreshes have begun … */
  guint64 taken_reading;  /* … and the number of the one that the lists show */
};

SclConnection *_scl_connection_new (const char *uri, SclDriver *driver);
/* FALSE and SCL_ERROR_FAILED if it is closed. */
gboolean _scl_connection_check_open (SclConnection *self, GError **error);
/* Numbers a reading before it begins. */
guint64 _scl_connection_begin_reading (SclConnection *self);
/* Puts what was observed into the lists, unless they show a later reading already. */
void _scl_connection_take (SclConnection *self, guint64 reading, SclObservation *observation,
                           GPtrArray *addresses);
/* By VM, in the order of the observation: GPtrArray of SclAddress. (transfer full) */
GPtrArray *_scl_connection_list_addresses (SclDriver *driver, SclObservation *observation);
