/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A connection's fields, shared by its three files (the object, refreshing, async twins). */

#include "client/scl-driver-private.h"
#include "client/scl-home-private.h"
#include <scl/scl-connection.h>

/* What was read of the host, in any thread, on its way home. */
typedef struct
{
  SclDriver *driver;
  guint64 number; /* given when it was begun: which of two is the later one */
  SclObservation *observation;
  SclObjectKind kind;   /* that it is about; HOST: everything */
  GPtrArray *addresses; /* by VM, in the order of the observation: GPtrArray of SclAddress */
} SclReading;

void _scl_reading_free (SclReading *reading);

struct _SclConnection
{
  GObject parent_instance;
  char *uri;
  char *prefix;
  SclHome *home;

  GMutex mutex;      /* over what follows, up to begun_readings */
  SclDriver *driver; /* NULL: closed */
  SclReading *reading; /* the latest that has not been taken */
  SclObjectKind kind;  /* what is read of; HOST: everything */
  guint64 begun_readings; /* how many refreshes have begun … */

  /* Only at home. Lists in the order of names; changed by refresh only. */
  GListStore *networks;
  GListStore *volumes;
  GListStore *vms;
  GListStore *diagnostics;
  guint64 taken_reading; /* … and the number of the one that the lists show */
  gboolean taking;
};

SclConnection *_scl_connection_new (const char *uri, SclDriver *driver);
/* For a call that is closed under in another thread, if it must be. NULL and SCL_ERROR_FAILED if it is
 * closed. (transfer full) */
SclDriver *_scl_connection_ref_driver (SclConnection *self, GError **error);
/* FALSE and SCL_ERROR_FAILED if it is closed. */
gboolean _scl_connection_check_open (SclConnection *self, GError **error);
/* Puts what was read into the lists, unless they show a later reading already. At home only. */
void _scl_connection_take (SclConnection *self, const SclReading *reading);
