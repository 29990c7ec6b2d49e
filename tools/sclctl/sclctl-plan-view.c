/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-plan-view.h"

#include "sclctl-json.h"
#include "sclctl-table.h"
#include "sclctl-text.h"

#include <stdio.h>

static const char *
step_symbol (SclStep *step, SclctlColour *out_colour)
{
  switch (scl_step_get_action (step))
    {
    case SCL_ACTION_CREATE:
    case SCL_ACTION_START:
      *out_colour = SCLCTL_COLOUR_GOOD;
      return "+";
    case SCL_ACTION_STOP:
    case SCL_ACTION_DELETE:
    case SCL_ACTION_RELEASE:
      *out_colour = SCLCTL_COLOUR_BAD;
      return "-";
    case SCL_ACTION_BLOCKED:
      *out_colour = SCLCTL_COLOUR_BAD;
      return "!";
    case SCL_ACTION_UPDATE:
    case SCL_ACTION_REPAIR:
    case SCL_ACTION_GROW:
    case SCL_ACTION_RESTART:
      break;
    }
  *out_colour = SCLCTL_COLOUR_CHANGE;
  return "~";
}

static void
add_step (SclctlTable *table, SclStep *step)
{
  SclctlColour colour;
  const char *symbol = step_symbol (step, &colour);

  sclctl_table_add_coloured (table, colour, symbol);
  sclctl_table_add (table, sclctl_text_action (scl_step_get_action (step)));
  sclctl_table_take (table,
                     sclctl_text_step_object (step));
  /* Its reason is a message of its own, which is told as one. */
  sclctl_table_add (table, scl_step_get_action (step) == SCL_ACTION_BLOCKED
                               ? "cannot be done, see the error"
                               : scl_step_get_reason (step));
}

void
sclctl_show_plan (SclctlContext *context, SclPlan *plan)
{
  GListModel *steps = scl_plan_get_steps (plan);
  g_autoptr (SclctlTable) table = NULL;

  if (sclctl_is_quiet (context) || sclctl_is_json (context))
    return;
  if (scl_plan_is_empty (plan))
    {
      sclctl_say (context, "nothing to do: everything is as declared");
      return;
    }
  table = sclctl_table_new ("", "ACTION", "OBJECT", "REASON", NULL);
  for (guint i = 0; i < g_list_model_get_n_items (steps); i++)
    {
      g_autoptr (SclStep) step = g_list_model_get_item (steps, i);

      add_step (table, step);
    }
  sclctl_table_print (table);
}

GError *
sclctl_blocked_error (SclPlan *plan)
{
  GListModel *steps = scl_plan_get_steps (plan);
  GError *all = NULL;

  for (guint i = 0; i < g_list_model_get_n_items (steps); i++)
    {
      g_autoptr (SclStep) step = g_list_model_get_item (steps, i);
      const GError *error = scl_step_get_error (step);

      if (error == NULL)
        continue;
      if (all == NULL)
        {
          all = g_error_copy (error);
          continue;
        }
      /* One code for several reasons would be wrong for some. */
      if (all->code != error->code)
        all->code = SCL_ERROR_FAILED;
      g_prefix_error (&all, "%s\n", error->message);
    }
  return all;
}

char *
sclctl_list_removals (SclPlan *plan)
{
  GListModel *steps = scl_plan_get_steps (plan);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (steps); i++)
    {
      g_autoptr (SclStep) step = g_list_model_get_item (steps, i);
      g_autofree char *object
          = sclctl_text_step_object (step);

      if (scl_step_is_removal (step) && scl_step_get_action (step) == SCL_ACTION_DELETE)
        g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", object);
    }
  return g_string_free (text, FALSE);
}

/* The library's message may name the object already. */
static void
complain_about_step (SclStepResult *result)
{
  const GError *error = scl_step_result_get_error (result);
  SclStep *step = scl_step_result_get_step (result);
  g_autofree char *object = sclctl_text_step_object (step);
  const char *action = sclctl_text_action (scl_step_get_action (step));

  if (error == NULL)
    sclctl_complain ("%s: %s failed", object, action);
  else if (g_str_has_prefix (error->message, object))
    sclctl_complain ("%s", error->message);
  else
    sclctl_complain ("%s: %s: %s", object, action, error->message);
}

static void
count_result (guint *counts, SclStepResult *result)
{
  SclStepStatus status = scl_step_result_get_status (result);

  counts[MIN (status, SCL_STEP_STATUS_REFUSED)]++;
  if (status == SCL_STEP_STATUS_FAILED)
    complain_about_step (result);
}

/* What waits for a removal that nobody confirmed is left as it is, as is what would be removed: that is
 * said of the removal. Needs are steps before it. */
static gboolean
is_kept (GListModel *results, SclStepResult *result)
{
  gsize n_needs = 0;
  const guint *needs = scl_step_get_needs (scl_step_result_get_step (result), &n_needs);
  gboolean kept = FALSE;

  if (scl_step_result_get_status (result) != SCL_STEP_STATUS_SKIPPED)
    return scl_step_result_get_status (result) == SCL_STEP_STATUS_REFUSED;
  for (gsize i = 0; i < n_needs; i++)
    {
      g_autoptr (SclStepResult) needed = g_list_model_get_item (results, needs[i]);
      SclStepStatus status = scl_step_result_get_status (needed);

      if (status != SCL_STEP_STATUS_DONE && !is_kept (results, needed))
        return FALSE;
      kept = kept || status != SCL_STEP_STATUS_DONE;
    }
  return kept;
}

/* What is no news where a removal was not confirmed: other removals, which are named as such, and what only
 * takes back what they leave over. */
static gboolean
goes_without_saying (SclStep *step)
{
  return scl_step_is_removal (step) || scl_step_get_action (step) == SCL_ACTION_RELEASE;
}

/* Names what was not begun, so that nobody has to compare two lists. */
static void
tell_left (SclctlContext *context, GListModel *results, SclStepStatus status, gboolean kept,
           const char *why)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (results); i++)
    {
      g_autoptr (SclStepResult) result = g_list_model_get_item (results, i);
      SclStep *step = scl_step_result_get_step (result);
      g_autofree char *object
          = sclctl_text_step_object (step);

      if (scl_step_result_get_status (result) == status && is_kept (results, result) == kept
          && !(kept && goes_without_saying (step)))
        g_string_append_printf (text, "%s%s %s", text->len > 0 ? ", " : "",
                                sclctl_text_action (scl_step_get_action (step)), object);
    }
  if (text->len > 0)
    sclctl_tell (context, "not done, because %s: %s", why, text->str);
  g_string_free (text, TRUE);
}

void
sclctl_show_results (SclctlContext *context, GListModel *results)
{
  guint counts[SCL_STEP_STATUS_REFUSED + 1] = { 0 };
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (results); i++)
    {
      g_autoptr (SclStepResult) result = g_list_model_get_item (results, i);

      count_result (counts, result);
    }
  tell_left (context, results, SCL_STEP_STATUS_SKIPPED, TRUE,
             "it needs a removal that was not confirmed");
  tell_left (context, results, SCL_STEP_STATUS_SKIPPED, FALSE,
             "it needs something that was not done");
  tell_left (context, results, SCL_STEP_STATUS_CANCELLED, FALSE, "it was interrupted");
  for (guint status = 0; status < G_N_ELEMENTS (counts); status++)
    {
      if (counts[status] > 0)
        g_string_append_printf (text, "%s%u %s", text->len > 0 ? ", " : "", counts[status],
                                sclctl_text_step_status (status));
    }
  if (text->len > 0)
    sclctl_say (context, "%s", text->str);
  g_string_free (text, TRUE);
}

gboolean
sclctl_is_said (GListModel *results, const GError *error)
{
  gboolean is_partial = g_error_matches (error, SCL_ERROR, SCL_ERROR_PARTIAL);

  for (guint i = 0; i < g_list_model_get_n_items (results); i++)
    {
      g_autoptr (SclStepResult) result = g_list_model_get_item (results, i);
      const GError *own = scl_step_result_get_error (result);

      if (own != NULL && (is_partial || g_strcmp0 (own->message, error->message) == 0))
        return TRUE;
    }
  return FALSE;
}

const char *
sclctl_report_status (const GError *error)
{
  if (error == NULL)
    return "done";
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return "cancelled";
  if (g_error_matches (error, SCL_ERROR, SCL_ERROR_PARTIAL))
    return "partial";
  if (g_error_matches (error, SCL_ERROR, SCL_ERROR_CONFIRM))
    return "refused";
  if (g_error_matches (error, SCL_ERROR, SCL_ERROR_INVALID))
    return "invalid";
  return "failed";
}

JsonNode *
sclctl_json_report (const char *status, SclPlan *plan, GListModel *results, const GError *error)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "status", status);
  if (results != NULL)
    sclctl_json_set (object, "steps",
                     sclctl_json_list (results, SCLCTL_JSON_FUNC (sclctl_json_result)));
  else
    sclctl_json_set (object, "steps",
                     sclctl_json_list (plan == NULL ? NULL : scl_plan_get_steps (plan),
                                       SCLCTL_JSON_FUNC (sclctl_json_step)));
  sclctl_json_set (object, "diagnostics",
                   sclctl_json_list (plan == NULL ? NULL : scl_plan_get_diagnostics (plan),
                                     SCLCTL_JSON_FUNC (sclctl_json_diagnostic)));
  sclctl_json_set (object, "error", sclctl_json_error (error));
  return sclctl_json_node (object);
}
