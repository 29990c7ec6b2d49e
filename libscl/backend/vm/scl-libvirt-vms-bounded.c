/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-libvirt-vms-parts-private.h"

/* What changes something is finished, if it can be, when it is cancelled: what is left behind goes on in
 * the daemon, and nobody undoes it. QEMU alone may take its time on a busy host. */
#define GRACE_SECONDS 30

/* One call of the backend. It owns what it uses: the caller may be gone before it ends. */
typedef struct Job Job;
struct Job
{
  SclVmBackend *backend;
  gboolean (*work) (Job *job, GError **error);
  char *name;
  SclVmSpec *spec;
  SclVmWiring *wiring;
  SclManifest *manifest;
  guint number; /* timeout or index */
  guint64 size;
  SclStoppedBy by;
  SclProgress progress;
  GMutex lock; /* of CALLER */
  const SclProgress *caller; /* NULL: gone */
  SclObservation *seen;
  SclSources *sources;
  GPtrArray *diagnostics;
  GIOStream *stream;
  gboolean ok;
  GError *error;
};

static void
job_free (gpointer data)
{
  Job *job = data;

  g_clear_object (&job->backend);
  g_clear_object (&job->spec);
  g_clear_pointer (&job->wiring, _scl_vm_wiring_free);
  g_clear_object (&job->manifest);
  g_clear_pointer (&job->seen, _scl_observation_unref);
  g_clear_pointer (&job->sources, _scl_sources_unref);
  g_clear_pointer (&job->diagnostics, g_ptr_array_unref);
  g_clear_object (&job->stream);
  g_clear_error (&job->error);
  g_mutex_clear (&job->lock);
  g_free (job->name);
  g_free (job);
}

static void
pass_on (guint64 done, guint64 total, const char *message, gpointer user_data)
{
  Job *job = user_data;
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&job->lock);

  _scl_progress_report (job->caller, done, total, message);
}

static void
pass_remark (const char *message, gpointer user_data)
{
  Job *job = user_data;
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&job->lock);

  _scl_progress_remark (job->caller, "%s", message);
}

static Job *
job_new (SclVmBackend *backend, gboolean (*work) (Job *job, GError **error), const char *name,
         const SclProgress *caller)
{
  Job *job = g_new0 (Job, 1);

  job->backend = g_object_ref (backend);
  job->work = work;
  job->name = g_strdup (name);
  job->caller = caller;
  job->progress.report = pass_on;
  job->progress.remark = pass_remark;
  job->progress.user_data = job;
  g_mutex_init (&job->lock);
  return job;
}

static void
run_work (gpointer data, gpointer user_data)
{
  Job *job = data;

  job->progress.cancellable = _scl_virt_call_get_cancellable ();
  job->ok = job->work (job, &job->error);
}

/* libvirt closes a connection that is silent, and then says only that it is closed. */
static gboolean
throw_failure (SclLibvirtVms *self, Job *job, GError **error)
{
  SclVirtHub *hub = _scl_virt_connection_get_hub (self->connection);

  if (g_error_matches (job->error, SCL_ERROR, SCL_ERROR_BACKEND) && _scl_virt_hub_is_silent (hub))
    return scl_throw (error, SCL_ERROR_TIMEOUT,
                      "%s: libvirt does not answer any more: " SCL_VIRT_SILENCE_ADVICE,
                      job->error->message);
  g_propagate_error (error, g_steal_pointer (&job->error));
  return FALSE;
}

/* Takes JOB. NULL: it failed, or was left behind. */
static SclVirtCall *
run (Job *job, const char *what, guint seconds, guint grace, GCancellable *cancellable,
     GError **error)
{
  SclLibvirtVms *self = SCL_LIBVIRT_VMS (job->backend);
  g_autofree char *subject = job->name != NULL
                                 ? g_strdup_printf ("VM \"%s\"", job->name)
                                 : g_strdup (_scl_virt_connection_get_uri (self->connection));
  g_autoptr (SclVirtCall) call = NULL;
  gboolean done;

  if (g_cancellable_is_cancelled (cancellable))
    {
      job_free (job);
      (void) g_cancellable_set_error_if_cancelled (cancellable, error);
      return NULL;
    }
  call = _scl_virt_call_start (run_work, job, job_free, what);
  done = _scl_virt_call_wait (call, subject, seconds, grace, cancellable, error);
  g_mutex_lock (&job->lock);
  job->caller = NULL;
  g_mutex_unlock (&job->lock);
  if (!done)
    return NULL;
  /* The thread may free JOB a little later; the caller's last reference shall be the last. */
  g_clear_object (&job->backend);
  if (!job->ok && !throw_failure (self, job, error))
    return NULL;
  return g_steal_pointer (&call);
}

static gboolean
change (Job *job, const char *what, GError **error)
{
  g_autoptr (SclVirtCall) call = run (job, what, SCL_VIRT_CHANGE_SECONDS, GRACE_SECONDS,
                                      job->caller != NULL ? job->caller->cancellable : NULL, error);

  return call != NULL;
}

static gboolean
work_preflight (Job *job, GError **error)
{
  return _scl_libvirt_vms_preflight (job->backend, job->manifest, job->diagnostics,
                                     job->progress.cancellable, error);
}

/* Moves what FROM holds to INTO. */
static void
move_all (GPtrArray *into, GPtrArray *from)
{
  g_ptr_array_extend (into, from, NULL, NULL);
  g_ptr_array_set_free_func (from, NULL);
}

static gboolean
bounded_preflight (SclVmBackend *backend, SclManifest *manifest, GPtrArray *diagnostics,
                   GCancellable *cancellable, GError **error)
{
  Job *job = job_new (backend, work_preflight, NULL, NULL);
  g_autoptr (SclVirtCall) call = NULL;

  job->manifest = g_object_ref (manifest);
  job->diagnostics = g_ptr_array_new_with_free_func (g_object_unref);
  call = run (job, "asking what it can do", SCL_VIRT_READ_SECONDS, 0, cancellable, error);
  if (call == NULL)
    return FALSE;
  move_all (diagnostics, job->diagnostics);
  return TRUE;
}

static gboolean
work_observe (Job *job, GError **error)
{
  return _scl_libvirt_vms_observe (job->backend, job->manifest, job->seen,
                                   job->progress.cancellable, error);
}

static gboolean
bounded_observe (SclVmBackend *backend, SclManifest *desired, SclObservation *out,
                 GCancellable *cancellable, GError **error)
{
  Job *job = job_new (backend, work_observe, NULL, NULL);
  g_autoptr (SclVirtCall) call = NULL;

  job->manifest = desired != NULL ? g_object_ref (desired) : NULL;
  job->seen = _scl_observation_new ();
  job->seen->with_files = out->with_files;
  call = run (job, "listing domains", SCL_VIRT_READ_SECONDS, 0, cancellable, error);
  if (call == NULL)
    return FALSE;
  move_all (out->vms, job->seen->vms);
  return TRUE;
}

static gboolean
work_list_sources (Job *job, GError **error)
{
  job->sources = _scl_libvirt_vms_list_sources (job->backend, job->seen, job->progress.cancellable,
                                               error);
  return job->sources != NULL;
}

static SclSources *
bounded_list_sources (SclVmBackend *backend, SclObservation *known, GCancellable *cancellable,
                      GError **error)
{
  Job *job = job_new (backend, work_list_sources, NULL, NULL);
  g_autoptr (SclVirtCall) call = NULL;

  job->seen = known != NULL ? _scl_observation_ref (known) : NULL;
  call = run (job, "listing domains", SCL_VIRT_READ_SECONDS, 0, cancellable, error);

  return call != NULL ? g_steal_pointer (&job->sources) : NULL;
}

static gboolean
work_define (Job *job, GError **error)
{
  return _scl_libvirt_vms_define (job->backend, job->spec, job->wiring, &job->progress, error);
}

static gboolean
bounded_define (SclVmBackend *backend, SclVmSpec *spec, const SclVmWiring *wiring,
                const SclProgress *progress, GError **error)
{
  Job *job = job_new (backend, work_define, scl_vm_spec_get_name (spec), progress);

  job->spec = g_object_ref (spec);
  job->wiring = _scl_vm_wiring_ref (wiring);
  return change (job, "reading its domain", error);
}

static gboolean
work_start (Job *job, GError **error)
{
  return _scl_libvirt_vms_start (job->backend, job->name, &job->progress, error);
}

static gboolean
bounded_start (SclVmBackend *backend, const char *name, const SclProgress *progress, GError **error)
{
  return change (job_new (backend, work_start, name, progress), "reading its domain", error);
}

static gboolean
work_stop (Job *job, GError **error)
{
  return _scl_libvirt_vms_stop (job->backend, job->name, job->number, job->by, &job->progress, error);
}

static gboolean
bounded_stop (SclVmBackend *backend, const char *name, guint timeout, SclStoppedBy by,
              const SclProgress *progress, GError **error)
{
  Job *job = job_new (backend, work_stop, name, progress);

  job->number = timeout;
  job->by = by;
  return change (job, "reading its domain", error);
}

static gboolean
work_check_removal (Job *job, GError **error)
{
  return _scl_libvirt_vms_check_removal (job->backend, job->name, error);
}

static gboolean
bounded_check_removal (SclVmBackend *backend, const char *name, GCancellable *cancellable,
                       GError **error)
{
  Job *job = job_new (backend, work_check_removal, name, NULL);
  g_autoptr (SclVirtCall) call
      = run (job, "reading its domain", SCL_VIRT_READ_SECONDS, 0, cancellable, error);

  return call != NULL;
}

static gboolean
work_remove (Job *job, GError **error)
{
  return _scl_libvirt_vms_remove (job->backend, job->name, &job->progress, error);
}

static gboolean
bounded_remove (SclVmBackend *backend, const char *name, const SclProgress *progress,
                GError **error)
{
  return change (job_new (backend, work_remove, name, progress), "reading its domain", error);
}

static gboolean
work_resize_disk (Job *job, GError **error)
{
  return _scl_libvirt_vms_resize_disk (job->backend, job->name, job->number, job->size, error);
}

static gboolean
bounded_resize_disk (SclVmBackend *backend, const char *name, guint index, guint64 size,
                     GError **error)
{
  Job *job = job_new (backend, work_resize_disk, name, NULL);

  job->number = index;
  job->size = size;
  return change (job, "growing a disk", error);
}

static gboolean
work_replug_nic (Job *job, GError **error)
{
  return _scl_libvirt_vms_replug_nic (job->backend, job->name, job->number, error);
}

static gboolean
bounded_replug_nic (SclVmBackend *backend, const char *name, guint index, GError **error)
{
  Job *job = job_new (backend, work_replug_nic, name, NULL);

  job->number = index;
  return change (job, "plugging a NIC in again", error);
}

static gboolean
work_clear_stopped (Job *job, GError **error)
{
  return _scl_libvirt_vms_clear_stopped (job->backend, job->name, error);
}

static gboolean
bounded_clear_stopped (SclVmBackend *backend, const char *name, GError **error)
{
  return change (job_new (backend, work_clear_stopped, name, NULL), "reading its domain", error);
}

static gboolean
work_open_console (Job *job, GError **error)
{
  job->stream = _scl_libvirt_vms_open_console (job->backend, job->name, job->progress.cancellable,
                                               error);
  return job->stream != NULL;
}

static GIOStream *
bounded_open_console (SclVmBackend *backend, const char *name, GCancellable *cancellable,
                      GError **error)
{
  Job *job = job_new (backend, work_open_console, name, NULL);
  g_autoptr (SclVirtCall) call
      = run (job, "opening its console", SCL_VIRT_READ_SECONDS, 0, cancellable, error);

  return call != NULL ? g_steal_pointer (&job->stream) : NULL;
}

void
_scl_libvirt_vms_init_backend (SclVmBackendInterface *iface)
{
  iface->preflight = bounded_preflight;
  iface->observe = bounded_observe;
  iface->list_sources = bounded_list_sources;
  iface->define = bounded_define;
  iface->start = bounded_start;
  iface->stop = bounded_stop;
  iface->check_removal = bounded_check_removal;
  iface->remove = bounded_remove;
  iface->resize_disk = bounded_resize_disk;
  iface->replug_nic = bounded_replug_nic;
  iface->clear_stopped = bounded_clear_stopped;
  iface->open_console = bounded_open_console;
  iface->list_agent_addresses = _scl_libvirt_vms_list_agent_addresses;
  iface->watch = _scl_libvirt_vms_watch;
}
