/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the nouns have in common: lists, details, lookups, questions, and operations on several. */

#include "sclctl-context.h"
#include "sclctl-table.h"

#include <json-glib/json-glib.h>

SclctlTable *sclctl_table_of_vms (GListModel *vms);
SclctlTable *sclctl_table_of_networks (GListModel *networks);
SclctlTable *sclctl_table_of_volumes (GListModel *volumes);

/* Borrowed from the connection. */
GListModel *sclctl_get_objects (SclctlContext *context, SclObjectKind kind);

/* NULL with SCL_ERROR_NOT_FOUND, which suggests a name. */
GObject *sclctl_find_object (SclctlContext *context, SclObjectKind kind, const char *name,
                             GError **error);

/* As `vm list` and `vm show NAME` need it. */
int sclctl_list_objects (SclctlContext *context, SclObjectKind kind);
int sclctl_show_object (SclctlContext *context, SclObjectKind kind);

typedef SclOperation *(*SclctlBegin) (GObject *object, gboolean force);

/* Looks up every argument and begins the operation on all of them at the same time; waits. Where it STOPS VMs for good
 * it asks about those that lose data with that, and leaves them out without a yes. */
int sclctl_power_arguments (SclctlContext *context, SclctlBegin begin, gboolean stops);

/* Whether VM may be stopped: it loses nothing, or it was confirmed. FALSE has been complained about. */
gboolean sclctl_confirm_stop (SclctlContext *context, SclVm *vm);

/* Looks up every argument, asks whether to do WHAT to them ("delete"), locks, and does it one after
 * the other. */
int sclctl_delete_arguments (SclctlContext *context, SclObjectKind kind, const char *what,
                             SclctlBegin begin);

/* Asks; TRUE after --yes. FALSE has been complained about. */
gboolean sclctl_confirm (SclctlContext *context, const char *what);
