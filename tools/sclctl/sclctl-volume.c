/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-json.h"
#include "sclctl-objects.h"
#include "sclctl-plan-view.h"
#include "sclctl-text.h"
#include "sclctl-verbs.h"
#include "sclctl-wait.h"

int
sclctl_volume_list (SclctlContext *context)
{
  return sclctl_list_objects (context, SCL_OBJECT_KIND_VOLUME);
}

int
sclctl_volume_show (SclctlContext *context)
{
  return sclctl_show_object (context, SCL_OBJECT_KIND_VOLUME);
}

/* FROM: the instance whose the volume is; NULL: its VM's image. */
static int
bring (SclctlContext *context, const char *from)
{
  const char *name = g_ptr_array_index (context->arguments, 0);
  g_autoptr (SclOperation) operation = NULL;
  GError *error = NULL;

  if (!sclctl_open (context, &error) || !sclctl_lock (context, &error))
    return sclctl_fail (error);
  operation = from == NULL ? scl_connection_create_volume (context->connection, name)
                           : scl_connection_adopt_volume (context->connection, name, from);
  if (!sclctl_operate_one (context, operation, &error))
    return sclctl_fail (error);
  return SCLCTL_EXIT_DONE;
}

int
sclctl_volume_adopt (SclctlContext *context)
{
  const char *from = sclctl_value (context, "from");

  if (from != NULL)
    return bring (context, from);
  sclctl_complain ("volume adopt needs --from INSTANCE: the prefix of the instance whose the volume is");
  return SCLCTL_EXIT_USAGE;
}

int
sclctl_volume_create (SclctlContext *context)
{
  if (sclctl_has (context, "from-image"))
    return bring (context, NULL);
  sclctl_complain ("volume create needs --from-image: it makes the volume anew, without what was on it");
  return SCLCTL_EXIT_USAGE;
}

static SclOperation *
begin_delete (GObject *volume, gboolean foreign)
{
  return scl_volume_delete (SCL_VOLUME (volume), foreign ? SCL_DELETE_FOREIGN : SCL_DELETE_NONE);
}

int
sclctl_volume_delete (SclctlContext *context)
{
  return sclctl_delete_arguments (context, SCL_OBJECT_KIND_VOLUME, "delete with all data",
                                  begin_delete);
}

/* (transfer full) */
static char *
name_unused (SclVolume *volume)
{
  return scl_volume_is_nvram (volume)
             ? g_strdup_printf ("the NVRAM of VM \"%s\"", scl_volume_get_name (volume))
             : sclctl_text_object (SCL_OBJECT_KIND_VOLUME, scl_volume_get_name (volume));
}

/* Unused volumes as a list of their own; OUT_WHAT describes their deletion. */
static GListModel *
list_unused (SclctlContext *context, char **out_what)
{
  GListModel *volumes = scl_connection_get_volumes (context->connection);
  GListStore *unused = g_list_store_new (SCL_TYPE_VOLUME);
  GString *what = g_string_new ("delete with all data");

  for (guint i = 0; i < g_list_model_get_n_items (volumes); i++)
    {
      g_autoptr (SclVolume) volume = g_list_model_get_item (volumes, i);
      g_autofree char *object = name_unused (volume);

      if (scl_volume_is_used (volume) || scl_volume_is_foreign (volume))
        continue;
      g_string_append_printf (what, "%s %s",
                              g_list_model_get_n_items (G_LIST_MODEL (unused)) ? "," : "", object);
      g_list_store_append (unused, volume);
    }
  *out_what = g_string_free (what, FALSE);
  return G_LIST_MODEL (unused);
}

static int
finish_prune (SclctlContext *context, const char *status, GListModel *results, GError *error)
{
  g_autoptr (GError) owned = error;

  if (results != NULL)
    sclctl_show_results (context, results);
  if (sclctl_is_json (context))
    sclctl_json_print (sclctl_json_report (status, NULL, results, owned));
  if (owned == NULL)
    return SCLCTL_EXIT_DONE;
  if (results == NULL || !sclctl_is_said (results, owned))
    return sclctl_fail (g_steal_pointer (&owned));
  return sclctl_error_status (owned);
}

/* Those that were shown, and no others that nothing uses by now: nobody has agreed to lose those. */
static int
prune (SclctlContext *context, GListModel *shown)
{
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  g_auto (GStrv) list = NULL;
  g_autoptr (SclOperation) operation = NULL;
  GError *error = NULL;

  for (guint i = 0; i < g_list_model_get_n_items (shown); i++)
    {
      g_autoptr (SclVolume) volume = g_list_model_get_item (shown, i);

      g_strv_builder_add (names, scl_volume_get_name (volume));
    }
  list = g_strv_builder_end (names);
  if (!sclctl_lock (context, &error))
    return finish_prune (context, sclctl_report_status (error), NULL, error);
  operation = scl_connection_prune_volumes (context->connection, (const char *const *)list);
  sclctl_operate_one (context, operation, &error);
  return finish_prune (context, sclctl_report_status (error),
                       scl_operation_get_results (operation), error);
}

int
sclctl_volume_prune (SclctlContext *context)
{
  g_autoptr (GListModel) unused = NULL;
  g_autoptr (SclctlTable) table = NULL;
  g_autofree char *what = NULL;
  GError *error = NULL;

  if (!sclctl_look (context, &error))
    return finish_prune (context, sclctl_report_status (error), NULL, error);
  unused = list_unused (context, &what);
  if (g_list_model_get_n_items (unused) == 0)
    {
      sclctl_say (context, "nothing to do: there is no unused volume");
      return finish_prune (context, "nothing", NULL, NULL);
    }
  table = sclctl_table_of_volumes (unused);
  if (!sclctl_is_quiet (context) && !sclctl_is_json (context))
    sclctl_table_print (table);
  return sclctl_confirm (context, what) ? prune (context, unused) : sclctl_refusal_status ();
}
