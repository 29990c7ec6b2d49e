/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The library's calls, each waited for in the main loop, so that Ctrl-C and progress are served
 * meanwhile. All fail with G_IO_ERROR_CANCELLED when interrupted. */

#include "sclctl-context.h"

/* Says so if root is needed and missing; then opens CONTEXT's connection to URI (NULL: default). */
gboolean sclctl_open_uri (SclctlContext *context, const char *uri, GError **error);
gboolean sclctl_open (SclctlContext *context, GError **error);

/* FALSE: the instance has no such volume, and whose it is. */
gboolean sclctl_check_volume (SclctlContext *context, const char *name, GError **error);
gboolean sclctl_refresh (SclctlContext *context, GError **error);

/* Opens and refreshes, and tells the diagnostics. */
gboolean sclctl_look (SclctlContext *context, GError **error);
/* Sees objects of KIND only. */
gboolean sclctl_look_for (SclctlContext *context, SclObjectKind kind, GError **error);

/* The instance lock, for as long as --timeout says. */
gboolean sclctl_lock (SclctlContext *context, GError **error);

SclPlan *sclctl_make_plan (SclctlContext *context, SclManifest *manifest, SclApplyFlags flags,
                           GError **error);

/* Tells the plan's warnings; its notes, what the plan leaves to a person, are for the end. FALSE: it has errors, one per line of the message, and cannot be
 * applied. */
gboolean sclctl_check_plan (SclctlContext *context, SclPlan *plan, GError **error);

/* Shows the progress of operations that run at the same time, and waits for all. Ctrl-C cancels
 * them and says what is finished, a second one leaves at once. With several, the first error is given and the others are complained about. */
gboolean sclctl_operate (SclctlContext *context, GPtrArray *operations, GError **error);

/* The same for one; does not take it. */
gboolean sclctl_operate_one (SclctlContext *context, SclOperation *operation, GError **error);

/* The same for one that shuts VMS down and has to be finished: Ctrl-C says what it waits for, and a
 * second one switches off those of VMS (of SclVm) that are still on. */
gboolean sclctl_operate_to_end (SclctlContext *context, SclOperation *operation, GListModel *vms,
                                GError **error);

/* "shutting down VM "a" (up to 90 s), …" for those of VMS (of SclVm) that are on; "" if none is. */
char *sclctl_describe_shutdown (GListModel *vms);

/* A question on the terminal. The answer's first letter in lower case, FALLBACK for just Enter, 0
 * at the end of input or when interrupted. */
char sclctl_ask (const char *question, char fallback);

/* The exit status after a question was not answered with yes. */
int sclctl_refusal_status (void);
