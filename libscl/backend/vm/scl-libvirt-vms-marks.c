/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who wants a VM off: the mark in its domain's metadata, read and changed. The rules are in
 * doc/design/vms.md. */
#include "backend/vm/scl-libvirt-vms-parts-private.h"
#include "backend/vm/scl-stop-owner-private.h"
#include "base/scl-file-lock-private.h"
#include "base/scl-own-fd-private.h"
#include <fcntl.h>
#include <libvirt/virterror.h>
#include <stdlib.h>
#include <sys/file.h>

/* It is held for a few questions to libvirt. */
#define LOCK_SECONDS 30

/* --- the lock --- */

/* It is not libvirt that is waited for. */
static gboolean
lock_folder (SclLibvirtVms *self, int fd, gboolean wait, GError **error)
{
  gint64 seconds = wait ? _scl_virt_call_find_limit (LOCK_SECONDS) : 0;
  gboolean locked;

  _scl_virt_call_pause ();
  locked = _scl_file_lock (fd, LOCK_EX, self->state_dir,
                           g_get_monotonic_time () + seconds * G_USEC_PER_SEC, NULL, error);
  _scl_virt_call_go_on ();
  return locked;
}

/* Whoever changes metadata writes all of it, with the spec in it: so nobody may redefine the domain
 * between reading and writing, in other processes neither. */
gboolean
_scl_libvirt_vms_lock_marks (SclLibvirtVms *self, const char *vm, gboolean wait, SclMarkLock *out,
                             GError **error)
{
  int saved;

  g_mutex_lock (&self->mark_lock);
  out->mutex = &self->mark_lock;
  out->fd = _scl_own_fd_open (AT_FDCWD, self->state_dir, O_RDONLY | O_DIRECTORY, 0);
  saved = errno;
  if (out->fd >= 0 ? lock_folder (self, out->fd, wait, error)
                   : saved == ENOENT) /* where nothing is stored, nobody else is */
    return TRUE;
  if (out->fd < 0)
    scl_throw_errno (error, saved, "%s", self->state_dir);
  _scl_mark_lock_clear (out);
  return scl_prefix (error, "VM \"%s\": cannot lock the domains' definitions", vm);
}

void
_scl_mark_lock_clear (SclMarkLock *lock)
{
  _scl_own_fd_clear (&lock->fd);
  if (lock->mutex != NULL)
    g_mutex_unlock (lock->mutex);
  lock->mutex = NULL;
}

/* --- the mark --- */

static gboolean
is_off (int state)
{
  return state == VIR_DOMAIN_SHUTOFF || state == VIR_DOMAIN_CRASHED;
}

static SclDomainMark
mark_of (SclStoppedBy by)
{
  switch (by)
    {
    case SCL_STOPPED_BY_USER:
      return SCL_DOMAIN_MARK_USER;
    case SCL_STOPPED_BY_GUEST:
      return SCL_DOMAIN_MARK_GUEST;
    case SCL_STOPPED_BY_NOBODY:
      break;
    }
  return SCL_DOMAIN_MARK_CLEARED;
}

static SclStoppedBy
by_of (SclDomainMark mark)
{
  switch (mark)
    {
    case SCL_DOMAIN_MARK_USER:
      return SCL_STOPPED_BY_USER;
    case SCL_DOMAIN_MARK_GUEST:
      return SCL_STOPPED_BY_GUEST;
    case SCL_DOMAIN_MARK_NOBODY:
    case SCL_DOMAIN_MARK_CLEARED:
      break;
    }
  return SCL_STOPPED_BY_NOBODY;
}

/* Somebody has removed its definition while it runs. */
static gboolean
has_no_definition (virDomainPtr domain, guint flags)
{
  return (flags & VIR_DOMAIN_AFFECT_CONFIG) != 0 && _scl_virt_error_is (VIR_ERR_OPERATION_INVALID)
         && virDomainIsPersistent (domain) == 0;
}

/* Changes the mark in the metadata, if there is a place for it. FLAGS: VIR_DOMAIN_AFFECT_CONFIG or _LIVE, DEF is
 * that one, read under the lock. OWNER (nullable) is at it. */
static gboolean
write_mark (virDomainPtr domain, SclDomainDef *def, SclDomainMark mark, const char *owner, guint flags,
          GError **error)
{
  g_autofree char *metadata = NULL;
  g_autoptr (GError) cause = NULL;
  guint tries = 0;

  if (def->mark == mark && g_strcmp0 (def->stopper, owner) == 0)
    return TRUE;
  def->mark = mark;
  g_free (def->stopper);
  def->stopper = g_strdup (owner);
  metadata = _scl_domain_def_to_metadata (def);
  do
    {
      if (!_scl_virt_call_check ("noting who wants it off", error))
        return FALSE;
      if (virDomainSetMetadata (domain, VIR_DOMAIN_METADATA_ELEMENT, metadata, SCL_DOMAIN_KEY,
                                SCL_DOMAIN_NAMESPACE, flags)
          == 0)
        return TRUE;
    }
  while (_scl_virt_error_is_busy (&tries));
  scl_throw_virt (&cause, "VM \"%s\": cannot note who wants it off", def->vm_name);
  if (has_no_definition (domain, flags))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&cause));
  return FALSE;
}

gboolean
_scl_libvirt_vms_is_stopping (const SclDomainDef *config)
{
  return config->mark != SCL_DOMAIN_MARK_NOBODY && _scl_stop_owner_is_alive (config->stopper);
}

/* The same, unless nobody waits for it any more. */
static gboolean
set_mark (virDomainPtr domain, SclDomainDef *def, SclDomainMark mark, const char *owner, guint flags,
          GError **error)
{
  return _scl_virt_call_check ("noting who wants it off", error)
         && write_mark (domain, def, mark, owner, flags, error);
}

/* --- what follows from a domain's state --- */

/* The host's wish, not the guest's: somebody ended QEMU, or reset a domain that a reset ends. */
static gboolean
was_ended_by_host (SclLibvirtVms *self, const char *domain_name)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->ends_lock);

  return g_hash_table_contains (self->host_ends, domain_name);
}

void
_scl_libvirt_vms_note_host_end (SclLibvirtVms *self, const char *domain_name, gboolean ended)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->ends_lock);

  if (ended)
    g_hash_table_add (self->host_ends, g_strdup (domain_name));
  else
    g_hash_table_remove (self->host_ends, domain_name);
}

/* What the mark of a domain becomes that has been shut down. */
static SclDomainMark
mark_of_end (SclLibvirtVms *self, const SclDomainDef *config)
{
  if (config->mark != SCL_DOMAIN_MARK_NOBODY && config->mark != SCL_DOMAIN_MARK_GUEST)
    return config->mark;
  return was_ended_by_host (self, config->domain_name) ? SCL_DOMAIN_MARK_CLEARED
                                                       : SCL_DOMAIN_MARK_GUEST;
}

static void
keep_mark (SclDomainDef *config, const SclDomainDef *now)
{
  config->mark = now->mark;
  g_free (config->stopper);
  config->stopper = g_strdup (now->stopper);
}

/* What was read may be old by now: somebody may have started the domain, or noted why it is off. */
static void
note_end (SclLibvirtVms *self, virDomainPtr domain, SclDomainDef *config)
{
  g_auto (SclMarkLock) lock = { NULL, -1 };
  g_autoptr (SclDomainDef) now = NULL;
  SclDomainMark mark;
  int state, reason;

  /* Another process is at it: what it finds is the same. */
  if (!_scl_libvirt_vms_lock_marks (self, config->vm_name, FALSE, &lock, NULL))
    {
      config->mark = mark_of_end (self, config);
      return;
    }
  if (virDomainGetState (domain, &state, &reason, 0) < 0 || !is_off (state)
      || reason != VIR_DOMAIN_SHUTOFF_SHUTDOWN)
    return;
  now = _scl_libvirt_vms_read_config (domain, NULL);
  if (now == NULL)
    return;
  mark = mark_of_end (self, now);
  if (mark != now->mark)
    (void) set_mark (domain, now, mark, NULL, VIR_DOMAIN_AFFECT_CONFIG, NULL);
  keep_mark (config, now);
}

/* Somebody started the domain who knows nothing of marks. */
static gboolean
is_old_wish (const SclDomainDef *config, const SclDomainDef *live)
{
  return live != NULL && config != NULL && live->mark != SCL_DOMAIN_MARK_NOBODY
         && live->mark == config->mark;
}

/* Whoever stopped it has died over it. The mark of a restart stays: the guest may still go off because
 * the button was pressed, and is to be started then. */
static gboolean
is_abandoned (const SclDomainDef *config, const SclDomainDef *live)
{
  return live != NULL && config != NULL
         && (config->mark == SCL_DOMAIN_MARK_USER || config->mark == SCL_DOMAIN_MARK_GUEST)
         && !_scl_stop_owner_is_alive (config->stopper);
}

/* A stop may have come since it was read. */
static void
note_running (SclLibvirtVms *self, virDomainPtr domain, SclDomainDef *config)
{
  g_auto (SclMarkLock) lock = { NULL, -1 };
  g_autoptr (SclDomainDef) live = NULL;
  g_autoptr (SclDomainDef) now = NULL;

  if (!_scl_libvirt_vms_lock_marks (self, config->vm_name, FALSE, &lock, NULL))
    return;
  live = _scl_libvirt_vms_read_live (domain, NULL);
  now = _scl_libvirt_vms_read_config (domain, NULL);
  /* Whoever ends after a stop leaves a domain that is off: so that is asked last. */
  if (is_old_wish (now, live) || (is_abandoned (now, live) && virDomainIsActive (domain) == 1))
    {
      (void) set_mark (domain, now, SCL_DOMAIN_MARK_NOBODY, NULL, VIR_DOMAIN_AFFECT_CONFIG, NULL);
      (void) set_mark (domain, live, SCL_DOMAIN_MARK_NOBODY, NULL, VIR_DOMAIN_AFFECT_LIVE, NULL);
    }
  if (now != NULL)
    keep_mark (config, now);
}

SclStoppedBy
_scl_libvirt_vms_settle (SclLibvirtVms *self, virDomainPtr domain, int state, int reason,
                         SclDomainDef *config, const SclDomainDef *live)
{
  if (is_off (state))
    {
      if (reason == VIR_DOMAIN_SHUTOFF_SHUTDOWN && mark_of_end (self, config) != config->mark)
        note_end (self, domain, config);
      return by_of (config->mark);
    }
  /* What starts it changes the mark then; and a QEMU that has not come up may answer no change. */
  if (state == VIR_DOMAIN_PAUSED && reason == VIR_DOMAIN_PAUSED_STARTING_UP)
    return SCL_STOPPED_BY_NOBODY;
  /* A running domain has the mark that it was started with. Another one in the definition is
   * newer: a stop is under way, as long as somebody is at it. */
  if (is_old_wish (config, live) || is_abandoned (config, live))
    note_running (self, domain, config);
  return _scl_libvirt_vms_is_stopping (config) ? by_of (config->mark) : SCL_STOPPED_BY_NOBODY;
}

/* --- marks of our own doing --- */

gboolean
_scl_libvirt_vms_set_cleared (SclLibvirtVms *self, virDomainPtr domain, const char *name,
                              GError **error)
{
  g_auto (SclMarkLock) lock = { NULL, -1 };
  g_autoptr (SclDomainDef) config = NULL;

  if (!_scl_libvirt_vms_lock_marks (self, name, TRUE, &lock, error))
    return FALSE;
  config = _scl_libvirt_vms_read_config (domain, error);
  return config != NULL
         && set_mark (domain, config, SCL_DOMAIN_MARK_CLEARED, NULL, VIR_DOMAIN_AFFECT_CONFIG, error);
}

gboolean
_scl_libvirt_vms_clear_marks (SclLibvirtVms *self, virDomainPtr domain, const char *name,
                              GError **error)
{
  g_auto (SclMarkLock) lock = { NULL, -1 };
  g_autoptr (SclDomainDef) config = NULL;
  g_autoptr (SclDomainDef) live = NULL;

  if (!_scl_libvirt_vms_lock_marks (self, name, TRUE, &lock, error))
    return FALSE;
  config = _scl_libvirt_vms_read_config (domain, error);
  if (config == NULL)
    return FALSE;
  if (config->mark == SCL_DOMAIN_MARK_NOBODY)
    return TRUE;
  if (!set_mark (domain, config, SCL_DOMAIN_MARK_NOBODY, NULL, VIR_DOMAIN_AFFECT_CONFIG, error))
    return FALSE;
  live = _scl_libvirt_vms_read_live (domain, error);
  return live != NULL
         && set_mark (domain, live, SCL_DOMAIN_MARK_NOBODY, NULL, VIR_DOMAIN_AFFECT_LIVE, error);
}

/* What the domain was started with goes first: with the same mark in the definition it would look
 * as if it had been started since. */
static gboolean
note_stop (virDomainPtr domain, SclDomainDef *config, SclDomainMark mark, const char *owner,
           GError **error)
{
  g_autoptr (SclDomainDef) live = _scl_libvirt_vms_read_live (domain, NULL);

  if (live != NULL)
    (void) set_mark (domain, live, SCL_DOMAIN_MARK_NOBODY, NULL, VIR_DOMAIN_AFFECT_LIVE, NULL);
  return set_mark (domain, config, mark, owner, VIR_DOMAIN_AFFECT_CONFIG, error);
}

/* What libvirt would boot next goes back as it is, whatever others have done to it. */
static gboolean
define_again (virConnectPtr handle, virDomainPtr domain, const char *name, GError **error)
{
  g_autoptr (virDomain) defined = NULL;
  char *xml = virDomainGetXMLDesc (domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);

  defined = xml != NULL ? virDomainDefineXMLFlags (handle, xml, 0) : NULL;
  free (xml);
  return defined != NULL
         || scl_throw_virt (error, "VM \"%s\": its definition was removed while it runs, and cannot be made again",
                            name);
}

/* A domain without a definition is gone when it goes off, with the note. What is to run again needs one; what is to
 * be off is ended without it, too. */
static gboolean
keep_definition (virConnectPtr handle, virDomainPtr domain, const char *name, SclStoppedBy by, SclStop *out,
                 GError **error)
{
  g_autoptr (GError) why = NULL;

  if (virDomainIsPersistent (domain) != 0)
    return TRUE;
  if (!_scl_virt_call_check ("defining its domain again", error))
    return FALSE;
  if (define_again (handle, domain, name, &why))
    return TRUE;
  if (by == SCL_STOPPED_BY_NOBODY)
    {
      g_propagate_error (error, g_steal_pointer (&why));
      return FALSE;
    }
  out->unnoted = g_strdup (why->message);
  return TRUE;
}

virDomainPtr
_scl_libvirt_vms_begin_stop (SclLibvirtVms *self, const char *name, guint timeout, SclStoppedBy by,
                             SclStop *out, GError **error)
{
  g_auto (SclMarkLock) lock = { NULL, -1 };
  g_autoptr (virConnect) handle = _scl_virt_connection_get (self->connection, error);
  g_autoptr (SclDomainDef) config = NULL;
  g_autoptr (virDomain) domain = NULL;

  out->owner = _scl_stop_owner_begin (timeout);
  if (handle == NULL)
    return NULL;
  if (!_scl_libvirt_vms_lock_marks (self, name, TRUE, &lock, error))
    return NULL;
  domain = _scl_libvirt_vms_lookup_ours (self, handle, name, &config, error);
  if (domain == NULL || !keep_definition (handle, domain, name, by, out, error))
    return NULL;
  if (_scl_libvirt_vms_is_stopping (config))
    {
      out->former_mark = config->mark;
      out->former_owner = g_strdup (config->stopper);
    }
  return note_stop (domain, config, mark_of (by), out->owner, error) ? g_steal_pointer (&domain) : NULL;
}

/* Where the mark of a stop that came to nothing goes back to. */
static SclDomainMark
former_mark (const SclStop *stop, const SclDomainDef *config)
{
  if (_scl_stop_owner_is_alive (stop->former_owner))
    return stop->former_mark;
  return config->mark == SCL_DOMAIN_MARK_CLEARED ? SCL_DOMAIN_MARK_CLEARED : SCL_DOMAIN_MARK_NOBODY;
}

/* Unless the guest went off after all, or somebody else is at it by now. */
static void
take_back (SclLibvirtVms *self, const char *name, const SclStop *stop)
{
  g_auto (SclMarkLock) lock = { NULL, -1 };
  g_autoptr (virConnect) handle = _scl_virt_connection_get (self->connection, NULL);
  g_autoptr (SclDomainDef) config = NULL;
  g_autoptr (virDomain) domain = NULL;
  int state;

  if (handle == NULL || !_scl_libvirt_vms_lock_marks (self, name, TRUE, &lock, NULL))
    return;
  domain = _scl_libvirt_vms_lookup_ours (self, handle, name, &config, NULL);
  if (domain == NULL || g_strcmp0 (config->stopper, stop->owner) != 0
      || virDomainGetState (domain, &state, NULL, 0) < 0 || is_off (state))
    return;
  (void) write_mark (domain, config, former_mark (stop, config),
                     _scl_stop_owner_is_alive (stop->former_owner) ? stop->former_owner : NULL,
                     VIR_DOMAIN_AFFECT_CONFIG, NULL);
}

void
_scl_libvirt_vms_end_stop (SclLibvirtVms *self, const char *name, SclStop *stop, gboolean is_done)
{
  if (!is_done)
    take_back (self, name, stop);
  _scl_stop_owner_end (stop->owner);
  g_clear_pointer (&stop->owner, g_free);
  g_clear_pointer (&stop->former_owner, g_free);
  g_clear_pointer (&stop->unnoted, g_free);
}
