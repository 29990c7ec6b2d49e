/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/scl-change-private.h"
#include "client/scl-operation-parts-private.h"
#include "client/scl-step-result-private.h"

/**
 * SclOperation:
 *
 * Work under way: an apply, a start, a removal. It runs from the moment it is returned, in a
 * thread of its own; properties and results notify in the thread-default main context of the
 * caller that got it, or in its scl_operation_wait(), which needs no main loop. Only there are they
 * read; waiting for it, cancelling it and scl_operation_is_done() are for all threads.
 *
 * Operations that need the same come in the order in which they were begun: of two that one thread
 * begins on an instance, whatever connections it uses, the second finds what the first has left. Only
 * power of different VMs, and cutting the power of a VM that is being stopped, do not wait.
 *
 * Dropping the last reference does not end the work; scl_operation_cancel() does, between steps.
 *
 * Since: 0.1
 */
G_DEFINE_FINAL_TYPE (SclOperation, scl_operation, G_TYPE_OBJECT)

/* What the working thread reports, as messages to the creator's context. */

typedef enum { REPORT_PLAN, REPORT_BEGIN, REPORT_END, REPORT_STEP, REPORT_REMARK, REPORT_ALL,
               REPORT_ALL_REMARK, REPORT_DONE } ReportKind;

typedef struct
{
  ReportKind kind;
  guint id;
  SclPlan *plan;
  SclStepStatus status;
  GError *error;
  double fraction;
  char *message;
} Report;

static void
report_free (Report *report)
{
  g_clear_object (&report->plan);
  g_clear_error (&report->error);
  g_free (report->message);
  g_free (report);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Report, report_free)

typedef enum {
  PROP_DESCRIPTION = 1,
  PROP_DONE,
  PROP_FRACTION,
  PROP_MESSAGE,
  PROP_RESULTS,
} SclOperationProperty;

static GParamSpec *properties[PROP_RESULTS + 1];

static void
scl_operation_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SclOperation *self = SCL_OPERATION (object);

  g_return_if_fail (id == PROP_DESCRIPTION || _scl_home_is_here (self->home));

  switch ((SclOperationProperty) id)
    {
    case PROP_DESCRIPTION:
      g_value_set_string (value, self->description);
      break;
    case PROP_DONE:
      g_value_set_boolean (value, self->done);
      break;
    case PROP_FRACTION:
      g_value_set_double (value, self->fraction);
      break;
    case PROP_MESSAGE:
      g_value_set_string (value, self->message);
      break;
    case PROP_RESULTS:
      g_value_set_object (value, self->results);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
scl_operation_finalize (GObject *object)
{
  SclOperation *self = SCL_OPERATION (object);

  g_free (self->description);
  _scl_home_unref (self->home);
  g_object_unref (self->cancellable);
  g_clear_error (&self->error);
  g_ptr_array_unref (self->waiters);
  g_clear_pointer (&self->delivery, g_source_unref);
  g_queue_clear_full (&self->reports, (GDestroyNotify) report_free);
  g_object_unref (self->results);
  g_free (self->message);
  g_free (self->remark);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  G_OBJECT_CLASS (scl_operation_parent_class)->finalize (object);
}

#define FLAGS (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY)

static void
scl_operation_class_init (SclOperationClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = scl_operation_get_property;
  object_class->finalize = scl_operation_finalize;

  /**
   * SclOperation:description:
   *
   * What is done, for people: "apply", "stop VM demo".
   *
   * Since: 0.1
   */
  properties[PROP_DESCRIPTION] = g_param_spec_string ("description", NULL, NULL, NULL, FLAGS);
  /**
   * SclOperation:done:
   *
   * Whether it has ended, well or not.
   *
   * Since: 0.1
   */
  properties[PROP_DONE] = g_param_spec_boolean ("done", NULL, NULL, FALSE, FLAGS);
  /**
   * SclOperation:fraction:
   *
   * How far it is, from 0 to 1; negative if that is not known.
   *
   * Since: 0.1
   */
  properties[PROP_FRACTION] = g_param_spec_double ("fraction", NULL, NULL, -1, 1, 0, FLAGS);
  /**
   * SclOperation:message:
   *
   * What it is doing or waiting for, for people. After its end: what is to be known about how it went
   * though it went well, such as a guest whose power had to be cut, or %NULL.
   *
   * Since: 0.1
   */
  properties[PROP_MESSAGE] = g_param_spec_string ("message", NULL, NULL, NULL, FLAGS);
  /**
   * SclOperation:results:
   *
   * The steps of an apply and what becomes of them, #SclStepResult; empty until it is planned.
   *
   * Since: 0.1
   */
  properties[PROP_RESULTS]
      = g_param_spec_object ("results", NULL, NULL, G_TYPE_LIST_MODEL, FLAGS);
  g_object_class_install_properties (object_class, G_N_ELEMENTS (properties), properties);
}

static void
scl_operation_init (SclOperation *self)
{
  self->home = _scl_home_new ();
  self->cancellable = g_cancellable_new ();
  self->waiters = g_ptr_array_new_with_free_func ((GDestroyNotify) _scl_operation_waiter_free);
  self->results = g_list_store_new (SCL_TYPE_STEP_RESULT);
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
}

static void
take_plan (SclOperation *self, SclPlan *plan)
{
  GListModel *steps = scl_plan_get_steps (plan);

  for (guint i = 0; i < g_list_model_get_n_items (steps); i++)
    {
      g_autoptr (SclStep) step = g_list_model_get_item (steps, i);
      g_autoptr (SclStepResult) result = _scl_step_result_new (step);

      g_list_store_append (self->results, result);
    }
}

static void
set_message (SclOperation *self, const char *message)
{
  if (_scl_change_text (&self->message, message))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MESSAGE]);
}

static void
take_progress (SclOperation *self, double fraction, const char *message)
{
  self->fraction = fraction;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FRACTION]);
  if (message != NULL)
    set_message (self, message);
}

static void
take_done (SclOperation *self)
{
  set_message (self, self->remark);
  self->done = TRUE;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_DONE]);
}

static void
take_step_report (SclOperation *self, const Report *report)
{
  g_autoptr (SclStepResult) result
      = g_list_model_get_item (G_LIST_MODEL (self->results), report->id);

  g_return_if_fail (result != NULL);
  if (report->kind == REPORT_BEGIN)
    _scl_step_result_begin (result);
  else if (report->kind == REPORT_END)
    _scl_step_result_end (result, report->status, report->error);
  else if (report->kind == REPORT_REMARK)
    _scl_step_result_remark (result, report->message);
  else
    _scl_step_result_set_progress (result, report->fraction, report->message);
}

static void
take_report (SclOperation *self, const Report *report)
{
  if (report->kind == REPORT_PLAN)
    take_plan (self, report->plan);
  else if (report->kind == REPORT_ALL)
    take_progress (self, report->fraction, report->message);
  else if (report->kind == REPORT_ALL_REMARK)
    (void) _scl_change_text (&self->remark, report->message);
  else if (report->kind == REPORT_DONE)
    take_done (self);
  else
    take_step_report (self, report);
}

static Report *
pop_report (SclOperation *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return g_queue_pop_head (&self->reports);
}

void
_scl_operation_deliver (SclOperation *self)
{
  for (;;)
    {
      g_autoptr (Report) report = pop_report (self);

      if (report == NULL)
        return;
      take_report (self, report);
    }
}

GSource *
_scl_operation_take_delivery (SclOperation *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return g_steal_pointer (&self->delivery);
}

static gboolean
deliver (gpointer data)
{
  SclOperation *self = data;
  g_autoptr (GSource) source = _scl_operation_take_delivery (self);

  if (_scl_home_is_served_here (self->home))
    _scl_operation_deliver (self);
  return G_SOURCE_REMOVE;
}

/* With the mutex held. */
static void
push (SclOperation *self, Report report)
{
  g_queue_push_tail (&self->reports, g_memdup2 (&report, sizeof report));
  if (self->delivery == NULL)
    self->delivery = _scl_home_send (self->home, deliver, g_object_ref (self), g_object_unref);
}

static void
send (SclOperation *self, Report report)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  push (self, report);
}

void
_scl_operation_set_plan (SclOperation *self, SclPlan *plan)
{
  send (self, (Report){ .kind = REPORT_PLAN, .plan = g_object_ref (plan) });
}

void
_scl_operation_begin_step (SclOperation *self, guint id)
{
  send (self, (Report){ .kind = REPORT_BEGIN, .id = id });
}

void
_scl_operation_end_step (SclOperation *self, guint id, SclStepStatus status, const GError *error)
{
  send (self, (Report){ .kind = REPORT_END,
                        .id = id,
                        .status = status,
                        .error = error == NULL ? NULL : g_error_copy (error) });
}

void
_scl_operation_step_progress (SclOperation *self, guint id, double fraction, const char *message)
{
  send (self, (Report){ .kind = REPORT_STEP,
                        .id = id,
                        .fraction = fraction,
                        .message = g_strdup (message) });
}

void
_scl_operation_progress (SclOperation *self, double fraction, const char *message)
{
  send (self,
        (Report){ .kind = REPORT_ALL, .fraction = fraction, .message = g_strdup (message) });
}

void
_scl_operation_remark_step (SclOperation *self, guint id, const char *message)
{
  send (self, (Report){ .kind = REPORT_REMARK, .id = id, .message = g_strdup (message) });
}

void
_scl_operation_remark (SclOperation *self, const char *message)
{
  send (self, (Report){ .kind = REPORT_ALL_REMARK, .message = g_strdup (message) });
}

/* --- the work --- */

void
_scl_operation_return_task (GTask *task, const GError *error)
{
  if (error != NULL)
    g_task_return_error (task, g_error_copy (error));
  else
    g_task_return_boolean (task, TRUE);
}

static void
finish (SclOperation *self, GError *error)
{
  g_autoptr (GPtrArray) waiters = NULL;

  g_mutex_lock (&self->mutex);
  self->error = error;
  self->ended = TRUE;
  push (self, (Report){ .kind = REPORT_DONE });
  waiters = g_steal_pointer (&self->waiters);
  self->waiters = g_ptr_array_new_with_free_func ((GDestroyNotify) _scl_operation_waiter_free);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
  for (guint i = 0; i < waiters->len; i++)
    _scl_operation_return_task (((SclWaiter *) waiters->pdata[i])->task, error);
}

/* In the caller's thread: what is begun first comes first. */
static void
reserve (SclOperation *self)
{
  if (self->driver != NULL && SCL_DRIVER_GET_IFACE (self->driver)->reserve != NULL)
    SCL_DRIVER_GET_IFACE (self->driver)->reserve (self->driver, self);
}

static void
give_back (SclOperation *self)
{
  if (self->driver != NULL && SCL_DRIVER_GET_IFACE (self->driver)->give_back != NULL)
    SCL_DRIVER_GET_IFACE (self->driver)->give_back (self->driver, self);
}

static gpointer
work (gpointer data)
{
  g_autoptr (SclOperation) self = data;
  GError *error = NULL;

  if (!self->func (self, self->data, self->cancellable, &error) && error == NULL)
    g_set_error_literal (&error, G_IO_ERROR, G_IO_ERROR_FAILED, "failed without saying why");
  give_back (self);
  if (self->free_data != NULL)
    self->free_data (self->data);
  finish (self, error);
  return NULL;
}

/* A limit on threads is no reason to end the whole process, as g_thread_new () does. */
static void
fail_to_begin (SclOperation *self, GError *error)
{
  give_back (self);
  if (self->free_data != NULL)
    self->free_data (self->data);
  g_prefix_error (&error, "%s: ", self->description);
  finish (self, error);
  g_object_unref (self);
}

SclOperation *
_scl_operation_start (GObject *driver, const char *description, SclOperationFunc func,
                      gpointer data, GDestroyNotify free_data)
{
  SclOperation *self = g_object_new (SCL_TYPE_OPERATION, NULL);
  GError *error = NULL;
  GThread *thread;

  if (driver != NULL && !_scl_driver_check_process (&error))
    {
      if (free_data != NULL)
        free_data (data);
      g_object_unref (self);
      return _scl_operation_new_failed (description, error);
    }
  self->description = g_strdup (description);
  self->func = func;
  self->data = data;
  self->free_data = free_data;
  self->driver = driver != NULL ? SCL_DRIVER (driver) : NULL;
  reserve (self);
  thread = g_thread_try_new ("scl-operation", work, g_object_ref (self), &error);
  if (thread != NULL)
    g_thread_unref (thread);
  else
    fail_to_begin (self, error);
  return self;
}

SclOperation *
_scl_operation_new_failed (const char *description, GError *error)
{
  SclOperation *self = g_object_new (SCL_TYPE_OPERATION, NULL);

  self->description = g_strdup (description);
  finish (self, error);
  return self;
}

/* --- the caller's side --- */

/**
 * scl_operation_get_description:
 * @self: a #SclOperation
 *
 * What is done, for people.
 *
 * Returns: e.g. "apply"
 *
 * Since: 0.1
 */
const char *
scl_operation_get_description (SclOperation *self)
{
  g_return_val_if_fail (SCL_IS_OPERATION (self), NULL);

  return self->description;
}

/**
 * scl_operation_is_done:
 * @self: a #SclOperation
 *
 * Whether it has ended, well or not. May be called from any thread.
 *
 * Returns: whether it has
 *
 * Since: 0.1
 */
gboolean
scl_operation_is_done (SclOperation *self)
{
  g_autoptr (GMutexLocker) locker = NULL;

  g_return_val_if_fail (SCL_IS_OPERATION (self), TRUE);

  locker = g_mutex_locker_new (&self->mutex);
  return self->ended;
}

/**
 * scl_operation_get_fraction:
 * @self: a #SclOperation
 *
 * How far it is.
 *
 * Returns: from 0 to 1; negative if that is not known
 *
 * Since: 0.1
 */
double
scl_operation_get_fraction (SclOperation *self)
{
  g_return_val_if_fail (SCL_IS_OPERATION (self) && _scl_home_is_here (self->home), 0);

  return self->fraction;
}

/**
 * scl_operation_get_message:
 * @self: a #SclOperation
 *
 * What it is doing or waiting for, for people; after its end what is to be known about how it went.
 *
 * Returns: (nullable): a message, or %NULL if there is nothing to say
 *
 * Since: 0.1
 */
const char *
scl_operation_get_message (SclOperation *self)
{
  g_return_val_if_fail (SCL_IS_OPERATION (self) && _scl_home_is_here (self->home), NULL);

  return self->message;
}

/**
 * scl_operation_get_results:
 * @self: a #SclOperation
 *
 * The steps of an apply and what becomes of them.
 *
 * Returns: (transfer none): a list of #SclStepResult; empty until it is planned and for operations
 * that are a single step
 *
 * Since: 0.1
 */
GListModel *
scl_operation_get_results (SclOperation *self)
{
  g_return_val_if_fail (SCL_IS_OPERATION (self) && _scl_home_is_here (self->home), NULL);

  return G_LIST_MODEL (self->results);
}

/**
 * scl_operation_cancel:
 * @self: a #SclOperation
 *
 * Asks it to end: steps under way are finished or undone, no other one is begun. It ends with
 * %G_IO_ERROR_CANCELLED unless it was already through.
 *
 * Since: 0.1
 */
void
scl_operation_cancel (SclOperation *self)
{
  g_return_if_fail (SCL_IS_OPERATION (self));

  g_cancellable_cancel (self->cancellable);
}
