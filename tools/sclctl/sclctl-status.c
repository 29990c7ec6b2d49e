/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-json.h"
#include "sclctl-objects.h"
#include "sclctl-status.h"
#include "sclctl-text.h"
#include "sclctl-verbs.h"
#include "sclctl-wait.h"
#include <string.h>

JsonNode *
sclctl_status_to_json (SclConnection *connection)
{
  JsonObject *object = json_object_new ();

  sclctl_json_set_text (object, "uri", scl_connection_get_uri (connection));
  sclctl_json_set_text (object, "prefix", scl_connection_get_prefix (connection));
  sclctl_json_set (object, "networks",
                   sclctl_json_list (scl_connection_get_networks (connection),
                                     SCLCTL_JSON_FUNC (sclctl_json_network)));
  sclctl_json_set (
      object, "vms",
      sclctl_json_list (scl_connection_get_vms (connection), SCLCTL_JSON_FUNC (sclctl_json_vm)));
  sclctl_json_set (object, "volumes",
                   sclctl_json_list (scl_connection_get_volumes (connection),
                                     SCLCTL_JSON_FUNC (sclctl_json_volume)));
  sclctl_json_set (object, "diagnostics",
                   sclctl_json_list (scl_connection_get_diagnostics (connection),
                                     SCLCTL_JSON_FUNC (sclctl_json_diagnostic)));
  return sclctl_json_node (object);
}

static void
print_section (const char *title, GListModel *list, SclctlTable *(*make_table) (GListModel *list))
{
  g_autoptr (SclctlTable) table = NULL;

  if (g_list_model_get_n_items (list) == 0)
    {
      g_print ("No %s.\n", title);
      return;
    }
  table = make_table (list);
  sclctl_table_print (table);
}

/* What is wrong with the host is part of the answer here, not said beside it. */
static void
print_diagnostics (GListModel *diagnostics)
{
  guint n = g_list_model_get_n_items (diagnostics);

  if (n > 0)
    g_print ("\n");
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (SclDiagnostic) diagnostic = g_list_model_get_item (diagnostics, i);
      g_autofree char *raw = scl_diagnostic_to_string (diagnostic);
      g_autofree char *text = sclctl_text_harmless (raw);

      g_print ("%s: %s\n", sclctl_text_severity (scl_diagnostic_get_severity (diagnostic)), text);
    }
}

void
sclctl_status_print (SclConnection *connection)
{
  print_section ("networks", scl_connection_get_networks (connection), sclctl_table_of_networks);
  g_print ("\n");
  print_section ("VMs", scl_connection_get_vms (connection), sclctl_table_of_vms);
  g_print ("\n");
  print_section ("volumes", scl_connection_get_volumes (connection), sclctl_table_of_volumes);
  print_diagnostics (scl_connection_get_diagnostics (connection));
}

/* virtualMachines.NAME.network; a VM may have that name, too. */
static gboolean
is_network_of_vm (const char *path)
{
  const char *name = strchr (path, '.');
  const char *key = name != NULL ? strchr (name + 1, '.') : NULL;

  return key != NULL && g_str_equal (key, ".network");
}

/* What an apply repairs: the host, the networks of VMs, notes of volumes. Other errors of VMs need a person. */
static gboolean
is_repairable (SclDiagnostic *diagnostic)
{
  const char *path = scl_diagnostic_get_path (diagnostic);

  return g_str_equal (path, "host") || is_network_of_vm (path) || g_str_has_prefix (path, "volumes.");
}

static gboolean
has_error (GListModel *diagnostics, gboolean repairable)
{
  for (guint i = 0; i < g_list_model_get_n_items (diagnostics); i++)
    {
      g_autoptr (SclDiagnostic) diagnostic = g_list_model_get_item (diagnostics, i);

      if (scl_diagnostic_get_severity (diagnostic) == SCL_SEVERITY_ERROR
          && is_repairable (diagnostic) == repairable)
        return TRUE;
    }
  return FALSE;
}

/* What the next apply would repair of networks and host: then the guests may not be separated as
 * they were. */
static gboolean
needs_repair (SclConnection *connection)
{
  GListModel *networks = scl_connection_get_networks (connection);

  for (guint i = 0; i < g_list_model_get_n_items (networks); i++)
    {
      g_autoptr (SclNetwork) network = g_list_model_get_item (networks, i);

      if (scl_network_get_problems (network)[0] != NULL)
        return TRUE;
    }
  return has_error (scl_connection_get_diagnostics (connection), TRUE);
}

/* Another apply first: what then is left needs a person. */
static int
exit_status (SclConnection *connection)
{
  if (needs_repair (connection))
    return SCLCTL_EXIT_CHANGES;
  return has_error (scl_connection_get_diagnostics (connection), FALSE) ? SCLCTL_EXIT_ERROR
                                                                        : SCLCTL_EXIT_DONE;
}

int
sclctl_status (SclctlContext *context)
{
  GError *error = NULL;

  if (!sclctl_open (context, &error) || !sclctl_refresh (context, &error))
    return sclctl_fail (error);
  if (sclctl_is_json (context))
    sclctl_json_print (sclctl_status_to_json (context->connection));
  else if (!sclctl_is_quiet (context))
    sclctl_status_print (context->connection);
  return exit_status (context->connection);
}
