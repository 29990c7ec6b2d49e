/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Plans and what became of them, for people (on stdout) and programs. */

#include "sclctl-context.h"

#include <json-glib/json-glib.h>

/* One line per step: + made, ~ changed, - removed, ! nothing can be done, with the reason. */
void sclctl_show_plan (SclctlContext *context, SclPlan *plan);

/* What cannot be done, one line each; NULL: there is nothing of that kind. */
GError *sclctl_blocked_error (SclPlan *plan);

/* How many steps came to each end, and one line on stderr per step that failed. */
void sclctl_show_results (SclctlContext *context, GListModel *results);

/* Whether an error of the whole operation only repeats those of its steps, which are said already. */
gboolean sclctl_is_said (GListModel *results, const GError *error);

/* "removes vm "a", network "b""; free it. */
char *sclctl_list_removals (SclPlan *plan);

/* The report of an apply: status, steps, diagnostics, error. */
JsonNode *sclctl_json_report (const char *status, SclPlan *plan, GListModel *results,
                              const GError *error);

/* "done", "partial", "refused", "cancelled", "invalid", "failed". */
const char *sclctl_report_status (const GError *error);
