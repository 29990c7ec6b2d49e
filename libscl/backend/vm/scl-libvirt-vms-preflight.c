/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-libvirt-vms-parts-private.h"
#include "model/scl-list-private.h"
#include "model/scl-names-private.h"
#include <libvirt/virterror.h>
#include <string.h>
#include <sys/stat.h>

static void report (GPtrArray *diagnostics, SclSeverity severity, const char *path,
                    const char *format, ...) G_GNUC_PRINTF (4, 5);

static void
report (GPtrArray *diagnostics, SclSeverity severity, const char *path, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  g_ptr_array_add (diagnostics, scl_diagnostic_new (severity, path, message));
}

static char *
vm_path (SclVmSpec *vm, const char *key)
{
  return g_strconcat ("virtualMachines.", scl_vm_spec_get_name (vm), key != NULL ? "." : NULL, key,
                      NULL);
}

/* TRUE if libvirt lists efi among the firmware that it can select by itself. */
static gboolean
has_efi (const char *capabilities)
{
  const char *list = strstr (capabilities, "<enum name='firmware'>");
  const char *end = list != NULL ? strstr (list, "</enum>") : NULL;
  const char *efi = list != NULL ? strstr (list, "<value>efi</value>") : NULL;

  return efi != NULL && end != NULL && efi < end;
}

static void
check_hypervisor (virConnectPtr handle, gboolean wants_efi, GPtrArray *diagnostics)
{
  char *capabilities = virConnectGetDomainCapabilities (handle, NULL, "x86_64", "q35", "qemu", 0);

  if (capabilities == NULL)
    {
      g_autoptr (GError) error = NULL;

      scl_throw_virt (&error, "no usable QEMU for x86_64");
      report (diagnostics, SCL_SEVERITY_ERROR, "virtualMachines",
              "%s: install the package qemu-system-x86", error->message);
      return;
    }
  if (wants_efi && !has_efi (capabilities))
    report (diagnostics, SCL_SEVERITY_ERROR, "virtualMachines",
            "libvirt finds no UEFI firmware (descriptors in "
            "/usr/share/qemu/firmware and "
            "/etc/qemu/firmware): install the package ovmf, or use firmware: bios");
  free (capabilities);
}

/* libvirt finds KVM when it probes QEMU with root's rights and misses it when
 * it looks as QEMU's user, and so probes again, for seconds, at each of its
 * questions. */
static void
check_kvm_node (GPtrArray *diagnostics)
{
  struct stat st;

  if (stat ("/dev/kvm", &st) == 0 && st.st_uid == 0 && st.st_gid == 0 && (st.st_mode & 0006) == 0)
    report (diagnostics, SCL_SEVERITY_WARNING, "virtualMachines",
            "/dev/kvm belongs to root alone, which makes libvirt slow (it probes "
            "QEMU again and "
            "again): chown root:kvm /dev/kvm && chmod 0660 /dev/kvm, as udev does");
}

static void
check_memory (SclVmSpec *vm, guint64 host_mib, GPtrArray *diagnostics)
{
  guint64 wanted = scl_vm_spec_get_memory_mib (vm);
  g_autofree char *path = vm_path (vm, "memorySize");

  if (wanted > host_mib)
    report (diagnostics, SCL_SEVERITY_ERROR, path,
            "%" G_GUINT64_FORMAT " MiB: the host has %" G_GUINT64_FORMAT " MiB", wanted, host_mib);
}

static void
check_cores (SclVmSpec *vm, guint host_cores, GPtrArray *diagnostics)
{
  guint wanted = scl_vm_spec_get_cores (vm);
  g_autofree char *path = vm_path (vm, "cores");

  if (wanted > host_cores)
    report (diagnostics, SCL_SEVERITY_WARNING, path,
            "%u: the host has %u, more make the VM slower, not faster", wanted, host_cores);
}

/* What virNodeGetInfo says is that of the NUMA nodes, which some machines count too low. FALLBACK where the driver says
 * nothing. */
static guint64
find_memory_kib (virConnectPtr handle, guint64 fallback)
{
  g_autofree virNodeMemoryStats *stats = NULL;
  int n = 0;

  if (virNodeGetMemoryStats (handle, VIR_NODE_MEMORY_STATS_ALL_CELLS, NULL, &n, 0) < 0 || n <= 0)
    return fallback;
  stats = g_new0 (virNodeMemoryStats, (gsize) n);
  if (virNodeGetMemoryStats (handle, VIR_NODE_MEMORY_STATS_ALL_CELLS, stats, &n, 0) < 0)
    return fallback;
  for (int i = 0; i < n; i++)
    if (strcmp (stats[i].field, VIR_NODE_MEMORY_STATS_TOTAL) == 0 && stats[i].value > 0)
      return stats[i].value;
  return fallback;
}

static void
check_capacity (virConnectPtr handle, SclManifest *manifest, GPtrArray *diagnostics)
{
  GListModel *vms = scl_manifest_get_vms (manifest);
  virNodeInfo host;
  guint64 sum = 0, host_mib;

  if (virNodeGetInfo (handle, &host) < 0)
    return;
  host_mib = find_memory_kib (handle, host.memory) / 1024;
  for (guint i = 0; i < g_list_model_get_n_items (vms); i++)
    {
      SclVmSpec *vm = _scl_list_peek (vms, i);

      check_cores (vm, host.cpus, diagnostics);
      check_memory (vm, host_mib, diagnostics);
      if (scl_vm_spec_get_auto_start (vm))
        sum += scl_vm_spec_get_memory_mib (vm);
    }
  if (sum > host_mib)
    report (diagnostics, SCL_SEVERITY_WARNING, "virtualMachines",
            "the VMs that start by themselves have %" G_GUINT64_FORMAT
            " MiB of memory together, the host has %" G_GUINT64_FORMAT " MiB",
            sum, host_mib);
}

static void
check_accelerator (SclLibvirtVms *self, SclVmSpec *vm, GCancellable *cancellable,
                   GPtrArray *diagnostics)
{
  g_autofree char *path = vm_path (vm, "accelerator");
  g_autofree char *reason = NULL;

  if (scl_vm_spec_get_accelerator (vm) == SCL_ACCELERATOR_KVM
      && !_scl_libvirt_vms_probe (self, cancellable, &reason) && reason != NULL)
    report (diagnostics, SCL_SEVERITY_ERROR, path,
            "kvm does not run a guest on this host (%s): use auto or tcg", reason);
}

static gboolean
wants_efi (SclManifest *manifest)
{
  GListModel *vms = scl_manifest_get_vms (manifest);

  for (guint i = 0; i < g_list_model_get_n_items (vms); i++)
    if (scl_vm_spec_get_firmware (_scl_list_peek (vms, i)) == SCL_FIRMWARE_UEFI)
      return TRUE;
  return FALSE;
}

gboolean
_scl_libvirt_vms_preflight (SclVmBackend *backend, SclManifest *manifest, GPtrArray *diagnostics,
                            GCancellable *cancellable, GError **error)
{
  SclLibvirtVms *self = SCL_LIBVIRT_VMS (backend);
  GListModel *vms = scl_manifest_get_vms (manifest);
  g_autoptr (virConnect) handle = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  handle = _scl_virt_connection_get (self->connection, error);
  if (handle == NULL)
    return FALSE;
  if (g_list_model_get_n_items (vms) > 0 && !_scl_virt_connection_is_test (self->connection))
    {
      check_hypervisor (handle, wants_efi (manifest), diagnostics);
      check_capacity (handle, manifest, diagnostics);
      check_kvm_node (diagnostics);
    }
  for (guint i = 0; i < g_list_model_get_n_items (vms); i++)
    {
      SclVmSpec *vm = _scl_list_peek (vms, i);

      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      check_accelerator (self, vm, cancellable, diagnostics);
    }
  return TRUE;
}
