/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/scl-throw-private.h"
#include "engine/scl-engine-private.h"
#include "model/scl-list-private.h"
#include "model/scl-names-private.h"
#include <scl/scl-disk-spec.h>
#include <string.h>

static void
disown (SclObservedVolume *volume, const char *why)
{
  volume->foreign = TRUE;
  volume->foreign_why = g_strdup_printf ("%s is of SCL 0.1, which did not note whose it is, and %s: it is "
                                         "not touched until then",
                                         volume->path, why);
}

static void
settle_owner (SclEngine *self, SclObservedVolume *volume, SclSources *sources, const GError *error)
{
  g_autofree char *unknown
      = error == NULL ? NULL : g_strdup_printf ("which domain uses it cannot be told (%s)", error->message);
  gboolean used;
  SclSourceUser user;

  if (sources == NULL)
    {
      disown (volume, unknown);
      return;
    }
  used = _scl_sources_find (sources, volume->path, NULL, NULL, &user);
  if (!used && volume->held)
    disown (volume, "a QEMU of another hypervisor has it open, so it may be another instance's: let that one "
                    "apply first, or end it");
  if (!used || user.instance == NULL || strcmp (user.instance, self->prefix) == 0)
    return;
  volume->foreign = TRUE;
  volume->instance = g_strdup (user.instance);
}

/* 0.1 put the volumes of all instances into one folder and did not note whose they are. One that a VM
 * of another instance uses is that instance's; where that cannot be told it is nobody's until it can. */
gboolean
_scl_engine_settle_owners (SclEngine *self, SclObservation *observed, GCancellable *cancellable,
                           GError **error)
{
  g_autoptr (SclSources) sources = NULL;
  g_autoptr (GError) unknown = NULL;

  for (guint i = 0; i < observed->volumes->len; i++)
    {
      SclObservedVolume *volume = observed->volumes->pdata[i];

      if (!volume->in_doubt)
        continue;
      if (sources == NULL && unknown == NULL)
        sources = _scl_vm_backend_list_sources (self->vms, NULL, cancellable, &unknown);
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      settle_owner (self, volume, sources, unknown);
    }
  return TRUE;
}

/* TRUE: it is VM itself, whose domain was not there when VMs were read. */
static gboolean
note_user (SclEngine *self, SclVmSpec *vm, SclObservedVolume *volume, SclSources *sources)
{
  g_autofree char *domain = _scl_names_domain (self->prefix, scl_vm_spec_get_name (vm));
  SclSourceUser user;

  if (volume->used_by == NULL && _scl_sources_find (sources, volume->path, NULL, NULL, &user))
    volume->used_by = g_strdup (user.domain);
  return g_strcmp0 (volume->used_by, domain) == 0;
}

static gboolean
note_users (SclEngine *self, SclVmSpec *vm, SclObservation *observed, SclSources **sources,
            gboolean *out_is_late, GCancellable *cancellable, GError **error)
{
  SclDiskSpec *disk;

  for (guint i = 0; (disk = _scl_list_peek (scl_vm_spec_get_disks (vm), i)) != NULL; i++)
    {
      SclObservedVolume *volume
          = _scl_observation_lookup_volume (observed, scl_disk_spec_get_volume (disk));

      if (volume == NULL || volume->foreign || volume->path == NULL)
        continue;
      if (*sources == NULL)
        *sources = _scl_vm_backend_list_sources (self->vms, NULL, cancellable, error);
      if (*sources == NULL)
        return FALSE;
      if (note_user (self, vm, volume, *sources))
        *out_is_late = TRUE;
    }
  return TRUE;
}

/* A VM of DESIRED that is not there, but whose volume is: its domain may have another name by now. */
gboolean
_scl_engine_note_users (SclEngine *self, SclManifest *desired, SclObservation *observed,
                        gboolean *out_is_late, GCancellable *cancellable, GError **error)
{
  g_autoptr (SclSources) sources = NULL;
  SclVmSpec *vm;

  *out_is_late = FALSE;
  for (guint i = 0; (vm = _scl_list_peek (scl_manifest_get_vms (desired), i)) != NULL; i++)
    if (_scl_observation_lookup_vm (observed, scl_vm_spec_get_name (vm)) == NULL
        && !note_users (self, vm, observed, &sources, out_is_late, cancellable, error))
      return FALSE;
  return TRUE;
}

SclObservation *
_scl_engine_observe_to_change (SclEngine *self, SclManifest *desired, GCancellable *cancellable,
                               GError **error)
{
  g_autoptr (SclObservation) observed = _scl_engine_observe (self, desired, cancellable, error);

  if (observed == NULL || !_scl_volume_backend_claim (self->volumes, observed, error))
    return NULL;
  return g_steal_pointer (&observed);
}

/* Where nothing can be told, none is noted: who removes one asks again, and says why it is kept. */
gboolean
_scl_engine_note_other_users (SclEngine *self, SclObservation *observed, GCancellable *cancellable,
                              GError **error)
{
  g_autoptr (GHashTable) users = _scl_observation_list_users (observed);
  g_autoptr (SclSources) sources = NULL;
  SclSourceUser user;

  for (guint i = 0; i < observed->volumes->len; i++)
    {
      SclObservedVolume *volume = observed->volumes->pdata[i];

      if ((volume->leftover && !volume->nvram) || volume->path == NULL
          || (volume->foreign && volume->instance != NULL)
          || g_hash_table_contains (users, volume->name))
        continue;
      if (sources == NULL)
        sources = _scl_vm_backend_list_sources (self->vms, observed, cancellable, NULL);
      if (sources == NULL)
        return !g_cancellable_set_error_if_cancelled (cancellable, error);
      if (_scl_sources_find_need (sources, volume->path, &user))
        volume->used_by = g_strdup (user.domain);
    }
  return TRUE;
}

/* --- who the instance is --- */

gboolean
_scl_engine_take_claim (SclEngine *self, gboolean in_folder, gboolean *out_new, GError **error)
{
  *out_new = FALSE;
  return self->claim == NULL || _scl_instance_claim_take (self->claim, in_folder, out_new, error);
}

char *
_scl_engine_connect_to (SclEngine *self, const char *prefix, const char *hypervisor)
{
  return self->claim == NULL ? g_strdup_printf ("local:?prefix=%s", prefix)
                             : _scl_instance_claim_connect_to (self->claim, prefix, hypervisor);
}

static gboolean
is_empty (SclObservation *observed)
{
  for (guint i = 0; i < observed->networks->len; i++)
    if (!((SclObservedNetwork *) observed->networks->pdata[i])->foreign)
      return FALSE;
  for (guint i = 0; i < observed->vms->len; i++)
    if (!((SclObservedVm *) observed->vms->pdata[i])->foreign)
      return FALSE;
  return !observed->host.present;
}

gboolean
_scl_engine_settle_claim (SclEngine *self, GError **error)
{
  g_autoptr (SclObservation) observed = NULL;
  g_autoptr (GError) cause = NULL;

  if (self->claim == NULL)
    return TRUE;
  observed = _scl_engine_observe (self, NULL, NULL, &cause);
  if (observed == NULL)
    return scl_throw (error, SCL_ERROR_PARTIAL,
                      "all is removed, but that nothing is left could not be seen (%s): the prefix stays taken "
                      "until the same again",
                      cause->message);
  if (is_empty (observed))
    _scl_instance_claim_give_up (self->claim);
  return TRUE;
}

void
_scl_engine_plan_release (SclEngine *self, SclPlan *plan)
{
  SclStep *step;

  if (self->claim == NULL || g_list_model_get_n_items (scl_plan_get_steps (plan)) > 0
      || !_scl_instance_claim_is_noted (self->claim))
    return;
  step = _scl_step_new (SCL_JOB_HOST_ENSURE, SCL_ACTION_RELEASE, SCL_OBJECT_KIND_HOST, "host");
  step->host = _scl_host_target_new (NULL);
  _scl_step_add_reason (step, "nothing is left: the prefix is free for another hypervisor or state folder");
  _scl_plan_take (plan, step);
}

/* --- what all domains name --- */

void
_scl_engine_ask_sources (SclEngine *self, GCancellable *cancellable)
{
  SclSources *sources = _scl_vm_backend_list_sources (self->vms, NULL, cancellable, NULL);

  _scl_engine_forget_sources (self);
  g_mutex_lock (&self->mutex);
  self->sources = sources;
  g_mutex_unlock (&self->mutex);
}

void
_scl_engine_forget_sources (SclEngine *self)
{
  SclSources *old;

  g_mutex_lock (&self->mutex);
  old = g_steal_pointer (&self->sources);
  g_mutex_unlock (&self->mutex);
  g_clear_pointer (&old, _scl_sources_unref);
}

SclSources *
_scl_engine_get_sources (SclEngine *self, GCancellable *cancellable, GError **error)
{
  SclSources *sources;

  g_mutex_lock (&self->mutex);
  sources = self->sources == NULL ? NULL : _scl_sources_ref (self->sources);
  g_mutex_unlock (&self->mutex);
  return sources != NULL ? sources : _scl_vm_backend_list_sources (self->vms, NULL, cancellable, error);
}

SclSources *
_scl_engine_share_sources (gpointer engine, GCancellable *cancellable, GError **error)
{
  SclEngine *self = engine;
  SclSources *sources = _scl_engine_get_sources (self, cancellable, error);

  if (sources == NULL)
    return NULL;
  g_mutex_lock (&self->mutex);
  if (self->sources == NULL)
    self->sources = _scl_sources_ref (sources);
  g_mutex_unlock (&self->mutex);
  return sources;
}
