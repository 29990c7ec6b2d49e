/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-uplink-guard-private.h"
#include "backend/network/scl-ruleset-private.h"
#include "backend/network/scl-sysctl-private.h"
#include "backend/network/scl-xfrm-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-address-text-private.h"
#include "model/scl-names-private.h"
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

/* What is there of the instance, and what shall be there. Blocks are NULL where the kernel has no
 * IPsec. */
typedef struct
{
  SclNetlink *xfrm;
  GArray *rules, *routes, *blocks;
  GArray *wanted_rules, *wanted_routes, *wanted_blocks;
} State;

static void
state_clear (State *state)
{
  g_clear_pointer (&state->xfrm, nl_socket_free);
  g_clear_pointer (&state->rules, g_array_unref);
  g_clear_pointer (&state->routes, g_array_unref);
  g_clear_pointer (&state->blocks, g_array_unref);
  g_clear_pointer (&state->wanted_rules, g_array_unref);
  g_clear_pointer (&state->wanted_routes, g_array_unref);
  g_clear_pointer (&state->wanted_blocks, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (State, state_clear)

/* Each prefix has two numbers of its own: the kernel asks the lower one first. */
static guint32
first_priority (const char *prefix)
{
  return 2 * _scl_names_number (prefix);
}

static void
add_block (GArray *blocks, const SclXfrmPolicy *policy)
{
  g_array_append_val (blocks, *policy);
}

/* What an external address may send to the host, and then nothing else, whatever it is. To the
 * host's end of an uplink go answers only: the namespace lets nothing else through. Elsewhere
 * answers of a forward have the forward's port, and errors of ICMP left the namespace because they
 * belong to a connection. */
static void
add_blocks (GArray *blocks, guint32 source, guint32 priority)
{
  static const struct
  {
    guint8 protocol;
    guint16 port, mask;
  } answers[] = { { IPPROTO_TCP, 0, SCL_OWN_PORT_FIRST },
                  { IPPROTO_UDP, 0, SCL_OWN_PORT_FIRST },
                  { IPPROTO_ICMP, ICMP_DEST_UNREACH, G_MAXUINT16 },
                  { IPPROTO_ICMP, ICMP_TIME_EXCEEDED, G_MAXUINT16 },
                  { IPPROTO_ICMP, ICMP_PARAMETERPROB, G_MAXUINT16 } };
  g_autoptr (GInetAddress) host = g_inet_address_new_from_string (SCL_HOST_ADDRESS);

  add_block (blocks, &(SclXfrmPolicy){ .source = source,
                                       .destination = _scl_address_number (host),
                                       .priority = priority,
                                       .allow = TRUE });
  for (gsize i = 0; i < G_N_ELEMENTS (answers); i++)
    add_block (blocks, &(SclXfrmPolicy){ .source = source,
                                         .priority = priority,
                                         .port = answers[i].port,
                                         .port_mask = answers[i].mask,
                                         .protocol = answers[i].protocol,
                                         .allow = TRUE });
  add_block (blocks, &(SclXfrmPolicy){ .source = source, .priority = priority + 1 });
}

static void
add_wanted (State *state, const char *prefix, const char *link, const char *text)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);
  SclPolicyRule rule = { .priority = SCL_GUARD_RULE_PRIORITY,
                         .table = SCL_GUARD_TABLE,
                         .protocol = SCL_ROUTE_PROTOCOL };
  SclRoute route = { .destination = _scl_address_number (address),
                     .prefix_length = 32,
                     .table = SCL_GUARD_TABLE,
                     .metric = _scl_names_number (prefix),
                     .protocol = SCL_ROUTE_PROTOCOL,
                     .type = RTN_PROHIBIT,
                     .scope = RT_SCOPE_UNIVERSE };

  g_strlcpy (rule.iif, link, sizeof rule.iif);
  g_array_append_val (state->wanted_rules, rule);
  g_array_append_val (state->wanted_routes, route);
  add_blocks (state->wanted_blocks, route.destination, first_priority (prefix));
}

static gboolean
is_own_rule (const SclPolicyRule *rule, const char *prefix)
{
  g_autofree char *start = g_strdup_printf ("%s%c-", prefix, SCL_LINK_UPLINK);

  return rule->priority == SCL_GUARD_RULE_PRIORITY && rule->table == SCL_GUARD_TABLE
         && g_str_has_prefix (rule->iif, start);
}

static void
keep_own (State *state, const char *prefix)
{
  guint32 metric = _scl_names_number (prefix);

  for (guint i = state->rules->len; i > 0; i--)
    if (!is_own_rule (&g_array_index (state->rules, SclPolicyRule, i - 1), prefix))
      g_array_remove_index (state->rules, i - 1);
  for (guint i = state->routes->len; i > 0; i--)
    {
      const SclRoute *route = &g_array_index (state->routes, SclRoute, i - 1);

      if (route->table != SCL_GUARD_TABLE || route->metric != metric)
        g_array_remove_index (state->routes, i - 1);
    }
}

/* A kernel may come without it. One that was not asked may have it. */
static gboolean
list_blocks (State *state, const char *prefix, GError **error)
{
  g_autoptr (GError) local = NULL;

  state->xfrm = _scl_netlink_open (-1, NETLINK_XFRM, &local);
  if (state->xfrm == NULL && g_error_matches (local, SCL_ERROR, SCL_ERROR_UNSUPPORTED))
    return TRUE;
  if (state->xfrm != NULL)
    state->blocks = _scl_xfrm_list (state->xfrm, first_priority (prefix),
                                    first_priority (prefix) + 1, &local);
  if (state->blocks == NULL)
    g_propagate_prefixed_error (error, g_steal_pointer (&local), "the guard of the uplinks: ");
  return state->blocks != NULL;
}

static gboolean
state_init (State *state, SclNetlink *root, const char *prefix, GPtrArray *externals,
            GError **error)
{
  state->rules = _scl_netlink_list_rules (root, error);
  state->routes = state->rules == NULL ? NULL : _scl_netlink_list_routes (root, error);
  if (state->routes == NULL || !list_blocks (state, prefix, error))
    return FALSE;
  keep_own (state, prefix);
  state->wanted_rules = g_array_new (FALSE, FALSE, sizeof (SclPolicyRule));
  state->wanted_routes = g_array_new (FALSE, FALSE, sizeof (SclRoute));
  state->wanted_blocks = g_array_new (FALSE, FALSE, sizeof (SclXfrmPolicy));
  for (guint i = 0; i < externals->len; i++)
    {
      g_auto (GStrv) parts = g_strsplit (g_ptr_array_index (externals, i), " ", 2);

      if (g_strv_length (parts) == 2)
        add_wanted (state, prefix, parts[0], parts[1]);
    }
  return TRUE;
}

static gboolean
has_rule (GArray *rules, const SclPolicyRule *rule)
{
  for (guint i = 0; i < rules->len; i++)
    if (strcmp (g_array_index (rules, SclPolicyRule, i).iif, rule->iif) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
has_route (GArray *routes, const SclRoute *route)
{
  for (guint i = 0; i < routes->len; i++)
    {
      const SclRoute *other = &g_array_index (routes, SclRoute, i);

      if (other->destination == route->destination && other->prefix_length == route->prefix_length
          && other->type == route->type)
        return TRUE;
    }
  return FALSE;
}

static gboolean
has_block (GArray *blocks, const SclXfrmPolicy *block)
{
  for (guint i = 0; i < blocks->len; i++)
    if (memcmp (&g_array_index (blocks, SclXfrmPolicy, i), block, sizeof *block) == 0)
      return TRUE;
  return FALSE;
}

/* Routes first: a rule that is there is one that works. */
static int
add_missing (SclNetlink *root, const State *state)
{
  int rc = 0;

  for (guint i = 0; rc == 0 && i < state->wanted_routes->len; i++)
    {
      const SclRoute *route = &g_array_index (state->wanted_routes, SclRoute, i);

      rc = has_route (state->routes, route) ? 0 : _scl_netlink_replace_route (root, route);
    }
  for (guint i = 0; rc == 0 && i < state->wanted_rules->len; i++)
    {
      const SclPolicyRule *rule = &g_array_index (state->wanted_rules, SclPolicyRule, i);

      rc = has_rule (state->rules, rule) ? 0 : _scl_netlink_add_rule (root, rule);
    }
  for (guint i = 0; rc == 0 && state->blocks != NULL && i < state->wanted_blocks->len; i++)
    {
      const SclXfrmPolicy *block = &g_array_index (state->wanted_blocks, SclXfrmPolicy, i);

      rc = has_block (state->blocks, block) ? 0 : _scl_xfrm_add (state->xfrm, block);
    }
  return rc;
}

static int
remove_extra (SclNetlink *root, const State *state)
{
  int rc = 0;

  for (guint i = 0; rc == 0 && i < state->rules->len; i++)
    {
      const SclPolicyRule *rule = &g_array_index (state->rules, SclPolicyRule, i);

      rc = has_rule (state->wanted_rules, rule) ? 0 : _scl_netlink_delete_rule (root, rule);
    }
  for (guint i = 0; rc == 0 && i < state->routes->len; i++)
    {
      const SclRoute *route = &g_array_index (state->routes, SclRoute, i);

      rc = has_route (state->wanted_routes, route) ? 0 : _scl_netlink_delete_route (root, route);
    }
  for (guint i = 0; rc == 0 && state->blocks != NULL && i < state->blocks->len; i++)
    {
      const SclXfrmPolicy *block = &g_array_index (state->blocks, SclXfrmPolicy, i);

      rc = has_block (state->wanted_blocks, block) ? 0 : _scl_xfrm_delete (state->xfrm, block);
    }
  return rc;
}

gboolean
_scl_uplink_guard_ensure (SclNetlink *root, const char *prefix, GPtrArray *externals,
                          GError **error)
{
  g_auto (State) state = { 0 };
  int rc;

  if (!state_init (&state, root, prefix, externals, error))
    return FALSE;
  rc = add_missing (root, &state);
  if (rc == 0)
    rc = remove_extra (root, &state);
  return rc == 0 || scl_throw_errno (error, -rc, "cannot set the guard of the uplinks");
}

/* What takes the policies' effect away and is not ours to change. */
static void
explain_blocks (const State *state, GPtrArray *notes)
{
  g_autofree char *disabled = _scl_sysctl_read ("ipv4/conf/all/disable_policy");

  if (state->wanted_blocks->len == 0)
    return;
  if (state->blocks == NULL)
    g_ptr_array_add (notes, g_strdup ("this kernel has no IPsec: while the nft rules are gone, guests "
                                      "reach addresses that the host got after the last apply"));
  else if (disabled != NULL && strcmp (disabled, "0") != 0)
    g_ptr_array_add (notes,
                     g_strdup_printf ("sysctl net.ipv4.conf.all.disable_policy is %s: the kernel asks "
                                      "none of its IPsec policies, and while the nft rules are gone, "
                                      "guests reach addresses that the host got after the last "
                                      "apply; set it to 0",
                                      disabled));
}

gboolean
_scl_uplink_guard_check (SclNetlink *root, const char *prefix, GPtrArray *externals,
                         gboolean *out_same, GPtrArray *notes, GError **error)
{
  g_auto (State) state = { 0 };

  if (!state_init (&state, root, prefix, externals, error))
    return FALSE;
  explain_blocks (&state, notes);
  *out_same = state.rules->len == state.wanted_rules->len
              && state.routes->len == state.wanted_routes->len
              && (state.blocks == NULL || state.blocks->len == state.wanted_blocks->len);
  for (guint i = 0; *out_same && i < state.wanted_rules->len; i++)
    *out_same = has_rule (state.rules, &g_array_index (state.wanted_rules, SclPolicyRule, i))
                && has_route (state.routes, &g_array_index (state.wanted_routes, SclRoute, i));
  for (guint i = 0; *out_same && state.blocks != NULL && i < state.wanted_blocks->len; i++)
    *out_same = has_block (state.blocks, &g_array_index (state.wanted_blocks, SclXfrmPolicy, i));
  return TRUE;
}
