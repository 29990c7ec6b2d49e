/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/scl-list-private.h"
#include "plan/scl-planner-private.h"
#include <string.h>

/* Which networks and NICs the host shall know. */
typedef enum
{
  DECLARED,             /* all that is declared */
  DECLARED_AND_LEAVING, /* and what is there until it is removed */
  UNHELD_AND_LEAVING,   /* but what waits for a removal is as it is now */
} HostScope;

static gboolean
is_held (SclPlanner *self, const char *network)
{
  return g_hash_table_contains (self->held_networks, network);
}

static void
add_observed_network (SclHostTarget *target, const SclObservedNetwork *network)
{
  g_ptr_array_add (target->networks, network->spec != NULL ? g_object_ref (network->spec)
                                                           : scl_network_spec_new (network->name));
}

static void
add_declared_network (SclPlanner *self, SclHostTarget *target, SclNetworkSpec *spec, HostScope scope)
{
  const char *name = scl_network_spec_get_name (spec);
  const SclObservedNetwork *is = _scl_observation_lookup_network (self->observed, name);

  if (scope != UNHELD_AND_LEAVING || !is_held (self, name))
    g_ptr_array_add (target->networks, g_object_ref (spec));
  else if (is != NULL && !is->foreign)
    add_observed_network (target, is);
}

static gboolean
is_port_there (SclPlanner *self, const SclPort *port)
{
  g_autofree char *key = _scl_planner_port_key (port->vm, port->index);

  return g_hash_table_contains (self->found_port, key);
}

static void
add_declared_ports (SclPlanner *self, SclHostTarget *target, HostScope scope)
{
  GHashTableIter iter;
  gpointer network, ports;

  g_hash_table_iter_init (&iter, self->ports);
  while (g_hash_table_iter_next (&iter, &network, &ports))
    for (guint i = 0; i < ((GPtrArray *) ports)->len; i++)
      {
        const SclPort *port = ((GPtrArray *) ports)->pdata[i];

        if (scope != UNHELD_AND_LEAVING || !is_held (self, network) || is_port_there (self, port))
          g_ptr_array_add (target->ports, _scl_port_copy (port));
      }
}

static void
add_leaving (SclPlanner *self, SclHostTarget *target)
{
  GHashTableIter iter;
  gpointer ports;

  g_hash_table_iter_init (&iter, self->leaving_ports);
  while (g_hash_table_iter_next (&iter, NULL, &ports))
    _scl_planner_add_ports (target->ports, ports);
  for (guint i = 0; i < self->gone_networks->len; i++)
    add_observed_network (target, self->gone_networks->pdata[i]);
}

static SclHostTarget *
host_target (SclPlanner *self, HostScope scope)
{
  SclHostTarget *target = _scl_host_target_new (scl_manifest_get_gateway_interface (self->desired));
  SclNetworkSpec *network;

  for (guint i = 0; (network = _scl_list_peek (scl_manifest_get_networks (self->desired), i)) != NULL;
       i++)
    add_declared_network (self, target, network, scope);
  add_declared_ports (self, target, scope);
  if (scope != DECLARED)
    add_leaving (self, target);
  return target;
}

static gboolean
same_strings (GPtrArray *a, GPtrArray *b)
{
  if (a->len != b->len)
    return FALSE;
  for (guint i = 0; i < a->len; i++)
    if (strcmp (a->pdata[i], b->pdata[i]) != 0)
      return FALSE;
  return TRUE;
}

static SclStep *
host_step (SclHostTarget *target, SclAction action)
{
  SclStep *step = _scl_step_new (SCL_JOB_HOST_ENSURE, action, SCL_OBJECT_KIND_HOST, "host");

  step->host = target;
  return step;
}

static void
explain_host (SclPlanner *self, SclStep *step, gboolean wanted, gboolean same_links)
{
  SclObservedHost *host = &self->observed->host;
  const char *gateway = step->host->gateway_interface;

  if (!host->present && wanted)
    {
      _scl_step_add_reason (step, "guard and address translation are not there");
      return;
    }
  if (g_strcmp0 (host->gateway_interface, gateway) != 0)
    _scl_step_add_reason (step, "gateway interface %s → %s",
                          host->gateway_interface == NULL ? "none" : host->gateway_interface,
                          gateway == NULL ? "none" : gateway);
  for (guint i = 0; i < host->problems->len; i++)
    _scl_step_add_reason (step, "%s", (const char *) host->problems->pdata[i]);
  if (!same_links)
    _scl_step_add_reason (step, "other networks or NICs than before");
}

void
_scl_planner_plan_host (SclPlanner *self)
{
  SclObservedHost *host = &self->observed->host;
  SclHostTarget *target = host_target (self, UNHELD_AND_LEAVING);
  g_autoptr (GPtrArray) links = _scl_host_target_list_links (target, self->prefix);
  g_autoptr (GPtrArray) externals = _scl_host_target_list_externals (target, self->prefix);
  gboolean same_links
      = same_strings (links, host->links) && same_strings (externals, host->externals);
  gboolean wanted = links->len > 0;

  if (wanted == host->present && same_links && host->problems->len == 0
      && (!wanted || g_strcmp0 (host->gateway_interface, target->gateway_interface) == 0))
    {
      _scl_host_target_free (target);
      return;
    }
  self->host_step = host_step (target, !host->present && wanted  ? SCL_ACTION_CREATE
                                       : host->problems->len > 0 ? SCL_ACTION_REPAIR
                                                                 : SCL_ACTION_UPDATE);
  explain_host (self, self->host_step, wanted, same_links);
  _scl_plan_take (self->plan, self->host_step);
}

static void
need_all (SclStep *step, GHashTable *steps)
{
  GHashTableIter iter;
  gpointer needed;

  g_hash_table_iter_init (&iter, steps);
  while (g_hash_table_iter_next (&iter, NULL, &needed))
    _scl_step_add_need (step, needed);
}

void
_scl_planner_plan_held_host (SclPlanner *self)
{
  GHashTableIter iter;
  gpointer network, holder;

  if (g_hash_table_size (self->held_networks) == 0)
    return;
  self->held_host_step
      = host_step (host_target (self, DECLARED_AND_LEAVING), SCL_ACTION_UPDATE);
  _scl_plan_take (self->plan, self->held_host_step);
  _scl_step_add_reason (self->held_host_step, "networks that take the address of one that goes");
  _scl_step_add_need (self->held_host_step, self->host_step);
  g_hash_table_iter_init (&iter, self->held_networks);
  while (g_hash_table_iter_next (&iter, &network, &holder))
    _scl_step_add_need (self->held_host_step, g_hash_table_lookup (self->removed_networks, holder));
}

void
_scl_planner_plan_host_release (SclPlanner *self)
{
  SclStep *step;

  if (self->gone_networks->len == 0 && !self->has_leaving_ports)
    return;
  step = _scl_plan_take (self->plan, host_step (host_target (self, DECLARED), SCL_ACTION_RELEASE));
  _scl_step_add_reason (step, "networks or NICs are gone");
  _scl_step_add_need (step, self->host_step);
  _scl_step_add_need (step, self->held_host_step);
  need_all (step, self->removed_vms);
  need_all (step, self->removed_networks);
}
