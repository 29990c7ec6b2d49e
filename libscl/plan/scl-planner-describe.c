/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What differs between two declarations of a VM, for people. */
#include "model/scl-list-private.h"
#include "model/scl-vm-spec-private.h"
#include "plan/scl-planner-private.h"
#include <scl/scl-enum-types.h>

static void note (GString *text, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
note (GString *text, const char *format, ...)
{
  va_list args;

  if (text->len > 0)
    g_string_append (text, ", ");
  va_start (args, format);
  g_string_append_vprintf (text, format, args);
  va_end (args);
}

static const char *
nick (GType type, int value)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (type);

  return g_enum_get_value (klass, value)->value_nick;
}

static void
note_enum (GString *text, const char *what, GType type, int from, int to)
{
  if (from != to)
    note (text, "%s %s → %s", what, nick (type, from), nick (type, to));
}

static void
note_text (GString *text, const char *what, const char *from, const char *to)
{
  if (g_strcmp0 (from, to) != 0)
    note (text, "%s %s → %s", what, from == NULL ? "none" : from, to == NULL ? "none" : to);
}

static void
note_numbers (GString *text, SclVmSpec *from, SclVmSpec *to)
{
  if (scl_vm_spec_get_cores (from) != scl_vm_spec_get_cores (to))
    note (text, "cores %u → %u", scl_vm_spec_get_cores (from), scl_vm_spec_get_cores (to));
  if (scl_vm_spec_get_memory_mib (from) != scl_vm_spec_get_memory_mib (to))
    note (text, "memory %" G_GUINT64_FORMAT " → %" G_GUINT64_FORMAT " MiB",
          scl_vm_spec_get_memory_mib (from), scl_vm_spec_get_memory_mib (to));
}

static void
note_machine (GString *text, SclVmSpec *from, SclVmSpec *to)
{
  note_enum (text, "firmware", SCL_TYPE_FIRMWARE, (int) scl_vm_spec_get_firmware (from),
             (int) scl_vm_spec_get_firmware (to));
  note_enum (text, "accelerator", SCL_TYPE_ACCELERATOR, (int) scl_vm_spec_get_accelerator (from),
             (int) scl_vm_spec_get_accelerator (to));
}

static void
note_hardware (GString *text, SclVmSpec *from, SclVmSpec *to)
{
  guint nics = g_list_model_get_n_items (scl_vm_spec_get_nics (from));
  guint disks = g_list_model_get_n_items (scl_vm_spec_get_disks (from));

  if (nics != g_list_model_get_n_items (scl_vm_spec_get_nics (to)))
    note (text, "NICs %u → %u", nics, g_list_model_get_n_items (scl_vm_spec_get_nics (to)));
  if (disks != g_list_model_get_n_items (scl_vm_spec_get_disks (to)))
    note (text, "disks %u → %u", disks, g_list_model_get_n_items (scl_vm_spec_get_disks (to)));
  if (scl_vm_spec_has_seed (from) != scl_vm_spec_has_seed (to))
    note (text, scl_vm_spec_has_seed (to) ? "new seed disk" : "no seed disk");
  for (guint i = 0; i < nics; i++)
    {
      SclNicSpec *old = _scl_vm_spec_peek_nic (from, i);
      SclNicSpec *new = _scl_vm_spec_peek_nic (to, i);

      if (new != NULL)
        note_text (text, "MAC", scl_nic_spec_get_mac (old), scl_nic_spec_get_mac (new));
    }
}

static void
note_lists (GString *text, SclVmSpec *from, SclVmSpec *to)
{
  SclNicSpec *old_nic, *nic;
  SclDiskSpec *old, *new;

  for (guint i = 0; (old_nic = _scl_vm_spec_peek_nic (from, i)) != NULL
                    && (nic = _scl_vm_spec_peek_nic (to, i)) != NULL;
       i++)
    note_text (text, "network", scl_nic_spec_get_network (old_nic), scl_nic_spec_get_network (nic));
  for (guint i = 0; (old = _scl_list_peek (scl_vm_spec_get_disks (from), i)) != NULL
                    && (new = _scl_list_peek (scl_vm_spec_get_disks (to), i)) != NULL;
       i++)
    {
      note_text (text, "image", scl_disk_spec_get_image (old), scl_disk_spec_get_image (new));
      if (scl_disk_spec_get_size_mib (old) != scl_disk_spec_get_size_mib (new))
        note (text, "size %" G_GUINT64_FORMAT " → %" G_GUINT64_FORMAT " MiB",
              scl_disk_spec_get_size_mib (old), scl_disk_spec_get_size_mib (new));
    }
}

static void
note_policy (GString *text, SclVmSpec *from, SclVmSpec *to)
{
  if (scl_vm_spec_get_auto_start (from) != scl_vm_spec_get_auto_start (to))
    note (text, "autoStart %s", scl_vm_spec_get_auto_start (to) ? "on" : "off");
  if (scl_vm_spec_get_shutdown_timeout (from) != scl_vm_spec_get_shutdown_timeout (to))
    note (text, "shutdown timeout %u → %u s", scl_vm_spec_get_shutdown_timeout (from),
          scl_vm_spec_get_shutdown_timeout (to));
  note_enum (text, "onChange", SCL_TYPE_ON_CHANGE, (int) scl_vm_spec_get_on_change (from),
             (int) scl_vm_spec_get_on_change (to));
  note_text (text, "user-data", scl_vm_spec_get_user_config_file (from),
             scl_vm_spec_get_user_config_file (to));
  note_text (text, "network-config", scl_vm_spec_get_network_config_file (from),
             scl_vm_spec_get_network_config_file (to));
}

char *
_scl_planner_describe_changes (SclVmSpec *from, SclVmSpec *to)
{
  GString *text = g_string_new (NULL);

  note_numbers (text, from, to);
  note_machine (text, from, to);
  note_hardware (text, from, to);
  note_lists (text, from, to);
  note_policy (text, from, to);
  return g_string_free (text, FALSE);
}

char *
_scl_planner_describe_restart (SclVmSpec *live, SclVmSpec *wanted)
{
  GString *text = g_string_new (NULL);

  note_numbers (text, live, wanted);
  note_machine (text, live, wanted);
  note_hardware (text, live, wanted);
  return g_string_free (text, text->len == 0);
}
