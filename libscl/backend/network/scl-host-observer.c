/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-foreign-firewall-private.h"
#include "backend/network/scl-host-network-private.h"
#include "backend/network/scl-host-ports-private.h"
#include "backend/network/scl-host-sets-private.h"
#include "backend/network/scl-netns-private.h"
#include "backend/network/scl-network-links-private.h"
#include "backend/network/scl-sysctl-private.h"
#include "backend/network/scl-uplink-guard-private.h"
#include "model/scl-names-private.h"
#include <string.h>

static int
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* Keys of a set, sorted; of "LINK . ADDRESS" the dot goes. */
static GPtrArray *
list_keys (SclNftTable *table, const char *name)
{
  GPtrArray *keys = g_ptr_array_new_with_free_func (g_free);
  SclNftSet *set = _scl_nft_table_find_set (table, name);

  for (guint i = 0; set != NULL && i < set->elements->len; i++)
    {
      g_auto (GStrv) parts = g_strsplit (((SclNftElement *)set->elements->pdata[i])->key, " . ", 2);

      g_ptr_array_add (keys, g_strjoinv (" ", parts));
    }
  g_ptr_array_sort (keys, compare_strings);
  return keys;
}

static void
add_all (GPtrArray *into, GPtrArray *from)
{
  for (guint i = 0; i < from->len; i++)
    g_ptr_array_add (into, g_strdup (from->pdata[i]));
}

static void
check_sysctls (const SclGateway *gateway, const char *interface, GPtrArray *problems)
{
  g_autoptr (GPtrArray) pairs = _scl_host_network_list_sysctls (gateway, interface);

  for (guint i = 0; i + 1 < pairs->len; i += 2)
    {
      g_autofree char *value = _scl_sysctl_read (pairs->pdata[i]);

      if (g_strcmp0 (value, pairs->pdata[i + 1]) != 0)
        g_ptr_array_add (
            problems, _scl_sysctl_explain (pairs->pdata[i], value, pairs->pdata[i + 1]));
    }
}

static void
add_gateway_notes (const SclGateway *gateway, const char *interface, GPtrArray *notes)
{
  if (interface == NULL)
    return;
  _scl_host_ports_explain (notes);
  if (!gateway->present)
    g_ptr_array_add (notes, g_strdup_printf ("interface %s does not exist: no internet for VMs until it does",
                                             interface));
  else if (!gateway->has_default)
    g_ptr_array_add (notes, g_strdup_printf ("there is no default route through %s: only its own "
                                             "subnets are reached",
                                             interface));
}

/* One sentence for all that depends on it; then the rest is compared as it was made. */
static void
check_default_route (const SclHostNetwork *self, SclGateway *gateway, const char *interface,
                     GPtrArray *problems)
{
  gboolean policy = FALSE;

  if (!_scl_host_network_lookup_policy (self, interface, &policy) || policy == gateway->policy)
    return;
  g_ptr_array_add (problems,
                   policy ? g_strdup_printf ("the host's default route goes through %s now: VMs "
                                             "need no routes of their own any more",
                                             interface)
                          : g_strdup_printf ("the host's default route does not go through %s any "
                                             "more: VMs have no internet",
                                             interface));
  gateway->policy = policy;
}

static gboolean
check_routes (const SclHostNetwork *self, const SclGateway *gateway, GPtrArray *uplinks,
              SclNetlink *root, GPtrArray *problems, GError **error)
{
  gboolean same = TRUE;

  if (!_scl_policy_route_check (root, self->prefix, gateway, uplinks, &same, error))
    return FALSE;
  if (!same)
    g_ptr_array_add (problems, g_strdup ("policy routes are not what they should be"));
  return TRUE;
}

static gboolean
check_guard (const SclHostNetwork *self, GPtrArray *externals, SclNetlink *root,
             SclObservedHost *out, GError **error)
{
  gboolean same = TRUE;

  if (!_scl_uplink_guard_check (root, self->prefix, externals, &same, out->notes, error))
    return FALSE;
  if (!same)
    g_ptr_array_add (out->problems, g_strdup ("the guard of the uplinks (ip rule, ip xfrm policy) is "
                                         "not what it should be"));
  return TRUE;
}

static gboolean
observe_table (const SclHostNetwork *self, SclNftTable *table, SclNetlink *root,
               GPtrArray *root_links, GPtrArray *networks, SclObservedHost *out, GError **error)
{
  g_auto (SclGateway) gateway = { 0 };
  g_autoptr (GPtrArray) uplinks = list_keys (table, SCL_SET_UPLINKS);
  g_autoptr (GPtrArray) nics = list_keys (table, SCL_SET_NICS);
  g_autoptr (GPtrArray) externals = list_keys (table, SCL_SET_EXTERNALS);
  g_autoptr (GPtrArray) gateways = list_keys (table, SCL_SET_GATEWAY);
  const char *interface = gateways->len > 0 ? gateways->pdata[0] : NULL;
  g_autoptr (SclNftTable) expected = NULL;
  SclHostRules rules = { .gateway_interface = interface,
                         .uplinks = uplinks,
                         .externals = externals,
                         .nics = nics,
                         .closed = _scl_host_network_is_closed (self, interface) };

  if (!_scl_host_network_init_gateway (self, &gateway, root, interface, error))
    return FALSE;
  check_default_route (self, &gateway, interface, out->problems);
  rules.marked = gateway.policy;
  expected = _scl_ruleset_host (self->prefix, &rules);
  if (_scl_nft_table_is_foreign (table, expected))
    {
      g_ptr_array_add (out->notes, g_strdup_printf ("nft table inet %s is not ours: remove or "
                                                    "rename it",
                                                    self->prefix));
      return TRUE;
    }
  out->present = TRUE;
  g_free (out->gateway_interface);
  out->gateway_interface = g_strdup (interface);
  add_all (out->links, uplinks);
  add_all (out->links, nics);
  g_ptr_array_sort (out->links, compare_strings);
  add_all (out->externals, externals);
  _scl_nft_table_compare (expected, table, out->problems);
  _scl_host_sets_check (self->prefix, table, root_links, networks, out->problems);
  check_sysctls (&gateway, interface, out->problems);
  add_gateway_notes (&gateway, interface, out->notes);
  if (!_scl_foreign_firewall_is_done (self->tables, self->prefix, uplinks))
    g_ptr_array_add (out->problems, g_strdup ("accepts in chain DOCKER-USER are missing"));
  _scl_foreign_firewall_explain (self->tables, self->prefix, uplinks, interface, out->notes);
  return check_guard (self, externals, root, out, error)
         && check_routes (self, &gateway, uplinks, root, out->problems, error);
}

/* The table is gone, with `nft flush ruleset` perhaps, and what it was for is there. */
static void
check_table_is_missed (const SclHostNetwork *self, GPtrArray *links, GPtrArray *problems)
{
  g_autofree char *start = g_strdup_printf ("%s%c-", self->prefix, SCL_LINK_UPLINK);

  for (guint i = 0; i < links->len; i++)
    {
      const SclLink *link = links->pdata[i];

      if (!g_str_has_prefix (link->name, start)
          || !_scl_network_links_is_own (link, self->prefix))
        continue;
      g_ptr_array_add (problems,
                       g_strdup_printf ("nft table inet %s is missing: VMs have no internet, and "
                                        "only the namespaces keep them from this host",
                                        self->prefix));
      return;
    }
}

gboolean
_scl_host_network_observe (const SclHostNetwork *self, GPtrArray *root_links,
                           GHashTable *inner_peers, GPtrArray *networks, SclObservedHost *out,
                           GError **error)
{
  SclNftTable *table = _scl_nft_tables_find (self->tables, "inet", self->prefix);
  g_autoptr (SclNetlink) root = _scl_netlink_open (-1, NETLINK_ROUTE, error);
  g_autoptr (GPtrArray) orphans
      = _scl_host_network_list_orphans (self->prefix, root_links, inner_peers);
  g_autoptr (GPtrArray) leftovers = _scl_host_network_list_leftovers (self->prefix);

  if (root == NULL
      || (table != NULL
          && !observe_table (self, table, root, root_links, networks, out, error)))
    return FALSE;
  if (table == NULL)
    check_table_is_missed (self, root_links, out->problems);
  for (guint i = 0; i < orphans->len; i++)
    g_ptr_array_add (out->problems, g_strdup_printf ("link %s is left over",
                                                     ((SclLink *)orphans->pdata[i])->name));
  for (guint i = 0; i < leftovers->len; i++)
    g_ptr_array_add (out->problems, g_strdup_printf ("file %s/%s is left over", SCL_NETNS_FOLDER,
                                                     (char *)leftovers->pdata[i]));
  return TRUE;
}
