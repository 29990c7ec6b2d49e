/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-input.h"
#include "sclctl-json.h"
#include "sclctl-plan-view.h"
#include "sclctl-verbs.h"
#include "sclctl-wait.h"

static SclPlan *
make_plan (SclctlContext *context, GError **error)
{
  g_autoptr (SclManifest) manifest = sclctl_load (context, NULL, error);

  if (manifest == NULL || !sclctl_open (context, error))
    return NULL;
  return sclctl_make_plan (context, manifest, sclctl_apply_flags (context), error);
}

static void
report (SclctlContext *context, const char *status, SclPlan *plan, const GError *error)
{
  if (sclctl_is_json (context))
    sclctl_json_print (sclctl_json_report (status, plan, NULL, error));
}

int
sclctl_plan (SclctlContext *context)
{
  g_autoptr (SclPlan) plan = NULL;
  GError *error = NULL;

  if (!sclctl_has_input (context))
    return SCLCTL_EXIT_USAGE;
  plan = make_plan (context, &error);
  if (plan == NULL || !sclctl_check_plan (context, plan, &error))
    {
      report (context, sclctl_report_status (error), plan, error);
      return sclctl_fail (error);
    }
  sclctl_show_plan (context, plan);
  sclctl_tell_severity (context, scl_plan_get_diagnostics (plan), SCL_SEVERITY_NOTE);
  error = sclctl_blocked_error (plan);
  if (error != NULL)
    {
      report (context, sclctl_report_status (error), plan, error);
      return sclctl_fail (error);
    }
  report (context, scl_plan_is_empty (plan) ? "nothing" : "changes", plan, NULL);
  return scl_plan_is_empty (plan) ? SCLCTL_EXIT_DONE : SCLCTL_EXIT_CHANGES;
}
