/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-libvirt-vms-parts-private.h"
#include <libvirt/virterror.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define UNPLUG_SECONDS 20

/* A running domain of ours and its live definition; NULL and SCL_ERROR_IN_USE if
 * it is off. */
static virDomainPtr
lookup_running (SclLibvirtVms *self, virConnectPtr handle, const char *name,
                SclDomainDef **out_live, GError **error)
{
  g_autoptr (SclDomainDef) config = NULL;
  g_autoptr (virDomain) domain = _scl_libvirt_vms_lookup_ours (self, handle, name, &config, error);

  if (domain == NULL)
    return NULL;
  if (virDomainIsActive (domain) != 1)
    return scl_null_throw (error, SCL_ERROR_IN_USE, "VM \"%s\" is not running", name);
  *out_live = _scl_libvirt_vms_read_live (domain, error);
  return *out_live != NULL ? g_steal_pointer (&domain) : NULL;
}

/* virDomainBlockResize cuts a raw file off without a word: nothing smaller than what is there. */
static gboolean
find_size (virDomainPtr domain, const SclDomainDisk *disk, guint64 wanted, guint64 *out_size,
           GError **error)
{
  virDomainBlockInfo info;
  struct stat file;

  if (virDomainGetBlockInfo (domain, disk->target, &info, 0) < 0)
    return scl_throw_virt (error, "cannot tell its size");
  if (disk->path == NULL)
    return scl_throw (error, SCL_ERROR_NOT_FOUND, "it has no file");
  if (stat (disk->path, &file) < 0)
    return scl_throw (error, SCL_ERROR_NOT_FOUND, "its file %s cannot be looked at: %s", disk->path,
                      g_strerror (errno));
  *out_size = MAX (wanted, MAX ((guint64) file.st_size, (guint64) info.capacity));
  return TRUE;
}

/* In between somebody may have made the file larger: newer libvirt looks once more. */
static int
extend (virDomainPtr domain, const char *target, guint64 size)
{
#ifdef SCL_HAVE_BLOCK_RESIZE_EXTEND
  if (virDomainBlockResize (domain, target, size,
                            VIR_DOMAIN_BLOCK_RESIZE_BYTES | VIR_DOMAIN_BLOCK_RESIZE_EXTEND)
      == 0)
    return 0;
  /* An older daemon. */
  if (!_scl_virt_error_is (VIR_ERR_INVALID_ARG))
    return -1;
#endif
  return virDomainBlockResize (domain, target, size, VIR_DOMAIN_BLOCK_RESIZE_BYTES);
}

static gboolean
resize (virDomainPtr domain, const SclDomainDisk *disk, guint64 wanted, GError **error)
{
  guint64 size = 0;

  if (!find_size (domain, disk, wanted, &size, error)
      || !_scl_virt_call_check ("growing a disk", error))
    return FALSE;
  return extend (domain, disk->target, size) == 0
         || scl_throw_virt (error, "cannot grow it in the running guest");
}

gboolean
_scl_libvirt_vms_resize_disk (SclVmBackend *backend, const char *name, guint index, guint64 size,
                              GError **error)
{
  SclLibvirtVms *self = SCL_LIBVIRT_VMS (backend);
  g_autoptr (virConnect) handle = _scl_virt_connection_get (self->connection, error);
  g_autoptr (SclDomainDef) live = NULL;
  g_autoptr (virDomain) domain
      = handle != NULL ? lookup_running (self, handle, name, &live, error) : NULL;
  g_autofree char *overlay = NULL;
  const SclDomainDisk *disk;

  if (domain == NULL)
    return FALSE;
  overlay = _scl_domain_def_skip_overlays (live, NULL);
  if (overlay != NULL)
    return scl_throw (error, SCL_ERROR_IN_USE,
                      "VM \"%s\": another tool has put %s over its volume, or into its place: it cannot grow", name, overlay);
  disk = index < live->disks->len ? g_ptr_array_index (live->disks, index) : NULL;
  if (disk == NULL || disk->target == NULL)
    return scl_throw (error, SCL_ERROR_NOT_FOUND, "VM \"%s\" runs without disk %u", name, index);
  return resize (domain, disk, size, error) || scl_prefix (error, "VM \"%s\": disk %u", name, index);
}

/* 1: the NIC is not there, 0: it is, -1: error. */
static int
is_unplugged (virDomainPtr domain, guint index, GError **error)
{
  g_autoptr (SclDomainDef) live = _scl_libvirt_vms_read_live (domain, error);

  if (live == NULL)
    return -1;
  return index >= live->nics->len || g_ptr_array_index (live->nics, index) == NULL;
}

/* A request to a paused guest would stay with QEMU, and be answered whenever it goes on. */
static gboolean
check_goes_on (virDomainPtr domain, const char *name, guint index, GError **error)
{
  int state = VIR_DOMAIN_NOSTATE;

  if (virDomainGetState (domain, &state, NULL, 0) < 0)
    return scl_throw_virt (error, "VM \"%s\"", name);
  return (state != VIR_DOMAIN_PAUSED && state != VIR_DOMAIN_PMSUSPENDED)
         || scl_throw (error, SCL_ERROR_IN_USE,
                       "VM \"%s\" is paused and cannot let go of NIC %u: let it go on (sclctl vm start %s), "
                       "then apply again",
                       name, index, name);
}

static gboolean
unplug (SclLibvirtVms *self, virDomainPtr domain, const char *name, const char *xml, guint index,
        GError **error)
{
  gint64 deadline = g_get_monotonic_time () + UNPLUG_SECONDS * G_USEC_PER_SEC;
  g_autoptr (SclVirtWait) wait
      = _scl_virt_wait_begin (self->connection, virDomainGetName (domain), NULL);

  if (!check_goes_on (domain, name, index, error) || !_scl_virt_call_check ("unplugging a NIC", error))
    return FALSE;
  if (virDomainDetachDeviceFlags (domain, xml, VIR_DOMAIN_AFFECT_LIVE) < 0
      && !_scl_virt_error_is (VIR_ERR_DEVICE_MISSING))
    return scl_throw_virt (error, "VM \"%s\": cannot unplug NIC %u", name, index);
  for (;;)
    {
      int gone = is_unplugged (domain, index, error);

      if (gone != 0)
        return gone > 0;
      if (!_scl_virt_wait_next (wait, deadline))
        return scl_throw (error, SCL_ERROR_TIMEOUT,
                          "VM \"%s\": the guest did not let go of NIC %u within "
                          "%d s: apply again, or restart it",
                          name, index, UNPLUG_SECONDS);
    }
}

/* The NIC as it runs; if it was unplugged already (and we died), as it is
 * defined. */
static const SclDomainNic *
find_nic (const SclDomainDef *live, const SclDomainDef *config, guint index)
{
  const SclDomainNic *nic = index < live->nics->len ? g_ptr_array_index (live->nics, index) : NULL;

  if (nic == NULL && index < config->nics->len)
    nic = g_ptr_array_index (config->nics, index);
  return nic != NULL && nic->mac != NULL && nic->tap != NULL ? nic : NULL;
}

gboolean
_scl_libvirt_vms_replug_nic (SclVmBackend *backend, const char *name, guint index, GError **error)
{
  SclLibvirtVms *self = SCL_LIBVIRT_VMS (backend);
  g_autoptr (virConnect) handle = _scl_virt_connection_get (self->connection, error);
  g_autoptr (SclDomainDef) live = NULL;
  g_autoptr (SclDomainDef) config = NULL;
  g_autoptr (virDomain) domain
      = handle != NULL ? lookup_running (self, handle, name, &live, error) : NULL;
  g_autofree char *xml = NULL;
  const SclDomainNic *nic;

  if (domain == NULL)
    return FALSE;
  config = _scl_libvirt_vms_read_config (domain, error);
  if (config == NULL)
    return FALSE;
  nic = find_nic (live, config, index);
  if (nic == NULL)
    return scl_throw (error, SCL_ERROR_NOT_FOUND, "VM \"%s\" has no NIC %u", name, index);
  xml = _scl_domain_nic_to_xml (nic, index);
  if (index < live->nics->len && g_ptr_array_index (live->nics, index) != NULL
      && !unplug (self, domain, name, xml, index, error))
    return FALSE;
  if (!_scl_virt_call_check ("plugging a NIC in again", error))
    return FALSE;
  if (virDomainAttachDeviceFlags (domain, xml, VIR_DOMAIN_AFFECT_LIVE) < 0)
    return scl_throw_virt (error, "VM \"%s\": cannot plug NIC %u in again", name, index);
  return TRUE;
}
