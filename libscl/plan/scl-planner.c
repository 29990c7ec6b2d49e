/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/scl-planner-private.h"
#include "model/scl-list-private.h"
#include "model/scl-names-private.h"
#include <scl/scl-nic-spec.h>

char *
_scl_planner_port_key (const char *vm, guint index)
{
  return g_strdup_printf ("%s/%u", vm, index);
}

GPtrArray *
_scl_planner_ports_of (GHashTable *table, const char *network)
{
  GPtrArray *ports = g_hash_table_lookup (table, network);

  if (ports == NULL)
    {
      ports = g_ptr_array_new_with_free_func ((GDestroyNotify) _scl_port_free);
      g_hash_table_insert (table, g_strdup (network), ports);
    }
  return ports;
}

/* A declared address wins; then the one that the definition has; only a new NIC gets one derived. */
static char *
choose_mac (SclPlanner *self, SclNicSpec *nic, const char *vm, guint index)
{
  SclObservedVm *observed = _scl_observation_lookup_vm (self->observed, vm);
  const char *machine_id = self->observed->machine_id;

  if (scl_nic_spec_get_mac (nic) != NULL)
    return g_ascii_strdown (scl_nic_spec_get_mac (nic), -1);
  if (observed != NULL && !observed->foreign && index < observed->macs->len
      && (observed->spec == NULL || _scl_list_peek (scl_vm_spec_get_nics (observed->spec), index) == NULL
          || scl_nic_spec_get_mac (_scl_list_peek (scl_vm_spec_get_nics (observed->spec), index))
                 == NULL))
    return g_strdup (observed->macs->pdata[index]);
  return _scl_names_mac (machine_id == NULL ? "" : machine_id, self->prefix, vm, index);
}

static void
collect_ports (SclPlanner *self)
{
  SclVmSpec *vm;

  for (guint i = 0; (vm = _scl_list_peek (scl_manifest_get_vms (self->desired), i)) != NULL; i++)
    {
      const char *name = scl_vm_spec_get_name (vm);
      SclNicSpec *nic;

      for (guint n = 0; (nic = _scl_list_peek (scl_vm_spec_get_nics (vm), n)) != NULL; n++)
        {
          g_autofree char *mac = choose_mac (self, nic, name, n);
          SclPort *port = _scl_port_new (name, n, mac);

          g_ptr_array_add (_scl_planner_ports_of (self->ports, scl_nic_spec_get_network (nic)), port);
          g_hash_table_insert (self->wanted_port, _scl_planner_port_key (name, n), port);
        }
    }
}

static void
collect_gone (SclPlanner *self)
{
  for (guint i = 0; i < self->observed->vms->len; i++)
    {
      SclObservedVm *vm = self->observed->vms->pdata[i];

      if (!vm->foreign && scl_manifest_lookup_vm (self->desired, vm->name) == NULL)
        g_ptr_array_add (self->gone_vms, vm);
    }
  for (guint i = 0; i < self->observed->networks->len; i++)
    {
      SclObservedNetwork *network = self->observed->networks->pdata[i];

      if (!network->foreign && scl_manifest_lookup_network (self->desired, network->name) == NULL)
        g_ptr_array_add (self->gone_networks, network);
    }
}

/* A port whose VM is ours but no longer declared stays until the VM is gone. One whose VM does not
 * exist at all is a leftover and is not asked for again. */
static void
collect_observed_ports (SclPlanner *self)
{
  for (guint i = 0; i < self->observed->networks->len; i++)
    {
      SclObservedNetwork *network = self->observed->networks->pdata[i];

      for (guint p = 0; p < network->ports->len; p++)
        {
          SclPort *port = network->ports->pdata[p];
          SclObservedVm *vm = _scl_observation_lookup_vm (self->observed, port->vm);

          g_hash_table_insert (self->found_port, _scl_planner_port_key (port->vm, port->index), port);
          g_hash_table_insert (self->port_home, _scl_planner_port_key (port->vm, port->index),
                               network->name);
          if (vm == NULL || vm->foreign || scl_manifest_lookup_vm (self->desired, port->vm) != NULL)
            continue;
          g_ptr_array_add (_scl_planner_ports_of (self->leaving_ports, network->name),
                           _scl_port_copy (port));
          self->has_leaving_ports = TRUE;
        }
    }
}

static void
check_foreign (SclPlanner *self)
{
  for (guint i = 0; i < self->observed->networks->len; i++)
    {
      SclObservedNetwork *network = self->observed->networks->pdata[i];
      g_autofree char *path = g_strdup_printf ("networks.%s", network->name);

      if (network->foreign && scl_manifest_lookup_network (self->desired, network->name) != NULL)
        _scl_plan_add_diagnostic (
            self->plan, SCL_SEVERITY_ERROR, path,
            "%s exists and was not made by SCL: it is not touched; rename the network or remove it",
            network->foreign_what == NULL ? "something of that name" : network->foreign_what);
    }
  for (guint i = 0; i < self->observed->vms->len; i++)
    {
      SclObservedVm *vm = self->observed->vms->pdata[i];
      g_autofree char *path = g_strdup_printf ("virtualMachines.%s", vm->name);
      g_autofree char *domain = _scl_names_domain (self->prefix, vm->name);
      g_autofree char *fallback = g_strdup_printf (
          "a domain \"%s\" exists and was not made by SCL: it is not touched; rename one of the two",
          domain);

      if (vm->foreign && scl_manifest_lookup_vm (self->desired, vm->name) != NULL)
        _scl_plan_add_diagnostic (self->plan, SCL_SEVERITY_ERROR, path, "%s",
                                  vm->foreign_what == NULL ? fallback : vm->foreign_what);
    }
}

/* Preflight may have said the same of what is desired, with its place. */
static gboolean
is_said (SclPlanner *self, const char *note)
{
  for (guint i = 0; i < self->observed->diagnostics->len; i++)
    if (g_str_equal (scl_diagnostic_get_message (self->observed->diagnostics->pdata[i]), note))
      return TRUE;
  return FALSE;
}

static void
add_notes (SclPlanner *self)
{
  for (guint i = 0; i < self->observed->host.notes->len; i++)
    if (!is_said (self, self->observed->host.notes->pdata[i]))
      _scl_plan_add_diagnostic (self->plan, SCL_SEVERITY_WARNING, "", "%s",
                                (const char *) self->observed->host.notes->pdata[i]);
}

static GHashTable *
table_of_ports (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
}

static GHashTable *
table_of_steps (void)
{
  return g_hash_table_new (g_str_hash, g_str_equal);
}

static void
planner_init (SclPlanner *self)
{
  self->plan = _scl_plan_new ();
  self->ports = table_of_ports ();
  self->leaving_ports = table_of_ports ();
  self->wanted_port = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->found_port = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->port_home = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->gone_vms = g_ptr_array_new ();
  self->gone_networks = g_ptr_array_new ();
  self->held_networks = g_hash_table_new (g_str_hash, g_str_equal);
  self->network_steps = table_of_steps ();
  self->removed_vms = table_of_steps ();
  self->removed_networks = table_of_steps ();
  self->volume_steps = table_of_steps ();
  self->blocked_vms = table_of_steps ();
}

static void
planner_clear (SclPlanner *self)
{
  g_hash_table_unref (self->ports);
  g_hash_table_unref (self->leaving_ports);
  g_hash_table_unref (self->wanted_port);
  g_hash_table_unref (self->found_port);
  g_hash_table_unref (self->port_home);
  g_ptr_array_unref (self->gone_vms);
  g_ptr_array_unref (self->gone_networks);
  g_hash_table_unref (self->externals);
  g_ptr_array_unref (self->groups);
  g_hash_table_unref (self->held_networks);
  g_hash_table_unref (self->network_steps);
  g_hash_table_unref (self->removed_vms);
  g_hash_table_unref (self->removed_networks);
  g_hash_table_unref (self->volume_steps);
  g_hash_table_unref (self->blocked_vms);
}

SclPlan *
_scl_planner_plan (SclManifest *desired, SclObservation *observed, const char *prefix,
                   SclApplyFlags flags)
{
  SclPlanner self
      = { .desired = desired, .observed = observed, .prefix = prefix, .flags = flags };

  planner_init (&self);
  collect_ports (&self);
  collect_gone (&self);
  collect_observed_ports (&self);
  check_foreign (&self);
  add_notes (&self);
  _scl_planner_group_networks (&self);
  _scl_planner_plan_host (&self);
  _scl_planner_plan_vm_removals (&self);
  _scl_planner_plan_networks (&self);
  _scl_planner_plan_volumes (&self);
  _scl_planner_plan_vms (&self);
  _scl_planner_plan_network_releases (&self);
  _scl_planner_plan_host_release (&self);
  planner_clear (&self);
  return self.plan;
}
