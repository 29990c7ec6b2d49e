/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An operation about one object: what every verb of a network, volume or VM is. It holds the driver
 * and the name, not the live object, which may go while the work goes on. */

#include "client/scl-driver-private.h"

typedef struct
{
  SclDriver *driver;
  SclObjectKind kind;
  char *name;
  gboolean force;
  SclDeleteFlags flags;
  char *from; /* the instance that something is taken over from; NULL: nothing is */
} SclRequest;

/* FUNC gets an SclRequest as its data. */
SclOperation *_scl_request_start (SclDriver *driver, const char *verb, SclObjectKind kind,
                                  const char *name, gboolean force, SclOperationFunc func);
/* As _start, for a volume of instance FROM. */
SclOperation *_scl_request_start_adoption (SclDriver *driver, const char *name, const char *from,
                                           SclOperationFunc func);
/* The removal that all kinds have. */
SclOperation *_scl_request_start_removal (SclDriver *driver, SclObjectKind kind, const char *name,
                                          SclDeleteFlags flags);
