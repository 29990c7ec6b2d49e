/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/scl-engine-private.h"

void
_scl_engine_planned_free (SclEnginePlanned *planned)
{
  g_object_unref (planned->manifest);
  g_object_unref (planned->plan);
  _scl_observation_unref (planned->observed);
  g_free (planned);
}

/* Nobody changes the instance: it is held, and no operation of the holder's own has a turn. OUT_EPOCH is
 * another as soon as one has begun. */
gboolean
_scl_engine_is_quiet (SclEngine *self, guint64 *out_epoch)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->mutex);

  *out_epoch = self->epoch;
  return self->held && _scl_engine_queue_get_length (self->queue) == 1;
}

void
_scl_engine_keep_planned (SclEngine *self, guint64 epoch, SclManifest *manifest, SclApplyFlags flags,
                          SclPlan *plan, SclObservation *observed)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->mutex);

  if (self->epoch != epoch)
    return;
  g_clear_pointer (&self->planned, _scl_engine_planned_free);
  self->planned = g_new0 (SclEnginePlanned, 1);
  self->planned->manifest = g_object_ref (manifest);
  self->planned->flags = flags;
  self->planned->plan = g_object_ref (plan);
  self->planned->observed = _scl_observation_ref (observed);
}

void
_scl_engine_forget_planned (SclEngine *self)
{
  g_mutex_lock (&self->mutex);
  self->epoch++;
  g_clear_pointer (&self->planned, _scl_engine_planned_free);
  g_mutex_unlock (&self->mutex);
}

SclEnginePlanned *
_scl_engine_take_planned (SclEngine *self, SclManifest *manifest, SclApplyFlags flags)
{
  g_autoptr (SclEnginePlanned) planned = NULL;

  g_mutex_lock (&self->mutex);
  planned = g_steal_pointer (&self->planned);
  g_mutex_unlock (&self->mutex);
  if (planned == NULL || (flags & SCL_APPLY_AS_PLANNED) == 0 || planned->manifest != manifest
      || planned->flags != (flags & ~(SclApplyFlags) SCL_APPLY_AS_PLANNED))
    return NULL;
  return g_steal_pointer (&planned);
}
