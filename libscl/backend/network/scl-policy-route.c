/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-policy-route-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-names-private.h"
#include <linux/rtnetlink.h>
#include <string.h>

#define UNREACHABLE_METRIC 0x7fffffffu

void
_scl_gateway_clear (SclGateway *gateway)
{
  g_clear_pointer (&gateway->routes, g_array_unref);
}

static SclRoute
own_copy (const SclRoute *route)
{
  SclRoute copy = *route;

  copy.table = RT_TABLE_UNSPEC;
  copy.protocol = SCL_ROUTE_PROTOCOL;
  return copy;
}

/* Without a default route of its own the main table's one must not be tried next. */
static void
add_unreachable (SclGateway *gateway)
{
  SclRoute route = { .table = RT_TABLE_UNSPEC,
                     .metric = UNREACHABLE_METRIC,
                     .protocol = SCL_ROUTE_PROTOCOL,
                     .type = RTN_UNREACHABLE,
                     .scope = RT_SCOPE_UNIVERSE };

  g_array_append_val (gateway->routes, route);
}

/* Several next hops on the interface: the first stands for all, the table holds one of a kind. */
static gboolean
has_twin (GArray *routes, const SclRoute *route)
{
  for (guint i = 0; i < routes->len; i++)
    {
      const SclRoute *other = &g_array_index (routes, SclRoute, i);

      if (other->destination == route->destination && other->prefix_length == route->prefix_length
          && other->metric == route->metric)
        return TRUE;
    }
  return FALSE;
}

static void
read_routes (SclGateway *gateway, GArray *routes, int index)
{
  guint32 best = G_MAXUINT32;

  gateway->policy = TRUE;
  for (guint i = 0; i < routes->len; i++)
    {
      const SclRoute *route = &g_array_index (routes, SclRoute, i);
      SclRoute copy = own_copy (route);

      if (route->table != RT_TABLE_MAIN || route->type != RTN_UNICAST)
        continue;
      if (route->prefix_length == 0 && route->metric < best)
        {
          best = route->metric;
          gateway->policy = route->index != index;
        }
      if (route->index != index)
        continue;
      gateway->has_default = gateway->has_default || route->prefix_length == 0;
      if (!has_twin (gateway->routes, route))
        g_array_append_val (gateway->routes, copy);
    }
}

gboolean
_scl_gateway_init (SclGateway *gateway, SclNetlink *root, const char *interface, GError **error)
{
  g_autoptr (SclLink) link = NULL;
  g_autoptr (GArray) routes = NULL;

  gateway->routes = g_array_new (FALSE, FALSE, sizeof (SclRoute));
  if (interface == NULL)
    return TRUE;
  if (!_scl_netlink_lookup_link (root, interface, &link, error))
    return FALSE;
  gateway->present = link != NULL;
  routes = link == NULL ? NULL : _scl_netlink_list_routes (root, error);
  if (link != NULL && routes == NULL)
    return FALSE;
  if (link != NULL)
    read_routes (gateway, routes, link->index);
  add_unreachable (gateway);
  return TRUE;
}

/* Prefixes may meet in their numbers, so a rule's owner is told by the uplinks that it is for. */
static gboolean
is_for_own_uplink (const SclPolicyRule *rule, const char *prefix)
{
  g_autofree char *start = g_strdup_printf ("%s%c-", prefix, SCL_LINK_UPLINK);

  return rule->protocol == SCL_ROUTE_PROTOCOL && rule->table != SCL_GUARD_TABLE
         && g_str_has_prefix (rule->iif, start);
}

static gboolean
is_priority_taken (GArray *rules, const char *prefix, guint32 priority)
{
  for (guint i = 0; i < rules->len; i++)
    {
      const SclPolicyRule *rule = &g_array_index (rules, SclPolicyRule, i);

      if (rule->priority == priority + 1 && rule->protocol == SCL_ROUTE_PROTOCOL
          && rule->iif[0] != '\0' && !is_for_own_uplink (rule, prefix))
        return TRUE;
    }
  return FALSE;
}

static gboolean
is_table_taken (GArray *rules, const char *prefix, guint32 table)
{
  for (guint i = 0; i < rules->len; i++)
    {
      const SclPolicyRule *rule = &g_array_index (rules, SclPolicyRule, i);

      if (rule->table == table && !is_for_own_uplink (rule, prefix))
        return TRUE;
    }
  return FALSE;
}

/* What the instance's rules and routes go by: the numbers that it has in the kernel, else its first
 * choice that no other instance has. */
typedef struct
{
  guint32 priority, table; /* 0: none yet */
} Numbers;

static void
read_numbers (Numbers *numbers, GArray *rules, const char *prefix)
{
  for (guint i = 0; i < rules->len; i++)
    {
      const SclPolicyRule *rule = &g_array_index (rules, SclPolicyRule, i);

      if (!is_for_own_uplink (rule, prefix))
        continue;
      if (numbers->priority == 0 && _scl_names_is_rule_priority (rule->priority - 1)
          && !is_priority_taken (rules, prefix, rule->priority - 1))
        numbers->priority = rule->priority - 1;
      if (numbers->table == 0 && _scl_names_is_table (rule->table)
          && !is_table_taken (rules, prefix, rule->table))
        numbers->table = rule->table;
    }
}

static Numbers
choose_numbers (GArray *rules, const char *prefix)
{
  Numbers numbers = { 0, 0 };

  read_numbers (&numbers, rules, prefix);
  for (guint i = 0; i < SCL_N_CHOICES && numbers.priority == 0; i++)
    if (!is_priority_taken (rules, prefix, _scl_names_rule_priority (prefix, i)))
      numbers.priority = _scl_names_rule_priority (prefix, i);
  for (guint i = 0; i < SCL_N_CHOICES && numbers.table == 0; i++)
    if (!is_table_taken (rules, prefix, _scl_names_table (prefix, i)))
      numbers.table = _scl_names_table (prefix, i);
  return numbers;
}

static GArray *
wanted_rules (const char *prefix, const Numbers *numbers, const SclGateway *gateway,
              GPtrArray *uplinks)
{
  GArray *rules = g_array_new (FALSE, FALSE, sizeof (SclPolicyRule));
  SclPolicyRule rule = { .priority = numbers->priority,
                         .table = RT_TABLE_MAIN,
                         .mark = _scl_names_mark_value (prefix),
                         .mask = SCL_MARK_MASK,
                         .protocol = SCL_ROUTE_PROTOCOL };

  if (!gateway->policy || uplinks->len == 0)
    return rules;
  for (guint i = 0; i < uplinks->len; i++)
    {
      SclPolicyRule own = { .priority = numbers->priority + 1,
                            .table = numbers->table,
                            .protocol = SCL_ROUTE_PROTOCOL };

      g_strlcpy (own.iif, g_ptr_array_index (uplinks, i), sizeof own.iif);
      g_array_append_val (rules, own);
    }
  /* Last: only those before it tell whose it is. */
  g_array_append_val (rules, rule);
  return rules;
}

static GArray *
wanted_routes (const Numbers *numbers, const SclGateway *gateway)
{
  GArray *routes = g_array_copy (gateway->routes);

  for (guint i = 0; i < routes->len; i++)
    g_array_index (routes, SclRoute, i).table = numbers->table;
  return routes;
}

static gboolean
is_same_rule (const SclPolicyRule *a, const SclPolicyRule *b)
{
  return a->priority == b->priority && a->table == b->table && a->mark == b->mark
         && a->mask == b->mask && strcmp (a->iif, b->iif) == 0;
}

static gboolean
has_rule (GArray *rules, const SclPolicyRule *rule)
{
  for (guint i = 0; i < rules->len; i++)
    if (is_same_rule (&g_array_index (rules, SclPolicyRule, i), rule))
      return TRUE;
  return FALSE;
}

/* The one for the mark has no uplink: it belongs to those at the next preference, or, if there are none,
 * to the first who finds it. */
static gboolean
is_own_rule (const SclPolicyRule *rule, GArray *rules, const char *prefix)
{
  return is_for_own_uplink (rule, prefix)
         || (rule->protocol == SCL_ROUTE_PROTOCOL && rule->iif[0] == '\0'
             && rule->table == RT_TABLE_MAIN && rule->mark == _scl_names_mark_value (prefix)
             && !is_priority_taken (rules, prefix, rule->priority));
}

static gboolean
is_same_route (const SclRoute *a, const SclRoute *b)
{
  return a->destination == b->destination && a->prefix_length == b->prefix_length
         && a->gateway == b->gateway && a->index == b->index && a->metric == b->metric
         && a->type == b->type && a->table == b->table;
}

static gboolean
has_route (GArray *routes, const SclRoute *route)
{
  for (guint i = 0; i < routes->len; i++)
    if (is_same_route (&g_array_index (routes, SclRoute, i), route))
      return TRUE;
  return FALSE;
}

/* What is there of ours, and what shall be there. */
typedef struct
{
  GArray *rules, *routes;
  GArray *wanted_rules, *wanted_routes;
} State;

static void
state_clear (State *state)
{
  g_clear_pointer (&state->rules, g_array_unref);
  g_clear_pointer (&state->routes, g_array_unref);
  g_clear_pointer (&state->wanted_rules, g_array_unref);
  g_clear_pointer (&state->wanted_routes, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (State, state_clear)

static GArray *
list_own_rules (GArray *rules, const char *prefix)
{
  GArray *own = g_array_new (FALSE, FALSE, sizeof (SclPolicyRule));

  for (guint i = 0; i < rules->len; i++)
    {
      const SclPolicyRule *rule = &g_array_index (rules, SclPolicyRule, i);

      if (is_own_rule (rule, rules, prefix))
        g_array_append_vals (own, rule, 1);
    }
  return own;
}

static gboolean
state_init (State *state, SclNetlink *root, const char *prefix, const SclGateway *gateway,
            GPtrArray *uplinks, GError **error)
{
  g_autoptr (GArray) rules = _scl_netlink_list_rules (root, error);
  Numbers numbers;

  state->routes = rules == NULL ? NULL : _scl_netlink_list_routes (root, error);
  if (state->routes == NULL)
    return FALSE;
  numbers = choose_numbers (rules, prefix);
  state->rules = list_own_rules (rules, prefix);
  state->wanted_rules = wanted_rules (prefix, &numbers, gateway, uplinks);
  state->wanted_routes = state->wanted_rules->len == 0
                             ? g_array_new (FALSE, FALSE, sizeof (SclRoute))
                             : wanted_routes (&numbers, gateway);
  for (guint i = state->routes->len; i > 0; i--)
    if (g_array_index (state->routes, SclRoute, i - 1).table != numbers.table)
      g_array_remove_index (state->routes, i - 1);
  return TRUE;
}

/* On-link routes first: a gateway must be reachable when its route is added. */
static gboolean
add_routes (SclNetlink *root, const State *state, GError **error)
{
  for (guint pass = 0; pass < 2; pass++)
    for (guint i = 0; i < state->wanted_routes->len; i++)
      {
        const SclRoute *route = &g_array_index (state->wanted_routes, SclRoute, i);
        int rc;

        if ((route->gateway != 0) != (pass == 1) || has_route (state->routes, route))
          continue;
        rc = _scl_netlink_replace_route (root, route);
        if (rc < 0)
          return scl_throw_errno (error, -rc, "cannot add a route to table %u", route->table);
      }
  return TRUE;
}

static gboolean
remove_extra (SclNetlink *root, const State *state, GError **error)
{
  int rc = 0;

  for (guint i = 0; rc == 0 && i < state->rules->len; i++)
    {
      const SclPolicyRule *rule = &g_array_index (state->rules, SclPolicyRule, i);

      if (!has_rule (state->wanted_rules, rule))
        rc = _scl_netlink_delete_rule (root, rule);
    }
  for (guint i = 0; rc == 0 && i < state->routes->len; i++)
    {
      const SclRoute *route = &g_array_index (state->routes, SclRoute, i);

      if (!has_route (state->wanted_routes, route))
        rc = _scl_netlink_delete_route (root, route);
    }
  return rc == 0 || scl_throw_errno (error, -rc, "cannot remove an old policy route");
}

gboolean
_scl_policy_route_ensure (SclNetlink *root, const char *prefix, const SclGateway *gateway,
                          GPtrArray *uplinks, GError **error)
{
  g_auto (State) state = { 0 };

  if (!state_init (&state, root, prefix, gateway, uplinks, error)
      || !add_routes (root, &state, error))
    return FALSE;
  for (guint i = 0; i < state.wanted_rules->len; i++)
    {
      const SclPolicyRule *rule = &g_array_index (state.wanted_rules, SclPolicyRule, i);
      int rc = has_rule (state.rules, rule) ? 0 : _scl_netlink_add_rule (root, rule);

      if (rc < 0)
        return scl_throw_errno (error, -rc, "cannot add policy rule %u", rule->priority);
    }
  return remove_extra (root, &state, error);
}

gboolean
_scl_policy_route_check (SclNetlink *root, const char *prefix, const SclGateway *gateway,
                         GPtrArray *uplinks, gboolean *out_same, GError **error)
{
  g_auto (State) state = { 0 };

  if (!state_init (&state, root, prefix, gateway, uplinks, error))
    return FALSE;
  *out_same = state.rules->len == state.wanted_rules->len
              && state.routes->len == state.wanted_routes->len;
  for (guint i = 0; *out_same && i < state.wanted_rules->len; i++)
    *out_same = has_rule (state.rules, &g_array_index (state.wanted_rules, SclPolicyRule, i));
  for (guint i = 0; *out_same && i < state.wanted_routes->len; i++)
    *out_same = has_route (state.routes, &g_array_index (state.wanted_routes, SclRoute, i));
  return TRUE;
}
