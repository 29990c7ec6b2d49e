/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-details.h"

#include "sclctl-text.h"

#define KEY_WIDTH 14

static void
line (const char *key, const char *value)
{
  g_autofree char *clean = sclctl_text_harmless (value == NULL || *value == '\0' ? "-" : value);

  g_print ("%-*s  %s\n", KEY_WIDTH, key, clean);
}

static void
take_line (const char *key, char *value)
{
  line (key, value);
  g_free (value);
}

/* One line per word, the key only on the first. */
static void
lines (const char *key, const char *const *words)
{
  if (words == NULL || words[0] == NULL)
    line (key, NULL);
  for (guint i = 0; words != NULL && words[i] != NULL; i++)
    line (i == 0 ? key : "", words[i]);
}

static char *
date_text (GDateTime *time)
{
  g_autoptr (GDateTime) here = time == NULL ? NULL : g_date_time_to_local (time);

  return here == NULL ? NULL : g_date_time_format (here, "%Y-%m-%d %H:%M:%S %z");
}

/* What the volume really was made from; NULL: as declared, or not known. */
static const char *
other_image (SclDiskSpec *disk, GListModel *volumes)
{
  for (guint i = 0; i < g_list_model_get_n_items (volumes); i++)
    {
      g_autoptr (SclVolume) volume = g_list_model_get_item (volumes, i);
      const char *image = scl_volume_get_image (volume);

      if (g_strcmp0 (scl_volume_get_name (volume), scl_disk_spec_get_volume (disk)) == 0)
        return g_strcmp0 (image, scl_disk_spec_get_image (disk)) == 0 ? NULL : image;
    }
  return NULL;
}

static void
show_disk (SclDiskSpec *disk, GListModel *volumes)
{
  const char *other = other_image (disk, volumes);
  g_autofree char *size = scl_disk_spec_get_size_mib (disk) == 0
                              ? g_strdup ("size of the image")
                              : sclctl_text_mib (scl_disk_spec_get_size_mib (disk));

  take_line ("Disk",
             g_strdup_printf ("volume \"%s\", %s, from %s", scl_disk_spec_get_volume (disk), size,
                              other != NULL ? other : scl_disk_spec_get_image (disk)));
  if (other != NULL)
    take_line ("Image differs",
               g_strdup_printf ("%s is declared; only a new volume is made from it",
                                scl_disk_spec_get_image (disk)));
}

static void
show_nic (SclNicSpec *nic)
{
  const char *mac = scl_nic_spec_get_mac (nic);

  take_line ("Interface", g_strdup_printf ("network \"%s\"%s%s", scl_nic_spec_get_network (nic),
                                           mac ? ", " : "", mac ? mac : ""));
}

static void
show_devices (SclVmSpec *spec, GListModel *volumes)
{
  GListModel *disks = scl_vm_spec_get_disks (spec);
  GListModel *nics = scl_vm_spec_get_nics (spec);

  for (guint i = 0; i < g_list_model_get_n_items (disks); i++)
    {
      g_autoptr (SclDiskSpec) disk = g_list_model_get_item (disks, i);

      show_disk (disk, volumes);
    }
  for (guint i = 0; i < g_list_model_get_n_items (nics); i++)
    {
      g_autoptr (SclNicSpec) nic = g_list_model_get_item (nics, i);

      show_nic (nic);
    }
}

/* "2", or "2, now 1" of a guest that waits for its next boot. */
static void
take_line_now (const char *key, char *declared, char *live)
{
  g_autofree char *wanted = declared;
  g_autofree char *now = live;

  if (now == NULL || g_str_equal (wanted, now))
    line (key, wanted);
  else
    take_line (key, g_strdup_printf ("%s, now %s", wanted, now));
}

static void
show_size (SclVmSpec *spec, SclVmSpec *live)
{
  take_line_now ("Cores", g_strdup_printf ("%u", scl_vm_spec_get_cores (spec)),
                 live ? g_strdup_printf ("%u", scl_vm_spec_get_cores (live)) : NULL);
  take_line_now ("Memory", sclctl_text_mib (scl_vm_spec_get_memory_mib (spec)),
                 live ? sclctl_text_mib (scl_vm_spec_get_memory_mib (live)) : NULL);
}

static void
show_spec (SclVmSpec *spec, GListModel *volumes)
{
  gboolean bios = scl_vm_spec_get_firmware (spec) == SCL_FIRMWARE_BIOS;
  gboolean restart = scl_vm_spec_get_on_change (spec) == SCL_ON_CHANGE_RESTART;

  line ("Firmware", bios ? "bios" : "uefi");
  line ("Auto start", scl_vm_spec_get_auto_start (spec) ? "yes" : "no");
  line ("On change", restart ? "restart" : "wait for the next boot");
  take_line ("Shutdown wait", g_strdup_printf ("%u s", scl_vm_spec_get_shutdown_timeout (spec)));
  show_devices (spec, volumes);
}

static const char *
stopped_by_text (SclStoppedBy who)
{
  switch (who)
    {
    case SCL_STOPPED_BY_USER:
      return "off, because somebody stopped it";
    case SCL_STOPPED_BY_GUEST:
      return "off, because the guest powered itself off";
    case SCL_STOPPED_BY_NOBODY:
      break;
    }
  return "as declared";
}

void
sclctl_show_vm (SclVm *vm, GListModel *volumes)
{
  SclVmSpec *spec = scl_vm_get_spec (vm);
  const char *reason = scl_vm_get_state_reason (vm);
  const char *state = sclctl_text_vm_state (scl_vm_get_state (vm));

  line ("Name", scl_vm_get_name (vm));
  take_line ("State", reason == NULL || *reason == '\0'
                          ? g_strdup (state)
                          : g_strdup_printf ("%s (%s)", state, reason));
  line ("Wanted", stopped_by_text (scl_vm_get_stopped_by (vm)));
  take_line ("Uptime", sclctl_text_uptime (vm));
  take_line ("Addresses", sclctl_text_addresses (scl_vm_get_addresses (vm)));
  if (spec != NULL)
    {
      show_size (spec, scl_vm_get_live_spec (vm));
      show_spec (spec, volumes);
    }
  lines ("Pending", scl_vm_get_pending (vm));
  line ("Console log", scl_vm_get_log_path (vm));
}

static void
show_network_spec (SclNetworkSpec *spec)
{
  GListModel *forwards = scl_network_spec_get_forwards (spec);
  GInetAddress *gateway = scl_network_spec_get_gateway_ip (spec);

  take_line ("External IP", g_inet_address_to_string (scl_network_spec_get_external_ip (spec)));
  take_line ("Gateway IP", g_inet_address_to_string (gateway));
  take_line ("Subnet", sclctl_text_subnet (gateway, scl_network_spec_get_prefix_length (spec)));
  if (g_list_model_get_n_items (forwards) == 0)
    line ("Forwards", NULL);
  for (guint i = 0; i < g_list_model_get_n_items (forwards); i++)
    {
      g_autoptr (SclForwardSpec) forward = g_list_model_get_item (forwards, i);
      gboolean udp = scl_forward_spec_get_protocol (forward) == SCL_PROTOCOL_UDP;
      g_autofree char *text = scl_forward_spec_to_string (forward);

      take_line (i == 0 ? "Forwards" : "", g_strdup_printf ("%s %s", udp ? "udp" : "tcp", text));
    }
}

void
sclctl_show_network (SclNetwork *network)
{
  SclNetworkSpec *spec = scl_network_get_spec (network);

  line ("Name", scl_network_get_name (network));
  line ("Namespace", scl_network_get_namespace (network));
  if (spec != NULL)
    show_network_spec (spec);
  take_line ("VMs", sclctl_text_join (scl_network_get_vms (network)));
  lines ("Problems", scl_network_get_problems (network));
}

void
sclctl_show_volume (SclVolume *volume)
{
  line ("Name", scl_volume_get_name (volume));
  if (scl_volume_is_nvram (volume))
    line ("Kind", "NVRAM: boot entries and keys of a VM that is gone, as is its volume");
  line ("File", scl_volume_get_path (volume));
  take_line ("Size", sclctl_text_mib (scl_volume_get_size_mib (volume)));
  take_line ("Allocated", sclctl_text_bytes (scl_volume_get_allocated_bytes (volume)));
  line ("Image", scl_volume_get_image (volume));
  line ("VM", scl_volume_get_vm (volume));
  line ("Used", scl_volume_is_used (volume) ? "yes" : "no");
  if (scl_volume_is_foreign (volume))
    line ("Foreign", "SCL did not make it");
  take_line ("Created", date_text (scl_volume_get_created (volume)));
}
