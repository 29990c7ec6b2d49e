/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What `run` shows while VMs run: their consoles, line by line, and their states. For programs (-o
 * json) everything is an event, one JSON object per line. */

#include "sclctl-context.h"

#include <json-glib/json-glib.h>

typedef struct _SclctlRunView SclctlRunView;

SclctlRunView *sclctl_run_view_new (SclctlContext *context);
void sclctl_run_view_free (SclctlRunView *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclctlRunView, sclctl_run_view_free)

/* Follows VMs that are new in the connection's list, and tells states that have changed. */
void sclctl_run_view_update (SclctlRunView *self);

/* Whether console lines are shown just now. */
void sclctl_run_view_set_silent (SclctlRunView *self, gboolean silent);

/* Prints {"event": NAME, …members of OBJECT}; takes the object. Nothing without -o json. */
void sclctl_run_event (SclctlContext *context, const char *name, JsonObject *object);
