/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-objects.h"

#include "sclctl-details.h"
#include "sclctl-json.h"
#include "sclctl-suggest.h"
#include "sclctl-text.h"
#include "sclctl-wait.h"

GListModel *
sclctl_get_objects (SclctlContext *context, SclObjectKind kind)
{
  switch (kind)
    {
    case SCL_OBJECT_KIND_NETWORK:
      return scl_connection_get_networks (context->connection);
    case SCL_OBJECT_KIND_VOLUME:
      return scl_connection_get_volumes (context->connection);
    case SCL_OBJECT_KIND_VM:
    case SCL_OBJECT_KIND_HOST:
      break;
    }
  return scl_connection_get_vms (context->connection);
}

static const char *
object_name (GObject *object)
{
  if (SCL_IS_NETWORK (object))
    return scl_network_get_name (SCL_NETWORK (object));
  if (SCL_IS_VOLUME (object))
    return scl_volume_get_name (SCL_VOLUME (object));
  return scl_vm_get_name (SCL_VM (object));
}

static JsonNode *
object_to_json (GObject *object)
{
  if (SCL_IS_NETWORK (object))
    return sclctl_json_network (SCL_NETWORK (object));
  if (SCL_IS_VOLUME (object))
    return sclctl_json_volume (SCL_VOLUME (object));
  return sclctl_json_vm (SCL_VM (object));
}

static GObject *
not_found (GPtrArray *names, SclObjectKind kind, const char *name, GError **error)
{
  g_autofree char *object = sclctl_text_object (kind, name);
  const char *near = sclctl_suggest (name, names);

  if (near != NULL)
    g_set_error (error, SCL_ERROR, SCL_ERROR_NOT_FOUND, "%s: there is none; did you mean \"%s\"?",
                 object, near);
  else
    g_set_error (error, SCL_ERROR, SCL_ERROR_NOT_FOUND,
                 "%s: there is none; \"sclctl %s list\" shows what there is", object,
                 sclctl_text_kind (kind));
  return NULL;
}

/* FALSE with an error: it is another instance's, or that was not found out. */
static gboolean
check_owner (SclctlContext *context, SclObjectKind kind, const char *name, GError **error)
{
  g_autoptr (GError) why = NULL;

  if (kind != SCL_OBJECT_KIND_VOLUME || sclctl_check_volume (context, name, &why)
      || g_error_matches (why, SCL_ERROR, SCL_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&why));
  return FALSE;
}

GObject *
sclctl_find_object (SclctlContext *context, SclObjectKind kind, const char *name, GError **error)
{
  GListModel *list = sclctl_get_objects (context, kind);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (GObject) object = g_list_model_get_item (list, i);

      if (g_str_equal (object_name (object), name))
        return g_steal_pointer (&object);
      g_ptr_array_add (names, g_strdup (object_name (object)));
    }
  return check_owner (context, kind, name, error) ? not_found (names, kind, name, error) : NULL;
}

static SclctlTable *
make_table (GListModel *list, SclObjectKind kind)
{
  switch (kind)
    {
    case SCL_OBJECT_KIND_NETWORK:
      return sclctl_table_of_networks (list);
    case SCL_OBJECT_KIND_VOLUME:
      return sclctl_table_of_volumes (list);
    case SCL_OBJECT_KIND_VM:
    case SCL_OBJECT_KIND_HOST:
      break;
    }
  return sclctl_table_of_vms (list);
}

static void
print_names (GListModel *list)
{
  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (GObject) object = g_list_model_get_item (list, i);

      g_print ("%s\n", object_name (object));
    }
}

static gboolean
is_shown (SclctlContext *context, GObject *object)
{
  return !SCL_IS_VM (object) || !sclctl_has (context, "running")
         || sclctl_vm_is_on (SCL_VM (object));
}

/* (transfer full) */
static GListModel *
list_shown (SclctlContext *context, SclObjectKind kind)
{
  GListModel *all = sclctl_get_objects (context, kind);
  GListStore *shown = g_list_store_new (g_list_model_get_item_type (all));

  for (guint i = 0; i < g_list_model_get_n_items (all); i++)
    {
      g_autoptr (GObject) object = g_list_model_get_item (all, i);

      if (is_shown (context, object))
        g_list_store_append (shown, object);
    }
  return G_LIST_MODEL (shown);
}

int
sclctl_list_objects (SclctlContext *context, SclObjectKind kind)
{
  g_autoptr (SclctlTable) table = NULL;
  g_autoptr (GListModel) list = NULL;
  GError *error = NULL;

  if (!sclctl_look_for (context, kind, &error))
    return sclctl_fail (error);
  list = list_shown (context, kind);
  if (sclctl_is_json (context))
    sclctl_json_print (sclctl_json_list (list, SCLCTL_JSON_FUNC (object_to_json)));
  else if (sclctl_is_names (context) || sclctl_is_quiet (context))
    print_names (list);
  else
    {
      table = make_table (list, kind);
      sclctl_table_print (table);
    }
  return SCLCTL_EXIT_DONE;
}

int
sclctl_show_object (SclctlContext *context, SclObjectKind kind)
{
  g_autoptr (GObject) object = NULL;
  GError *error = NULL;

  if (!sclctl_look (context, &error))
    return sclctl_fail (error);
  object = sclctl_find_object (context, kind, sclctl_argument (context, 0), &error);
  if (object == NULL)
    return sclctl_fail (error);
  if (sclctl_is_json (context))
    sclctl_json_print (object_to_json (object));
  else if (SCL_IS_NETWORK (object))
    sclctl_show_network (SCL_NETWORK (object));
  else if (SCL_IS_VOLUME (object))
    sclctl_show_volume (SCL_VOLUME (object));
  else
    sclctl_show_vm (SCL_VM (object), sclctl_get_objects (context, SCL_OBJECT_KIND_VOLUME));
  return SCLCTL_EXIT_DONE;
}

gboolean
sclctl_confirm (SclctlContext *context, const char *what)
{
  g_autofree char *question = g_strdup_printf ("Really %s? [y/N]", what);

  if (sclctl_has (context, "yes"))
    return TRUE;
  if (!sclctl_can_ask (context))
    {
      (void) sclctl_fail (g_error_new (SCL_ERROR, SCL_ERROR_CONFIRM,
                                       "not done: %s needs a yes, and there is no terminal to ask: give --yes",
                                       what));
      return FALSE;
    }
  if (sclctl_ask (question, 'n') == 'y')
    return TRUE;
  sclctl_complain ("nothing was changed");
  return FALSE;
}

static GPtrArray *
find_arguments (SclctlContext *context, SclObjectKind kind, GError **error)
{
  g_autoptr (GPtrArray) objects = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < context->arguments->len; i++)
    {
      GObject *object = sclctl_find_object (context, kind, sclctl_argument (context, i), error);

      if (object == NULL)
        return NULL;
      if (g_ptr_array_find (objects, object, NULL))
        g_object_unref (object);
      else
        g_ptr_array_add (objects, object);
    }
  return g_steal_pointer (&objects);
}

static char *
describe (const char *verb, GPtrArray *objects, SclObjectKind kind)
{
  GString *text = g_string_new (verb);

  for (guint i = 0; i < objects->len; i++)
    {
      g_autofree char *object
          = sclctl_text_object (kind, object_name (g_ptr_array_index (objects, i)));

      g_string_append_printf (text, "%s%s", i == 0 ? " " : ", ", object);
    }
  return g_string_free (text, FALSE);
}

static GPtrArray *
look_up_arguments (SclctlContext *context, SclObjectKind kind, GError **error)
{
  return sclctl_look (context, error) ? find_arguments (context, kind, error) : NULL;
}

/* All that are on; (transfer full) */
static GPtrArray *
look_up_running (SclctlContext *context, GError **error)
{
  g_autoptr (GPtrArray) vms = g_ptr_array_new_with_free_func (g_object_unref);
  GListModel *all;

  if (!sclctl_look (context, error))
    return NULL;
  all = sclctl_get_objects (context, SCL_OBJECT_KIND_VM);
  for (guint i = 0; i < g_list_model_get_n_items (all); i++)
    {
      g_autoptr (SclVm) vm = g_list_model_get_item (all, i);

      if (sclctl_vm_is_on (vm))
        g_ptr_array_add (vms, g_steal_pointer (&vm));
    }
  return g_steal_pointer (&vms);
}

/* FALSE has been complained about. */
static gboolean
says_which (SclctlContext *context)
{
  gboolean all = sclctl_has (context, "all");

  if (all != (context->arguments->len > 0))
    return TRUE;
  if (all)
    sclctl_complain ("--all and the names of VMs: give one or the other");
  else
    sclctl_complain ("which VM? give its NAME (\"sclctl vm list\" shows them), or --all");
  return FALSE;
}

gboolean
sclctl_confirm_stop (SclctlContext *context, SclVm *vm)
{
  const char *lost = scl_vm_get_lost_at_stop (vm);
  g_autofree char *what = NULL;

  if (lost == NULL)
    return TRUE;
  sclctl_complain ("VM \"%s\": %s", scl_vm_get_name (vm), lost);
  what = g_strdup_printf ("stop VM \"%s\" and lose that", scl_vm_get_name (vm));
  return sclctl_confirm (context, what);
}

/* Takes out of VMS those that lose data and were not confirmed; the number of them. */
static guint
leave_out_unconfirmed (SclctlContext *context, GPtrArray *vms)
{
  guint before = vms->len;

  for (guint i = vms->len; i > 0; i--)
    if (!sclctl_confirm_stop (context, g_ptr_array_index (vms, i - 1)))
      g_ptr_array_remove_index (vms, i - 1);
  return before - vms->len;
}

int
sclctl_power_arguments (SclctlContext *context, SclctlBegin begin, gboolean stops)
{
  g_autoptr (GPtrArray) operations = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) vms = NULL;
  gboolean force = sclctl_has (context, "force");
  guint left_out;
  GError *error = NULL;

  if (!says_which (context))
    return SCLCTL_EXIT_USAGE;
  vms = sclctl_has (context, "all") ? look_up_running (context, &error)
                                    : look_up_arguments (context, SCL_OBJECT_KIND_VM, &error);
  if (vms == NULL)
    return sclctl_fail (error);
  if (vms->len == 0)
    {
      sclctl_tell (context, "no VM runs");
      return SCLCTL_EXIT_DONE;
    }
  left_out = stops ? leave_out_unconfirmed (context, vms) : 0;
  if (vms->len == 0)
    return sclctl_refusal_status ();
  for (guint i = 0; i < vms->len; i++)
    g_ptr_array_add (operations, begin (g_ptr_array_index (vms, i), force));
  if (!sclctl_operate (context, operations, &error))
    return sclctl_fail (error);
  return left_out > 0 ? SCLCTL_EXIT_PARTIAL : SCLCTL_EXIT_DONE;
}

/* Those that are there; what is not has maybe been deleted by the same command before it was killed.
 * *OUT_GONE: the error about the first of them, told by the caller when the others are deleted. */
static GPtrArray *
look_up_those_left (SclctlContext *context, SclObjectKind kind, GError **out_gone, GError **error)
{
  g_autoptr (GPtrArray) objects = g_ptr_array_new_with_free_func (g_object_unref);

  if (!sclctl_look (context, error))
    return NULL;
  for (guint i = 0; i < context->arguments->len; i++)
    {
      g_autoptr (GError) gone = NULL;
      GObject *object = sclctl_find_object (context, kind, sclctl_argument (context, i), &gone);

      if (object != NULL && !g_ptr_array_find (objects, object, NULL))
        g_ptr_array_add (objects, object);
      else if (object != NULL)
        g_object_unref (object);
      else if (*out_gone == NULL)
        *out_gone = g_steal_pointer (&gone);
      else
        sclctl_complain ("%s", gone->message);
    }
  if (objects->len > 0)
    return g_steal_pointer (&objects);
  g_propagate_error (error, g_steal_pointer (out_gone));
  return NULL;
}

/* What is left after the first failure is not begun: it may depend on what failed. */
static gboolean
delete_all (SclctlContext *context, GPtrArray *objects, SclctlBegin begin, GError **error)
{
  if (!sclctl_lock (context, error))
    return FALSE;
  for (guint i = 0; i < objects->len; i++)
    {
      g_autoptr (SclOperation) operation
          = begin (g_ptr_array_index (objects, i), sclctl_has (context, "foreign"));

      if (!sclctl_operate_one (context, operation, error))
        return FALSE;
    }
  return TRUE;
}

int
sclctl_delete_arguments (SclctlContext *context, SclObjectKind kind, const char *what,
                         SclctlBegin begin)
{
  GError *error = NULL;
  g_autoptr (GError) gone = NULL;
  g_autoptr (GPtrArray) objects = look_up_those_left (context, kind, &gone, &error);
  g_autofree char *question = NULL;

  if (objects == NULL)
    return sclctl_fail (error);
  question = describe (what, objects, kind);
  if (!sclctl_confirm (context, question))
    return sclctl_refusal_status ();
  if (!delete_all (context, objects, begin, &error))
    return sclctl_fail (error);
  if (gone == NULL)
    return SCLCTL_EXIT_DONE;
  (void) sclctl_fail (g_steal_pointer (&gone));
  return SCLCTL_EXIT_PARTIAL;
}
