/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-libvirt-vms-parts-private.h"
#include <libvirt/virterror.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

/* A guest that still boots misses the button: it is pressed again. */
#define PRESS_AGAIN_SECONDS 5
/* Part of QEMU's message where another process holds a file's lock. */
#define QEMU_LOCK "Is another process using the image"
/* A write that fails again does so within a moment; nothing tells of one that does not. */
#define WRITE_AGAIN_SECONDS 3
/* After virDomainDestroy has returned, the domain is off but for the event. */
#define OFF_SECONDS 30

static gboolean
is_off (int state)
{
  return state == VIR_DOMAIN_SHUTOFF || state == VIR_DOMAIN_CRASHED;
}

/* start */

/* QEMU says only that it did not get a lock, in words of its own. */
static gboolean
throw_used_disk (virDomainPtr domain, const SclDomainDef *def, GError **error)
{
  const SclDomainDisk *disk = def->disks->len > 0 ? g_ptr_array_index (def->disks, 0) : NULL;
  g_autofree char *file = disk != NULL && disk->path != NULL ? g_shell_quote (disk->path) : NULL;
  g_autofree char *rival = _scl_libvirt_vms_find_rival (virDomainGetConnect (domain), def);

  if (rival != NULL)
    return scl_throw (error, SCL_ERROR_IN_USE,
                      "VM \"%s\": cannot start: domain \"%s\" runs with its volume: end that one first "
                      "(virsh shutdown %s)",
                      def->vm_name, rival, rival);
  return scl_throw (error, SCL_ERROR_IN_USE,
                    "VM \"%s\": cannot start: another program has its volume open (a backup, qemu-nbd …): wait "
                    "for it, or end it (fuser %s)",
                    def->vm_name, file != NULL ? file : "FILE");
}

/* libvirt names what is missing only sometimes, and never the way out. */
static gboolean
throw_start (virDomainPtr domain, const SclDomainDef *def, GError **error)
{
  g_autoptr (GError) cause = NULL;

  scl_throw_virt (&cause, "VM \"%s\": cannot start", def->vm_name);
  if (strstr (cause->message, QEMU_LOCK) != NULL)
    return throw_used_disk (domain, def, error);
  for (guint i = 0; i < def->disks->len; i++)
    {
      const SclDomainDisk *disk = g_ptr_array_index (def->disks, i);

      if (disk != NULL && disk->path != NULL && !g_file_test (disk->path, G_FILE_TEST_EXISTS))
        return scl_throw (error, SCL_ERROR_NOT_FOUND,
                          "VM \"%s\": cannot start: volume file %s is gone: is its file system mounted?",
                          def->vm_name, disk->path);
    }
  for (guint i = 0; i < def->nics->len; i++)
    {
      const SclDomainNic *nic = g_ptr_array_index (def->nics, i);

      if (nic != NULL && nic->tap != NULL && if_nametoindex (nic->tap) == 0)
        return scl_throw (error, SCL_ERROR_NOT_FOUND,
                          "VM \"%s\": cannot start: link %s of NIC %u is missing: apply again",
                          def->vm_name, nic->tap, i);
    }
  if (def->seed != NULL && def->seed->path != NULL
      && !g_file_test (def->seed->path, G_FILE_TEST_EXISTS))
    return scl_throw (error, SCL_ERROR_NOT_FOUND,
                      "VM \"%s\": cannot start: seed disk %s is missing: apply again", def->vm_name,
                      def->seed->path);
  g_propagate_error (error, g_steal_pointer (&cause));
  return FALSE;
}

static gboolean
create (virDomainPtr domain, const SclDomainDef *config, GError **error)
{
  guint tries = 0;

  do
    {
      if (!_scl_virt_call_check ("starting", error))
        return FALSE;
      if (virDomainCreate (domain) == 0 || _scl_virt_error_is (VIR_ERR_OPERATION_INVALID))
        return TRUE;
    }
  while (_scl_virt_error_is_busy (&tries));
  return throw_start (domain, config, error);
}

/* The domain as it is, but for the firmware that libvirt once chose. */
static gboolean
renew_firmware (SclLibvirtVms *self, virDomainPtr domain, const char *name, GError **error)
{
  g_autoptr (virConnect) handle = _scl_virt_connection_get (self->connection, error);
  g_autoptr (SclDomainDef) now = NULL;
  g_auto (SclMarkLock) lock = { NULL, -1 };

  if (handle == NULL || !_scl_libvirt_vms_lock_marks (self, name, TRUE, &lock, error))
    return FALSE;
  now = _scl_libvirt_vms_read_config (domain, error);
  if (now == NULL || !_scl_libvirt_vms_check_overlays (now, error)
      || !_scl_libvirt_vms_read_additions (domain, now, NULL, error))
    return FALSE;
  _scl_domain_def_forget_loader (now);
  return _scl_libvirt_vms_put (self, handle, now, error);
}

static gboolean
create_renewed (virDomainPtr domain, const SclDomainDef *config, GError **error)
{
  g_autoptr (GError) cause = NULL;
  SclNvram nvram;

  if (create (domain, config, &cause))
    return TRUE;
  nvram = _scl_nvram_measure (config->nvram, config->nvram_format);
  if (nvram.format != NULL && _scl_virt_error_is (VIR_ERR_OPERATION_FAILED))
    return _scl_domain_firmware_throw (config, &nvram, error);
  g_propagate_error (error, g_steal_pointer (&cause));
  return FALSE;
}

/* The stored firmware may have moved with an update, or be a file that no descriptor names any more,
 * which libvirt tells as a failed operation. */
static gboolean
create_with_firmware (SclLibvirtVms *self, virDomainPtr domain, const SclDomainDef *config,
                      GError **error)
{
  g_autoptr (GError) cause = NULL;

  if (!_scl_domain_firmware_is_gone (config))
    {
      if (create (domain, config, &cause))
        return TRUE;
      if (config->loader == NULL || !_scl_virt_error_is (VIR_ERR_OPERATION_FAILED))
        {
          g_propagate_error (error, g_steal_pointer (&cause));
          return FALSE;
        }
    }
  return renew_firmware (self, domain, config->vm_name, error) && create_renewed (domain, config, error);
}

static gboolean
start_off (SclLibvirtVms *self, virDomainPtr domain, int reason, SclDomainDef *config,
           const SclProgress *progress, GError **error)
{
  gboolean saved = virDomainHasManagedSaveImage (domain, 0) == 1;
  gboolean created;

  /* From here on neither the old mark nor libvirt's old reason counts, even if
   * this process dies before the domain runs. The embedded driver dies with it, and its next process ends what had
   * not come up, as if QEMU had crashed: the mark tells one from the other. */
  if ((config->mark != SCL_DOMAIN_MARK_NOBODY || reason == VIR_DOMAIN_SHUTOFF_SHUTDOWN
       || _scl_virt_connection_is_embedded (self->connection))
      && !_scl_libvirt_vms_set_cleared (self, domain, config->vm_name, error))
    return FALSE;
  created = _scl_libvirt_vms_make_agent_folder (self, error)
            && create_with_firmware (self, domain, config, error);
  _scl_libvirt_vms_end_agent_folder ();
  if (!created)
    return FALSE;
  if (virDomainIsActive (domain) != 1)
    return throw_start (domain, config, error);
  if (saved)
    _scl_progress_remark (progress,
                          "VM \"%s\": it goes on from the memory that another tool has saved (virsh managedsave), "
                          "which is no boot: what waits for one goes on waiting",
                          config->vm_name);
  /* It runs. With the same mark in both definitions nobody wants it off, so this is tidying. */
  (void) _scl_libvirt_vms_clear_marks (self, domain, config->vm_name, NULL);
  return TRUE;
}

/* Somebody else's start may end just now, and the VM runs already. */
static gboolean
resume (virDomainPtr domain, const char *name, GError **error)
{
  g_autoptr (GError) cause = NULL;
  int state = VIR_DOMAIN_NOSTATE;
  guint tries = 0;

  do
    {
      if (!_scl_virt_call_check ("letting it go on", error))
        return FALSE;
      if (virDomainResume (domain) == 0)
        return TRUE;
    }
  while (_scl_virt_error_is_busy (&tries));
  scl_throw_virt (&cause, "VM \"%s\" is paused and cannot go on", name);
  if (virDomainGetState (domain, &state, NULL, 0) == 0 && state == VIR_DOMAIN_RUNNING)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&cause));
  return FALSE;
}

gboolean
_scl_libvirt_vms_is_disk_full (virDomainPtr domain)
{
  int n = virDomainGetDiskErrors (domain, NULL, 0, 0);
  g_autofree virDomainDiskError *errors = g_new0 (virDomainDiskError, MAX (n, 1));
  gboolean is_full = FALSE;

  n = n > 0 ? virDomainGetDiskErrors (domain, errors, (guint) n, 0) : n;
  for (int i = 0; i < n; i++)
    {
      is_full |= errors[i].error == VIR_DOMAIN_DISK_ERROR_NO_SPACE;
      free (errors[i].disk);
    }
  return is_full;
}

static gboolean
throw_disk_error (virDomainPtr domain, const char *name, GError **error)
{
  if (_scl_libvirt_vms_is_disk_full (domain))
    return scl_throw (error, SCL_ERROR_NO_SPACE,
                      "VM \"%s\": a disk error stopped it again at once: make room on the file "
                      "system of its volumes, then start it again",
                      name);
  return scl_throw (error, SCL_ERROR_BACKEND,
                    "VM \"%s\": a disk error stopped it again at once: find out which on the host (dmesg) and "
                    "put that right, then start it again",
                    name);
}

/* QEMU tries the write that failed once more, at once, and nobody tells that it has gone well. */
static gboolean
resume_writing (SclLibvirtVms *self, virDomainPtr domain, const char *name, GCancellable *cancellable,
                GError **error)
{
  g_autoptr (SclVirtWait) wait
      = _scl_virt_wait_begin (self->connection, virDomainGetName (domain), cancellable);
  gint64 deadline = g_get_monotonic_time () + WRITE_AGAIN_SECONDS * G_USEC_PER_SEC;
  int state, reason;

  if (!resume (domain, name, error))
    return FALSE;
  do
    {
      if (virDomainGetState (domain, &state, &reason, 0) < 0)
        return scl_throw_virt (error, "VM \"%s\"", name);
      if (state == VIR_DOMAIN_PAUSED && reason == VIR_DOMAIN_PAUSED_IOERROR)
        return throw_disk_error (domain, name, error);
      if (is_off (state))
        return scl_throw (error, SCL_ERROR_BACKEND,
                          "VM \"%s\": it was let go on after a disk error, and went off at once: start it again", name);
    }
  while (_scl_virt_wait_next (wait, deadline));
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

/* Whoever paused it. */
static gboolean
let_go_on (SclLibvirtVms *self, virDomainPtr domain, int reason, const char *name,
           GCancellable *cancellable, GError **error)
{
  return reason == VIR_DOMAIN_PAUSED_IOERROR
             ? resume_writing (self, domain, name, cancellable, error)
             : resume (domain, name, error);
}

/* The embedded driver ends what its last process had not brought up, and says only to whoever lets that go on that it is
 * off. TRUE: it was, and is off now, for REASON. */
static gboolean
has_ended_half_started (virDomainPtr domain, int *reason)
{
  int state = VIR_DOMAIN_NOSTATE;

  return *reason == VIR_DOMAIN_PAUSED_STARTING_UP && virDomainGetState (domain, &state, reason, 0) == 0
         && is_off (state);
}

gboolean
_scl_libvirt_vms_start (SclVmBackend *backend, const char *name, const SclProgress *progress,
                        GError **error)
{
  SclLibvirtVms *self = SCL_LIBVIRT_VMS (backend);
  GCancellable *cancellable = progress != NULL ? progress->cancellable : NULL;
  g_autoptr (virConnect) handle = NULL;
  g_autoptr (virDomain) domain = NULL;
  g_autoptr (SclDomainDef) config = NULL;
  g_autoptr (GError) resume_error = NULL;
  int state, reason;

  if (_scl_progress_is_cancelled (progress, error))
    return FALSE;
  handle = _scl_virt_connection_get (self->connection, error);
  if (handle == NULL)
    return FALSE;
  domain = _scl_libvirt_vms_lookup_ours (self, handle, name, &config, error);
  if (domain == NULL)
    return FALSE;
  if (virDomainGetState (domain, &state, &reason, 0) < 0)
    return scl_throw_virt (error, "VM \"%s\"", name);
  if (self->logs != NULL && config->log != NULL)
    _scl_console_logs_add (self->logs, config->log);
  if (is_off (state))
    return start_off (self, domain, reason, config, progress, error);
  if (state == VIR_DOMAIN_PAUSED && !let_go_on (self, domain, reason, name, cancellable, &resume_error))
    {
      if (has_ended_half_started (domain, &reason))
        return start_off (self, domain, reason, config, progress, error);
      g_propagate_error (error, g_steal_pointer (&resume_error));
      return FALSE;
    }
  if (state == VIR_DOMAIN_PMSUSPENDED && virDomainPMWakeup (domain, 0) < 0)
    return scl_throw_virt (error, "VM \"%s\" sleeps and does not wake up", name);
  return _scl_libvirt_vms_clear_marks (self, domain, name, error);
}

/* stop */

static gboolean
press_button (SclLibvirtVms *self, virDomainPtr domain)
{
  if (_scl_virt_connection_is_test (self->connection))
    return virDomainShutdown (domain) == 0;
  return virDomainShutdownFlags (domain, VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN) == 0;
}

/* Anew, for the connection may be another one by now: 1: it is not there any more, 0: OUT_DOMAIN,
 * -1: error. */
static int
find_again (SclLibvirtVms *self, const char *name, virDomainPtr *out_domain, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (virConnect) handle = _scl_virt_connection_get (self->connection, error);

  if (handle == NULL)
    return -1;
  *out_domain = _scl_libvirt_vms_lookup (self, handle, name, &local_error);
  if (*out_domain != NULL)
    return 0;
  if (g_error_matches (local_error, SCL_ERROR, SCL_ERROR_NOT_FOUND))
    return 1;
  g_propagate_error (error, g_steal_pointer (&local_error));
  return -1;
}

/* 1: off, 0: still on, -1: error. */
static int
query_off (SclLibvirtVms *self, const char *name, GError **error)
{
  g_autoptr (virDomain) domain = NULL;
  int state;
  int gone = find_again (self, name, &domain, error);

  if (gone != 0)
    return gone;
  if (virDomainGetState (domain, &state, NULL, 0) < 0)
    {
      scl_throw_virt (error, "VM \"%s\"", name);
      return -1;
    }
  return is_off (state);
}

/* Until the domain is off (1), UNTIL has come (0) or an error (-1), also of
 * cancellation. */
static int
wait_off (SclLibvirtVms *self, SclVirtWait *wait, const char *name, gint64 until,
          GCancellable *cancellable, GError **error)
{
  for (;;)
    {
      int off = query_off (self, name, error);

      if (off != 0)
        return off;
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return -1;
      if (!_scl_virt_wait_next (wait, until) && !g_cancellable_is_cancelled (cancellable))
        return 0;
    }
}

/* 0: pressed, otherwise as find_again. */
static int
press_again (SclLibvirtVms *self, const char *name, GError **error)
{
  g_autoptr (virDomain) domain = NULL;
  int gone = find_again (self, name, &domain, error);

  if (gone != 0)
    return gone;
  if (!_scl_virt_call_check ("pressing the power button", error))
    return -1;
  /* Fails when the guest is off already, or its driver is: the wait finds out. */
  (void) press_button (self, domain);
  return 0;
}

/* As wait_off, with the power button pressed now and then. */
static int
shut_down (SclLibvirtVms *self, const char *domain_name, const char *name, guint timeout,
           const SclProgress *progress, GError **error)
{
  GCancellable *cancellable = progress != NULL ? progress->cancellable : NULL;
  g_autoptr (SclVirtWait) wait = _scl_virt_wait_begin (self->connection, domain_name, cancellable);
  gint64 begin = g_get_monotonic_time ();
  gint64 deadline = begin + (gint64) timeout * G_USEC_PER_SEC;

  for (;;)
    {
      gint64 now = g_get_monotonic_time ();
      int off;

      if (now >= deadline)
        return 0;
      _scl_progress_report (progress, (guint64) ((now - begin) / G_USEC_PER_SEC), timeout,
                            "waiting for the guest to shut down");
      off = press_again (self, name, error);
      if (off == 0)
        off = wait_off (self, wait, name, MIN (deadline, now + PRESS_AGAIN_SECONDS * G_USEC_PER_SEC),
                        cancellable, error);
      if (off != 0)
        return off;
    }
}

static gboolean
destroy (virDomainPtr domain, const char *name, GError **error)
{
  guint tries = 0;

  do
    {
      if (!_scl_virt_call_check ("cutting its power", error))
        return FALSE;
      /* One without a definition is gone as soon as it is off. */
      if (virDomainDestroy (domain) == 0 || _scl_virt_error_is (VIR_ERR_OPERATION_INVALID)
          || _scl_virt_error_is (VIR_ERR_NO_DOMAIN))
        return TRUE;
    }
  while (_scl_virt_error_is_busy (&tries));
  return scl_throw_virt (error, "VM \"%s\": cannot cut its power", name);
}

static gboolean
cut (SclLibvirtVms *self, const char *name, GError **error)
{
  g_autoptr (virConnect) handle = _scl_virt_connection_get (self->connection, error);
  g_autoptr (virDomain) domain
      = handle != NULL ? _scl_libvirt_vms_lookup (self, handle, name, error) : NULL;
  g_autoptr (SclVirtWait) wait = NULL;
  int off;

  if (domain == NULL)
    return FALSE;
  wait = _scl_virt_wait_begin (self->connection, virDomainGetName (domain), NULL);
  if (!destroy (domain, name, error))
    return FALSE;
  off = wait_off (self, wait, name, g_get_monotonic_time () + OFF_SECONDS * G_USEC_PER_SEC, NULL,
                  error);
  if (off == 0)
    return scl_throw (error, SCL_ERROR_TIMEOUT,
                      "VM \"%s\": its power was cut, but QEMU was not gone after %d s", name,
                      OFF_SECONDS);
  return off > 0;
}

static gboolean
stop_running (SclLibvirtVms *self, virDomainPtr domain, const char *name, int state, guint timeout,
              const SclProgress *progress, GError **error)
{
  int off = 0;

  /* A paused guest cannot see the button. */
  if (state == VIR_DOMAIN_PAUSED)
    timeout = 0;
  if (timeout > 0)
    off = shut_down (self, virDomainGetName (domain), name, timeout, progress, error);
  if (off != 0)
    return off > 0;
  if (timeout > 0)
    _scl_progress_report (progress, timeout, timeout,
                          "the guest did not shut down in time: cutting its power");
  if (!cut (self, name, error))
    return FALSE;
  if (timeout > 0)
    _scl_progress_remark (progress,
                          "VM \"%s\": the guest did not shut down within %u s (shutdownTimeout), so its "
                          "power was cut: what it had not written is lost",
                          name, timeout);
  return TRUE;
}

static gboolean
stop_marked (SclLibvirtVms *self, virDomainPtr domain, const char *name, guint timeout,
             const SclProgress *progress, GError **error)
{
  int state;

  if (virDomainGetState (domain, &state, NULL, 0) < 0)
    return scl_throw_virt (error, "VM \"%s\"", name);
  return is_off (state) || stop_running (self, domain, name, state, timeout, progress, error);
}

gboolean
_scl_libvirt_vms_stop (SclVmBackend *backend, const char *name, guint timeout, SclStoppedBy by,
                       const SclProgress *progress, GError **error)
{
  SclLibvirtVms *self = SCL_LIBVIRT_VMS (backend);
  SclStop stop = { 0 };
  g_autoptr (virDomain) domain = NULL;
  gboolean is_done;

  if (_scl_progress_is_cancelled (progress, error))
    return FALSE;
  /* Before the button is pressed: whoever looks when the guest is off shall
   * know why. */
  domain = _scl_libvirt_vms_begin_stop (self, name, timeout, by, &stop, error);
  is_done = domain != NULL && stop_marked (self, domain, name, timeout, progress, error);
  if (is_done && stop.unnoted != NULL)
    _scl_progress_remark (progress, "%s: it is gone with its QEMU, but for its volumes, and apply makes it anew",
                          stop.unnoted);
  _scl_libvirt_vms_end_stop (self, name, &stop, is_done);
  return is_done;
}

gboolean
_scl_libvirt_vms_clear_stopped (SclVmBackend *backend, const char *name, GError **error)
{
  SclLibvirtVms *self = SCL_LIBVIRT_VMS (backend);
  g_autoptr (virConnect) handle = _scl_virt_connection_get (self->connection, error);
  g_autoptr (virDomain) domain = NULL;
  g_autoptr (SclDomainDef) config = NULL;
  int state, reason;

  if (handle == NULL)
    return FALSE;
  domain = _scl_libvirt_vms_lookup_ours (self, handle, name, &config, error);
  if (domain == NULL)
    return FALSE;
  if (virDomainGetState (domain, &state, &reason, 0) < 0)
    return scl_throw_virt (error, "VM \"%s\"", name);
  if (!is_off (state))
    return _scl_libvirt_vms_clear_marks (self, domain, name, error);
  if (config->mark == SCL_DOMAIN_MARK_NOBODY && reason != VIR_DOMAIN_SHUTOFF_SHUTDOWN)
    return TRUE;
  return _scl_libvirt_vms_set_cleared (self, domain, name, error);
}
