/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/scl-address-text-private.h"
#include "model/scl-list-private.h"
#include "plan/scl-planner-private.h"
#include <scl/scl-nic-spec.h>
#include <string.h>

#define NAMED_FORWARDS 16

void
_scl_planner_add_ports (GPtrArray *into, GPtrArray *ports)
{
  for (guint i = 0; i < ports->len; i++)
    g_ptr_array_add (into, _scl_port_copy (ports->pdata[i]));
}

static gboolean
same_port (const SclPort *a, const SclPort *b)
{
  return a->index == b->index && strcmp (a->vm, b->vm) == 0 && g_strcmp0 (a->mac, b->mac) == 0
         && g_strcmp0 (a->address, b->address) == 0;
}

/* The ports of WANTED that OBSERVED has not, or not intact: (transfer container). */
static GPtrArray *
missing_ports (GPtrArray *wanted, GPtrArray *observed)
{
  g_autoptr (GHashTable) there = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GPtrArray *missing = g_ptr_array_new ();

  for (guint i = 0; observed != NULL && i < observed->len; i++)
    {
      SclPort *port = observed->pdata[i];

      g_hash_table_insert (there, _scl_planner_port_key (port->vm, port->index), port);
    }
  for (guint i = 0; i < wanted->len; i++)
    {
      SclPort *port = wanted->pdata[i];
      g_autofree char *key = _scl_planner_port_key (port->vm, port->index);
      SclPort *twin = g_hash_table_lookup (there, key);

      if (twin == NULL || !twin->present || !same_port (port, twin))
        g_ptr_array_add (missing, port);
    }
  return missing;
}

static SclNetworkTarget *
network_target (SclPlanner *self, SclNetworkSpec *spec, gboolean with_leaving)
{
  SclNetworkTarget *target = _scl_network_target_new (spec);
  const char *name = scl_network_spec_get_name (spec);

  _scl_planner_add_ports (target->ports, _scl_planner_ports_of (self->ports, name));
  if (with_leaving)
    _scl_planner_add_ports (target->ports, _scl_planner_ports_of (self->leaving_ports, name));
  return target;
}

static void
explain_address (SclStep *step, const char *what, GInetAddress *from, GInetAddress *to)
{
  g_autofree char *a = NULL;
  g_autofree char *b = NULL;

  if (_scl_address_equal (from, to) || from == NULL || to == NULL)
    return;
  a = g_inet_address_to_string (from);
  b = g_inet_address_to_string (to);
  _scl_step_add_reason (step, "%s %s → %s", what, a, b);
}

static char *
describe_forward (SclForwardSpec *forward)
{
  g_autofree char *text = scl_forward_spec_to_string (forward);

  return g_strdup_printf (
      "%s forward %s", scl_forward_spec_get_protocol (forward) == SCL_PROTOCOL_TCP ? "TCP" : "UDP", text);
}

static GHashTable *
describe_forwards (GListModel *forwards)
{
  GHashTable *set = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  SclForwardSpec *forward;

  for (guint i = 0; (forward = _scl_list_peek (forwards, i)) != NULL; i++)
    g_hash_table_add (set, describe_forward (forward));
  return set;
}

/* Of thousands, as programs make them, some are named and the others counted. */
static void
explain_forwards (SclStep *step, const char *what, GListModel *these, GListModel *not_in)
{
  g_autoptr (GHashTable) others = describe_forwards (not_in);
  SclForwardSpec *forward;
  guint changed = 0;

  for (guint i = 0; (forward = _scl_list_peek (these, i)) != NULL; i++)
    {
      g_autofree char *text = describe_forward (forward);

      if (!g_hash_table_contains (others, text) && ++changed <= NAMED_FORWARDS)
        _scl_step_add_reason (step, "%s %s", what, text);
    }
  if (changed > NAMED_FORWARDS)
    _scl_step_add_reason (step, "%u more %s forwards", changed - NAMED_FORWARDS, what);
}

static void
explain_spec (SclStep *step, SclNetworkSpec *from, SclNetworkSpec *to)
{
  GListModel *old = scl_network_spec_get_forwards (from);
  GListModel *new = scl_network_spec_get_forwards (to);

  explain_address (step, "external IP", scl_network_spec_get_external_ip (from),
                   scl_network_spec_get_external_ip (to));
  explain_address (step, "gateway", scl_network_spec_get_gateway_ip (from),
                   scl_network_spec_get_gateway_ip (to));
  if (scl_network_spec_get_prefix_length (from) != scl_network_spec_get_prefix_length (to))
    _scl_step_add_reason (step, "mask /%u → /%u", scl_network_spec_get_prefix_length (from),
                          scl_network_spec_get_prefix_length (to));
  explain_forwards (step, "new", new, old);
  explain_forwards (step, "no", old, new);
}

/* How one network differs from its target. */
typedef enum { SAME, BROKEN, DIFFERENT, ABSENT } Difference;

static Difference
explain_network (SclPlanner *self, SclStep *step, SclNetworkTarget *target)
{
  SclObservedNetwork *is
      = _scl_observation_lookup_network (self->observed, scl_network_spec_get_name (target->spec));
  g_autoptr (GPtrArray) missing = NULL;
  g_autoptr (GPtrArray) surplus = NULL;
  Difference difference = SAME;

  if (is == NULL || is->foreign)
    {
      _scl_step_add_reason (step, "not there");
      return ABSENT;
    }
  if (is->spec != NULL && !scl_network_spec_equal (is->spec, target->spec))
    {
      explain_spec (step, is->spec, target->spec);
      difference = DIFFERENT;
    }
  missing = missing_ports (target->ports, is->ports);
  for (guint i = 0; i < missing->len; i++)
    _scl_step_add_reason (step, "NIC of \"%s\"", ((SclPort *) missing->pdata[i])->vm);
  surplus = missing_ports (is->ports, target->ports);
  for (guint i = 0; i < is->problems->len; i++)
    _scl_step_add_reason (step, "%s", (const char *) is->problems->pdata[i]);
  if (is->spec == NULL && is->problems->len == 0)
    _scl_step_add_reason (step, "incomplete");
  if (missing->len > 0 || is->ports->len != target->ports->len)
    difference = DIFFERENT;
  if (is->ports->len > target->ports->len)
    _scl_step_add_reason (step, "NICs that nobody has any more");
  return difference == SAME && (is->problems->len > 0 || is->spec == NULL) ? BROKEN : difference;
}

/* Networks that must be changed together: a NIC moves between them, or one takes the other's
 * address. A plain union-find over names. */
static const char *
find_root (GHashTable *parents, const char *name)
{
  const char *parent;

  while ((parent = g_hash_table_lookup (parents, name)) != NULL)
    name = parent;
  return name;
}

static void
join (GHashTable *parents, const char *a, const char *b)
{
  const char *root_a = find_root (parents, a);
  const char *root_b = find_root (parents, b);

  if (strcmp (root_a, root_b) != 0)
    g_hash_table_insert (parents, (char *) root_b, (char *) root_a);
}

static void
join_moves (SclPlanner *self, GHashTable *parents, SclNetworkSpec *spec)
{
  const char *name = scl_network_spec_get_name (spec);
  GPtrArray *ports = _scl_planner_ports_of (self->ports, name);

  for (guint i = 0; i < ports->len; i++)
    {
      const SclPort *port = ports->pdata[i];
      g_autofree char *key = _scl_planner_port_key (port->vm, port->index);
      const char *home = g_hash_table_lookup (self->port_home, key);
      SclNetworkSpec *there = home == NULL ? NULL : scl_manifest_lookup_network (self->desired, home);

      if (there != NULL && there != spec)
        join (parents, name, scl_network_spec_get_name (there));
    }
}

static GHashTable *
table_of_externals (SclPlanner *self)
{
  GHashTable *table = g_hash_table_new (g_direct_hash, g_direct_equal);

  for (guint i = 0; i < self->observed->networks->len; i++)
    {
      SclObservedNetwork *network = self->observed->networks->pdata[i];
      GInetAddress *external
          = network->spec == NULL ? NULL : scl_network_spec_get_external_ip (network->spec);

      if (external != NULL)
        g_hash_table_insert (table, GUINT_TO_POINTER (_scl_address_number (external)), network);
    }
  return table;
}

static SclObservedNetwork *
holder_of_external (GHashTable *externals, SclNetworkSpec *spec)
{
  GInetAddress *external = scl_network_spec_get_external_ip (spec);
  SclObservedNetwork *holder
      = external == NULL
            ? NULL
            : g_hash_table_lookup (externals, GUINT_TO_POINTER (_scl_address_number (external)));

  return holder == NULL || strcmp (holder->name, scl_network_spec_get_name (spec)) == 0 ? NULL
                                                                                       : holder;
}

static SclStep *
remove_network (SclPlanner *self, SclObservedNetwork *network)
{
  SclStep *step = _scl_step_new (SCL_JOB_NETWORK_REMOVE, SCL_ACTION_DELETE, SCL_OBJECT_KIND_NETWORK,
                                 network->name);
  GPtrArray *leaving = _scl_planner_ports_of (self->leaving_ports, network->name);

  step->removal = TRUE;
  _scl_step_add_reason (step, "no longer declared");
  _scl_plan_take (self->plan, step);
  for (guint i = 0; i < leaving->len; i++)
    _scl_step_add_need (step, g_hash_table_lookup (self->removed_vms,
                                                   ((SclPort *) leaving->pdata[i])->vm));
  g_hash_table_insert (self->removed_networks, network->name, step);
  return step;
}

/* Groups in the order of the manifest: root name -> GPtrArray of SclNetworkSpec. */
static GPtrArray *
group_networks (SclPlanner *self, GHashTable *externals)
{
  g_autoptr (GHashTable) parents = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) by_root = g_hash_table_new (g_str_hash, g_str_equal);
  GPtrArray *groups = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  GListModel *networks = scl_manifest_get_networks (self->desired);
  SclNetworkSpec *spec;

  for (guint i = 0; (spec = _scl_list_peek (networks, i)) != NULL; i++)
    {
      SclObservedNetwork *holder = holder_of_external (externals, spec);

      join_moves (self, parents, spec);
      if (holder != NULL && scl_manifest_lookup_network (self->desired, holder->name) != NULL)
        join (parents, scl_network_spec_get_name (spec), holder->name);
    }
  for (guint i = 0; (spec = _scl_list_peek (networks, i)) != NULL; i++)
    {
      const char *root = find_root (parents, scl_network_spec_get_name (spec));
      GPtrArray *group = g_hash_table_lookup (by_root, root);

      if (group == NULL)
        {
          group = g_ptr_array_new ();
          g_hash_table_insert (by_root, (char *) root, group);
          g_ptr_array_add (groups, group);
        }
      g_ptr_array_add (group, spec);
    }
  return groups;
}

static char **
names_of (GPtrArray *group)
{
  char **names = g_new0 (char *, group->len + 1);

  for (guint i = 0; i < group->len; i++)
    names[i] = g_strdup (scl_network_spec_get_name (group->pdata[i]));
  return names;
}

static void
hold_group (SclPlanner *self, GPtrArray *group)
{
  const char *holder = NULL;

  for (guint i = 0; i < group->len && holder == NULL; i++)
    {
      SclObservedNetwork *one = holder_of_external (self->externals, group->pdata[i]);

      if (one != NULL && scl_manifest_lookup_network (self->desired, one->name) == NULL)
        holder = one->name;
    }
  for (guint i = 0; holder != NULL && i < group->len; i++)
    g_hash_table_insert (self->held_networks,
                         (char *) scl_network_spec_get_name (group->pdata[i]), (char *) holder);
}

void
_scl_planner_group_networks (SclPlanner *self)
{
  self->externals = table_of_externals (self);
  self->groups = group_networks (self, self->externals);
  for (guint i = 0; i < self->groups->len; i++)
    hold_group (self, self->groups->pdata[i]);
}

static gboolean
is_held (SclPlanner *self, GPtrArray *group)
{
  return g_hash_table_contains (self->held_networks, scl_network_spec_get_name (group->pdata[0]));
}

/* A new owner of an address waits until the old one is gone. */
static void
need_free_addresses (SclPlanner *self, SclStep *step, GPtrArray *group)
{
  for (guint i = 0; i < group->len; i++)
    {
      SclObservedNetwork *holder = holder_of_external (self->externals, group->pdata[i]);

      if (holder != NULL)
        _scl_step_add_need (step, g_hash_table_lookup (self->removed_networks, holder->name));
    }
}

static void
plan_group (SclPlanner *self, GPtrArray *group)
{
  SclStep *step = _scl_step_new (SCL_JOB_NETWORK_ENSURE, SCL_ACTION_UPDATE, SCL_OBJECT_KIND_NETWORK,
                                 scl_network_spec_get_name (group->pdata[0]));
  Difference worst = SAME;

  _scl_step_take_names (step, names_of (group));
  step->networks
      = g_ptr_array_new_with_free_func ((GDestroyNotify) _scl_network_target_free);
  for (guint i = 0; i < group->len; i++)
    {
      SclNetworkTarget *target = network_target (self, group->pdata[i], TRUE);

      Difference difference = explain_network (self, step, target);

      worst = MAX (worst, difference);
      g_ptr_array_add (step->networks, target);
    }
  if (worst == SAME)
    {
      g_object_unref (step);
      return;
    }
  step->action = worst == ABSENT   ? SCL_ACTION_CREATE
                 : worst == BROKEN ? SCL_ACTION_REPAIR
                                   : SCL_ACTION_UPDATE;
  _scl_plan_take (self->plan, step);
  _scl_step_add_need (step, self->host_step);
  _scl_step_add_need (step, is_held (self, group) ? self->held_host_step : NULL);
  need_free_addresses (self, step, group);
  for (guint i = 0; i < group->len; i++)
    g_hash_table_insert (self->network_steps, (char *) scl_network_spec_get_name (group->pdata[i]),
                         step);
}

void
_scl_planner_plan_networks (SclPlanner *self)
{
  SclNetworkSpec *spec;

  for (guint i = 0; (spec = _scl_list_peek (scl_manifest_get_networks (self->desired), i)) != NULL; i++)
    {
      SclObservedNetwork *holder = holder_of_external (self->externals, spec);

      if (holder != NULL && scl_manifest_lookup_network (self->desired, holder->name) == NULL
          && g_hash_table_lookup (self->removed_networks, holder->name) == NULL)
        remove_network (self, holder);
    }
  _scl_planner_plan_held_host (self);
  for (guint i = 0; i < self->groups->len; i++)
    plan_group (self, self->groups->pdata[i]);
}

static void
release_ports (SclPlanner *self, SclNetworkSpec *spec)
{
  const char *name = scl_network_spec_get_name (spec);
  GPtrArray *leaving = _scl_planner_ports_of (self->leaving_ports, name);
  SclStep *step;

  if (leaving->len == 0)
    return;
  step = _scl_step_new (SCL_JOB_NETWORK_ENSURE, SCL_ACTION_RELEASE, SCL_OBJECT_KIND_NETWORK, name);
  step->networks
      = g_ptr_array_new_with_free_func ((GDestroyNotify) _scl_network_target_free);
  g_ptr_array_add (step->networks, network_target (self, spec, FALSE));
  _scl_plan_take (self->plan, step);
  _scl_step_add_need (step, g_hash_table_lookup (self->network_steps, name));
  for (guint i = 0; i < leaving->len; i++)
    {
      const SclPort *port = leaving->pdata[i];

      _scl_step_add_reason (step, "NIC of removed VM \"%s\"", port->vm);
      _scl_step_add_need (step, g_hash_table_lookup (self->removed_vms, port->vm));
    }
}

void
_scl_planner_plan_network_releases (SclPlanner *self)
{
  SclNetworkSpec *spec;

  for (guint i = 0; (spec = _scl_list_peek (scl_manifest_get_networks (self->desired), i)) != NULL; i++)
    release_ports (self, spec);
  for (guint i = 0; i < self->gone_networks->len; i++)
    {
      SclObservedNetwork *gone = self->gone_networks->pdata[i];
      SclStep *step;

      if (g_hash_table_lookup (self->removed_networks, gone->name) != NULL)
        continue;
      /* NICs that move away take their pairs along first. */
      step = remove_network (self, gone);
      for (guint p = 0; p < gone->ports->len; p++)
        {
          const SclPort *port = gone->ports->pdata[p];
          SclVmSpec *vm = scl_manifest_lookup_vm (self->desired, port->vm);
          SclNicSpec *nic
              = vm == NULL ? NULL : _scl_list_peek (scl_vm_spec_get_nics (vm), port->index);

          if (nic != NULL)
            _scl_step_add_need (step, g_hash_table_lookup (self->network_steps,
                                                           scl_nic_spec_get_network (nic)));
        }
    }
}
