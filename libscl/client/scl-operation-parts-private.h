/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of an SclOperation, shared by its two files: scl-operation.c (work and reports) and
 * scl-operation-wait.c (waiting for the end). Nobody else includes it. */

#include "client/scl-driver-private.h"
#include "client/scl-home-private.h"
#include "client/scl-operation-private.h"

struct _SclOperation
{
  GObject parent_instance;
  char *description;
  SclHome *home;
  GCancellable *cancellable;
  SclOperationFunc func;
  SclDriver *driver; /* nullable; the work keeps it until it has ended */
  gpointer data;
  GDestroyNotify free_data;

  GMutex mutex; /* over what follows, up to delivery */
  GCond cond;
  gboolean ended;
  GError *error;
  GPtrArray *waiters; /* SclWaiter: calls of wait_async */
  GQueue reports;     /* Report, until they are taken at home */
  GSource *delivery;  /* what will make it take them; NULL: nothing to take */

  /* Only at home. */
  GListStore *results;
  double fraction;
  char *message;
  char *remark;
  gboolean done;
};

/* The pending delivery, which then is the caller's. (transfer full) (nullable) */
GSource *_scl_operation_take_delivery (SclOperation *self);
/* Hands out what has been reported so far. Only at home. */
void _scl_operation_deliver (SclOperation *self);

/* A call of wait_async and what ends its waiting early. */
typedef struct
{
  GTask *task;
  GSource *cancelled; /* (nullable) */
} SclWaiter;

void _scl_operation_waiter_free (SclWaiter *waiter);
/* Ends a TASK with ERROR (NULL: all well). */
void _scl_operation_return_task (GTask *task, const GError *error);
