/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/scl-executor-private.h"
#include "base/scl-throw-private.h"

/* One plan under way. Everything below the mutex belongs to it. */
typedef struct
{
  SclPlan *plan;
  SclApplyFlags flags;
  SclStepFunc func;
  gpointer user_data;
  SclOperation *operation;
  GCancellable *cancellable;

  GMutex mutex;
  GCond cond;
  guint n_steps;
  SclStepStatus *status;
  guint *missing;       /* how many needed steps have not ended */
  GPtrArray *dependents; /* by id: GArray of guint */
  GQueue ready;         /* ids + 1 */
  guint n_ended;
  GError *first_error; /* in the order of the plan, whichever came first */
  guint first_failed;
} Executor;

/* A step's reports are thinned: at most one every 50 ms. */
typedef struct
{
  Executor *executor;
  guint id;
  gint64 last;
} Reporter;

static void
report (guint64 done, guint64 total, const char *message, gpointer user_data)
{
  Reporter *reporter = user_data;
  gint64 now = g_get_monotonic_time ();
  double fraction = total == 0 ? -1 : (double) done / (double) total;

  if (reporter->executor->operation == NULL
      || (message == NULL && done < total && now - reporter->last < 50 * 1000))
    return;
  reporter->last = now;
  _scl_operation_step_progress (reporter->executor->operation, reporter->id, CLAMP (fraction, -1, 1),
                                message);
}

static void
remark (const char *message, gpointer user_data)
{
  Reporter *reporter = user_data;

  if (reporter->executor->operation != NULL)
    _scl_operation_remark_step (reporter->executor->operation, reporter->id, message);
}

static void
release_dependents (Executor *self, guint id)
{
  GArray *dependents = self->dependents->pdata[id];

  for (guint i = 0; dependents != NULL && i < dependents->len; i++)
    {
      guint dependent = g_array_index (dependents, guint, i);

      if (--self->missing[dependent] == 0)
        g_queue_push_tail (&self->ready, GUINT_TO_POINTER (dependent + 1));
    }
}

/* With the mutex held. */
static void
end_step (Executor *self, guint id, SclStepStatus status, const GError *error)
{
  self->status[id] = status;
  self->n_ended++;
  if (error != NULL && (self->first_error == NULL || id < self->first_failed))
    {
      g_clear_error (&self->first_error);
      self->first_error = g_error_copy (error);
      self->first_failed = id;
    }
  if (self->operation != NULL)
    {
      _scl_operation_end_step (self->operation, id, status, error);
      _scl_operation_progress (self->operation, (double) self->n_ended / self->n_steps, NULL);
    }
  release_dependents (self, id);
  g_cond_broadcast (&self->cond);
}

/* With the mutex held: what keeps a step from being begun, or WAITING if nothing does. */
static SclStepStatus
verdict (Executor *self, SclStep *step)
{
  if (g_cancellable_is_cancelled (self->cancellable))
    return SCL_STEP_STATUS_CANCELLED;
  for (guint i = 0; i < step->needs->len; i++)
    if (self->status[g_array_index (step->needs, guint, i)] != SCL_STEP_STATUS_DONE)
      return SCL_STEP_STATUS_SKIPPED;
  if (step->removal && (self->flags & SCL_APPLY_PRUNE) == 0)
    return SCL_STEP_STATUS_REFUSED;
  return SCL_STEP_STATUS_WAITING;
}

/* The whole is doing what was begun last. */
static void
tell_begin (Executor *self, SclStep *step)
{
  g_autofree char *text = scl_step_to_string (step);

  _scl_operation_begin_step (self->operation, step->id);
  g_mutex_lock (&self->mutex);
  _scl_operation_progress (self->operation, (double) self->n_ended / self->n_steps, text);
  g_mutex_unlock (&self->mutex);
}

static void
run_step (Executor *self, SclStep *step)
{
  Reporter reporter = { .executor = self, .id = step->id };
  SclProgress progress
      = { .cancellable = self->cancellable, .report = report, .remark = remark, .user_data = &reporter };
  g_autoptr (GError) error = NULL;
  SclStepStatus status = SCL_STEP_STATUS_DONE;

  if (self->operation != NULL)
    tell_begin (self, step);
  if (!self->func (step, &progress, self->user_data, &error) && error == NULL)
    g_set_error_literal (&error, SCL_ERROR, SCL_ERROR_FAILED, "failed without saying why");
  if (error != NULL)
    status = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ? SCL_STEP_STATUS_CANCELLED
                                                                       : SCL_STEP_STATUS_FAILED;
  g_mutex_lock (&self->mutex);
  end_step (self, step->id, status, status == SCL_STEP_STATUS_FAILED ? error : NULL);
  g_mutex_unlock (&self->mutex);
}

/* The next step to run, or NULL when all have ended. */
static SclStep *
next_step (Executor *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  while (self->n_ended < self->n_steps)
    {
      guint id = GPOINTER_TO_UINT (g_queue_pop_head (&self->ready));
      SclStep *step;
      SclStepStatus status;

      if (id == 0)
        {
          g_cond_wait (&self->cond, &self->mutex);
          continue;
        }
      step = _scl_plan_peek (self->plan, id - 1);
      status = verdict (self, step);
      if (status == SCL_STEP_STATUS_WAITING)
        return step;
      end_step (self, step->id, status, NULL);
    }
  return NULL;
}

static gpointer
work (gpointer data)
{
  Executor *self = data;
  SclStep *step;

  while ((step = next_step (self)) != NULL)
    run_step (self, step);
  return NULL;
}

static void
add_dependent (Executor *self, guint id, guint dependent)
{
  if (self->dependents->pdata[id] == NULL)
    self->dependents->pdata[id] = g_array_new (FALSE, FALSE, sizeof (guint));
  g_array_append_val ((GArray *) self->dependents->pdata[id], dependent);
}

static void
array_unref (gpointer array)
{
  if (array != NULL)
    g_array_unref (array);
}

static void
executor_init (Executor *self)
{
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  g_queue_init (&self->ready);
  self->n_steps = g_list_model_get_n_items (scl_plan_get_steps (self->plan));
  self->status = g_new0 (SclStepStatus, self->n_steps);
  self->missing = g_new0 (guint, self->n_steps);
  self->dependents = g_ptr_array_new_with_free_func (array_unref);
  g_ptr_array_set_size (self->dependents, (int) self->n_steps);
  for (guint id = 0; id < self->n_steps; id++)
    {
      SclStep *step = _scl_plan_peek (self->plan, id);

      self->missing[id] = step->needs->len;
      for (guint i = 0; i < step->needs->len; i++)
        add_dependent (self, g_array_index (step->needs, guint, i), id);
      if (step->needs->len == 0)
        g_queue_push_tail (&self->ready, GUINT_TO_POINTER (id + 1));
    }
}

static void
executor_clear (Executor *self)
{
  g_queue_clear (&self->ready);
  g_free (self->status);
  g_free (self->missing);
  g_ptr_array_unref (self->dependents);
  g_clear_error (&self->first_error);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
}

static guint
count (Executor *self, SclStepStatus status)
{
  guint n = 0;

  for (guint id = 0; id < self->n_steps; id++)
    n += self->status[id] == status;
  return n;
}

static gboolean
conclude (Executor *self, GError **error)
{
  guint failed = count (self, SCL_STEP_STATUS_FAILED);
  guint refused = count (self, SCL_STEP_STATUS_REFUSED);
  guint done = count (self, SCL_STEP_STATUS_DONE);
  guint cancelled = count (self, SCL_STEP_STATUS_CANCELLED);

  if (cancelled > 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                   "interrupted: %u of %u steps were done; the same again does the rest", done,
                   self->n_steps);
      return FALSE;
    }
  if (failed > 0 && done == 0)
    {
      g_propagate_error (error, g_steal_pointer (&self->first_error));
      return FALSE;
    }
  if (failed > 0)
    return scl_throw (error, SCL_ERROR_PARTIAL, "%u of %u steps failed, %u were done; the first error: %s",
                      failed, self->n_steps, done, self->first_error->message);
  if (refused > 0)
    return scl_throw (error, SCL_ERROR_CONFIRM,
                      "%u removals were not carried out because they were not confirmed", refused);
  return TRUE;
}

static void
run_workers (Executor *self, guint max_workers)
{
  guint n = MIN (max_workers, self->n_steps);
  g_autofree GThread **threads = g_new0 (GThread *, MAX (n, 1));

  /* Where there cannot be so many threads, fewer do it. */
  for (guint i = 1; i < n; i++)
    threads[i] = g_thread_try_new ("scl-step", work, self, NULL);
  (void) work (self);
  for (guint i = 1; i < n; i++)
    if (threads[i] != NULL)
      (void) g_thread_join (threads[i]);
}

gboolean
_scl_executor_run (SclPlan *plan, SclApplyFlags flags, guint max_workers, SclStepFunc func,
                   gpointer user_data, SclOperation *operation, GCancellable *cancellable,
                   GError **error)
{
  Executor self = { .plan = plan,
                    .flags = flags,
                    .func = func,
                    .user_data = user_data,
                    .operation = operation,
                    .cancellable = cancellable };
  gboolean ok;

  executor_init (&self);
  if (operation != NULL)
    _scl_operation_set_plan (operation, plan);
  run_workers (&self, max_workers);
  ok = conclude (&self, error);
  executor_clear (&self);
  return ok;
}
