/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-domain-console-private.h"
#include "backend/vm/scl-domain-own-private.h"
#include "backend/vm/scl-libvirt-vms-parts-private.h"
#include "base/scl-fd-private.h"
#include "model/scl-names-private.h"
#include <glib/gstdio.h>
#include <libvirt/virterror.h>
#include <string.h>

#define RUN_DIR "/run/scl"
#define STORES_FIRMWARE 9002000 /* libvirt 9.2.0 */

G_DEFINE_FINAL_TYPE_WITH_CODE (SclLibvirtVms, _scl_libvirt_vms, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SCL_TYPE_VM_BACKEND,
                                                      _scl_libvirt_vms_init_backend))

static void
scl_libvirt_vms_dispose (GObject *object)
{
  SclLibvirtVms *self = SCL_LIBVIRT_VMS (object);

  _scl_libvirt_vms_watch (SCL_VM_BACKEND (self), NULL, NULL);
  if (self->connection != NULL)
    _scl_virt_hub_listen (_scl_virt_connection_get_hub (self->connection), NULL, NULL);
  _scl_vm_events_close (self->events);
  G_OBJECT_CLASS (_scl_libvirt_vms_parent_class)->dispose (object);
}

static void
scl_libvirt_vms_finalize (GObject *object)
{
  SclLibvirtVms *self = SCL_LIBVIRT_VMS (object);

  g_clear_pointer (&self->events, _scl_vm_events_unref);
  g_clear_pointer (&self->connection, _scl_virt_connection_free);
  g_clear_pointer (&self->logs, _scl_console_logs_free);
  g_clear_pointer (&self->accel, _scl_accel_probe_free);
  g_mutex_clear (&self->accel_lock);
  g_mutex_clear (&self->mark_lock);
  g_mutex_clear (&self->ends_lock);
  g_hash_table_unref (self->host_ends);
  g_rec_mutex_clear (&self->watch_lock);
  g_free (self->prefix);
  g_free (self->state_dir);
  G_OBJECT_CLASS (_scl_libvirt_vms_parent_class)->finalize (object);
}

static void
_scl_libvirt_vms_class_init (SclLibvirtVmsClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = scl_libvirt_vms_dispose;
  G_OBJECT_CLASS (klass)->finalize = scl_libvirt_vms_finalize;
}

static void
_scl_libvirt_vms_init (SclLibvirtVms *self)
{
  g_mutex_init (&self->mark_lock);
  g_mutex_init (&self->ends_lock);
  self->host_ends = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_mutex_init (&self->accel_lock);
  g_rec_mutex_init (&self->watch_lock);
  self->events = _scl_vm_events_new (self);
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

/* Of a domain that was handed over nothing is an addition: SCL has set nothing in it yet. */
gboolean
_scl_libvirt_vms_read_additions (virDomainPtr domain, SclDomainDef *def, const SclVmWiring *wiring,
                                 GError **error)
{
  g_autoptr (GHashTable) names = _scl_domain_own_names (def, wiring);
  char *xml;

  if (def->fields == NULL)
    return TRUE;
  xml = virDomainGetXMLDesc (domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
  if (xml == NULL)
    return scl_throw_virt (error, "domain \"%s\"", virDomainGetName (domain));
  def->additions = _scl_domain_additions_new (xml, names, error);
  free (xml);
  return def->additions != NULL;
}

SclDomainDef *
_scl_libvirt_vms_parse_live (const char *xml, GError **error)
{
  g_autoptr (SclDomainDef) live = _scl_domain_def_from_xml (xml, error);

  if (live != NULL && !live->active)
    return scl_null_throw (error, SCL_ERROR_IN_USE, "domain \"%s\" is not running",
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

/* With the lock held. NULL only if it was cancelled. */
static SclAccelProbe *
ask_probe (SclLibvirtVms *self, GCancellable *cancellable)
{
  g_autofree char *folder = g_build_filename (RUN_DIR, self->prefix, NULL);
  g_autofree char *emulator = NULL;
  SclAccelProbe *none;

  if (!_scl_virt_connection_is_test (self->connection))
    {
      emulator = find_emulator (self);
      return _scl_accel_probe_new (folder, emulator, cancellable);
    }
  none = g_new0 (SclAccelProbe, 1);
  none->reason = g_strdup ("libvirt's test driver runs nothing");
  return none;
}

gboolean
_scl_libvirt_vms_probe (SclLibvirtVms *self, GCancellable *cancellable, char **out_reason)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->accel_lock);

  if (self->accel != NULL && _scl_accel_probe_is_old (self->accel))
    g_clear_pointer (&self->accel, _scl_accel_probe_free);
  if (self->accel == NULL)
    self->accel = ask_probe (self, cancellable);
  if (out_reason != NULL)
    *out_reason = g_strdup (self->accel != NULL ? self->accel->reason : NULL);
  return self->accel != NULL && self->accel->kvm;
}

char *
_scl_libvirt_vms_explain_emulation (SclLibvirtVms *self)
{
  g_autofree char *folder = g_build_filename (RUN_DIR, self->prefix, NULL);
  g_autoptr (SclAccelProbe) kept = NULL;

  if (_scl_virt_connection_is_test (self->connection) || access ("/dev/kvm", F_OK) != 0)
    return NULL;
  kept = _scl_accel_probe_peek (folder);
  if (kept != NULL && kept->kvm)
    return g_strdup ("is emulated (TCG), which is slow, but KVM works here now: apply again, then restart it");
  return g_strdup_printf ("is emulated (TCG), which is slow, though /dev/kvm is there: a test guest did not run with it%s%s%s. "
                          "An apply tries that again some minutes after it failed; `accelerator: tcg` says that it is meant",
                          kept != NULL ? " (" : "", kept != NULL ? kept->reason : "", kept != NULL ? ")" : "");
}

gboolean
_scl_libvirt_vms_wants_kvm (SclLibvirtVms *self, SclVmSpec *spec, GCancellable *cancellable)
{
  switch (scl_vm_spec_get_accelerator (spec))
    {
    case SCL_ACCELERATOR_KVM:
      return TRUE;
    case SCL_ACCELERATOR_TCG:
      return FALSE;
    case SCL_ACCELERATOR_AUTO:
      break;
    }
  return _scl_libvirt_vms_probe (self, cancellable, NULL);
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

/* Below the embedded driver's root its name may not fit into a socket's address. */
static char *
agent_path (SclLibvirtVms *self, const char *name)
{
  g_autofree char *file = g_strconcat (name, ".sock", NULL);

  return g_build_filename (RUN_DIR, self->prefix, "agent", file, NULL);
}

/* Starts hold it as readers, so that nobody removes the folder before their sockets are in it. */
static GRWLock agent_lock;

gboolean
_scl_libvirt_vms_make_agent_folder (SclLibvirtVms *self, GError **error)
{
  g_autofree char *path = g_build_filename (RUN_DIR, self->prefix, "agent", NULL);
  g_auto (SclFd) fd = -1;

  g_rw_lock_reader_lock (&agent_lock);
  if (!_scl_virt_connection_is_embedded (self->connection))
    return TRUE;
  /* libvirt opens the sockets as root, and hands them to QEMU. */
  fd = _scl_fd_open_folder (path, 0700, error);
  return fd >= 0;
}

void
_scl_libvirt_vms_end_agent_folder (void)
{
  g_rw_lock_reader_unlock (&agent_lock);
}

/* Where no other VM has a socket, or is about to get one. Before a domain is undefined, so that a process that dies between
 * the two leaves none: each start makes them. */
static void
remove_agent_folder (SclLibvirtVms *self)
{
  g_autofree char *path = g_build_filename (RUN_DIR, self->prefix, "agent", NULL);
  g_autofree char *parent = g_path_get_dirname (path);

  if (!_scl_virt_connection_is_embedded (self->connection))
    return;
  if (!g_rw_lock_writer_trylock (&agent_lock))
    return;
  if (g_rmdir (path) == 0)
    (void) g_rmdir (parent);
  g_rw_lock_writer_unlock (&agent_lock);
}

static gboolean
read_existing (SclLibvirtVms *self, virConnectPtr handle, const char *name, const SclVmWiring *wiring,
               SclDomainDef **out_def, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (virDomain) domain
      = _scl_libvirt_vms_lookup_ours (self, handle, name, out_def, &local_error);

  if (domain != NULL)
    return _scl_libvirt_vms_read_additions (domain, *out_def, wiring, error);
  if (g_error_matches (local_error, SCL_ERROR, SCL_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

static gboolean
put_xml (virConnectPtr handle, const SclDomainDef *def, const char *xml, GError **error)
{
  g_autoptr (virDomain) domain = NULL;

  if (!_scl_virt_call_check ("defining its domain", error))
    return FALSE;
  /* Without VIR_DOMAIN_DEFINE_VALIDATE, which costs 8 ms; the tests validate.
   */
  domain = virDomainDefineXMLFlags (handle, xml, 0);
  if (domain != NULL)
    return TRUE;
  if (def->additions != NULL && def->additions->devices->len + def->additions->elements->len > 0
      && _scl_virt_error_is_refused_xml ())
    return scl_throw_virt (error,
                           "VM \"%s\": cannot define domain \"%s\" with what was added to it by hand "
                           "(take that out: virsh edit %s)",
                           def->vm_name, def->domain_name, def->domain_name);
  return scl_throw_virt (error, "VM \"%s\": cannot define domain \"%s\"", def->vm_name,
                         def->domain_name);
}

/* Older ones choose at each start, and only raw images. */
static gboolean
stores_firmware (virConnectPtr handle)
{
  unsigned long version = 0;

  return virConnectGetLibVersion (handle, &version) == 0 && version >= STORES_FIRMWARE;
}

/* What libvirt has chosen now is looked at before anything starts with it; if it does not fit,
 * BEFORE (nullable) is put back. */
static gboolean
check_choice (virConnectPtr handle, const SclDomainDef *def, const SclNvram *nvram,
              const char *before, GError **error)
{
  g_autoptr (virDomain) domain = virDomainLookupByName (handle, def->domain_name);
  g_autoptr (SclDomainDef) stored
      = domain != NULL ? _scl_libvirt_vms_read_config (domain, NULL) : NULL;

  if (stored == NULL || _scl_domain_firmware_fits (stored, nvram))
    return TRUE;
  if (before != NULL)
    (void) put_xml (handle, def, before, NULL);
  return _scl_domain_firmware_throw (def, nvram, error);
}

static gboolean
choose_firmware (virConnectPtr handle, SclDomainDef *def, const SclNvram *nvram, GError **error)
{
  g_autoptr (virDomain) domain = virDomainLookupByName (handle, def->domain_name);
  const guint flags = VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE;
  char *before = domain != NULL ? virDomainGetXMLDesc (domain, flags) : NULL;
  g_autofree char *xml = NULL;
  g_autoptr (GError) cause = NULL;
  gboolean done = FALSE;

  _scl_domain_def_choose_firmware (def, nvram->format);
  xml = _scl_domain_def_to_xml (def);
  if (put_xml (handle, def, xml, &cause))
    done = check_choice (handle, def, nvram, before, error);
  else if (_scl_virt_error_is (VIR_ERR_OPERATION_FAILED))
    done = _scl_domain_firmware_throw (def, nvram, error);
  else
    g_propagate_error (error, g_steal_pointer (&cause));
  free (before);
  return done;
}

gboolean
_scl_libvirt_vms_put (SclLibvirtVms *self, virConnectPtr handle, SclDomainDef *def, GError **error)
{
  const char *file = def->firmware == SCL_FIRMWARE_UEFI ? def->nvram : NULL;
  const char *format = def->nvram_format != NULL ? def->nvram_format : _scl_nvram_read_format (file);
  SclNvram nvram = _scl_nvram_measure (file, format);
  g_autofree char *xml = NULL;

  if (_scl_domain_firmware_is_gone (def))
    _scl_domain_def_forget_loader (def);
  if (nvram.format != NULL && def->loader == NULL && stores_firmware (handle))
    return choose_firmware (handle, def, &nvram, error);
  if (def->loader == NULL)
    _scl_domain_def_choose_firmware (def, NULL);
  xml = _scl_domain_def_to_xml (def);
  return put_xml (handle, def, xml, error);
}

gboolean
_scl_libvirt_vms_check_overlays (SclDomainDef *existing, GError **error)
{
  g_autofree char *overlay = _scl_domain_def_skip_overlays (existing, NULL);

  return overlay == NULL
         || scl_throw (error, SCL_ERROR_IN_USE,
                       "VM \"%s\": another tool has put %s over its volume, or into its place: a definition without "
                       "that would lose what was written since",
                       existing->vm_name, overlay);
}

gboolean
_scl_libvirt_vms_define (SclVmBackend *backend, SclVmSpec *spec, const SclVmWiring *wiring,
                        const SclProgress *progress, GError **error)
{
  SclLibvirtVms *self = SCL_LIBVIRT_VMS (backend);
  GCancellable *cancellable = progress != NULL ? progress->cancellable : NULL;
  const char *name = scl_vm_spec_get_name (spec);
  g_autoptr (virConnect) handle = NULL;
  g_autoptr (SclDomainDef) existing = NULL;
  g_autoptr (SclDomainDef) def = NULL;
  g_auto (SclMarkLock) lock = { NULL, -1 };
  gboolean kvm;

  if (_scl_progress_is_cancelled (progress, error))
    return FALSE;
  kvm = _scl_libvirt_vms_wants_kvm (self, spec, cancellable);
  handle = _scl_virt_connection_get (self->connection, error);
  if (handle == NULL || !_scl_libvirt_vms_lock_marks (self, name, TRUE, &lock, error)
      || !read_existing (self, handle, name, wiring, &existing, error))
    return FALSE;
  if (existing != NULL && !_scl_libvirt_vms_check_overlays (existing, error))
    return FALSE;
  def = _scl_domain_def_from_spec (self->prefix, spec, wiring, kvm, existing, error);
  if (def == NULL || _scl_progress_is_cancelled (progress, error))
    return FALSE;
  if (_scl_virt_connection_is_embedded (self->connection))
    def->agent = agent_path (self, name);
  if (!_scl_virt_connection_is_test (self->connection)
      && (!make_folder_of (def->log, error) || !make_folder_of (def->nvram, error)))
    return scl_prefix (error, "VM \"%s\"", name);
  return _scl_libvirt_vms_put (self, handle, def, error);
}

static gboolean
undefine (virDomainPtr domain, const char *name, GError **error)
{
  /* Not with what others keep of it: libvirt refuses it then. */
  const guint flags = VIR_DOMAIN_UNDEFINE_KEEP_NVRAM;
  guint tries = 0;

  do
    {
      if (!_scl_virt_call_check ("undefining its domain", error))
        return FALSE;
      if (virDomainUndefineFlags (domain, flags) == 0)
        return TRUE;
    }
  while (_scl_virt_error_is_busy (&tries));
  /* The test driver knows fewer flags. */
  if (_scl_virt_error_is (VIR_ERR_INVALID_ARG) && virDomainUndefine (domain) == 0)
    return TRUE;
  return scl_throw_virt (error, "VM \"%s\": cannot undefine its domain", name);
}

/* TRUE with no domain: it is not there. */
static gboolean
find_to_remove (SclVmBackend *backend, const char *name, virDomainPtr *out_domain,
                SclDomainDef **out_def, GError **error)
{
  SclLibvirtVms *self = SCL_LIBVIRT_VMS (backend);
  g_autoptr (virConnect) handle = _scl_virt_connection_get (self->connection, error);
  g_autoptr (GError) why = NULL;

  if (handle == NULL)
    return FALSE;
  *out_domain = _scl_libvirt_vms_lookup_ours (self, handle, name, out_def, &why);
  if (*out_domain != NULL || g_error_matches (why, SCL_ERROR, SCL_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&why));
  return FALSE;
}

gboolean
_scl_libvirt_vms_check_removal (SclVmBackend *backend, const char *name, GError **error)
{
  g_autoptr (virDomain) domain = NULL;
  g_autoptr (SclDomainDef) def = NULL;

  return find_to_remove (backend, name, &domain, &def, error)
         && (domain == NULL || _scl_libvirt_vms_check_nothing_lost (domain, name, error));
}

gboolean
_scl_libvirt_vms_remove (SclVmBackend *backend, const char *name, const SclProgress *progress,
                        GError **error)
{
  g_autoptr (virDomain) domain = NULL;
  g_autoptr (SclDomainDef) def = NULL;

  if (_scl_progress_is_cancelled (progress, error)
      || !find_to_remove (backend, name, &domain, &def, error))
    return FALSE;
  if (domain == NULL)
    return TRUE;
  if (virDomainIsActive (domain) != 0)
    return scl_throw (error, SCL_ERROR_IN_USE, "VM \"%s\" is running: stop it first", name);
  if (!_scl_libvirt_vms_check_nothing_lost (domain, name, error))
    return FALSE;
  _scl_nvram_note_format (def->nvram, def->nvram_format);
  remove_agent_folder (SCL_LIBVIRT_VMS (backend));
  return undefine (domain, name, error);
}

/* console */

GIOStream *
_scl_libvirt_vms_open_console (SclVmBackend *backend, const char *name, GCancellable *cancellable,
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
    return scl_null_throw (error, SCL_ERROR_IN_USE, "VM \"%s\" is not running: start it first", name);
  return _scl_domain_console_open (handle, domain, name, error);
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
  self->connection = _scl_virt_connection_new (hypervisor_uri, state_dir, cancellable, error);
  if (self->connection == NULL)
    return NULL;
  if (_scl_virt_connection_is_embedded (self->connection))
    self->logs = _scl_console_logs_new ();
  _scl_virt_hub_listen (_scl_virt_connection_get_hub (self->connection), _scl_vm_events_take,
                        self->events);
  return SCL_VM_BACKEND (g_steal_pointer (&self));
}
