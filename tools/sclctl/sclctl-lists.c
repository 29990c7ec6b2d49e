/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-objects.h"

#include "sclctl-text.h"

static SclctlColour
state_colour (SclVmState state)
{
  switch (state)
    {
    case SCL_VM_STATE_RUNNING:
      return SCLCTL_COLOUR_GOOD;
    case SCL_VM_STATE_STOPPED:
      return SCLCTL_COLOUR_FAINT;
    case SCL_VM_STATE_CRASHED:
      return SCLCTL_COLOUR_BAD;
    case SCL_VM_STATE_PAUSED:
    case SCL_VM_STATE_STOPPING:
    case SCL_VM_STATE_UNKNOWN:
      break;
    }
  return SCLCTL_COLOUR_CHANGE;
}

static const char *
state_text (SclVm *vm)
{
  return scl_vm_is_saved (vm) ? "stopped, saved" : sclctl_text_vm_state (scl_vm_get_state (vm));
}

static void
add_vm (SclctlTable *table, SclVm *vm)
{
  SclVmSpec *spec = scl_vm_get_spec (vm);
  SclVmSpec *live = scl_vm_get_live_spec (vm);
  /* Of a guest that runs what it has; what it gets instead is pending. */
  SclVmSpec *now = live != NULL ? live : spec;
  g_autofree char *pending = sclctl_text_join (scl_vm_get_pending (vm));

  sclctl_table_add (table, scl_vm_get_name (vm));
  sclctl_table_add_coloured (table, state_colour (scl_vm_get_state (vm)), state_text (vm));
  sclctl_table_take (table, sclctl_text_vm_networks (spec));
  sclctl_table_take (table, sclctl_text_addresses (scl_vm_get_addresses (vm)));
  sclctl_table_take (table, now ? g_strdup_printf ("%u", scl_vm_spec_get_cores (now)) : NULL);
  sclctl_table_take (table, now ? sclctl_text_mib (scl_vm_spec_get_memory_mib (now)) : NULL);
  sclctl_table_take (table, sclctl_text_uptime (vm));
  sclctl_table_add_coloured (table, SCLCTL_COLOUR_CHANGE, pending);
}

SclctlTable *
sclctl_table_of_vms (GListModel *vms)
{
  SclctlTable *table = sclctl_table_new ("NAME", "STATE", "NETWORK", "ADDRESSES", "CORES", "MEMORY",
                                         "UPTIME", "PENDING", NULL);

  for (guint i = 0; i < g_list_model_get_n_items (vms); i++)
    {
      g_autoptr (SclVm) vm = g_list_model_get_item (vms, i);

      add_vm (table, vm);
    }
  return table;
}

static char *
external_text (SclNetworkSpec *spec)
{
  return spec == NULL ? NULL : g_inet_address_to_string (scl_network_spec_get_external_ip (spec));
}

static char *
gateway_text (SclNetworkSpec *spec)
{
  return spec == NULL ? NULL : g_inet_address_to_string (scl_network_spec_get_gateway_ip (spec));
}

static char *
subnet_text (SclNetworkSpec *spec)
{
  return spec == NULL ? NULL
                      : sclctl_text_subnet (scl_network_spec_get_gateway_ip (spec),
                                            scl_network_spec_get_prefix_length (spec));
}

static char *
forwards_text (SclNetworkSpec *spec)
{
  return spec == NULL ? NULL : sclctl_text_forwards (scl_network_spec_get_forwards (spec));
}

static void
add_network (SclctlTable *table, SclNetwork *network)
{
  SclNetworkSpec *spec = scl_network_get_spec (network);
  g_autofree char *problems = sclctl_text_join (scl_network_get_problems (network));

  sclctl_table_add (table, scl_network_get_name (network));
  sclctl_table_take (table, external_text (spec));
  sclctl_table_take (table, subnet_text (spec));
  sclctl_table_take (table, gateway_text (spec));
  sclctl_table_take (table, forwards_text (spec));
  sclctl_table_take (table, sclctl_text_join (scl_network_get_vms (network)));
  sclctl_table_add_coloured (table, SCLCTL_COLOUR_BAD, problems);
}

SclctlTable *
sclctl_table_of_networks (GListModel *networks)
{
  SclctlTable *table = sclctl_table_new ("NAME", "EXTERNAL IP", "SUBNET", "GATEWAY", "FORWARDS",
                                         "VMS", "PROBLEMS", NULL);

  for (guint i = 0; i < g_list_model_get_n_items (networks); i++)
    {
      g_autoptr (SclNetwork) network = g_list_model_get_item (networks, i);

      add_network (table, network);
    }
  return table;
}

static char *
date_text (GDateTime *time)
{
  g_autoptr (GDateTime) here = time == NULL ? NULL : g_date_time_to_local (time);

  return here == NULL ? NULL : g_date_time_format (here, "%Y-%m-%d %H:%M");
}

static void
add_volume (SclctlTable *table, SclVolume *volume, gboolean with_kind)
{
  gboolean used = scl_volume_is_used (volume);
  gboolean foreign = scl_volume_is_foreign (volume);

  sclctl_table_add (table, scl_volume_get_name (volume));
  sclctl_table_take (table, sclctl_text_mib (scl_volume_get_size_mib (volume)));
  sclctl_table_take (table, sclctl_text_bytes (scl_volume_get_allocated_bytes (volume)));
  sclctl_table_add (table, scl_volume_get_vm (volume));
  sclctl_table_add_coloured (table, used || foreign ? SCLCTL_COLOUR_NONE : SCLCTL_COLOUR_CHANGE,
                             foreign ? "foreign"
                             : used  ? "yes"
                                     : "no");
  sclctl_table_take (table, date_text (scl_volume_get_created (volume)));
  sclctl_table_add (table, scl_volume_get_image (volume));
  if (with_kind)
    sclctl_table_add (table, scl_volume_is_nvram (volume) ? "NVRAM" : "volume");
}

/* What is left of a VM beside its volume is rare: without it all are of one kind. */
static gboolean
has_nvram (GListModel *volumes)
{
  for (guint i = 0; i < g_list_model_get_n_items (volumes); i++)
    {
      g_autoptr (SclVolume) volume = g_list_model_get_item (volumes, i);

      if (scl_volume_is_nvram (volume))
        return TRUE;
    }
  return FALSE;
}

SclctlTable *
sclctl_table_of_volumes (GListModel *volumes)
{
  gboolean with_kind = has_nvram (volumes);
  SclctlTable *table = sclctl_table_new ("NAME", "SIZE", "ALLOCATED", "VM", "USED", "CREATED", "IMAGE",
                                         with_kind ? "KIND" : NULL, NULL);

  for (guint i = 0; i < g_list_model_get_n_items (volumes); i++)
    {
      g_autoptr (SclVolume) volume = g_list_model_get_item (volumes, i);

      add_volume (table, volume, with_kind);
    }
  return table;
}
