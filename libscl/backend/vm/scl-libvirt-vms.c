/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-domain-console-private.h"
#include "backend/vm/scl-libvirt-vms-parts-private.h"
#include "base/scl-fd-private.h"
#include "model/scl-names-private.h"
#include <libvirt/virterror.h>
#include <string.h>

/* Between attempts to reach a daemon that went away, µs. */
#define FIRST_PAUSE (G_USEC_PER_SEC / 4)
#define LONGEST_PAUSE (10 * G_USEC_PER_SEC)

static void vm_backend_init (SclVmBackendInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SclLibvirtVms, _scl_libvirt_vms, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SCL_TYPE_VM_BACKEND, vm_backend_init))

typedef struct
{
  char *domain_name;
  int event;
} Event;

static void
event_free (gpointer data)
{
  Event *event = data;

  g_free (event->domain_name);
  g_free (event);
}

static void handle_event (gpointer data, gpointer user_data);

static void
scl_libvirt_vms_finalize (GObject *object)
{
  SclLibvirtVms *self = SCL_LIBVIRT_VMS (object);

  /* Events first: they use everything else. */
  if (self->connection != NULL)
    _scl_virt_connection_listen (self->connection, NULL, NULL);
  g_cancellable_cancel (self->closing);
  g_thread_pool_free (self->event_pool, FALSE,
                      TRUE); /* TRUE would lose items without freeing them */
  g_clear_pointer (&self->connection, _scl_virt_connection_free);
  g_clear_pointer (&self->logs, _scl_console_logs_free);
  g_clear_pointer (&self->accel, _scl_accel_probe_free);
  g_object_unref (self->closing);
  g_mutex_clear (&self->accel_lock);
  g_mutex_clear (&self->mark_lock);
  g_rec_mutex_clear (&self->watch_lock);
  g_free (self->prefix);
  g_free (self->state_dir);
  G_OBJECT_CLASS (_scl_libvirt_vms_parent_class)->finalize (object);
}

static void
_scl_libvirt_vms_class_init (SclLibvirtVmsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = scl_libvirt_vms_finalize;
}

static void
_scl_libvirt_vms_init (SclLibvirtVms *self)
{
  g_mutex_init (&self->mark_lock);
  g_mutex_init (&self->accel_lock);
  g_rec_mutex_init (&self->watch_lock);
  self->closing = g_cancellable_new ();
  self->event_pool = g_thread_pool_new_full (handle_event, self, event_free, 1, FALSE, NULL);
}

/* shared by the other files */

SclDomainDef *
_scl_libvirt_vms_read_config (virDomainPtr domain, GError **error)
{
  char *xml = virDomainGetXMLDesc (domain, VIR_DOMAIN_XML_INACTIVE);
  SclDomainDef *def;

  if (xml == NULL)
    return scl_null_throw_virt (error, "domain \"%s\"", virDomainGetName (domain));
  def = _scl_domain_def_from_xml (xml, error);
  free (xml);
  return def;
}

SclDomainDef *
_scl_libvirt_vms_parse_live (const char *xml, GError **error)
{
  g_autoptr (SclDomainDef) live = _scl_domain_def_from_xml (xml, error);

  if (live != NULL && !live->active)
    return scl_null_throw (error, SCL_ERROR_BUSY, "domain \"%s\" is not running",
                           live->domain_name);
  return g_steal_pointer (&live);
}

SclDomainDef *
_scl_libvirt_vms_read_live (virDomainPtr domain, GError **error)
{
  char *xml = virDomainGetXMLDesc (domain, 0);
  SclDomainDef *live;

  if (xml == NULL)
    return scl_null_throw_virt (error, "domain \"%s\"", virDomainGetName (domain));
  live = _scl_libvirt_vms_parse_live (xml, error);
  free (xml);
  return live;
}

virDomainPtr
_scl_libvirt_vms_lookup (SclLibvirtVms *self, virConnectPtr handle, const char *vm, GError **error)
{
  g_autofree char *name = _scl_names_domain (self->prefix, vm);
  virDomainPtr domain = virDomainLookupByName (handle, name);

  if (domain != NULL)
    return domain;
  if (_scl_virt_error_is (VIR_ERR_NO_DOMAIN))
    return scl_null_throw (error, SCL_ERROR_NOT_FOUND, "VM \"%s\" does not exist", vm);
  return scl_null_throw_virt (error, "VM \"%s\"", vm);
}

gboolean
_scl_libvirt_vms_throw_foreign (SclLibvirtVms *self, const char *domain_name, GError **error)
{
  return scl_throw (error, SCL_ERROR_EXISTS,
                    "domain \"%s\" exists and was not made by this instance "
                    "(\"%s\") of SCL; it is "
                    "left alone: rename it (virsh domrename %s NEW), give the "
                    "VM another name, or "
                    "hand it over: virsh metadata %s " SCL_DOMAIN_NAMESPACE
                    " --config --key " SCL_DOMAIN_KEY
                    " --set \"<vm version='1' instance='%s' name='…'/>\"",
                    domain_name, self->prefix, domain_name, domain_name, self->prefix);
}

virDomainPtr
_scl_libvirt_vms_lookup_ours (SclLibvirtVms *self, virConnectPtr handle, const char *vm,
                              SclDomainDef **out_def, GError **error)
{
  g_autoptr (virDomain) domain = _scl_libvirt_vms_lookup (self, handle, vm, error);
  g_autoptr (SclDomainDef) def = NULL;

  if (domain == NULL)
    return NULL;
  def = _scl_libvirt_vms_read_config (domain, error);
  if (def == NULL)
    return NULL;
  if (!_scl_domain_def_is_ours (def, self->prefix))
    {
      _scl_libvirt_vms_throw_foreign (self, virDomainGetName (domain), error);
      return NULL;
    }
  *out_def = g_steal_pointer (&def);
  return g_steal_pointer (&domain);
}

gboolean
_scl_libvirt_vms_set_mark (virDomainPtr domain, SclDomainDef *def, SclDomainMark mark, guint flags,
                           GError **error)
{
  g_autofree char *metadata = NULL;

  if (def->mark == mark)
    return TRUE;
  def->mark = mark;
  metadata = _scl_domain_def_to_metadata (def);
  if (virDomainSetMetadata (domain, VIR_DOMAIN_METADATA_ELEMENT, metadata, SCL_DOMAIN_KEY,
                            SCL_DOMAIN_NAMESPACE, flags)
      < 0)
    return scl_throw_virt (error, "VM \"%s\": cannot note who wants it off", def->vm_name);
  return TRUE;
}

static char *
find_emulator (SclLibvirtVms *self)
{
  g_autoptr (virConnect) handle = _scl_virt_connection_get (self->connection, NULL);
  char *xml = handle != NULL
                  ? virConnectGetDomainCapabilities (handle, NULL, "x86_64", "q35", NULL, 0)
                  : NULL;
  const char *start = xml != NULL ? strstr (xml, "<path>") : NULL;
  const char *end = start != NULL ? strstr (start, "</path>") : NULL;
  char *path = end != NULL ? g_strndup (start + strlen ("<path>"), end - start - strlen ("<path>"))
                           : g_strdup ("qemu-system-x86_64");

  free (xml);
  return path;
}

const SclAccelProbe *
_scl_libvirt_vms_probe (SclLibvirtVms *self, GCancellable *cancellable)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->accel_lock);
  g_autofree char *folder = g_build_filename ("/run/scl", self->prefix, NULL);
  g_autofree char *emulator = NULL;

  if (self->accel != NULL)
    return self->accel;
  if (_scl_virt_connection_is_test (self->connection))
    {
      self->accel = g_new0 (SclAccelProbe, 1);
      self->accel->reason = g_strdup ("libvirt's test driver runs nothing");
      return self->accel;
    }
  emulator = find_emulator (self);
  self->accel = _scl_accel_probe_new (folder, emulator, cancellable);
  return self->accel;
}

gboolean
_scl_libvirt_vms_wants_kvm (SclLibvirtVms *self, SclVmSpec *spec, GCancellable *cancellable)
{
  const SclAccelProbe *probe;

  switch (scl_vm_spec_get_accelerator (spec))
    {
    case SCL_ACCELERATOR_KVM:
      return TRUE;
    case SCL_ACCELERATOR_TCG:
      return FALSE;
    case SCL_ACCELERATOR_AUTO:
      break;
    }
  probe = _scl_libvirt_vms_probe (self, cancellable);
  return probe != NULL && probe->kvm;
}

/* define and remove */

static gboolean
make_folder_of (const char *path, GError **error)
{
  g_autofree char *folder = path != NULL ? g_path_get_dirname (path) : NULL;
  g_auto (SclFd) fd = -1;

  if (folder == NULL || g_file_test (folder, G_FILE_TEST_IS_DIR))
    return TRUE;
  fd = _scl_fd_open_folder (folder, 0711, error);
  return fd >= 0;
}

static gboolean
read_existing (SclLibvirtVms *self, virConnectPtr handle, const char *name, SclDomainDef **out_def,
               GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (virDomain) domain
      = _scl_libvirt_vms_lookup_ours (self, handle, name, out_def, &local_error);

  if (domain != NULL || g_error_matches (local_error, SCL_ERROR, SCL_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

static gboolean
scl_libvirt_vms_define (SclVmBackend *backend, SclVmSpec *spec, const SclVmWiring *wiring,
                        const SclProgress *progress, GError **error)
{
  SclLibvirtVms *self = SCL_LIBVIRT_VMS (backend);
  GCancellable *cancellable = progress != NULL ? progress->cancellable : NULL;
  const char *name = scl_vm_spec_get_name (spec);
  g_autoptr (virConnect) handle = NULL;
  g_autoptr (SclDomainDef) existing = NULL;
  g_autoptr (SclDomainDef) def = NULL;
  g_autoptr (virDomain) domain = NULL;
  g_autofree char *xml = NULL;

  if (_scl_progress_is_cancelled (progress, error))
    return FALSE;
  handle = _scl_virt_connection_get (self->connection, error);
  if (handle == NULL || !read_existing (self, handle, name, &existing, error))
    return FALSE;
  def = _scl_domain_def_from_spec (self->prefix, spec, wiring,
                                   _scl_libvirt_vms_wants_kvm (self, spec, cancellable), existing,
                                   error);
  if (def == NULL || _scl_progress_is_cancelled (progress, error))
    return FALSE;
  if (!_scl_virt_connection_is_test (self->connection)
      && (!make_folder_of (def->log, error) || !make_folder_of (def->nvram, error)))
    return scl_prefix (error, "VM \"%s\"", name);
  xml = _scl_domain_def_to_xml (def);
  /* Without VIR_DOMAIN_DEFINE_VALIDATE, which costs 8 ms; the tests validate.
   */
  domain = virDomainDefineXMLFlags (handle, xml, 0);
  if (domain == NULL)
    return scl_throw_virt (error, "VM \"%s\": cannot define domain \"%s\"", name, def->domain_name);
  return TRUE;
}

static gboolean
undefine (virDomainPtr domain, const char *name, GError **error)
{
  const guint flags = VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
                      | VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | VIR_DOMAIN_UNDEFINE_KEEP_NVRAM;

  if (virDomainUndefineFlags (domain, flags) == 0)
    return TRUE;
  /* The test driver knows fewer flags. */
  if (_scl_virt_error_is (VIR_ERR_INVALID_ARG) && virDomainUndefine (domain) == 0)
    return TRUE;
  return scl_throw_virt (error, "VM \"%s\": cannot undefine its domain", name);
}

static gboolean
scl_libvirt_vms_remove (SclVmBackend *backend, const char *name, const SclProgress *progress,
                        GError **error)
{
  SclLibvirtVms *self = SCL_LIBVIRT_VMS (backend);
  g_autoptr (GError) local_error = NULL;
  g_autoptr (virConnect) handle = NULL;
  g_autoptr (virDomain) domain = NULL;
  g_autoptr (SclDomainDef) def = NULL;

  if (_scl_progress_is_cancelled (progress, error))
    return FALSE;
  handle = _scl_virt_connection_get (self->connection, error);
  if (handle == NULL)
    return FALSE;
  domain = _scl_libvirt_vms_lookup_ours (self, handle, name, &def, &local_error);
  if (domain == NULL && g_error_matches (local_error, SCL_ERROR, SCL_ERROR_NOT_FOUND))
    return TRUE;
  if (domain == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  if (virDomainIsActive (domain) != 0)
    return scl_throw (error, SCL_ERROR_BUSY, "VM \"%s\" is running: stop it first", name);
  return undefine (domain, name, error);
}

/* console */

static GIOStream *
scl_libvirt_vms_open_console (SclVmBackend *backend, const char *name, GCancellable *cancellable,
                              GError **error)
{
  SclLibvirtVms *self = SCL_LIBVIRT_VMS (backend);
  g_autoptr (virConnect) handle = NULL;
  g_autoptr (virDomain) domain = NULL;
  g_autoptr (SclDomainDef) def = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  handle = _scl_virt_connection_get (self->connection, error);
  if (handle == NULL)
    return NULL;
  domain = _scl_libvirt_vms_lookup_ours (self, handle, name, &def, error);
  if (domain == NULL)
    return NULL;
  if (virDomainIsActive (domain) != 1)
    return scl_null_throw (error, SCL_ERROR_BUSY, "VM \"%s\" is not running: start it first", name);
  return _scl_domain_console_open (handle, domain, name, error);
}

/* watch */

static void
tell (SclLibvirtVms *self, const char *vm, SclVmState state)
{
  g_rec_mutex_lock (&self->watch_lock);
  if (self->watch_func != NULL)
    self->watch_func (vm, state, self->watch_data);
  g_rec_mutex_unlock (&self->watch_lock);
}

/* The domain is gone, and with it the mark that said whose it was: its name has
 * to do. */
static void
tell_gone (SclLibvirtVms *self, const char *domain_name)
{
  g_autofree char *start = _scl_names_domain (self->prefix, "");

  if (g_str_has_prefix (domain_name, start))
    tell (self, domain_name + strlen (start), SCL_VM_STATE_UNKNOWN);
}

/* The domain has changed somehow: looks what has become of it. */
static void
look_again (SclLibvirtVms *self, virDomainPtr domain)
{
  g_autoptr (SclDomainDef) config = NULL;
  g_autoptr (SclDomainDef) live = NULL;
  const char *why;
  int state, reason;

  if (virDomainGetState (domain, &state, &reason, 0) < 0)
    return;
  if (state != VIR_DOMAIN_SHUTOFF && state != VIR_DOMAIN_CRASHED)
    live = _scl_libvirt_vms_read_live (domain, NULL);
  config = _scl_libvirt_vms_read_config (domain, NULL);
  if (config == NULL || !_scl_domain_def_is_ours (config, self->prefix))
    return;
  if (live != NULL && self->logs != NULL && live->log != NULL)
    _scl_console_logs_add (self->logs, live->log);
  _scl_libvirt_vms_settle (self, domain, state, reason, config, live);
  tell (self, config->vm_name, _scl_libvirt_vms_map_state (state, reason, &why));
}

/* NULL: we are closing. The daemon may be away for long, so the pauses grow; whoever opens the
 * connection meanwhile ends them. */
static virConnectPtr
reconnect (SclLibvirtVms *self)
{
  g_autoptr (SclVirtWait) wait = _scl_virt_wait_begin (self->connection, "", self->closing);
  gint64 pause = FIRST_PAUSE;

  while (!g_cancellable_is_cancelled (self->closing))
    {
      virConnectPtr handle = _scl_virt_connection_get (self->connection, NULL);

      if (handle != NULL)
        return handle;
      (void) _scl_virt_wait_next (wait, g_get_monotonic_time () + pause);
      pause = MIN (2 * pause, LONGEST_PAUSE);
    }
  return NULL;
}

/* Nobody has told what happened while the daemon was away. */
static void
catch_up (SclLibvirtVms *self)
{
  g_autoptr (virConnect) handle = reconnect (self);
  g_autofree char *start = _scl_names_domain (self->prefix, "");
  virDomainPtr *domains = NULL;
  int n = handle != NULL ? virConnectListAllDomains (handle, &domains, 0) : 0;

  for (int i = 0; i < n; i++)
    {
      g_autoptr (virDomain) domain = domains[i];

      if (g_str_has_prefix (virDomainGetName (domain), start))
        look_again (self, domain);
    }
  free (domains);
  /* One may be gone. */
  if (handle != NULL)
    tell (self, "", SCL_VM_STATE_UNKNOWN);
}

static void
handle_event (gpointer data, gpointer user_data)
{
  SclLibvirtVms *self = user_data;
  Event *event = data;
  g_autoptr (virConnect) handle = NULL;
  g_autoptr (virDomain) domain = NULL;

  if (event->domain_name == NULL)
    {
      catch_up (self);
      event_free (event);
      return;
    }
  if (!g_cancellable_is_cancelled (self->closing))
    handle = _scl_virt_connection_get (self->connection, NULL);
  if (handle != NULL)
    domain = virDomainLookupByName (handle, event->domain_name);
  if (domain != NULL)
    look_again (self, domain);
  else if (handle != NULL && event->event == VIR_DOMAIN_EVENT_UNDEFINED)
    tell_gone (self, event->domain_name);
  event_free (event);
}

/* In libvirt's event thread. */
static void
on_event (const char *domain_name, int event, int detail, gpointer user_data)
{
  SclLibvirtVms *self = user_data;
  Event *item = g_new0 (Event, 1);

  item->domain_name = g_strdup (domain_name);
  item->event = event;
  g_thread_pool_push (self->event_pool, item, NULL);
}

static void
scl_libvirt_vms_watch (SclVmBackend *backend, SclVmEventFunc func, gpointer user_data)
{
  SclLibvirtVms *self = SCL_LIBVIRT_VMS (backend);

  g_rec_mutex_lock (&self->watch_lock);
  self->watch_func = func;
  self->watch_data = user_data;
  g_rec_mutex_unlock (&self->watch_lock);
}

static void
vm_backend_init (SclVmBackendInterface *iface)
{
  iface->preflight = _scl_libvirt_vms_preflight;
  iface->observe = _scl_libvirt_vms_observe;
  iface->define = scl_libvirt_vms_define;
  iface->start = _scl_libvirt_vms_start;
  iface->stop = _scl_libvirt_vms_stop;
  iface->remove = scl_libvirt_vms_remove;
  iface->resize_disk = _scl_libvirt_vms_resize_disk;
  iface->replug_nic = _scl_libvirt_vms_replug_nic;
  iface->clear_stopped = _scl_libvirt_vms_clear_stopped;
  iface->open_console = scl_libvirt_vms_open_console;
  iface->list_agent_addresses = _scl_libvirt_vms_list_agent_addresses;
  iface->watch = scl_libvirt_vms_watch;
}

SclVmBackend *
_scl_libvirt_vms_new (const char *hypervisor_uri, const char *prefix, const char *state_dir,
                      GCancellable *cancellable, GError **error)
{
  g_autoptr (SclLibvirtVms) self = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  self = g_object_new (SCL_TYPE_LIBVIRT_VMS, NULL);
  self->prefix = g_strdup (prefix);
  self->state_dir = g_strdup (state_dir);
  self->connection = _scl_virt_connection_new (hypervisor_uri, state_dir, error);
  if (self->connection == NULL)
    return NULL;
  if (_scl_virt_connection_is_embedded (self->connection))
    self->logs = _scl_console_logs_new ();
  _scl_virt_connection_listen (self->connection, on_event, self);
  return SCL_VM_BACKEND (g_steal_pointer (&self));
}
