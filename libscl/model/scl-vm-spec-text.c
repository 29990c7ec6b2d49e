/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/scl-throw-private.h"
#include "model/scl-list-private.h"
#include "model/scl-vm-spec-private.h"
#include <scl/scl-enum-types.h>
#include <string.h>

static const char *
enum_nick (GType type, int value)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (type);
  GEnumValue *found = g_enum_get_value (klass, value);

  return found == NULL ? "" : found->value_nick;
}

static int
enum_value (GType type, GVariantDict *dict, const char *key, int fallback)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (type);
  const char *nick = NULL;
  GEnumValue *found = NULL;

  if (g_variant_dict_lookup (dict, key, "&s", &nick))
    found = g_enum_get_value_by_nick (klass, nick);
  return found == NULL ? fallback : found->value;
}

static const char *
or_empty (const char *text)
{
  return text == NULL ? "" : text;
}

static const char *
or_null (const char *text)
{
  return text == NULL || text[0] == '\0' ? NULL : text;
}

static GVariant *
disks_to_variant (GListModel *disks)
{
  GVariantBuilder builder;
  SclDiskSpec *disk;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(sst)"));
  for (guint i = 0; (disk = _scl_list_peek (disks, i)) != NULL; i++)
    g_variant_builder_add (&builder, "(sst)", or_empty (scl_disk_spec_get_volume (disk)),
                           or_empty (scl_disk_spec_get_image (disk)),
                           scl_disk_spec_get_size_mib (disk));
  return g_variant_builder_end (&builder);
}

static GVariant *
nics_to_variant (GListModel *nics)
{
  GVariantBuilder builder;
  SclNicSpec *nic;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ss)"));
  for (guint i = 0; (nic = _scl_list_peek (nics, i)) != NULL; i++)
    g_variant_builder_add (&builder, "(ss)", or_empty (scl_nic_spec_get_network (nic)),
                           or_empty (scl_nic_spec_get_mac (nic)));
  return g_variant_builder_end (&builder);
}

static void
add_string (GVariantBuilder *builder, const char *key, const char *value)
{
  g_variant_builder_add (builder, "{sv}", key, g_variant_new_string (or_empty (value)));
}

static char *
write_text (SclVmSpec *self)
{
  g_autoptr (GVariant) variant = NULL;
  GVariantBuilder b;

  g_variant_builder_init (&b, G_VARIANT_TYPE_VARDICT);
  add_string (&b, "name", scl_vm_spec_get_name (self));
  g_variant_builder_add (&b, "{sv}", "cores", g_variant_new_uint32 (scl_vm_spec_get_cores (self)));
  g_variant_builder_add (&b, "{sv}", "memory",
                         g_variant_new_uint64 (scl_vm_spec_get_memory_mib (self)));
  g_variant_builder_add (&b, "{sv}", "autoStart",
                         g_variant_new_boolean (scl_vm_spec_get_auto_start (self)));
  add_string (&b, "firmware", enum_nick (SCL_TYPE_FIRMWARE, (int) scl_vm_spec_get_firmware (self)));
  add_string (&b, "accelerator",
              enum_nick (SCL_TYPE_ACCELERATOR, (int) scl_vm_spec_get_accelerator (self)));
  g_variant_builder_add (&b, "{sv}", "shutdownTimeout",
                         g_variant_new_uint32 (scl_vm_spec_get_shutdown_timeout (self)));
  add_string (&b, "onChange", enum_nick (SCL_TYPE_ON_CHANGE, (int) scl_vm_spec_get_on_change (self)));
  add_string (&b, "userConfig", scl_vm_spec_get_user_config_file (self));
  add_string (&b, "networkConfig", scl_vm_spec_get_network_config_file (self));
  g_variant_builder_add (&b, "{sv}", "disks", disks_to_variant (scl_vm_spec_get_disks (self)));
  g_variant_builder_add (&b, "{sv}", "nics", nics_to_variant (scl_vm_spec_get_nics (self)));
  variant = g_variant_ref_sink (g_variant_builder_end (&b));
  return g_variant_print (variant, TRUE);
}

/* A spec does not change, and each look at its domain asks what it says. */
const char *
_scl_vm_spec_peek_text (SclVmSpec *self)
{
  char **kept = _scl_vm_spec_get_kept_text (self);
  char *text = g_atomic_pointer_get (kept);

  if (text != NULL)
    return text;
  text = write_text (self);
  if (g_atomic_pointer_compare_and_exchange (kept, NULL, text))
    return text;
  g_free (text);
  return g_atomic_pointer_get (kept);
}

char *
_scl_vm_spec_to_text (SclVmSpec *self)
{
  return g_strdup (_scl_vm_spec_peek_text (self));
}

static GListModel *
disks_from_dict (GVariantDict *dict)
{
  g_autoptr (GPtrArray) disks = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GVariant) value = g_variant_dict_lookup_value (dict, "disks", G_VARIANT_TYPE ("a(sst)"));
  GVariantIter iter;
  const char *volume, *image;
  guint64 size;

  if (value != NULL)
    {
      g_variant_iter_init (&iter, value);
      while (g_variant_iter_next (&iter, "(&s&st)", &volume, &image, &size))
        g_ptr_array_add (disks, scl_disk_spec_new (volume, or_null (image), size));
    }
  return _scl_list_new (SCL_TYPE_DISK_SPEC, disks);
}

static GListModel *
nics_from_dict (GVariantDict *dict)
{
  g_autoptr (GPtrArray) nics = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GVariant) value = g_variant_dict_lookup_value (dict, "nics", G_VARIANT_TYPE ("a(ss)"));
  GVariantIter iter;
  const char *network, *mac;

  if (value != NULL)
    {
      g_variant_iter_init (&iter, value);
      while (g_variant_iter_next (&iter, "(&s&s)", &network, &mac))
        g_ptr_array_add (nics, scl_nic_spec_new (network, or_null (mac)));
    }
  return _scl_list_new (SCL_TYPE_NIC_SPEC, nics);
}

static SclVmSpec *
from_dict (GVariantDict *dict)
{
  g_autoptr (GListModel) disks = disks_from_dict (dict);
  g_autoptr (GListModel) nics = nics_from_dict (dict);
  const char *name = "", *user = NULL, *network = NULL;
  guint32 cores = 1, timeout = 90;
  guint64 memory = 1024;
  gboolean auto_start = TRUE;

  (void) g_variant_dict_lookup (dict, "name", "&s", &name);
  (void) g_variant_dict_lookup (dict, "cores", "u", &cores);
  (void) g_variant_dict_lookup (dict, "memory", "t", &memory);
  (void) g_variant_dict_lookup (dict, "autoStart", "b", &auto_start);
  (void) g_variant_dict_lookup (dict, "shutdownTimeout", "u", &timeout);
  (void) g_variant_dict_lookup (dict, "userConfig", "&s", &user);
  (void) g_variant_dict_lookup (dict, "networkConfig", "&s", &network);
  return g_object_new (
      SCL_TYPE_VM_SPEC, "name", name, "cores", cores, "memory-mib", memory, "auto-start", auto_start,
      "firmware", enum_value (SCL_TYPE_FIRMWARE, dict, "firmware", SCL_FIRMWARE_UEFI), "accelerator",
      enum_value (SCL_TYPE_ACCELERATOR, dict, "accelerator", SCL_ACCELERATOR_AUTO),
      "shutdown-timeout", timeout, "on-change",
      enum_value (SCL_TYPE_ON_CHANGE, dict, "onChange", SCL_ON_CHANGE_NEXT_BOOT), "user-config-file",
      or_null (user), "network-config-file", or_null (network), "disks", disks, "nics", nics, NULL);
}

SclVmSpec *
_scl_vm_spec_from_text (const char *text, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autoptr (GVariant) variant
      = g_variant_parse (G_VARIANT_TYPE_VARDICT, text, NULL, NULL, &cause);
  g_auto (GVariantDict) dict = { 0 };

  if (variant == NULL)
    return scl_null_throw (error, SCL_ERROR_INVALID, "the stored spec cannot be read: %s",
                           cause->message);
  g_variant_dict_init (&dict, variant);
  return from_dict (&dict);
}

/* No text is the empty one, as in _scl_vm_spec_to_text. */
static gboolean
equal_text (const char *a, const char *b)
{
  return strcmp (a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

static gboolean
equal_disk (gconstpointer a, gconstpointer b)
{
  return scl_disk_spec_equal ((SclDiskSpec *) a, (SclDiskSpec *) b);
}

static gboolean
equal_nic (gconstpointer a, gconstpointer b)
{
  SclNicSpec *one = (SclNicSpec *) a;
  SclNicSpec *other = (SclNicSpec *) b;

  return equal_text (scl_nic_spec_get_network (one), scl_nic_spec_get_network (other))
         && equal_text (scl_nic_spec_get_mac (one), scl_nic_spec_get_mac (other));
}

static gboolean
equal_lists (GListModel *a, GListModel *b, GEqualFunc equal)
{
  gpointer one, other;
  guint i = 0;

  while ((one = _scl_list_peek (a, i)) != NULL && (other = _scl_list_peek (b, i)) != NULL)
    {
      if (!equal (one, other))
        return FALSE;
      i++;
    }
  return _scl_list_peek (a, i) == NULL && _scl_list_peek (b, i) == NULL;
}

/**
 * scl_vm_spec_equal:
 * @self: a #SclVmSpec
 * @other: another
 *
 * Compares all fields.
 *
 * Returns: whether both say the same
 *
 * Since: 0.1
 */
gboolean
scl_vm_spec_equal (SclVmSpec *self, SclVmSpec *other)
{
  g_return_val_if_fail (SCL_IS_VM_SPEC (self) && SCL_IS_VM_SPEC (other), FALSE);

  return equal_text (scl_vm_spec_get_name (self), scl_vm_spec_get_name (other))
         && scl_vm_spec_get_cores (self) == scl_vm_spec_get_cores (other)
         && scl_vm_spec_get_memory_mib (self) == scl_vm_spec_get_memory_mib (other)
         && scl_vm_spec_get_auto_start (self) == scl_vm_spec_get_auto_start (other)
         && scl_vm_spec_get_firmware (self) == scl_vm_spec_get_firmware (other)
         && scl_vm_spec_get_accelerator (self) == scl_vm_spec_get_accelerator (other)
         && scl_vm_spec_get_shutdown_timeout (self) == scl_vm_spec_get_shutdown_timeout (other)
         && scl_vm_spec_get_on_change (self) == scl_vm_spec_get_on_change (other)
         && equal_text (scl_vm_spec_get_user_config_file (self),
                        scl_vm_spec_get_user_config_file (other))
         && equal_text (scl_vm_spec_get_network_config_file (self),
                        scl_vm_spec_get_network_config_file (other))
         && equal_lists (scl_vm_spec_get_disks (self), scl_vm_spec_get_disks (other), equal_disk)
         && equal_lists (scl_vm_spec_get_nics (self), scl_vm_spec_get_nics (other), equal_nic);
}
