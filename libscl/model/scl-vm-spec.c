/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/scl-list-private.h"
#include <scl/scl-disk-spec.h>
#include <scl/scl-nic-spec.h>
#include "model/scl-vm-spec-private.h"
#include <scl/scl-vm-spec.h>
#include <string.h>
#include <scl/scl-enum-types.h>

/**
 * SclVmSpec:
 *
 * A virtual machine as it shall be. Immutable.
 *
 * Since: 0.1
 */
struct _SclVmSpec
{
  GObject parent_instance;
  char *name;
  guint cores;
  guint64 memory_mib;
  gboolean auto_start;
  SclFirmware firmware;
  SclAccelerator accelerator;
  guint shutdown_timeout;
  SclOnChange on_change;
  char *user_config_file;
  char *network_config_file;
  GListModel *disks;
  GListModel *nics;
  char *text; /* NULL: not asked for yet */
};

G_DEFINE_FINAL_TYPE (SclVmSpec, scl_vm_spec, G_TYPE_OBJECT)

typedef enum {
  PROP_NAME = 1,
  PROP_CORES,
  PROP_MEMORY_MIB,
  PROP_AUTO_START,
  PROP_FIRMWARE,
  PROP_ACCELERATOR,
  PROP_SHUTDOWN_TIMEOUT,
  PROP_ON_CHANGE,
  PROP_USER_CONFIG_FILE,
  PROP_NETWORK_CONFIG_FILE,
  PROP_DISKS,
  PROP_NICS,
} SclVmSpecProperty;

static GParamSpec *properties[PROP_NICS + 1];

static void
scl_vm_spec_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SclVmSpec *self = SCL_VM_SPEC (object);

  switch ((SclVmSpecProperty) id)
    {
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;
    case PROP_CORES:
      g_value_set_uint (value, self->cores);
      break;
    case PROP_MEMORY_MIB:
      g_value_set_uint64 (value, self->memory_mib);
      break;
    case PROP_AUTO_START:
      g_value_set_boolean (value, self->auto_start);
      break;
    case PROP_FIRMWARE:
      g_value_set_enum (value, (int) self->firmware);
      break;
    case PROP_ACCELERATOR:
      g_value_set_enum (value, (int) self->accelerator);
      break;
    case PROP_SHUTDOWN_TIMEOUT:
      g_value_set_uint (value, self->shutdown_timeout);
      break;
    case PROP_ON_CHANGE:
      g_value_set_enum (value, (int) self->on_change);
      break;
    case PROP_USER_CONFIG_FILE:
      g_value_set_string (value, self->user_config_file);
      break;
    case PROP_NETWORK_CONFIG_FILE:
      g_value_set_string (value, self->network_config_file);
      break;
    case PROP_DISKS:
      g_value_set_object (value, self->disks);
      break;
    case PROP_NICS:
      g_value_set_object (value, self->nics);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
scl_vm_spec_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SclVmSpec *self = SCL_VM_SPEC (object);

  switch ((SclVmSpecProperty) id)
    {
    case PROP_NAME:
      self->name = g_value_dup_string (value);
      break;
    case PROP_CORES:
      self->cores = g_value_get_uint (value);
      break;
    case PROP_MEMORY_MIB:
      self->memory_mib = g_value_get_uint64 (value);
      break;
    case PROP_AUTO_START:
      self->auto_start = g_value_get_boolean (value);
      break;
    case PROP_FIRMWARE:
      self->firmware = (SclFirmware) g_value_get_enum (value);
      break;
    case PROP_ACCELERATOR:
      self->accelerator = (SclAccelerator) g_value_get_enum (value);
      break;
    case PROP_SHUTDOWN_TIMEOUT:
      self->shutdown_timeout = g_value_get_uint (value);
      break;
    case PROP_ON_CHANGE:
      self->on_change = (SclOnChange) g_value_get_enum (value);
      break;
    case PROP_USER_CONFIG_FILE:
      self->user_config_file = g_value_dup_string (value);
      break;
    case PROP_NETWORK_CONFIG_FILE:
      self->network_config_file = g_value_dup_string (value);
      break;
    case PROP_DISKS:
      self->disks = _scl_list_freeze (SCL_TYPE_DISK_SPEC, g_value_get_object (value));
      break;
    case PROP_NICS:
      self->nics = _scl_list_freeze (SCL_TYPE_NIC_SPEC, g_value_get_object (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
scl_vm_spec_finalize (GObject *object)
{
  SclVmSpec *self = SCL_VM_SPEC (object);

  g_free (self->name);
  g_free (self->user_config_file);
  g_free (self->network_config_file);
  g_clear_object (&self->disks);
  g_clear_object (&self->nics);
  g_free (self->text);
  G_OBJECT_CLASS (scl_vm_spec_parent_class)->finalize (object);
}

#define FLAGS (G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS)

static void
scl_vm_spec_class_init (SclVmSpecClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = scl_vm_spec_get_property;
  object_class->set_property = scl_vm_spec_set_property;
  object_class->finalize = scl_vm_spec_finalize;

  /**
   * SclVmSpec:name:
   *
   * The name, a DNS label.
   *
   * Since: 0.1
   */
  properties[PROP_NAME]
      = g_param_spec_string ("name", NULL, NULL, NULL, FLAGS);
  /**
   * SclVmSpec:cores:
   *
   * Number of virtual CPUs.
   *
   * Since: 0.1
   */
  properties[PROP_CORES]
      = g_param_spec_uint ("cores", NULL, NULL, 0, G_MAXUINT, 1, FLAGS);
  /**
   * SclVmSpec:memory-mib:
   *
   * Memory in MiB.
   *
   * Since: 0.1
   */
  properties[PROP_MEMORY_MIB]
      = g_param_spec_uint64 ("memory-mib", NULL, NULL, 0, G_MAXUINT64, 1024, FLAGS);
  /**
   * SclVmSpec:auto-start:
   *
   * Whether apply and a boot of the host start it.
   *
   * Since: 0.1
   */
  properties[PROP_AUTO_START]
      = g_param_spec_boolean ("auto-start", NULL, NULL, TRUE, FLAGS);
  /**
   * SclVmSpec:firmware:
   *
   * What starts the guest.
   *
   * Since: 0.1
   */
  properties[PROP_FIRMWARE]
      = g_param_spec_enum ("firmware", NULL, NULL, SCL_TYPE_FIRMWARE, SCL_FIRMWARE_UEFI, FLAGS);
  /**
   * SclVmSpec:accelerator:
   *
   * How guest code is executed.
   *
   * Since: 0.1
   */
  properties[PROP_ACCELERATOR]
      = g_param_spec_enum ("accelerator", NULL, NULL, SCL_TYPE_ACCELERATOR, SCL_ACCELERATOR_AUTO, FLAGS);
  /**
   * SclVmSpec:shutdown-timeout:
   *
   * Seconds that a graceful shutdown may take before the power is cut.
   *
   * Since: 0.1
   */
  properties[PROP_SHUTDOWN_TIMEOUT]
      = g_param_spec_uint ("shutdown-timeout", NULL, NULL, 0, G_MAXUINT, 90, FLAGS);
  /**
   * SclVmSpec:on-change:
   *
   * What apply does when a change needs a restart.
   *
   * Since: 0.1
   */
  properties[PROP_ON_CHANGE]
      = g_param_spec_enum ("on-change", NULL, NULL, SCL_TYPE_ON_CHANGE, SCL_ON_CHANGE_NEXT_BOOT, FLAGS);
  /**
   * SclVmSpec:user-config-file:
   *
   * Absolute path of the cloud-init user-data.
   *
   * Since: 0.1
   */
  properties[PROP_USER_CONFIG_FILE]
      = g_param_spec_string ("user-config-file", NULL, NULL, NULL, FLAGS);
  /**
   * SclVmSpec:network-config-file:
   *
   * Absolute path of the cloud-init network-config.
   *
   * Since: 0.1
   */
  properties[PROP_NETWORK_CONFIG_FILE]
      = g_param_spec_string ("network-config-file", NULL, NULL, NULL, FLAGS);
  /**
   * SclVmSpec:disks:
   *
   * Its disks, #SclDiskSpec; the first one is booted.
   *
   * Since: 0.1
   */
  properties[PROP_DISKS]
      = g_param_spec_object ("disks", NULL, NULL, G_TYPE_LIST_MODEL, FLAGS);
  /**
   * SclVmSpec:nics:
   *
   * Its network cards, #SclNicSpec.
   *
   * Since: 0.1
   */
  properties[PROP_NICS]
      = g_param_spec_object ("nics", NULL, NULL, G_TYPE_LIST_MODEL, FLAGS);
  g_object_class_install_properties (object_class, G_N_ELEMENTS (properties), properties);
}

static void
scl_vm_spec_init (SclVmSpec *self)
{
}

/**
 * scl_vm_spec_new:
 * @name: the name
 * @disks: (nullable): list of #SclDiskSpec
 * @nics: (nullable): list of #SclNicSpec
 *
 * Makes a VM spec with defaults for everything else; other values are given to g_object_new().
 *
 * Returns: (transfer full): a new spec
 *
 * Since: 0.1
 */
SclVmSpec *
scl_vm_spec_new (const char *name, GListModel *disks, GListModel *nics)
{
  return g_object_new (SCL_TYPE_VM_SPEC, "name", name, "disks", disks, "nics", nics, NULL);
}

/**
 * scl_vm_spec_get_name:
 * @self: a #SclVmSpec
 *
 * The name, a DNS label.
 *
 * Returns: see #SclVmSpec:name
 *
 * Since: 0.1
 */
const char *
scl_vm_spec_get_name (SclVmSpec *self)
{
  g_return_val_if_fail (SCL_IS_VM_SPEC (self), NULL);

  return self->name;
}

/**
 * scl_vm_spec_get_cores:
 * @self: a #SclVmSpec
 *
 * Number of virtual CPUs.
 *
 * Returns: see #SclVmSpec:cores
 *
 * Since: 0.1
 */
guint
scl_vm_spec_get_cores (SclVmSpec *self)
{
  g_return_val_if_fail (SCL_IS_VM_SPEC (self), 0);

  return self->cores;
}

/**
 * scl_vm_spec_get_memory_mib:
 * @self: a #SclVmSpec
 *
 * Memory in MiB.
 *
 * Returns: see #SclVmSpec:memory-mib
 *
 * Since: 0.1
 */
guint64
scl_vm_spec_get_memory_mib (SclVmSpec *self)
{
  g_return_val_if_fail (SCL_IS_VM_SPEC (self), 0);

  return self->memory_mib;
}

/**
 * scl_vm_spec_get_auto_start:
 * @self: a #SclVmSpec
 *
 * Whether apply and a boot of the host start it.
 *
 * Returns: see #SclVmSpec:auto-start
 *
 * Since: 0.1
 */
gboolean
scl_vm_spec_get_auto_start (SclVmSpec *self)
{
  g_return_val_if_fail (SCL_IS_VM_SPEC (self), 0);

  return self->auto_start;
}

/**
 * scl_vm_spec_get_firmware:
 * @self: a #SclVmSpec
 *
 * What starts the guest.
 *
 * Returns: see #SclVmSpec:firmware
 *
 * Since: 0.1
 */
SclFirmware
scl_vm_spec_get_firmware (SclVmSpec *self)
{
  g_return_val_if_fail (SCL_IS_VM_SPEC (self), (SclFirmware) 0);

  return self->firmware;
}

/**
 * scl_vm_spec_get_accelerator:
 * @self: a #SclVmSpec
 *
 * How guest code is executed.
 *
 * Returns: see #SclVmSpec:accelerator
 *
 * Since: 0.1
 */
SclAccelerator
scl_vm_spec_get_accelerator (SclVmSpec *self)
{
  g_return_val_if_fail (SCL_IS_VM_SPEC (self), (SclAccelerator) 0);

  return self->accelerator;
}

/**
 * scl_vm_spec_get_shutdown_timeout:
 * @self: a #SclVmSpec
 *
 * Seconds that a graceful shutdown may take before the power is cut.
 *
 * Returns: see #SclVmSpec:shutdown-timeout
 *
 * Since: 0.1
 */
guint
scl_vm_spec_get_shutdown_timeout (SclVmSpec *self)
{
  g_return_val_if_fail (SCL_IS_VM_SPEC (self), 0);

  return self->shutdown_timeout;
}

/**
 * scl_vm_spec_get_on_change:
 * @self: a #SclVmSpec
 *
 * What apply does when a change needs a restart.
 *
 * Returns: see #SclVmSpec:on-change
 *
 * Since: 0.1
 */
SclOnChange
scl_vm_spec_get_on_change (SclVmSpec *self)
{
  g_return_val_if_fail (SCL_IS_VM_SPEC (self), (SclOnChange) 0);

  return self->on_change;
}

/**
 * scl_vm_spec_get_user_config_file:
 * @self: a #SclVmSpec
 *
 * Absolute path of the cloud-init user-data.
 *
 * Returns: (nullable): see #SclVmSpec:user-config-file
 *
 * Since: 0.1
 */
const char *
scl_vm_spec_get_user_config_file (SclVmSpec *self)
{
  g_return_val_if_fail (SCL_IS_VM_SPEC (self), NULL);

  return self->user_config_file;
}

/**
 * scl_vm_spec_get_network_config_file:
 * @self: a #SclVmSpec
 *
 * Absolute path of the cloud-init network-config.
 *
 * Returns: (nullable): see #SclVmSpec:network-config-file
 *
 * Since: 0.1
 */
const char *
scl_vm_spec_get_network_config_file (SclVmSpec *self)
{
  g_return_val_if_fail (SCL_IS_VM_SPEC (self), NULL);

  return self->network_config_file;
}

/**
 * scl_vm_spec_get_disks:
 * @self: a #SclVmSpec
 *
 * Its disks, #SclDiskSpec; the first one is booted.
 *
 * Returns: (transfer none): see #SclVmSpec:disks
 *
 * Since: 0.1
 */
GListModel *
scl_vm_spec_get_disks (SclVmSpec *self)
{
  g_return_val_if_fail (SCL_IS_VM_SPEC (self), NULL);

  return self->disks;
}

/**
 * scl_vm_spec_get_nics:
 * @self: a #SclVmSpec
 *
 * Its network cards, #SclNicSpec.
 *
 * Returns: (transfer none): see #SclVmSpec:nics
 *
 * Since: 0.1
 */
GListModel *
scl_vm_spec_get_nics (SclVmSpec *self)
{
  g_return_val_if_fail (SCL_IS_VM_SPEC (self), NULL);

  return self->nics;
}

/**
 * scl_vm_spec_has_seed:
 * @self: a #SclVmSpec
 *
 * Whether the VM gets a seed disk for cloud-init: if either of the two files is given.
 *
 * Returns: whether it has one
 *
 * Since: 0.1
 */
gboolean
scl_vm_spec_has_seed (SclVmSpec *self)
{
  g_return_val_if_fail (SCL_IS_VM_SPEC (self), FALSE);

  return self->user_config_file != NULL || self->network_config_file != NULL;
}

SclDiskSpec *
_scl_vm_spec_peek_boot_disk (SclVmSpec *self)
{
  return _scl_list_peek (self->disks, 0);
}

SclNicSpec *
_scl_vm_spec_peek_nic (SclVmSpec *self, guint index)
{
  return _scl_list_peek (self->nics, index);
}

char **
_scl_vm_spec_get_kept_text (SclVmSpec *self)
{
  return &self->text;
}
