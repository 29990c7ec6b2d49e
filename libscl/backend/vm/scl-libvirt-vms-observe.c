/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-guest-sizes-private.h"
#include "backend/vm/scl-libvirt-vms-parts-private.h"
#include "backend/vm/scl-qemu-files-private.h"
#include "backend/vm/scl-qemu-taps-private.h"
#include "model/scl-names-private.h"
#include "model/scl-vm-spec-private.h"
#include <libvirt/virterror.h>
#include <string.h>
#include <sys/stat.h>

static char *
pid_file_of (SclLibvirtVms *self, const char *domain_name)
{
  gboolean embedded = _scl_virt_connection_is_embedded (self->connection);
  g_autofree char *file = g_strconcat (domain_name, ".pid", NULL);

  return embedded ? g_build_filename (self->state_dir, "embed/run/qemu", file, NULL)
                  : g_build_filename ("/run/libvirt/qemu", file, NULL);
}

/* libvirt does not tell when a domain was started, but it writes QEMU's pid
 * file then. */
static gint64
find_start (const char *pid_file)
{
  struct stat st;

  return stat (pid_file, &st) == 0 ? st.st_mtim.tv_sec : 0;
}

static int
stat_int (virDomainStatsRecordPtr record, const char *name)
{
  for (int i = 0; i < record->nparams; i++)
    if (strcmp (record->params[i].field, name) == 0
        && record->params[i].type == VIR_TYPED_PARAM_INT)
      return record->params[i].value.i;
  return 0;
}

static gboolean
is_active (virDomainStatsRecordPtr record)
{
  int state = stat_int (record, "state.state");

  return state != VIR_DOMAIN_SHUTOFF && state != VIR_DOMAIN_CRASHED;
}

/* Specs do not change, so one that says the same as WANTED (nullable) is that one; mostly it does,
 * and comparing is much cheaper than reading. */
static SclVmSpec *
parse_spec (const SclDomainDef *def, SclVmSpec *wanted)
{
  const char *text = wanted != NULL ? _scl_vm_spec_peek_text (wanted) : NULL;

  if (def->spec_text == NULL)
    return NULL;
  return g_strcmp0 (text, def->spec_text) == 0 ? g_object_ref (wanted)
                                               : _scl_vm_spec_from_text (def->spec_text, NULL);
}

static void
add_macs (SclObservedVm *vm, const SclDomainDef *config)
{
  for (guint i = 0; i < config->nics->len; i++)
    {
      const SclDomainNic *nic = g_ptr_array_index (config->nics, i);

      g_ptr_array_add (vm->macs, g_strdup (nic != NULL && nic->mac != NULL ? nic->mac : ""));
    }
}

static void
add_disk_paths (SclObservedVm *vm, const SclDomainDef *config)
{
  for (guint i = 0; i < config->disks->len; i++)
    {
      const SclDomainDisk *disk = g_ptr_array_index (config->disks, i);

      g_ptr_array_add (vm->disk_paths, g_strdup (disk != NULL ? disk->path : NULL));
    }
}

static void
add_problem (SclObservedVm *vm, const char *problem)
{
  g_ptr_array_add (vm->problems, g_strdup (problem));
}

/* Only what a redefinition repairs. */
static void
add_problems (SclLibvirtVms *self, SclObservedVm *vm, const SclDomainDef *config, SclVmSpec *wanted,
              GCancellable *cancellable)
{
  g_autoptr (GPtrArray) changes = NULL;

  if (vm->spec == NULL)
    {
      add_problem (vm, "the definition does not say what it was made from");
      return;
    }
  changes = _scl_domain_def_list_changes (config);
  for (guint i = 0; i < changes->len; i++)
    add_problem (vm, g_ptr_array_index (changes, i));
  if (_scl_domain_firmware_is_gone (config))
    g_ptr_array_add (vm->problems,
                     g_strdup_printf ("its firmware %s is gone: it is taken anew at its next start",
                                      config->loader));
  /* "auto" may come to another result after the host's next boot. */
  if (wanted != NULL && scl_vm_spec_get_accelerator (wanted) == SCL_ACCELERATOR_AUTO
      && scl_vm_spec_get_accelerator (vm->spec) == SCL_ACCELERATOR_AUTO
      && _scl_libvirt_vms_wants_kvm (self, wanted, cancellable) != config->kvm)
    add_problem (vm, config->kvm ? "KVM does not work here any more" : "KVM works here now");
}

/* FD: its path below /proc. */
static char *
explain_deleted (const char *file, const char *fd, const SclDomainDef *live, gboolean paused)
{
  gboolean replaced = g_file_test (file, G_FILE_TEST_EXISTS);
  g_autofree char *quoted = g_shell_quote (file);
  g_autofree char *folder = g_path_get_dirname (file);
  g_autofree char *quoted_folder = g_shell_quote (folder);
  g_autofree char *make = g_file_test (folder, G_FILE_TEST_EXISTS) ? g_strdup ("")
                                                                   : g_strdup_printf ("mkdir -p %s && ", quoted_folder);

  /* Who has followed what is said below has put the copy there. */
  if (replaced && paused)
    return g_strdup_printf (
        "the VM's disk %s was deleted while it runs, and another file is in its place: what is on it is lost for good when "
        "the VM stops. If that file is its copy, made while the VM was paused as it is now, end the VM (sclctl vm stop "
        "--force %s); else copy it first (cp --sparse=always %s COPY), and put the copy into its place then",
        file, live->vm_name, fd);
  return g_strdup_printf (
      "the VM's disk %s was deleted while it runs%s: what is on it is lost for good when the VM stops. To keep it, pause "
      "the VM (virsh suspend %s), copy it (%scp --sparse=always %s %s), then end the VM (sclctl vm stop --force %s)%s",
      file, replaced ? ", and another file is in its place" : "", live->domain_name, make, fd,
      replaced ? "COPY" : quoted, live->vm_name, replaced ? " and put the copy into its place" : "");
}

static void
find_deleted (SclObservedVm *vm, const SclDomainDef *live, const char *pid_file)
{
  for (guint i = 0; i < live->disks->len && vm->deleted == NULL; i++)
    {
      const SclDomainDisk *disk = g_ptr_array_index (live->disks, i);
      g_autofree char *fd = disk != NULL && disk->path != NULL
                                ? _scl_qemu_files_find_deleted (disk->path, pid_file)
                                : NULL;

      if (fd != NULL)
        vm->deleted = explain_deleted (disk->path, fd, live, vm->state == SCL_VM_STATE_PAUSED);
    }
}

static void
add_live (SclLibvirtVms *self, SclObservedVm *vm, const SclDomainDef *live)
{
  g_autofree char *pid_file = pid_file_of (self, live->domain_name);

  vm->live_spec = parse_spec (live, vm->spec);
  vm->started = find_start (pid_file);
  if (_scl_virt_connection_is_test (self->connection))
    return;
  find_deleted (vm, live, pid_file);
  if (vm->live_spec != NULL)
    vm->nics_cut = _scl_qemu_taps_find_cut (
        live, g_list_model_get_n_items (scl_vm_spec_get_nics (vm->live_spec)), pid_file);
}

/* One call of observe. */
typedef struct
{
  SclLibvirtVms *self;
  SclManifest *desired;
  GCancellable *cancellable;
  gboolean with_files;
  SclVirtCall *call; /* nothing is noted for it that is left behind */
  char *start; /* what names of our domains begin with */
  GHashTable *saved; /* names of domains whose memory is kept */
  GHashTable *undefined; /* names of domains that run without a definition */
  char *emulation; /* what to say of VMs that are emulated without being declared so; NULL: nothing */
  GMutex lock; /* of what follows */
  GPtrArray *vms;
  GHashTable *targets; /* VM to GPtrArray of char*: the names of a running one's disks, by number */
  GError *error; /* the first one ends it all */
} Scan;

/* What libvirt said of one domain. */
typedef struct
{
  virDomainStatsRecordPtr record; /* borrowed */
  char *live_xml;                 /* NULL unless it runs */
  char *config_xml;
} Answer;

static void
answer_free (Answer *answer)
{
  free (answer->live_xml);
  free (answer->config_xml);
  g_free (answer);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Answer, answer_free)

/* Only a running domain's files can be merged: then what it is defined with follows by itself. */
static char *
explain_overlay (const char *file, const char *target, const SclObservedVm *vm, const char *domain,
                 gboolean runs)
{
  g_autofree char *start
      = runs ? NULL : g_strdup_printf ("start it first: sclctl vm start %s, then ", vm->name);

  return g_strdup_printf (
      "another tool has put %s over its volume (a snapshot, or a backup that is under way): the VM is left as "
      "it is until that is merged (%svirsh blockcommit %s %s --active --pivot)",
      file, start != NULL ? start : "", domain, target);
}

static char *
explain_copy (const char *file, const SclObservedVm *vm)
{
  return g_strdup_printf (
      "another tool has led its disk to %s, and its volume is not what it writes to any more: the VM is left as it is "
      "until that file is moved away, while the VM is off (sclctl vm stop %s); what is in it goes back into the "
      "volume with qemu-img convert -O raw",
      file, vm->name);
}

static void
find_overlay (SclObservedVm *vm, SclDomainDef *config, SclDomainDef *live)
{
  const char *target = NULL;
  g_autofree char *defined = _scl_domain_def_skip_overlays (config, &target);
  g_autofree char *running
      = live != NULL ? _scl_domain_def_skip_overlays (live, &target) : NULL;
  const char *file = running != NULL ? running : defined;

  if (file != NULL)
    vm->overlay = target != NULL ? explain_overlay (file, target, vm, config->domain_name, live != NULL)
                                 : explain_copy (file, vm);
}

/* What starts it has the mark until the domain runs. */
static gboolean
is_start_cut (int state, int reason, const SclDomainDef *config)
{
  return state == VIR_DOMAIN_SHUTOFF && config->mark == SCL_DOMAIN_MARK_CLEARED
         && (reason == VIR_DOMAIN_SHUTOFF_CRASHED || reason == VIR_DOMAIN_SHUTOFF_DAEMON);
}

static void
note_state (SclObservedVm *vm, int state, int reason, const SclDomainDef *config)
{
  const char *why;

  vm->state = _scl_libvirt_vms_map_state (state, reason, &why);
  if (is_start_cut (state, reason, config))
    {
      vm->state = SCL_VM_STATE_STOPPED;
      why = "whoever started it was ended before it ran";
    }
  vm->state_reason = g_strdup (why);
  if (vm->state == SCL_VM_STATE_RUNNING && _scl_libvirt_vms_is_stopping (config))
    vm->state = SCL_VM_STATE_STOPPING;
}

static void
note_saved (SclObservedVm *vm, const char *domain)
{
  g_free (vm->state_reason);
  vm->state_reason = g_strdup ("its memory is saved");
  vm->saved = g_strdup_printf (
      "another tool has saved its memory (virsh managedsave): its next start goes on from there and is no boot, so what "
      "waits for one goes on waiting; virsh managedsave-remove %s gives that memory up",
      domain);
}

static void
note_undefined (SclObservedVm *vm)
{
  vm->undefined
      = g_strdup ("its definition was removed while it runs (virsh undefine): without one it is gone when it stops");
  add_problem (vm, vm->undefined);
}

static SclObservedVm *
read_ours (Scan *scan, virDomainStatsRecordPtr record, SclDomainDef *config, SclDomainDef *live)
{
  SclObservedVm *vm = _scl_observed_vm_new (config->vm_name);
  SclVmSpec *wanted
      = scan->desired != NULL ? scl_manifest_lookup_vm (scan->desired, vm->name) : NULL;
  int state = stat_int (record, "state.state");
  int reason = stat_int (record, "state.reason");

  vm->stopped_by = _scl_libvirt_vms_settle (scan->self, record->dom, state, reason, config, live);
  note_state (vm, state, reason, config);
  if (live == NULL && g_hash_table_contains (scan->saved, config->domain_name))
    note_saved (vm, config->domain_name);
  vm->half_started = state == VIR_DOMAIN_PAUSED && reason == VIR_DOMAIN_PAUSED_STARTING_UP;
  vm->disk_error = state == VIR_DOMAIN_PAUSED && reason == VIR_DOMAIN_PAUSED_IOERROR;
  vm->disk_full = vm->disk_error && _scl_libvirt_vms_is_disk_full (record->dom);
  vm->spec = parse_spec (config, wanted);
  vm->log_path = g_strdup (config->log);
  find_overlay (vm, config, live);
  add_macs (vm, config);
  add_disk_paths (vm, config);
  if (!config->kvm && vm->spec != NULL
      && scl_vm_spec_get_accelerator (vm->spec) == SCL_ACCELERATOR_AUTO)
    vm->emulation = g_strdup (scan->emulation);
  add_problems (scan->self, vm, config, wanted, scan->cancellable);
  if (live != NULL && g_hash_table_contains (scan->undefined, config->domain_name))
    note_undefined (vm);
  if (live != NULL)
    add_live (scan->self, vm, live);
  return vm;
}

/* NULL unless the manifest wants the name. */
static SclObservedVm *
read_foreign (Scan *scan, virDomainStatsRecordPtr record)
{
  const char *name = virDomainGetName (record->dom) + strlen (scan->start);
  g_autoptr (GError) why_not = NULL;
  SclObservedVm *vm;
  const char *why;

  if (scan->desired == NULL || scl_manifest_lookup_vm (scan->desired, name) == NULL)
    return NULL;
  vm = _scl_observed_vm_new (name);
  vm->foreign = TRUE;
  (void) _scl_libvirt_vms_throw_foreign (scan->self, virDomainGetName (record->dom), &why_not);
  vm->foreign_what = g_strdup (why_not->message);
  vm->state = _scl_libvirt_vms_map_state (stat_int (record, "state.state"),
                                          stat_int (record, "state.reason"), &why);
  vm->state_reason = g_strdup (why);
  return vm;
}

/* Which of the disks that libvirt will tell about is which. */
static void
note_targets (Scan *scan, const SclObservedVm *vm, const SclDomainDef *live)
{
  GPtrArray *targets = g_ptr_array_new_with_free_func (g_free);
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&scan->lock);

  for (guint i = 0; i < live->disks->len; i++)
    {
      const SclDomainDisk *disk = g_ptr_array_index (live->disks, i);

      g_ptr_array_add (targets, g_strdup (disk != NULL ? disk->target : NULL));
    }
  g_hash_table_insert (scan->targets, g_strdup (vm->name), targets);
}

static SclObservedVm *
read_answer (Scan *scan, const Answer *answer, GError **error)
{
  g_autoptr (SclDomainDef) live = NULL;
  g_autoptr (SclDomainDef) config = _scl_domain_def_from_xml (answer->config_xml, error);
  SclObservedVm *vm;

  if (config == NULL)
    return NULL;
  if (!_scl_domain_def_is_ours (config, scan->self->prefix))
    return read_foreign (scan, answer->record);
  if (answer->live_xml != NULL)
    live = _scl_libvirt_vms_parse_live (answer->live_xml, NULL);
  vm = read_ours (scan, answer->record, config, live);
  if (scan->with_files)
    vm->files = _scl_libvirt_vms_list_files (answer->record->dom, answer->config_xml,
                                             answer->live_xml, vm->saved != NULL,
                                             scan->cancellable);
  if (live != NULL)
    note_targets (scan, vm, live);
  return vm;
}

static void
scan_fail (Scan *scan, GError *error)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&scan->lock);

  if (scan->error == NULL)
    scan->error = error;
  else
    g_error_free (error);
}

static void
parse_answer (gpointer data, gpointer user_data)
{
  Scan *scan = user_data;
  g_autoptr (Answer) answer = data;
  GError *error = NULL;
  SclObservedVm *vm;

  _scl_virt_call_set_current (scan->call);
  vm = read_answer (scan, answer, &error);
  _scl_virt_call_set_current (NULL);
  if (error != NULL)
    scan_fail (scan, error);
  if (vm == NULL)
    return;
  g_mutex_lock (&scan->lock);
  g_ptr_array_add (scan->vms, vm);
  g_mutex_unlock (&scan->lock);
}

/* NULL without an error if the domain has been undefined since the list was made. */
static Answer *
ask (virDomainStatsRecordPtr record, GError **error)
{
  g_autoptr (Answer) answer = g_new0 (Answer, 1);

  answer->record = record;
  /* What runs is read before what is defined: a mark is changed the other way
   * round. */
  if (is_active (record))
    answer->live_xml = virDomainGetXMLDesc (record->dom, 0);
  answer->config_xml = virDomainGetXMLDesc (record->dom, VIR_DOMAIN_XML_INACTIVE);
  if (answer->config_xml != NULL)
    return g_steal_pointer (&answer);
  if (!_scl_virt_error_is (VIR_ERR_NO_DOMAIN))
    scl_throw_virt (error, "domain \"%s\"", virDomainGetName (record->dom));
  return NULL;
}

/* One thread asks, since the daemon has enough to do with one question at a time and libvirt's client
 * is slow with several; others parse meanwhile. */
static void
scan_all (Scan *scan, virDomainStatsRecordPtr *records, int n_records)
{
  GThreadPool *parsers = g_thread_pool_new (parse_answer, scan, (int) g_get_num_processors (), FALSE,
                                            NULL);
  GError *error = NULL;

  for (int i = 0; i < n_records && error == NULL; i++)
    {
      Answer *answer;

      /* Names of other instances need no look inside. */
      if (!g_str_has_prefix (virDomainGetName (records[i]->dom), scan->start))
        continue;
      if (g_cancellable_set_error_if_cancelled (scan->cancellable, &error))
        break;
      _scl_virt_call_note ("reading domains");
      answer = ask (records[i], &error);
      if (answer != NULL)
        g_thread_pool_push (parsers, answer, NULL);
    }
  g_thread_pool_free (parsers, FALSE, TRUE);
  if (error != NULL)
    scan_fail (scan, error);
}

/* The running ones among RECORDS that have names of ours. */
static GPtrArray *
list_running (const Scan *scan, virDomainStatsRecordPtr *records, int n_records)
{
  GPtrArray *running = g_ptr_array_new ();

  for (int i = 0; i < n_records; i++)
    if (g_str_has_prefix (virDomainGetName (records[i]->dom), scan->start) && is_active (records[i]))
      g_ptr_array_add (running, records[i]->dom);
  return running;
}

/* Asked only for a plan: those who just look need not wait for all QEMUs. */
static SclGuestSizes *
ask_sizes (const Scan *scan, virDomainStatsRecordPtr *records, int n_records)
{
  g_autoptr (GPtrArray) running
      = list_running (scan, records, scan->desired != NULL ? n_records : 0);

  /* A process that has just opened the embedded driver is still busy with each QEMU that it found. */
  return _scl_guest_sizes_ask (running,
                               _scl_virt_connection_is_embedded (scan->self->connection));
}

static void
take_sizes (Scan *scan, SclGuestSizes *sizes)
{
  _scl_guest_sizes_wait (sizes);
  for (guint i = 0; i < scan->vms->len; i++)
    {
      SclObservedVm *vm = g_ptr_array_index (scan->vms, i);
      GPtrArray *targets = g_hash_table_lookup (scan->targets, vm->name);
      g_autofree char *domain_name = g_strconcat (scan->start, vm->name, NULL);

      for (guint n = 0; targets != NULL && n < targets->len; n++)
        {
          const char *target = g_ptr_array_index (targets, n);
          guint64 size = target != NULL ? _scl_guest_sizes_get (sizes, domain_name, target) : 0;

          g_array_append_val (vm->guest_sizes, size);
        }
    }
}

/* Names of the domains that FLAG chooses, in one call, as each that is asked alone is one more. NULL: error;
 * (transfer full) */
static GHashTable *
list_names (virConnectPtr handle, guint flag, GError **error)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  virDomainPtr *domains = NULL;
  int n = virConnectListAllDomains (handle, &domains, flag);

  if (n < 0)
    {
      scl_throw_virt (error, "cannot list domains");
      return NULL;
    }
  for (int i = 0; i < n; i++)
    {
      g_hash_table_add (names, g_strdup (virDomainGetName (domains[i])));
      virDomainFree (domains[i]);
    }
  free (domains);
  return g_steal_pointer (&names);
}

gboolean
_scl_libvirt_vms_observe (SclVmBackend *backend, SclManifest *desired, SclObservation *out,
                          GCancellable *cancellable, GError **error)
{
  SclLibvirtVms *self = SCL_LIBVIRT_VMS (backend);
  g_autofree char *start = _scl_names_domain (self->prefix, "");
  Scan scan = {
    .self = self, .desired = desired, .cancellable = cancellable, .call = _scl_virt_call_get_current (),
    .start = start, .vms = out->vms, .with_files = out->with_files
  };
  g_autoptr (virConnect) handle = NULL;
  g_autoptr (SclGuestSizes) sizes = NULL;
  g_autoptr (GHashTable) saved = NULL;
  g_autoptr (GHashTable) undefined = NULL;
  virDomainStatsRecordPtr *records = NULL;
  int n_records;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  handle = _scl_virt_connection_get (self->connection, error);
  saved = handle != NULL ? list_names (handle, VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE, error) : NULL;
  undefined = saved != NULL ? list_names (handle, VIR_CONNECT_LIST_DOMAINS_TRANSIENT, error) : NULL;
  if (undefined == NULL)
    return FALSE;
  scan.saved = saved;
  scan.undefined = undefined;
  /* Lists all domains, and the state of each, in one call. */
  n_records = virConnectGetAllDomainStats (handle, VIR_DOMAIN_STATS_STATE, &records, 0);
  if (n_records < 0)
    return scl_throw_virt (error, "cannot list domains");
  g_mutex_init (&scan.lock);
  scan.targets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                        (GDestroyNotify) g_ptr_array_unref);
  scan.emulation = _scl_libvirt_vms_explain_emulation (self);
  sizes = ask_sizes (&scan, records, n_records);
  scan_all (&scan, records, n_records);
  if (scan.error == NULL)
    take_sizes (&scan, sizes);
  g_hash_table_unref (scan.targets);
  g_mutex_clear (&scan.lock);
  g_free (scan.emulation);
  virDomainStatsRecordListFree (records);
  if (scan.error == NULL)
    return TRUE;
  g_propagate_error (error, scan.error);
  return FALSE;
}
