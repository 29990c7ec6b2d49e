/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/scl-change-private.h"
#include "client/scl-step-result-private.h"
#include <scl/scl-enum-types.h>

/**
 * SclStepResult:
 *
 * What became of a step of a running or ended operation. Its properties notify in the thread-default
 * context of the operation's creator.
 *
 * Since: 0.1
 */
struct _SclStepResult
{
  GObject parent_instance;
  SclStep *step;
  SclStepStatus status;
  double fraction;
  char *message;
  char *remark;
  GError *error;
  gint64 began; /* monotonic µs */
  double seconds;
};

G_DEFINE_FINAL_TYPE (SclStepResult, scl_step_result, G_TYPE_OBJECT)

typedef enum {
  PROP_STEP = 1,
  PROP_STATUS,
  PROP_FRACTION,
  PROP_MESSAGE,
} SclStepResultProperty;

static GParamSpec *properties[PROP_MESSAGE + 1];

static void
scl_step_result_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SclStepResult *self = SCL_STEP_RESULT (object);

  switch ((SclStepResultProperty) id)
    {
    case PROP_STEP:
      g_value_set_object (value, self->step);
      break;
    case PROP_STATUS:
      g_value_set_enum (value, (int) self->status);
      break;
    case PROP_FRACTION:
      g_value_set_double (value, self->fraction);
      break;
    case PROP_MESSAGE:
      g_value_set_string (value, self->message);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
scl_step_result_finalize (GObject *object)
{
  SclStepResult *self = SCL_STEP_RESULT (object);

  g_clear_object (&self->step);
  g_clear_error (&self->error);
  g_free (self->message);
  g_free (self->remark);
  G_OBJECT_CLASS (scl_step_result_parent_class)->finalize (object);
}

#define FLAGS (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY)

static void
scl_step_result_class_init (SclStepResultClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = scl_step_result_get_property;
  object_class->finalize = scl_step_result_finalize;

  /**
   * SclStepResult:step:
   *
   * The step.
   *
   * Since: 0.1
   */
  properties[PROP_STEP] = g_param_spec_object ("step", NULL, NULL, SCL_TYPE_STEP, FLAGS);
  /**
   * SclStepResult:status:
   *
   * What became of it so far.
   *
   * Since: 0.1
   */
  properties[PROP_STATUS] = g_param_spec_enum ("status", NULL, NULL, SCL_TYPE_STEP_STATUS,
                                               SCL_STEP_STATUS_WAITING, FLAGS);
  /**
   * SclStepResult:fraction:
   *
   * How far a running step is, from 0 to 1; negative if that is not known.
   *
   * Since: 0.1
   */
  properties[PROP_FRACTION] = g_param_spec_double ("fraction", NULL, NULL, -1, 1, 0, FLAGS);
  /**
   * SclStepResult:message:
   *
   * What a running step is doing or waiting for, for people. After its end: what is to be known about
   * how it went though it went well, or %NULL.
   *
   * Since: 0.1
   */
  properties[PROP_MESSAGE] = g_param_spec_string ("message", NULL, NULL, NULL, FLAGS);
  g_object_class_install_properties (object_class, G_N_ELEMENTS (properties), properties);
}

static void
scl_step_result_init (SclStepResult *self)
{
}

SclStepResult *
_scl_step_result_new (SclStep *step)
{
  SclStepResult *self = g_object_new (SCL_TYPE_STEP_RESULT, NULL);

  self->step = g_object_ref (step);
  return self;
}

static void
set_status (SclStepResult *self, SclStepStatus status)
{
  self->status = status;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATUS]);
}

static void
set_message (SclStepResult *self, const char *message)
{
  if (_scl_change_text (&self->message, message))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MESSAGE]);
}

void
_scl_step_result_begin (SclStepResult *self)
{
  self->began = g_get_monotonic_time ();
  set_status (self, SCL_STEP_STATUS_RUNNING);
}

void
_scl_step_result_set_progress (SclStepResult *self, double fraction, const char *message)
{
  self->fraction = fraction;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FRACTION]);
  if (message != NULL)
    set_message (self, message);
}

void
_scl_step_result_remark (SclStepResult *self, const char *message)
{
  (void) _scl_change_text (&self->remark, message);
}

void
_scl_step_result_end (SclStepResult *self, SclStepStatus status, const GError *error)
{
  if (self->began != 0)
    self->seconds = (double) (g_get_monotonic_time () - self->began) / G_USEC_PER_SEC;
  if (error != NULL)
    self->error = g_error_copy (error);
  set_message (self, self->remark);
  set_status (self, status);
}

/**
 * scl_step_result_get_step:
 * @self: a #SclStepResult
 *
 * The step that it is about.
 *
 * Returns: (transfer none): the step
 *
 * Since: 0.1
 */
SclStep *
scl_step_result_get_step (SclStepResult *self)
{
  g_return_val_if_fail (SCL_IS_STEP_RESULT (self), NULL);

  return self->step;
}

/**
 * scl_step_result_get_status:
 * @self: a #SclStepResult
 *
 * What became of it so far.
 *
 * Returns: the status
 *
 * Since: 0.1
 */
SclStepStatus
scl_step_result_get_status (SclStepResult *self)
{
  g_return_val_if_fail (SCL_IS_STEP_RESULT (self), SCL_STEP_STATUS_WAITING);

  return self->status;
}

/**
 * scl_step_result_get_error:
 * @self: a #SclStepResult
 *
 * Why it failed.
 *
 * Returns: (transfer none) (nullable): the error of a failed step, else %NULL
 *
 * Since: 0.1
 */
const GError *
scl_step_result_get_error (SclStepResult *self)
{
  g_return_val_if_fail (SCL_IS_STEP_RESULT (self), NULL);

  return self->error;
}

/**
 * scl_step_result_get_seconds:
 * @self: a #SclStepResult
 *
 * How long an ended step took.
 *
 * Returns: seconds; 0 if it has not ended
 *
 * Since: 0.1
 */
double
scl_step_result_get_seconds (SclStepResult *self)
{
  g_return_val_if_fail (SCL_IS_STEP_RESULT (self), 0);

  return self->seconds;
}
