/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-host-network-private.h"
#include "backend/network/scl-foreign-firewall-private.h"
#include "backend/network/scl-host-lock-private.h"
#include "backend/network/scl-host-strays-private.h"
#include "backend/network/scl-netns-private.h"
#include "backend/network/scl-network-links-private.h"
#include "backend/network/scl-nft-private.h"
#include "backend/network/scl-port-set-private.h"
#include "backend/network/scl-sysctl-private.h"
#include "backend/network/scl-uplink-guard-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-names-private.h"
#include <string.h>

/* Names by kind, as sets of the host's table. */
typedef struct
{
  GPtrArray *uplinks, *nics, *externals;
} Names;

static void
names_clear (Names *names)
{
  g_clear_pointer (&names->uplinks, g_ptr_array_unref);
  g_clear_pointer (&names->nics, g_ptr_array_unref);
  g_clear_pointer (&names->externals, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Names, names_clear)

static void
names_init (Names *names, const SclHostTarget *target, const char *prefix)
{
  names->uplinks = g_ptr_array_new_with_free_func (g_free);
  names->nics = g_ptr_array_new_with_free_func (g_free);
  names->externals = _scl_host_target_list_externals (target, prefix);
  for (guint i = 0; i < target->networks->len; i++)
    g_ptr_array_add (names->uplinks,
                     _scl_names_link (prefix, SCL_LINK_UPLINK,
                                      scl_network_spec_get_name (target->networks->pdata[i])));
  for (guint i = 0; i < target->ports->len; i++)
    {
      const SclPort *port = target->ports->pdata[i];

      g_ptr_array_add (names->nics, _scl_names_nic (prefix, SCL_LINK_NIC, port->vm, port->index));
      g_ptr_array_add (names->nics,
                       _scl_names_nic (prefix, SCL_LINK_MACVTAP, port->vm, port->index));
    }
}

gboolean
_scl_host_network_is_closed (const SclHostNetwork *self, const char *gateway_interface)
{
  g_autofree char *path = NULL;
  g_autofree char *old = NULL;
  g_autofree char *global = _scl_sysctl_read ("ipv4/ip_forward");

  if (gateway_interface == NULL || g_strcmp0 (global, "0") != 0)
    return FALSE;
  path = _scl_sysctl_link (gateway_interface, "forwarding");
  old = _scl_sysctl_lookup_old (self->run_dir, self->prefix, path);
  if (old == NULL)
    old = _scl_sysctl_read (path);
  return g_strcmp0 (old, "0") == 0;
}

/* Not for the host's own sockets: the ports that guests' connections get. */
static void
add_reserved_ports (GPtrArray *pairs)
{
  g_autofree char *now = _scl_sysctl_read (SCL_SYSCTL_RESERVED_PORTS);

  if (now == NULL)
    return;
  g_ptr_array_add (pairs, g_strdup (SCL_SYSCTL_RESERVED_PORTS));
  g_ptr_array_add (pairs, _scl_port_set_with (now, SCL_MASQUERADE_FIRST, SCL_MASQUERADE_LAST));
}

GPtrArray *
_scl_host_network_list_sysctls (const SclGateway *gateway, const char *interface)
{
  GPtrArray *pairs = g_ptr_array_new_with_free_func (g_free);

  if (interface != NULL)
    add_reserved_ports (pairs);
  if (gateway->present)
    {
      g_ptr_array_add (pairs, _scl_sysctl_link (interface, "forwarding"));
      g_ptr_array_add (pairs, g_strdup ("1"));
    }
  /* Strict reverse path filters look the way back up as if it came in by our uplink: without the
   * mark they would find the instance's table for what came in elsewhere. */
  if (gateway->policy)
    {
      g_ptr_array_add (pairs, g_strdup ("ipv4/conf/all/src_valid_mark"));
      g_ptr_array_add (pairs, g_strdup ("1"));
    }
  return pairs;
}

/* The first of what our rules have in a set; NULL: nothing. */
static const char *
recorded (const SclHostNetwork *self, const char *name)
{
  SclNftTable *table = _scl_nft_tables_find (self->tables, "inet", self->prefix);
  SclNftSet *set = table == NULL ? NULL : _scl_nft_table_find_set (table, name);

  return set == NULL || set->elements->len == 0 ? NULL
                                                : ((SclNftElement *)set->elements->pdata[0])->key;
}

/* The gateway interface that our rules name. */
static const char *
recorded_gateway (const SclHostNetwork *self)
{
  return recorded (self, SCL_SET_GATEWAY);
}

gboolean
_scl_host_network_lookup_policy (const SclHostNetwork *self, const char *interface,
                                 gboolean *out_policy)
{
  *out_policy = recorded (self, SCL_SET_MARKED) != NULL;
  return interface != NULL && g_strcmp0 (recorded_gateway (self), interface) == 0
         && recorded (self, SCL_SET_EXTERNALS) != NULL;
}

gboolean
_scl_host_network_init_gateway (const SclHostNetwork *self, SclGateway *gateway, SclNetlink *root,
                                const char *interface, GError **error)
{
  gboolean policy;

  if (!_scl_gateway_init (gateway, root, interface, error))
    return FALSE;
  if (!gateway->has_default && _scl_host_network_lookup_policy (self, interface, &policy))
    gateway->policy = policy;
  return TRUE;
}

/* A forwarding that somebody has switched on for the whole host is not ours to switch off. */
static gboolean
forget_forwarding (const SclHostNetwork *self, const char *interface, GError **error)
{
  g_autofree char *global = _scl_sysctl_read ("ipv4/ip_forward");
  g_autofree char *path = interface == NULL ? NULL : _scl_sysctl_link (interface, "forwarding");

  if (path == NULL || g_strcmp0 (global, "1") != 0)
    return TRUE;
  return _scl_sysctl_forget (self->run_dir, self->prefix, path, error);
}

static gboolean
ensure_sysctls (const SclHostNetwork *self, const SclGateway *gateway, const char *interface,
                GError **error)
{
  g_autoptr (GPtrArray) pairs = _scl_host_network_list_sysctls (gateway, interface);
  g_autoptr (GPtrArray) keep = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i + 1 < pairs->len; i += 2)
    {
      if (!_scl_sysctl_borrow (self->run_dir, self->prefix, pairs->pdata[i], pairs->pdata[i + 1],
                               error))
        return FALSE;
      g_ptr_array_add (keep, g_strdup (pairs->pdata[i]));
    }
  if (g_strcmp0 (recorded_gateway (self), interface) != 0
      && !forget_forwarding (self, recorded_gateway (self), error))
    return FALSE;
  return _scl_sysctl_give_back (self->run_dir, self->prefix, keep, error);
}

static gboolean
check_foreign (const SclHostNetwork *self, SclNftTable *expected, SclNftTable *observed,
               GError **error)
{
  return observed == NULL || !_scl_nft_table_is_foreign (observed, expected)
         || scl_throw (error, SCL_ERROR_EXISTS,
                       "nft table inet %s exists and is not ours: remove or rename it",
                       self->prefix);
}

static gboolean
ensure_rules (const SclHostNetwork *self, const SclHostTarget *target, const SclGateway *gateway,
              const Names *names, GCancellable *cancellable, GError **error)
{
  SclHostRules rules = { .gateway_interface = target->gateway_interface,
                         .uplinks = names->uplinks,
                         .externals = names->externals,
                         .nics = names->nics,
                         .closed = _scl_host_network_is_closed (self, target->gateway_interface),
                         .marked = gateway->policy };
  g_autoptr (SclNftTable) expected = _scl_ruleset_host (self->prefix, &rules);
  SclNftTable *observed = _scl_nft_tables_find (self->tables, "inet", self->prefix);
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) text = g_string_new (NULL);

  if (!check_foreign (self, expected, observed, error))
    return FALSE;
  _scl_nft_table_compare (expected, observed, problems);
  if (problems->len == 0)
    return TRUE;
  _scl_nft_table_append_text (expected, text);
  return _scl_nft_apply (-1, text->str, cancellable, error);
}

static gboolean
remove_rules (const SclHostNetwork *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  SclHostRules rules = { .uplinks = none, .externals = none, .nics = none };
  g_autoptr (SclNftTable) expected = _scl_ruleset_host (self->prefix, &rules);
  SclNftTable *observed = _scl_nft_tables_find (self->tables, "inet", self->prefix);
  g_autofree char *text
      = g_strdup_printf ("table inet %s\ndelete table inet %s\n", self->prefix, self->prefix);

  if (observed == NULL)
    return TRUE;
  return check_foreign (self, expected, observed, error)
         && _scl_nft_apply (-1, text, cancellable, error);
}

static gboolean
add_peers (const char *prefix, const char *netns, GHashTable *peers, GError **error)
{
  g_auto (SclFd) fd = -1;
  g_autoptr (SclNetlink) inner = NULL;
  g_autoptr (GPtrArray) links = NULL;

  if (_scl_netns_open (netns, &fd) != SCL_NETNS_FOUND)
    return TRUE;
  inner = _scl_netlink_open (fd, NETLINK_ROUTE, error);
  links = inner == NULL ? NULL : _scl_netlink_list_links (inner, error);
  for (guint i = 0; links != NULL && i < links->len; i++)
    {
      const SclLink *link = links->pdata[i];

      if (link->peer != 0 && _scl_names_unmark (prefix, link->alias) != NULL)
        g_hash_table_add (peers, GINT_TO_POINTER (link->peer));
    }
  return links != NULL;
}

GHashTable *
_scl_host_network_list_peers (const char *prefix, GError **error)
{
  g_autoptr (GHashTable) peers = g_hash_table_new (g_direct_hash, g_direct_equal);
  g_autofree char *start = g_strconcat (prefix, "-", NULL);
  g_autoptr (GPtrArray) names = _scl_netns_list (start);

  for (guint i = 0; i < names->len; i++)
    if (!add_peers (prefix, names->pdata[i], peers, error))
      return NULL;
  return g_steal_pointer (&peers);
}

GPtrArray *
_scl_host_network_list_orphans (const char *prefix, GPtrArray *root_links, GHashTable *inner_peers)
{
  GPtrArray *orphans = g_ptr_array_new ();
  g_autofree char *uplink_start = g_strdup_printf ("%s%c-", prefix, SCL_LINK_UPLINK);
  g_autofree char *nic_start = g_strdup_printf ("%s%c-", prefix, SCL_LINK_NIC);

  for (guint i = 0; i < root_links->len; i++)
    {
      SclLink *link = root_links->pdata[i];

      if ((g_str_has_prefix (link->name, uplink_start) || g_str_has_prefix (link->name, nic_start))
          && g_strcmp0 (link->kind, "veth") == 0 && _scl_network_links_is_own (link, prefix)
          && !g_hash_table_contains (inner_peers, GINT_TO_POINTER (link->index)))
        g_ptr_array_add (orphans, link);
    }
  return orphans;
}

/* Host ends of ours that the target does not name. (One that it names may belong to a namespace
 * that is just being made and has no name yet.) */
static GPtrArray *
list_unwanted (const SclHostNetwork *self, const SclHostTarget *target, GPtrArray *links)
{
  g_autoptr (GHashTable) none = g_hash_table_new (g_direct_hash, g_direct_equal);
  g_autoptr (GPtrArray) wanted = _scl_host_target_list_links (target, self->prefix);
  GPtrArray *unwanted = _scl_host_network_list_orphans (self->prefix, links, none);

  for (guint i = unwanted->len; i > 0; i--)
    if (g_ptr_array_find_with_equal_func (wanted, ((SclLink *)unwanted->pdata[i - 1])->name,
                                          g_str_equal, NULL))
      g_ptr_array_remove_index (unwanted, i - 1);
  return unwanted;
}

/* Only what can be the name of a network of ours: no other instance's begins so. */
GPtrArray *
_scl_host_network_list_leftovers (const char *prefix)
{
  g_autofree char *start = g_strconcat (prefix, "-", NULL);
  GPtrArray *names = _scl_netns_list_leftovers (start);

  for (guint i = names->len; i > 0; i--)
    if (_scl_names_check_label ((char *) names->pdata[i - 1] + strlen (start)) != NULL)
      g_ptr_array_remove_index (names, i - 1);
  return names;
}

static gboolean
is_namespace_wanted (const SclHostNetwork *self, const SclHostTarget *target, const char *name)
{
  for (guint i = 0; i < target->networks->len; i++)
    {
      const char *network = scl_network_spec_get_name (target->networks->pdata[i]);
      g_autofree char *namespace = _scl_names_namespace (self->prefix, network);

      if (strcmp (namespace, name) == 0)
        return TRUE;
    }
  return FALSE;
}

/* One that is wanted is taken by the namespace that is being made. */
static gboolean
remove_leftovers (const SclHostNetwork *self, const SclHostTarget *target, GError **error)
{
  g_autoptr (GPtrArray) names = _scl_host_network_list_leftovers (self->prefix);

  for (guint i = 0; i < names->len; i++)
    if (!is_namespace_wanted (self, target, names->pdata[i])
        && !_scl_netns_remove_leftover (names->pdata[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
remove_orphans (const SclHostNetwork *self, const SclHostTarget *target, SclNetlink *root,
                GError **error)
{
  g_autoptr (GPtrArray) links = _scl_netlink_list_links (root, error);
  g_autoptr (GPtrArray) unwanted = links == NULL ? NULL : list_unwanted (self, target, links);
  g_autoptr (GHashTable) peers = NULL;

  if (links == NULL || unwanted->len == 0)
    return links != NULL;
  peers = _scl_host_network_list_peers (self->prefix, error);
  for (guint i = 0; peers != NULL && i < unwanted->len; i++)
    {
      const SclLink *link = unwanted->pdata[i];
      int rc = g_hash_table_contains (peers, GINT_TO_POINTER (link->index))
                   ? 0
                   : _scl_netlink_delete_link (root, link->index);

      if (rc < 0)
        return scl_throw_errno (error, -rc, "link %s: cannot remove it", link->name);
    }
  return peers != NULL;
}

static gboolean
ensure_shared (const SclHostNetwork *self, SclNetlink *root, const SclGateway *gateway,
               const char *interface, GPtrArray *uplinks, GCancellable *cancellable, GError **error)
{
  g_auto (SclOwnFd) lock = _scl_host_lock (self->run_dir, cancellable, error);

  return lock >= 0 && ensure_sysctls (self, gateway, interface, error)
         && _scl_policy_route_ensure (root, self->prefix, gateway, uplinks, error);
}

static gboolean
remove_shared (const SclHostNetwork *self, SclNetlink *root, GCancellable *cancellable,
               GError **error)
{
  g_auto (SclGateway) gateway = { 0 };
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  g_auto (SclOwnFd) lock = _scl_host_lock (self->run_dir, cancellable, error);

  return lock >= 0 && _scl_gateway_init (&gateway, root, NULL, error)
         && _scl_policy_route_ensure (root, self->prefix, &gateway, none, error)
         && forget_forwarding (self, recorded_gateway (self), error)
         && _scl_sysctl_give_back (self->run_dir, self->prefix, NULL, error);
}

static gboolean
ensure_present (const SclHostNetwork *self, SclNetlink *root, const SclHostTarget *target,
                GCancellable *cancellable, GError **error)
{
  g_auto (SclGateway) gateway = { 0 };
  g_auto (Names) names = { 0 };

  names_init (&names, target, self->prefix);
  return _scl_host_network_init_gateway (self, &gateway, root, target->gateway_interface, error)
         && ensure_rules (self, target, &gateway, &names, cancellable, error)
         && _scl_uplink_guard_ensure (root, self->prefix, names.externals, error)
         && ensure_shared (self, root, &gateway, target->gateway_interface, names.uplinks,
                           cancellable, error)
         && _scl_foreign_firewall_ensure (self->tables, self->run_dir, self->prefix, names.uplinks,
                                          cancellable, error);
}

/* Forwarding ends before the rules that guard it go. */
static gboolean
ensure_absent (const SclHostNetwork *self, SclNetlink *root, GCancellable *cancellable,
               GError **error)
{
  g_autoptr (GPtrArray) none = g_ptr_array_new ();

  return remove_shared (self, root, cancellable, error)
         && _scl_foreign_firewall_ensure (self->tables, self->run_dir, self->prefix, none,
                                          cancellable, error)
         && _scl_uplink_guard_ensure (root, self->prefix, none, error)
         && remove_rules (self, cancellable, error);
}

gboolean
_scl_host_network_ensure (const SclHostNetwork *self, const SclHostTarget *target,
                          const SclProgress *progress, GError **error)
{
  GCancellable *cancellable = progress == NULL ? NULL : progress->cancellable;
  g_autoptr (SclNetlink) root = _scl_netlink_open (-1, NETLINK_ROUTE, error);
  gboolean wanted = target->networks->len > 0 || target->ports->len > 0;

  /* First: whose the host's default route is decides about the rest. */
  if (root == NULL || !_scl_host_strays_remove (root, self->prefix, error))
    return FALSE;
  if (wanted ? !ensure_present (self, root, target, cancellable, error)
             : !ensure_absent (self, root, cancellable, error))
    return FALSE;
  return remove_orphans (self, target, root, error) && remove_leftovers (self, target, error);
}
