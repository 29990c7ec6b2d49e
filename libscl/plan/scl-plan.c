/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/scl-plan-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-diagnostic-private.h"

/**
 * SclPlan:
 *
 * What an apply would do now: steps that form a directed acyclic graph, and what there is to say
 * about the manifest on this host.
 *
 * Since: 0.1
 */
struct _SclPlan
{
  GObject parent_instance;
  GListStore *steps;
  GPtrArray *by_id; /* borrowed from steps */
  GListStore *diagnostics;
  gboolean has_removals;
  SclManifest *manifest; /* (nullable): what it was asked for … */
  SclApplyFlags flags;   /* … and how */
};

G_DEFINE_FINAL_TYPE (SclPlan, scl_plan, G_TYPE_OBJECT)

static void
scl_plan_finalize (GObject *object)
{
  SclPlan *self = SCL_PLAN (object);

  g_ptr_array_unref (self->by_id);
  g_clear_object (&self->steps);
  g_clear_object (&self->diagnostics);
  g_clear_object (&self->manifest);
  G_OBJECT_CLASS (scl_plan_parent_class)->finalize (object);
}

static void
scl_plan_class_init (SclPlanClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = scl_plan_finalize;
}

static void
scl_plan_init (SclPlan *self)
{
  self->steps = g_list_store_new (SCL_TYPE_STEP);
  self->by_id = g_ptr_array_new ();
  self->diagnostics = g_list_store_new (SCL_TYPE_DIAGNOSTIC);
}

SclPlan *
_scl_plan_new (void)
{
  return g_object_new (SCL_TYPE_PLAN, NULL);
}

SclStep *
_scl_plan_take (SclPlan *self, SclStep *step)
{
  step->id = self->by_id->len;
  g_ptr_array_add (self->by_id, step);
  g_list_store_append (self->steps, step);
  self->has_removals = self->has_removals || step->removal;
  g_object_unref (step);
  return step;
}

SclStep *
_scl_plan_peek (SclPlan *self, guint id)
{
  return id < self->by_id->len ? self->by_id->pdata[id] : NULL;
}

void
_scl_plan_add_diagnostic (SclPlan *self, SclSeverity severity, const char *path, const char *format,
                          ...)
{
  g_autoptr (SclDiagnostic) diagnostic = NULL;
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  diagnostic = scl_diagnostic_new (severity, path, message);
  g_list_store_append (self->diagnostics, diagnostic);
}

/* Keys are borrowed from the diagnostics. */
static GHashTable *
list_messages (SclPlan *self)
{
  GHashTable *messages = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->diagnostics)); i++)
    {
      g_autoptr (SclDiagnostic) known = g_list_model_get_item (G_LIST_MODEL (self->diagnostics), i);

      g_hash_table_add (messages, (gpointer) scl_diagnostic_get_message (known));
    }
  return messages;
}

void
_scl_plan_take_diagnostics (SclPlan *self, GPtrArray *diagnostics)
{
  g_autoptr (GHashTable) messages = list_messages (self);

  /* What the host lacks can show when it is looked at, and again when it is checked. */
  for (guint i = 0; i < diagnostics->len; i++)
    if (!g_hash_table_contains (messages, scl_diagnostic_get_message (diagnostics->pdata[i])))
      g_list_store_append (self->diagnostics, diagnostics->pdata[i]);
  g_ptr_array_unref (diagnostics);
}

gboolean
_scl_plan_check (SclPlan *self, GError **error)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->diagnostics)); i++)
    g_ptr_array_add (all, g_list_model_get_item (G_LIST_MODEL (self->diagnostics), i));
  return _scl_diagnostic_throw (all, error);
}

void
_scl_plan_set_request (SclPlan *self, SclManifest *manifest, SclApplyFlags flags)
{
  g_set_object (&self->manifest, manifest);
  self->flags = flags;
}

SclManifest *
_scl_plan_get_manifest (SclPlan *self)
{
  return self->manifest;
}

SclApplyFlags
_scl_plan_get_flags (SclPlan *self)
{
  return self->flags;
}

static gboolean
has_removal (SclPlan *self, const SclStep *wanted)
{
  for (guint i = 0; i < self->by_id->len; i++)
    {
      const SclStep *step = self->by_id->pdata[i];

      if (step->removal && step->kind == wanted->kind && g_str_equal (step->names[0], wanted->names[0]))
        return TRUE;
    }
  return FALSE;
}

gboolean
_scl_plan_check_shown (SclPlan *self, SclPlan *shown, GError **error)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < self->by_id->len; i++)
    {
      const SclStep *step = self->by_id->pdata[i];

      if (step->removal && !has_removal (shown, step))
        g_string_append_printf (names, "%s%s \"%s\"", names->len > 0 ? ", " : "",
                                step->kind == SCL_OBJECT_KIND_VM ? "VM" : "network", step->names[0]);
    }
  return names->len == 0
         || scl_throw (error, SCL_ERROR_CONFIRM,
                       "the host has changed since the plan was shown: now %s would be removed, too; "
                       "nothing was done: plan again",
                       names->str);
}

/**
 * scl_plan_get_steps:
 * @self: a #SclPlan
 *
 * The steps, each after those that it needs.
 *
 * Returns: (transfer none): a list of #SclStep
 *
 * Since: 0.1
 */
GListModel *
scl_plan_get_steps (SclPlan *self)
{
  g_return_val_if_fail (SCL_IS_PLAN (self), NULL);

  return G_LIST_MODEL (self->steps);
}

/**
 * scl_plan_get_diagnostics:
 * @self: a #SclPlan
 *
 * What there is to say about the manifest on this host. With an error among them nothing would
 * be applied.
 *
 * Returns: (transfer none): a list of #SclDiagnostic
 *
 * Since: 0.1
 */
GListModel *
scl_plan_get_diagnostics (SclPlan *self)
{
  g_return_val_if_fail (SCL_IS_PLAN (self), NULL);

  return G_LIST_MODEL (self->diagnostics);
}

/**
 * scl_plan_is_empty:
 * @self: a #SclPlan
 *
 * Whether everything is as declared.
 *
 * Returns: whether there is no step
 *
 * Since: 0.1
 */
gboolean
scl_plan_is_empty (SclPlan *self)
{
  g_return_val_if_fail (SCL_IS_PLAN (self), TRUE);

  return self->by_id->len == 0;
}

/**
 * scl_plan_has_removals:
 * @self: a #SclPlan
 *
 * Whether a VM or a network would be removed, which apply does only with %SCL_APPLY_PRUNE.
 *
 * Returns: whether there is such a step
 *
 * Since: 0.1
 */
gboolean
scl_plan_has_removals (SclPlan *self)
{
  g_return_val_if_fail (SCL_IS_PLAN (self), FALSE);

  return self->has_removals;
}

/**
 * scl_plan_to_string:
 * @self: a #SclPlan
 *
 * One line per step.
 *
 * Returns: (transfer full): text for people; empty if there is nothing to do
 *
 * Since: 0.1
 */
char *
scl_plan_to_string (SclPlan *self)
{
  GString *text = g_string_new (NULL);

  g_return_val_if_fail (SCL_IS_PLAN (self), NULL);

  for (guint i = 0; i < self->by_id->len; i++)
    {
      g_autofree char *line = scl_step_to_string (self->by_id->pdata[i]);

      g_string_append_printf (text, "%s\n", line);
    }
  return g_string_free (text, FALSE);
}
