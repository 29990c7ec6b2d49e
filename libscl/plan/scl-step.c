/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/scl-step-private.h"
#include <scl/scl-enum-types.h>

/**
 * SclStep:
 *
 * One step of a plan: what is done to which object, and why. Steps that do not need each other may
 * be carried out at the same time. Immutable.
 *
 * Since: 0.1
 */
G_DEFINE_FINAL_TYPE (SclStep, scl_step, G_TYPE_OBJECT)

static void
scl_step_finalize (GObject *object)
{
  SclStep *self = SCL_STEP (object);

  g_strfreev (self->names);
  g_string_free (self->reason, TRUE);
  g_clear_error (&self->error);
  g_array_unref (self->needs);
  g_clear_pointer (&self->host, _scl_host_target_free);
  g_clear_pointer (&self->networks, g_ptr_array_unref);
  g_clear_object (&self->vm);
  g_clear_object (&self->disk);
  g_clear_pointer (&self->macs, g_ptr_array_unref);
  g_clear_pointer (&self->nics, g_array_unref);
  G_OBJECT_CLASS (scl_step_parent_class)->finalize (object);
}

static void
scl_step_class_init (SclStepClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = scl_step_finalize;
}

static void
scl_step_init (SclStep *self)
{
  self->reason = g_string_new (NULL);
  self->needs = g_array_new (FALSE, FALSE, sizeof (guint));
}

SclStep *
_scl_step_new (SclJob job, SclAction action, SclObjectKind kind, const char *name)
{
  SclStep *self = g_object_new (SCL_TYPE_STEP, NULL);

  self->job = job;
  self->action = action;
  self->kind = kind;
  self->names = g_new0 (char *, 2);
  self->names[0] = g_strdup (name);
  return self;
}

void
_scl_step_take_names (SclStep *self, char **names)
{
  g_strfreev (self->names);
  self->names = names;
}

void
_scl_step_add_reason (SclStep *self, const char *format, ...)
{
  va_list args;

  if (self->reason->len > 0)
    g_string_append (self->reason, ", ");
  va_start (args, format);
  g_string_append_vprintf (self->reason, format, args);
  va_end (args);
}

void
_scl_step_block (SclStep *self, SclError code)
{
  self->job = SCL_JOB_BLOCKED;
  self->action = SCL_ACTION_BLOCKED;
  g_clear_error (&self->error);
  self->error = g_error_new_literal (SCL_ERROR, (int) code, self->reason->str);
}

void
_scl_step_add_need (SclStep *self, SclStep *needed)
{
  if (needed == NULL)
    return;
  g_return_if_fail (needed->id < self->id);
  for (guint i = 0; i < self->needs->len; i++)
    if (g_array_index (self->needs, guint, i) == needed->id)
      return;
  g_array_append_val (self->needs, needed->id);
}

/**
 * scl_step_get_id:
 * @self: a #SclStep
 *
 * Its number in the plan.
 *
 * Returns: counted from 0
 *
 * Since: 0.1
 */
guint
scl_step_get_id (SclStep *self)
{
  g_return_val_if_fail (SCL_IS_STEP (self), 0);

  return self->id;
}

/**
 * scl_step_get_action:
 * @self: a #SclStep
 *
 * What is done.
 *
 * Returns: the action
 *
 * Since: 0.1
 */
SclAction
scl_step_get_action (SclStep *self)
{
  g_return_val_if_fail (SCL_IS_STEP (self), SCL_ACTION_CREATE);

  return self->action;
}

/**
 * scl_step_get_kind:
 * @self: a #SclStep
 *
 * What kind of object it is done to.
 *
 * Returns: the kind
 *
 * Since: 0.1
 */
SclObjectKind
scl_step_get_kind (SclStep *self)
{
  g_return_val_if_fail (SCL_IS_STEP (self), SCL_OBJECT_KIND_HOST);

  return self->kind;
}

/**
 * scl_step_get_name:
 * @self: a #SclStep
 *
 * The object that it is done to, or the first of several: see scl_step_get_names().
 *
 * Returns: the name; "host" for the host's own part
 *
 * Since: 0.1
 */
const char *
scl_step_get_name (SclStep *self)
{
  g_return_val_if_fail (SCL_IS_STEP (self), NULL);

  return self->names[0];
}

/**
 * scl_step_get_names:
 * @self: a #SclStep
 *
 * All objects that it is done to. There are several where they can only be changed together: networks
 * between which a VM moves, or that swap their external addresses.
 *
 * Returns: (transfer none) (array zero-terminated=1): the names, at least one; "host" for the host's own
 * part
 *
 * Since: 0.1
 */
const char *const *
scl_step_get_names (SclStep *self)
{
  g_return_val_if_fail (SCL_IS_STEP (self), NULL);

  return (const char *const *) self->names;
}

/**
 * scl_step_get_reason:
 * @self: a #SclStep
 *
 * Why it is done, for people.
 *
 * Returns: e.g. "cores 1 → 2"
 *
 * Since: 0.1
 */
const char *
scl_step_get_reason (SclStep *self)
{
  g_return_val_if_fail (SCL_IS_STEP (self), NULL);

  return self->reason->str;
}

/**
 * scl_step_get_error:
 * @self: a #SclStep
 *
 * Why nothing can be done, if its action is %SCL_ACTION_BLOCKED: what an apply fails with.
 *
 * Returns: (transfer none) (nullable): the error with the code that fits it; %NULL of all other steps
 *
 * Since: 0.1
 */
const GError *
scl_step_get_error (SclStep *self)
{
  g_return_val_if_fail (SCL_IS_STEP (self), NULL);

  return self->error;
}

/**
 * scl_step_is_removal:
 * @self: a #SclStep
 *
 * Whether it removes a VM or a network, which needs a confirmation (%SCL_APPLY_PRUNE).
 *
 * Returns: whether it does
 *
 * Since: 0.1
 */
gboolean
scl_step_is_removal (SclStep *self)
{
  g_return_val_if_fail (SCL_IS_STEP (self), FALSE);

  return self->removal;
}

/**
 * scl_step_get_needs:
 * @self: a #SclStep
 * @n_needs: (out): how many there are
 *
 * The steps that must be done before this one begins.
 *
 * Returns: (array length=n_needs) (transfer none): their ids
 *
 * Since: 0.1
 */
const guint *
scl_step_get_needs (SclStep *self, gsize *n_needs)
{
  g_return_val_if_fail (SCL_IS_STEP (self) && n_needs != NULL, NULL);

  *n_needs = self->needs->len;
  return (const guint *) (gpointer) self->needs->data;
}

static const char *
nick (GType type, int value)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (type);

  return g_enum_get_value (klass, value)->value_nick;
}

/**
 * scl_step_to_string:
 * @self: a #SclStep
 *
 * One line for people.
 *
 * Returns: (transfer full): e.g. `create network "default": not there`
 *
 * Since: 0.1
 */
char *
scl_step_to_string (SclStep *self)
{
  g_autofree char *names = NULL;
  const char *action, *kind;

  g_return_val_if_fail (SCL_IS_STEP (self), NULL);

  action = nick (SCL_TYPE_ACTION, (int) self->action);
  kind = nick (SCL_TYPE_OBJECT_KIND, (int) self->kind);
  if (self->kind == SCL_OBJECT_KIND_HOST)
    return g_strdup_printf ("%s %s: %s", action, kind, self->reason->str);
  names = g_strjoinv ("\", \"", self->names);
  return g_strdup_printf ("%s %s \"%s\": %s", action, kind, names, self->reason->str);
}
