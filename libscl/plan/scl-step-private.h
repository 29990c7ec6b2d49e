/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A step with all that is needed to carry it out. Made by the planner, read by the engine. */

#include "plan/scl-target-private.h"
#include <scl/scl-disk-spec.h>
#include <scl/scl-error.h>
#include <scl/scl-step.h>

typedef enum {
  SCL_JOB_HOST_ENSURE,    /* host */
  SCL_JOB_NETWORK_ENSURE, /* networks */
  SCL_JOB_NETWORK_REMOVE, /* name */
  SCL_JOB_VOLUME_CREATE,  /* disk, vm */
  SCL_JOB_VOLUME_GROW,    /* disk, vm; grows: the file; live: tell the running VM */
  SCL_JOB_VOLUME_NOTE,    /* name: whoever changes something writes it; that it is there is looked at */
  SCL_JOB_VOLUME_REMOVE,  /* name */
  SCL_JOB_VM_DEFINE,      /* vm, macs */
  SCL_JOB_VM_REPLUG,      /* vm, nics */
  SCL_JOB_VM_START,       /* vm */
  SCL_JOB_VM_RESTART,     /* vm */
  SCL_JOB_VM_REMOVE,      /* name, shutdown_timeout */
  SCL_JOB_BLOCKED,        /* reason: nothing can be done */
} SclJob;

struct _SclStep
{
  GObject parent_instance;
  guint id;
  SclJob job;
  SclAction action;
  SclObjectKind kind;
  char **names; /* at least one */
  GString *reason;
  GError *error; /* of a blocked one: what its reason says; else NULL */
  gboolean removal;
  GArray *needs; /* guint: ids of earlier steps */

  SclHostTarget *host;
  GPtrArray *networks; /* SclNetworkTarget */
  SclVmSpec *vm;
  SclDiskSpec *disk;
  guint disk_index;
  gboolean grows;
  gboolean live;
  guint64 guest_size; /* bytes that the running VM is told */
  GPtrArray *macs; /* char* */
  GArray *nics;    /* guint */
  guint shutdown_timeout;
};

SclStep *_scl_step_new (SclJob job, SclAction action, SclObjectKind kind, const char *name);
/* A step about several objects; NAMES (transfer full) has at least one. */
void _scl_step_take_names (SclStep *self, char **names);
/* Nothing can be done: its reason, a message of its own, is an error with CODE. */
void _scl_step_block (SclStep *self, SclError code);
void _scl_step_add_reason (SclStep *self, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* NEEDED may be NULL; the same one twice counts once. */
void _scl_step_add_need (SclStep *self, SclStep *needed);
