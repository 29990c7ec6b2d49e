/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Volumes are removed only where nobody needs them: who could is asked before. */
#include "base/scl-throw-private.h"
#include "engine/scl-engine-private.h"
#include <scl/scl-disk-spec.h>
#include <string.h>

/* Also the VM that a volume is named after, should its declaration be unreadable. */
static const char *
user_of_volume (SclObservation *observation, const char *volume)
{
  for (guint i = 0; i < observation->vms->len; i++)
    {
      SclObservedVm *vm = observation->vms->pdata[i];
      GListModel *disks = vm->spec == NULL ? NULL : scl_vm_spec_get_disks (vm->spec);

      if (!vm->foreign && strcmp (vm->name, volume) == 0)
        return vm->name;
      for (guint d = 0; disks != NULL && d < g_list_model_get_n_items (disks); d++)
        {
          g_autoptr (SclDiskSpec) disk = g_list_model_get_item (disks, d);

          if (g_strcmp0 (scl_disk_spec_get_volume (disk), volume) == 0)
            return vm->name;
        }
    }
  return NULL;
}

static gboolean
throw_of_other (SclEngine *self, const SclObservedVolume *volume, GError **error)
{
  g_autofree char *uri = _scl_engine_connect_to (self, volume->instance, NULL);

  return scl_throw (error, SCL_ERROR_EXISTS,
                    "volume \"%s\" belongs to instance \"%s\": only that one deletes it (%s)",
                    volume->name, volume->instance, uri);
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
    return throw_of_other (self, volume, error);
  return scl_throw (error, SCL_ERROR_EXISTS,
                    "volume \"%s\": %s was not made by SCL: it is kept; `sclctl volume delete "
                    "--foreign %s` deletes it all the same",
                    volume->name, volume->path, volume->name);
}

static gboolean
check_unused (SclObservation *observation, SclSources *sources, const SclObservedVolume *volume,
              GError **error)
{
  const char *user = user_of_volume (observation, volume->name);
  SclSourceUser domain;

  if (user != NULL && !volume->foreign)
    return scl_throw (error, SCL_ERROR_IN_USE, "volume \"%s\" is used by VM \"%s\": delete the VM first",
                      volume->name, user);
  if (_scl_sources_find (sources, volume->path, NULL, NULL, &domain))
    return scl_throw (error, SCL_ERROR_IN_USE,
                      "volume \"%s\": domain \"%s\" uses %s: it is kept; take it away from the domain "
                      "first (virsh edit %s)",
                      volume->name, domain.domain, volume->path, domain.domain);
  return TRUE;
}

static gboolean
remove_volume (SclEngine *self, SclObservation *observation, SclSources *sources,
               const SclObservedVolume *volume, SclDeleteFlags flags, const SclProgress *progress,
               GError **error)
{
  if (!check_ours (self, volume, flags, error) || !check_unused (observation, sources, volume, error)
      || !_scl_volume_backend_remove (self->volumes, volume->name, sources, progress, error))
    return FALSE;
  _scl_engine_tell (self, SCL_OBJECT_KIND_VOLUME, volume->name);
  return TRUE;
}

gboolean
_scl_engine_remove_volume (SclEngine *self, SclObservation *observation, const char *name,
                     SclDeleteFlags flags, const SclProgress *progress, GError **error)
{
  const SclObservedVolume *volume = _scl_observation_lookup_remains (observation, name);
  g_autoptr (SclSources) sources = NULL;

  if (volume == NULL)
    return scl_throw (error, SCL_ERROR_NOT_FOUND,
                      "volume \"%s\" does not exist: `sclctl volume list` shows those that do", name);
  sources = _scl_vm_backend_list_sources (self->vms, progress->cancellable, error);
  return sources != NULL
         && remove_volume (self, observation, sources, volume, flags, progress, error);
}

/* What was kept although nothing of ours uses it, one sentence each. */
static gboolean
throw_kept (GPtrArray *kept, guint removed, GError **error)
{
  g_autofree char *text = NULL;

  if (kept->len == 0)
    return TRUE;
  g_ptr_array_add (kept, NULL);
  text = g_strjoinv ("; ", (char **) kept->pdata);
  return scl_throw (error, removed > 0 ? SCL_ERROR_PARTIAL : SCL_ERROR_IN_USE, "%s", text);
}

/* Those of ours that no VM of ours uses; one that cannot be removed does not keep the others. */
static gboolean
prune (SclEngine *self, SclObservation *observation, SclSources *sources,
       const SclProgress *progress, GError **error)
{
  g_autoptr (GPtrArray) kept = g_ptr_array_new_with_free_func (g_free);
  guint removed = 0;

  for (guint i = 0; i < observation->volumes->len; i++)
    {
      const SclObservedVolume *volume = observation->volumes->pdata[i];
      g_autoptr (GError) why = NULL;

      if (_scl_progress_is_cancelled (progress, error))
        return FALSE;
      if (volume->foreign || user_of_volume (observation, volume->name) != NULL)
        continue;
      if (remove_volume (self, observation, sources, volume, SCL_DELETE_NONE, progress, &why))
        removed++;
      else
        g_ptr_array_add (kept, g_strdup (why->message));
    }
  return throw_kept (kept, removed, error);
}

static gboolean
engine_prune_volumes (SclDriver *driver, SclOperation *operation, GCancellable *cancellable,
                      GError **error)
{
  SclEngine *self = SCL_ENGINE (driver);
  SclProgress progress = _scl_engine_progress (operation, cancellable);
  g_autoptr (SclTurn) turn
      = _scl_engine_enter (self, SCL_TURN_ALONE, operation, cancellable, error);
  g_autoptr (SclObservation) observation = NULL;
  g_autoptr (SclSources) sources = NULL;

  if (turn == NULL)
    return FALSE;
  observation = _scl_engine_observe_to_change (self, NULL, cancellable, error);
  if (observation == NULL)
    return FALSE;
  sources = _scl_vm_backend_list_sources (self->vms, cancellable, error);
  return sources != NULL && prune (self, observation, sources, &progress, error);
}

void
_scl_engine_init_volume_removals (SclDriverInterface *iface)
{
  iface->prune_volumes = engine_prune_volumes;
}
