/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-input.h"
#include "sclctl-json.h"
#include "sclctl-plan-view.h"
#include "sclctl-verbs.h"
#include "sclctl-wait.h"

static GListModel *
list_diagnostics (SclManifestLoader *loader, SclPlan *plan)
{
  GListStore *store = g_list_store_new (SCL_TYPE_DIAGNOSTIC);
  g_autoptr (GPtrArray) found = scl_manifest_loader_list_diagnostics (loader);
  GListModel *more = plan == NULL ? NULL : scl_plan_get_diagnostics (plan);

  for (guint i = 0; i < found->len; i++)
    g_list_store_append (store, g_ptr_array_index (found, i));
  for (guint i = 0; more != NULL && i < g_list_model_get_n_items (more); i++)
    {
      g_autoptr (GObject) diagnostic = g_list_model_get_item (more, i);

      g_list_store_append (store, diagnostic);
    }
  return G_LIST_MODEL (store);
}

static void
report (GListModel *diagnostics, const GError *error)
{
  JsonObject *object = json_object_new ();

  json_object_set_boolean_member (object, "valid", error == NULL);
  sclctl_json_set (object, "diagnostics",
                   sclctl_json_list (diagnostics, SCLCTL_JSON_FUNC (sclctl_json_diagnostic)));
  sclctl_json_set (object, "error", sclctl_json_error (error));
  sclctl_json_print (sclctl_json_node (object));
}

static SclPlan *
preflight (SclctlContext *context, SclManifest *manifest, GError **error)
{
  if (!sclctl_open (context, error))
    return NULL;
  return sclctl_make_plan (context, manifest, sclctl_apply_flags (context), error);
}

static void
say_valid (SclctlContext *context, SclManifest *manifest)
{
  guint vms = g_list_model_get_n_items (scl_manifest_get_vms (manifest));
  guint networks = g_list_model_get_n_items (scl_manifest_get_networks (manifest));

  sclctl_say (context, "valid: %u VM%s, %u network%s", vms, vms == 1 ? "" : "s", networks,
              networks == 1 ? "" : "s");
}

int
sclctl_validate (SclctlContext *context)
{
  g_autoptr (SclManifestLoader) loader = NULL;
  g_autoptr (SclManifest) manifest = NULL;
  g_autoptr (SclPlan) plan = NULL;
  g_autoptr (GListModel) diagnostics = NULL;
  GError *error = NULL;

  if (!sclctl_has_input (context))
    return SCLCTL_EXIT_USAGE;
  manifest = sclctl_load (context, &loader, &error);
  if (manifest != NULL && sclctl_has (context, "preflight"))
    plan = preflight (context, manifest, &error);
  if (plan != NULL && sclctl_check_plan (context, plan, &error))
    error = sclctl_blocked_error (plan);
  if (plan != NULL && sclctl_is_verbose (context))
    sclctl_tell_severity (context, scl_plan_get_diagnostics (plan), SCL_SEVERITY_NOTE);
  diagnostics = list_diagnostics (loader, plan);
  if (sclctl_is_json (context))
    report (diagnostics, error);
  if (error != NULL)
    return sclctl_fail (error);
  say_valid (context, manifest);
  return SCLCTL_EXIT_DONE;
}
