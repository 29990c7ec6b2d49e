/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Volumes of other instances, taken over by a verb of its own: whoever could need one is asked before. */
#include "base/scl-throw-private.h"
#include "engine/scl-engine-private.h"
#include "engine/scl-state-folder-private.h"
#include "model/scl-names-private.h"
#include <string.h>

static gboolean
check_from (SclEngine *self, const char *from, GError **error)
{
  const char *problem = _scl_names_check_prefix (from);

  if (problem != NULL)
    return scl_throw (error, SCL_ERROR_INVALID, "instance \"%s\": %s", from, problem);
  if (strcmp (from, self->prefix) != 0)
    return TRUE;
  return scl_throw (error, SCL_ERROR_INVALID,
                    "instance \"%s\" is this one: its volumes need not be taken over; name another, or connect "
                    "to the one that shall have the volume (local:?prefix=…)",
                    from);
}

/* --- where it is --- */

/* What is to be taken over. */
typedef struct
{
  char *volume; /* NULL: it is here already */
  char *nvram;  /* nullable */
} Files;

static void
files_clear (Files *files)
{
  g_clear_pointer (&files->volume, g_free);
  g_clear_pointer (&files->nvram, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Files, files_clear)

static gboolean
throw_unknown (SclEngine *self, const SclOtherInstance *other, GError **error)
{
  g_autofree char *others = _scl_instance_list_others (self->state_dir, self->prefix);

  if (*others == '\0')
    return scl_throw (error, SCL_ERROR_NOT_FOUND, "there is no instance \"%s\" in %s, nor any other",
                      other->prefix, self->state_dir);
  return scl_throw (error, SCL_ERROR_NOT_FOUND,
                    "there is no instance \"%s\" in %s: those that are there are %s", other->prefix,
                    self->state_dir, others);
}

static gboolean
throw_has_none (SclEngine *self, const SclOtherInstance *other, const GError *why, GError **error)
{
  g_autofree char *elsewhere
      = self->claim == NULL ? NULL : _scl_instance_claim_find_state (self->claim, other->prefix);
  g_autofree char *uri = NULL;

  if (elsewhere != NULL)
    return scl_throw (error, SCL_ERROR_NOT_FOUND,
                      "%s in %s: its state folder is %s, and volumes are taken over within one state folder; connect "
                      "with state=%s",
                      why->message, self->state_dir, elsewhere, elsewhere);
  if (!g_file_test (other->home, G_FILE_TEST_IS_DIR))
    return throw_unknown (self, other, error);
  uri = _scl_engine_connect_to (self, other->prefix, NULL);
  return scl_throw (error, SCL_ERROR_NOT_FOUND,
                    "%s: `sclctl -c '%s' volume list` shows those that it has", why->message, uri);
}

static gboolean
find (SclEngine *self, const char *name, const SclOtherInstance *other, Files *out, GError **error)
{
  g_autoptr (GError) why = NULL;

  if (_scl_volume_backend_find_other (self->volumes, name, other, &out->volume, &out->nvram, &why))
    return TRUE;
  if (g_error_matches (why, SCL_ERROR, SCL_ERROR_NOT_FOUND) && other->home != NULL)
    return throw_has_none (self, other, why, error);
  g_propagate_error (error, g_steal_pointer (&why));
  return FALSE;
}

/* --- who else may need it --- */

static gboolean
throw_used_by_vm (SclEngine *self, const char *name, const SclOtherInstance *other,
                  const char *hypervisor, const char *path, const SclSourceUser *user,
                  GError **error)
{
  g_autofree char *uri = _scl_engine_connect_to (self, user->instance, hypervisor);

  return scl_throw (error, SCL_ERROR_IN_USE,
                    "volume \"%s\" of instance \"%s\": domain \"%s\" names %s: it is VM \"%s\" of instance "
                    "\"%s\"; delete that VM there first (sclctl -c '%s' vm delete %s)",
                    name, other->prefix, user->domain, path, user->vm, user->instance, uri, user->vm);
}

static gboolean
throw_used (SclEngine *self, const char *name, const SclOtherInstance *other,
            const char *hypervisor, const char *path, const SclSourceUser *user, GError **error)
{
  if (user->vm != NULL)
    return throw_used_by_vm (self, name, other, hypervisor, path, user, error);
  return scl_throw (error, SCL_ERROR_IN_USE,
                    "volume \"%s\" of instance \"%s\": domain \"%s\" names %s: take it away from the domain "
                    "first (virsh edit %s)",
                    name, other->prefix, user->domain, path, user->domain);
}

/* Where it is, and where it will be: who names that would have it without knowing. HYPERVISOR (NULL: ours) has
 * SOURCES. */
static gboolean
check_unused (SclEngine *self, const char *name, const SclOtherInstance *other, const Files *files,
              const char *hypervisor, SclSources *sources, GError **error)
{
  g_autofree char *here = _scl_volume_backend_volume_path (self->volumes, name);
  SclSourceUser user;

  if (_scl_sources_find_need (sources, files->volume, &user))
    return throw_used (self, name, other, hypervisor, files->volume, &user, error);
  if (files->nvram != NULL && _scl_sources_find_need (sources, files->nvram, &user))
    return throw_used (self, name, other, hypervisor, files->nvram, &user, error);
  return !_scl_sources_find (sources, here, NULL, NULL, &user)
         || throw_used (self, name, other, hypervisor, here, &user, error);
}

static SclSources *
ask (SclEngine *self, const char *hypervisor, const SclOtherInstance *other, gboolean *out_open,
     GCancellable *cancellable, GError **error)
{
  g_autoptr (SclVmBackend) vms
      = self->open_vms (hypervisor, other->prefix, self->state_dir, cancellable, error);

  *out_open = vms != NULL;
  return vms == NULL ? NULL : _scl_vm_backend_list_sources (vms, NULL, cancellable, error);
}

/* Only one process at a time can have it open, and what it left is that instance's to take down. */
static gboolean
check_not_embedded (const char *hypervisor, const SclOtherInstance *other, GError **error)
{
  return !g_str_has_prefix (hypervisor, "qemu:///embed")
         || scl_throw (error, SCL_ERROR_IN_USE,
                       "instance \"%s\" has VMs or networks on %s, which cannot be asked from here: end its "
                       "`sclctl run`, or, if that was killed, run it again and end it with Ctrl-C",
                       other->prefix, hypervisor);
}

static gboolean
throw_not_asked (SclEngine *self, const char *name, const SclOtherInstance *other,
                 const char *hypervisor, const GError *why, GError **error)
{
  g_autofree char *uri = _scl_engine_connect_to (self, self->prefix, hypervisor);

  return scl_throw (error, (SclError) why->code,
                    "volume \"%s\": VMs of instance \"%s\" may be on hypervisor %s, whose domains cannot be asked "
                    "(%s): connect to that with this prefix (sclctl -c '%s' …)",
                    name, other->prefix, hypervisor, why->message, uri);
}

/* A run holds its instance for as long as it lasts: nobody waits for that. The end of another change is waited
 * for. */
static gboolean
check_no_run (SclEngine *self, const char *from, GError **error)
{
  gboolean known;
  g_autofree char *noted
      = self->claim == NULL ? NULL : _scl_instance_claim_find_elsewhere (self->claim, from, &known);
  int pid = noted == NULL || !g_str_has_prefix (noted, "qemu:///embed")
                ? 0
                : _scl_instance_claim_find_process (self->claim, from);

  return pid == 0
         || scl_throw (error, SCL_ERROR_IN_USE,
                       "instance \"%s\" is running in process %d, which alone can tell what its VMs use: end that "
                       "sclctl run first (Ctrl-C there, or kill %d), then do the same again",
                       from, pid, pid);
}

/* Another instance may be on another hypervisor. 0.1 did not note on which: then the usual one is asked if it is
 * there. Should a domain that nobody saw name the file, it finds none: the data is not lost, it is here. */
static gboolean
check_elsewhere (SclEngine *self, const char *name, const SclOtherInstance *other,
                 const Files *files, GCancellable *cancellable, GError **error)
{
  gboolean known = FALSE;
  gboolean open = FALSE;
  g_autofree char *noted
      = self->claim == NULL ? NULL : _scl_instance_claim_find_elsewhere (self->claim, other->prefix, &known);
  const char *hypervisor = noted != NULL ? noted : SCL_HYPERVISOR_DEFAULT;
  g_autoptr (SclSources) sources = NULL;
  g_autoptr (GError) why = NULL;

  if (self->open_vms == NULL || self->claim == NULL || (known && noted == NULL)
      || _scl_instance_claim_is_on (self->claim, hypervisor))
    return TRUE;
  if (!check_not_embedded (hypervisor, other, error))
    return FALSE;
  sources = ask (self, hypervisor, other, &open, cancellable, &why);
  if (sources != NULL)
    return check_unused (self, name, other, files, hypervisor, sources, error);
  if (!known && !open && g_error_matches (why, SCL_ERROR, SCL_ERROR_BACKEND))
    return TRUE;
  return throw_not_asked (self, name, other, hypervisor, why, error);
}

static gboolean
check_free_here (SclObservation *observation, const char *name, const char *path, const char *prefix,
                 GError **error)
{
  const SclObservedVolume *there = _scl_observation_lookup_volume (observation, name);

  if (there == NULL || g_strcmp0 (there->path, path) == 0)
    return TRUE;
  if (there->foreign)
    return scl_throw (error, SCL_ERROR_EXISTS,
                      "volume \"%s\": %s is there already, and is not instance \"%s\"'s: it is left as it is; move "
                      "it away",
                      name, there->path, prefix);
  return scl_throw (error, SCL_ERROR_EXISTS,
                    "instance \"%s\" has a volume \"%s\" already, %s: it is left as it is; if its data is not "
                    "needed, delete it first (sclctl volume delete %s)",
                    prefix, name, there->path, name);
}

static gboolean
check (SclEngine *self, SclObservation *observation, const char *name, const SclOtherInstance *other,
       const Files *files, GCancellable *cancellable, GError **error)
{
  g_autoptr (SclSources) sources = NULL;

  if (!check_free_here (observation, name, files->volume, self->prefix, error))
    return FALSE;
  sources = _scl_vm_backend_list_sources (self->vms, NULL, cancellable, error);
  return sources != NULL && check_unused (self, name, other, files, NULL, sources, error)
         && check_elsewhere (self, name, other, files, cancellable, error);
}

/* Both instances are locked. Where it was cut short, all was asked before the file was renamed. */
static gboolean
adopt (SclEngine *self, const char *name, const SclOtherInstance *other, GCancellable *cancellable,
       GError **error)
{
  g_autoptr (SclObservation) observation
      = _scl_engine_observe_to_change (self, NULL, cancellable, error);
  g_auto (Files) files = { NULL, NULL };

  return observation != NULL && find (self, name, other, &files, error)
         && (files.volume == NULL || check (self, observation, name, other, &files, cancellable, error))
         && _scl_volume_backend_adopt (self->volumes, name, other, error);
}

typedef struct
{
  SclTurn *ours;
  SclTurn *theirs;
} Turns;

static void
turns_leave (Turns *self)
{
  g_clear_pointer (&self->theirs, _scl_turn_leave);
  g_clear_pointer (&self->ours, _scl_turn_leave);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Turns, turns_leave)

/* In the order of the prefixes, whoever takes over from whom: two that do it from each other would else wait for
 * each other. So the place that the operation has in our queue may have to be given up. */
static gboolean
enter_both (SclEngine *self, SclEngineQueue *queue, const char *from, SclOperation *operation,
            Turns *out, GCancellable *cancellable, GError **error)
{
  gboolean is_first = strcmp (self->prefix, from) < 0;

  if (is_first)
    out->ours = _scl_engine_enter (self, SCL_TURN_ALONE, operation, cancellable, error);
  else
    SCL_DRIVER_GET_IFACE (self)->give_back (SCL_DRIVER (self), operation);
  if (is_first && out->ours == NULL)
    return FALSE;
  out->theirs = _scl_engine_enter_beside (self, queue, operation, cancellable, error);
  if (!is_first && out->theirs != NULL)
    out->ours = _scl_engine_enter (self, SCL_TURN_ALONE, operation, cancellable, error);
  return out->ours != NULL && out->theirs != NULL;
}

/* Without it the guest still boots, but with none of the entries that it has made. */
static void
tell_nvram (SclEngine *self, const char *name, const SclOtherInstance *other, SclOperation *operation)
{
  g_autofree char *home = _scl_instance_home (self->state_dir, self->prefix);
  g_autofree char *theirs = g_build_filename (other->home, "vms", name, SCL_NVRAM_FILE, NULL);
  g_autofree char *ours = g_build_filename (home, "vms", name, SCL_NVRAM_FILE, NULL);
  g_autofree char *from = g_shell_quote (theirs);
  g_autofree char *to = g_shell_quote (ours);
  g_autofree char *text = NULL;

  if (!g_file_test (theirs, G_FILE_TEST_EXISTS))
    return;
  if (g_file_test (ours, G_FILE_TEST_EXISTS))
    text = g_strdup_printf ("the NVRAM of VM \"%s\" stays with instance \"%s\", because there is one here "
                            "already: %s",
                            name, other->prefix, ours);
  else
    text = g_strdup_printf ("the NVRAM of VM \"%s\" stays with instance \"%s\", because it cannot be renamed, and "
                            "the boot entries that the guest made are in it: to keep them, copy it before the "
                            "VM is applied here (install -D -m 600 %s %s)",
                            name, other->prefix, from, to);
  _scl_operation_remark (operation, text);
}

static gboolean
engine_adopt_volume (SclDriver *driver, const char *name, const char *from, SclOperation *operation,
                     GCancellable *cancellable, GError **error)
{
  SclEngine *self = SCL_ENGINE (driver);
  g_autoptr (SclEngineQueue) queue = _scl_engine_queue_get_beside (self->queue, from);
  g_auto (Turns) turns = { NULL, NULL };
  g_autofree char *home = NULL;

  if (!check_from (self, from, error) || !check_no_run (self, from, error)
      || !enter_both (self, queue, from, operation, &turns, cancellable, error))
    return FALSE;
  home = self->state_dir == NULL ? NULL : _scl_instance_home (self->state_dir, from);
  if (!adopt (self, name, &(SclOtherInstance){ from, home }, cancellable, error))
    return FALSE;
  if (home != NULL && operation != NULL)
    tell_nvram (self, name, &(SclOtherInstance){ from, home }, operation);
  _scl_engine_tell (self, SCL_OBJECT_KIND_VOLUME, name);
  return TRUE;
}

void
_scl_engine_init_adopt (SclDriverInterface *iface)
{
  iface->adopt_volume = engine_adopt_volume;
}
