/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Volumes are removed only where nobody needs them: who could is asked before. */
#include "base/scl-throw-private.h"
#include "engine/scl-engine-private.h"
#include "engine/scl-executor-private.h"
#include <string.h>

/* OWNERS: at least one. */
static gboolean
throw_of_others (SclEngine *self, const char *name, char *const *owners, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (char *const *owner = owners; *owner != NULL; owner++)
    {
      g_autofree char *uri = _scl_engine_connect_to (self, *owner, NULL);

      g_string_append_printf (text, "%s instance \"%s\" (sclctl -c '%s' volume show %s)",
                              owner == owners ? "" : " and one to", *owner, uri, name);
    }
  return scl_throw (error, SCL_ERROR_EXISTS,
                    "volume \"%s\" belongs to%s, not to \"%s\": it is deleted only there; "
                    "`sclctl volume adopt %s --from %s` takes it over",
                    name, text->str, self->prefix, name, owners[0]);
}

/* VOLUME (nullable) is what has its name in the folders of this instance. */
static gboolean
throw_not_here (SclEngine *self, const SclObservedVolume *volume, const char *name, GError **error)
{
  char *seen[] = { volume == NULL ? NULL : volume->instance, NULL };
  g_auto (GStrv) owners = NULL;

  if (seen[0] != NULL)
    return throw_of_others (self, name, seen, error);
  owners = _scl_volume_backend_list_owners (self->volumes, name);
  if (*owners != NULL)
    return throw_of_others (self, name, owners, error);
  return scl_throw (error, SCL_ERROR_NOT_FOUND,
                    "volume \"%s\" does not exist: `sclctl volume list` shows those that do", name);
}

/* Whether it may be deleted at all, whoever uses it. */
static gboolean
check_ours (SclEngine *self, const SclObservedVolume *volume, SclDeleteFlags flags, GError **error)
{
  if (!volume->foreign || (volume->instance == NULL && (flags & SCL_DELETE_FOREIGN) != 0))
    return TRUE;
  if (volume->foreign_why != NULL)
    return scl_throw (error, SCL_ERROR_EXISTS, "volume \"%s\": %s", volume->name, volume->foreign_why);
  if (volume->instance != NULL)
    return throw_not_here (self, volume, volume->name, error);
  return scl_throw (error, SCL_ERROR_EXISTS,
                    "volume \"%s\": %s was not made by SCL: it is kept; `sclctl volume delete "
                    "--foreign %s` deletes it all the same",
                    volume->name, volume->path, volume->name);
}

/* USERS: as _scl_observation_list_users() lists them. */
static gboolean
check_unused (GHashTable *users, SclSources *sources, const SclObservedVolume *volume,
              GError **error)
{
  const char *user = g_hash_table_lookup (users, volume->name);
  SclSourceUser domain;

  if (user != NULL && !volume->foreign)
    return scl_throw (error, SCL_ERROR_IN_USE, "volume \"%s\" is used by VM \"%s\": delete the VM first",
                      volume->name, user);
  if (!_scl_sources_find_need (sources, volume->path, &domain))
    return TRUE;
  if (domain.snapshot != NULL)
    return scl_throw (error, SCL_ERROR_IN_USE,
                      "volume \"%s\": domain \"%s\" uses %s in its snapshot \"%s\": it is kept; forget the "
                      "snapshot first, if nobody goes back to it (virsh snapshot-delete --metadata %s %s)",
                      volume->name, domain.domain, volume->path, domain.snapshot, domain.domain,
                      domain.snapshot);
  return scl_throw (error, SCL_ERROR_IN_USE,
                    "volume \"%s\": domain \"%s\" uses %s: it is kept; take it, or the "
                    "folder that it is in, away from the domain first (virsh edit %s)",
                    volume->name, domain.domain, volume->path, domain.domain);
}

static gboolean
remove_volume (SclEngine *self, GHashTable *users, SclSources *sources,
               const SclObservedVolume *volume, SclDeleteFlags flags, const SclProgress *progress,
               GError **error)
{
  if (!check_ours (self, volume, flags, error) || !check_unused (users, sources, volume, error)
      || !_scl_volume_backend_remove (self->volumes, volume->name, sources, progress, error))
    return FALSE;
  _scl_engine_tell (self, SCL_OBJECT_KIND_VOLUME, volume->name);
  return TRUE;
}

static const SclObservedVolume *
find_volume (SclEngine *self, SclObservation *observation, const char *name, GError **error)
{
  const SclObservedVolume *volume = _scl_observation_lookup_remains (observation, name);

  return volume != NULL || throw_not_here (self, NULL, name, error) ? volume : NULL;
}

static gboolean
engine_check_volume (SclDriver *driver, const char *name, GCancellable *cancellable, GError **error)
{
  SclEngine *self = SCL_ENGINE (driver);
  g_autoptr (SclObservation) observation = _scl_engine_observe (self, NULL, cancellable, error);
  const SclObservedVolume *volume
      = observation == NULL ? NULL : find_volume (self, observation, name, error);

  return volume != NULL
         && (!volume->foreign || volume->instance == NULL
             || throw_not_here (self, volume, name, error));
}

gboolean
_scl_engine_remove_volume (SclEngine *self, SclObservation *observation, const char *name,
                           SclDeleteFlags flags, const SclProgress *progress, GError **error)
{
  const SclObservedVolume *volume = find_volume (self, observation, name, error);
  g_autoptr (GHashTable) users = _scl_observation_list_users (observation);
  g_autoptr (SclSources) sources = NULL;

  if (volume == NULL)
    return FALSE;
  sources = _scl_vm_backend_list_sources (self->vms, NULL, progress->cancellable, error);
  return sources != NULL
         && remove_volume (self, users, sources, volume, flags, progress, error);
}

/* --- several at once --- */

/* Asked once for all of them. */
typedef struct
{
  SclEngine *engine;
  SclObservation *observation;
  GHashTable *users;
  SclSources *sources;
} Prune;

static gboolean
is_unused (const Prune *self, const SclObservedVolume *volume)
{
  return !volume->foreign && check_unused (self->users, self->sources, volume, NULL);
}

static void
add_step (SclPlan *plan, SclObservation *observation, const char *name)
{
  const SclObservedVolume *volume = _scl_observation_lookup_remains (observation, name);
  SclStep *step
      = _scl_step_new (SCL_JOB_VOLUME_REMOVE, SCL_ACTION_DELETE, SCL_OBJECT_KIND_VOLUME, name);

  step->removal = TRUE;
  _scl_step_add_reason (step, volume != NULL && volume->nvram
                                  ? "only the NVRAM of a VM is left, and both the VM and its volume are gone"
                                  : "no VM uses it");
  _scl_plan_take (plan, step);
}

/* NAMES NULL: all that nothing uses. */
static SclPlan *
plan_prune (const Prune *self, const char *const *names)
{
  SclPlan *plan = _scl_plan_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; names == NULL && i < self->observation->volumes->len; i++)
    {
      const SclObservedVolume *volume = self->observation->volumes->pdata[i];

      if (is_unused (self, volume))
        add_step (plan, self->observation, volume->name);
    }
  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    if (g_hash_table_add (seen, (gpointer) names[i]))
      add_step (plan, self->observation, names[i]);
  return plan;
}

/* An SclStepFunc. One that cannot be removed does not keep the others. */
static gboolean
run_prune_step (SclStep *step, const SclProgress *progress, gpointer data, GError **error)
{
  const Prune *self = data;
  const char *name = step->names[0];
  const SclObservedVolume *volume = find_volume (self->engine, self->observation, name, error);

  return volume != NULL
         && (remove_volume (self->engine, self->users, self->sources, volume, SCL_DELETE_NONE,
                            progress, error)
             || _scl_engine_name_step (step, error));
}

static gboolean
prune (Prune *self, const char *const *names, SclOperation *operation, GCancellable *cancellable,
       GError **error)
{
  g_autoptr (GHashTable) users = _scl_observation_list_users (self->observation);
  g_autoptr (SclPlan) plan = NULL;

  self->sources = _scl_vm_backend_list_sources (self->engine->vms, NULL, cancellable, error);
  if (self->sources == NULL)
    return FALSE;
  self->users = users;
  plan = plan_prune (self, names);
  return _scl_executor_run (plan, SCL_APPLY_PRUNE, self->engine->max_workers, run_prune_step, self,
                            operation, cancellable, error);
}

static gboolean
engine_prune_volumes (SclDriver *driver, const char *const *names, SclOperation *operation,
                      GCancellable *cancellable, GError **error)
{
  SclEngine *self = SCL_ENGINE (driver);
  g_autoptr (SclTurn) turn
      = _scl_engine_enter (self, SCL_TURN_ALONE, operation, cancellable, error);
  g_autoptr (SclObservation) observation = NULL;
  Prune all = { .engine = self };
  gboolean ok;

  if (turn == NULL)
    return FALSE;
  all.observation = observation = _scl_engine_observe_to_change (self, NULL, cancellable, error);
  ok = observation != NULL && prune (&all, names, operation, cancellable, error);
  g_clear_pointer (&all.sources, _scl_sources_unref);
  return ok;
}

void
_scl_engine_init_volume_removals (SclDriverInterface *iface)
{
  iface->check_volume = engine_check_volume;
  iface->prune_volumes = engine_prune_volumes;
}
