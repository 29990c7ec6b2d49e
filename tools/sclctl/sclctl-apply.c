/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-input.h"
#include "sclctl-json.h"
#include "sclctl-plan-view.h"
#include "sclctl-verbs.h"
#include "sclctl-wait.h"

static void
report (SclctlContext *context, const char *status, SclPlan *plan, GListModel *results,
        const GError *error)
{
  if (sclctl_is_json (context))
    sclctl_json_print (sclctl_json_report (status, plan, results, error));
}

static int
fail (SclctlContext *context, SclPlan *plan, GListModel *results, GError *error)
{
  report (context, sclctl_report_status (error), plan, results, error);
  return sclctl_fail (error);
}

/* *OUT_CONFIRMED: the user agreed to the removals of PLAN. FALSE: nothing is to be done at all. */
static gboolean
confirm_removals (SclctlContext *context, SclPlan *plan, SclApplyFlags flags, gboolean *out_confirmed)
{
  g_autofree char *removals = sclctl_list_removals (plan);
  g_autofree char *question = NULL;

  *out_confirmed = FALSE;
  if (!scl_plan_has_removals (plan) || (flags & SCL_APPLY_PRUNE) || !sclctl_can_ask (context))
    return TRUE;
  /* Nobody else has to wait for the answer. */
  scl_connection_unlock (context->connection);
  question = g_strdup_printf ("This removes %s (volumes are kept).\n"
                              "Remove? [y]es, [k]eep them and do the rest, [N]o, do nothing:",
                              removals);
  switch (sclctl_ask (question, 'n'))
    {
    case 'y':
      *out_confirmed = TRUE;
      return TRUE;
    case 'k':
      return TRUE;
    default:
      sclctl_complain ("nothing was changed");
      return FALSE;
    }
}

/* Other removals than those that were confirmed: not one step was begun. */
static gboolean
is_stale (GListModel *results, const GError *error)
{
  return g_error_matches (error, SCL_ERROR, SCL_ERROR_CONFIRM)
         && g_list_model_get_n_items (results) == 0;
}

static gboolean
is_any_refused (GListModel *results)
{
  for (guint i = 0; i < g_list_model_get_n_items (results); i++)
    {
      g_autoptr (SclStepResult) result = g_list_model_get_item (results, i);

      if (scl_step_result_get_status (result) == SCL_STEP_STATUS_REFUSED)
        return TRUE;
    }
  return FALSE;
}

static int
finish (SclctlContext *context, SclPlan *plan, GListModel *results, GError *error)
{
  g_autoptr (GError) owned = error;
  g_autofree char *removals = sclctl_list_removals (plan);

  sclctl_show_results (context, results);
  report (context, sclctl_report_status (owned), plan, results, owned);
  /* What it did not do, and how to have it. */
  sclctl_tell_severity (context, scl_plan_get_diagnostics (plan), SCL_SEVERITY_NOTE);
  if (owned == NULL)
    return SCLCTL_EXIT_DONE;
  if (is_stale (results, owned))
    {
      sclctl_complain ("%s", owned->message);
      return SCLCTL_EXIT_ERROR;
    }
  if (is_any_refused (results))
    sclctl_complain ("%s: not removed, though no longer declared; \"apply --prune\" removes it",
                     removals);
  if (!g_error_matches (owned, SCL_ERROR, SCL_ERROR_CONFIRM) && !sclctl_is_said (results, owned))
    sclctl_complain ("%s", owned->message);
  return sclctl_error_status (owned);
}

static int
carry_out (SclctlContext *context, SclManifest *manifest, SclPlan *plan, SclApplyFlags flags)
{
  g_autoptr (SclOperation) operation = NULL;
  gboolean confirmed;
  GError *error = NULL;

  if (!confirm_removals (context, plan, flags, &confirmed))
    return sclctl_refusal_status ();
  operation = confirmed ? scl_connection_apply_plan (context->connection, plan)
                        : scl_connection_apply (context->connection, manifest,
                                                flags | SCL_APPLY_AS_PLANNED);
  sclctl_operate_one (context, operation, &error);
  return finish (context, plan, scl_operation_get_results (operation), error);
}

/* Locks before it plans, so that what is shown is what is done; a question gives the lock (and so what was
 * planned under it) up, and what was confirmed is compared with what would be done then. */
static int
apply (SclctlContext *context, SclManifest *manifest)
{
  SclApplyFlags flags = sclctl_apply_flags (context);
  g_autoptr (SclPlan) plan = NULL;
  GError *error = NULL;

  if (!sclctl_open (context, &error) || !sclctl_lock (context, &error))
    return fail (context, NULL, NULL, error);
  plan = sclctl_make_plan (context, manifest, flags, &error);
  if (plan == NULL || !sclctl_check_plan (context, plan, &error))
    return fail (context, plan, NULL, error);
  sclctl_show_plan (context, plan);
  if (!scl_plan_is_empty (plan))
    return carry_out (context, manifest, plan, flags);
  sclctl_tell_severity (context, scl_plan_get_diagnostics (plan), SCL_SEVERITY_NOTE);
  report (context, "nothing", plan, NULL, NULL);
  return SCLCTL_EXIT_DONE;
}

int
sclctl_apply (SclctlContext *context)
{
  g_autoptr (SclManifest) manifest = NULL;
  GError *error = NULL;

  if (!sclctl_has_input (context))
    return SCLCTL_EXIT_USAGE;
  manifest = sclctl_load (context, NULL, &error);
  if (manifest == NULL)
    return fail (context, NULL, NULL, error);
  return apply (context, manifest);
}
