/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-network-preflight-private.h"
#include "backend/network/scl-foreign-firewall-private.h"
#include "backend/network/scl-host-ports-private.h"
#include "backend/network/scl-netlink-private.h"
#include "backend/network/scl-network-links-private.h"
#include "backend/network/scl-nft-private.h"
#include "backend/network/scl-ruleset-private.h"
#include "base/scl-spawn-private.h"
#include "model/scl-address-text-private.h"
#include "model/scl-list-private.h"
#include "model/scl-names-private.h"
#include <linux/capability.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

#define RESOLV_CONF "/etc/resolv.conf"

/* The root namespace as it is. */
typedef struct
{
  const char *prefix;
  GPtrArray *links;
  GArray *addresses;
  GArray *routes;
  GPtrArray *diagnostics;
} Host;

static void
host_clear (Host *host)
{
  g_clear_pointer (&host->links, g_ptr_array_unref);
  g_clear_pointer (&host->addresses, g_array_unref);
  g_clear_pointer (&host->routes, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Host, host_clear)

static void G_GNUC_PRINTF (4, 5)
    add (GPtrArray *diagnostics, SclSeverity severity, const char *path, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_ptr_array_add (diagnostics, scl_diagnostic_new (severity, path, text));
}

static gboolean
has_capability (guint capability)
{
  g_autofree char *status = NULL;
  const char *line;

  if (!g_file_get_contents ("/proc/self/status", &status, NULL, NULL))
    return FALSE;
  line = strstr (status, "\nCapEff:");
  return line != NULL
         && (g_ascii_strtoull (line + strlen ("\nCapEff:"), NULL, 16) >> capability & 1) != 0;
}

gboolean
_scl_network_preflight_check_tools (GPtrArray *diagnostics)
{
  g_autofree char *nft = _scl_find_program ("nft");

  if (!has_capability (CAP_NET_ADMIN) || !has_capability (CAP_SYS_ADMIN))
    {
      add (diagnostics, SCL_SEVERITY_ERROR, "networks",
           "networks need root (CAP_NET_ADMIN and CAP_SYS_ADMIN): run this as root");
      return FALSE;
    }
  if (nft == NULL)
    {
      add (diagnostics, SCL_SEVERITY_ERROR, "networks",
           "nft is not installed: install the package nftables");
      return FALSE;
    }
  return TRUE;
}

static gboolean
host_init (Host *host, GError **error)
{
  g_autoptr (SclNetlink) root = _scl_netlink_open (-1, NETLINK_ROUTE, error);

  host->links = root == NULL ? NULL : _scl_netlink_list_links (root, error);
  host->addresses = host->links == NULL ? NULL : _scl_netlink_list_addresses (root, error);
  host->routes = host->addresses == NULL ? NULL : _scl_netlink_list_routes (root, error);
  return host->routes != NULL;
}

static const SclLink *
link_of (const Host *host, int index)
{
  return _scl_links_find_index (host->links, index);
}

static const char *
link_name (const Host *host, int index)
{
  const SclLink *link = link_of (host, index);

  return link == NULL ? "another interface" : link->name;
}

/* Only an uplink of this instance has such a name: one that has lost its alias is known by it and its
 * group, and an apply marks it again. */
static gboolean
is_own_uplink (const Host *host, const SclLink *link)
{
  g_autofree char *start = g_strdup_printf ("%s%c-", host->prefix, SCL_LINK_UPLINK);

  return g_str_has_prefix (link->name, start) && _scl_network_links_is_own (link, host->prefix);
}

/* Of this instance: what is there now may be changed. */
static gboolean
is_own (const Host *host, int index)
{
  const SclLink *link = link_of (host, index);

  return link != NULL
         && (_scl_names_unmark (host->prefix, link->alias) != NULL || is_own_uplink (host, link));
}

static gboolean
covers (guint32 network, guint length, guint32 address)
{
  return length == 0 || (network ^ address) >> (32 - length) == 0;
}

static gboolean
is_name_server (guint32 address)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (RESOLV_CONF, &text, NULL, NULL))
    return FALSE;
  lines = g_strsplit (text, "\n", -1);
  for (gsize i = 0; lines[i] != NULL; i++)
    {
      g_autoptr (GInetAddress) server = NULL;

      if (!g_str_has_prefix (lines[i], "nameserver"))
        continue;
      server = _scl_address_parse (g_strstrip (lines[i] + strlen ("nameserver")), NULL);
      if (server != NULL && _scl_address_number (server) == address)
        return TRUE;
    }
  return FALSE;
}

/* TRUE: an error was added. */
static gboolean
check_local (const Host *host, const char *path, const char *text, guint32 external)
{
  for (guint i = 0; i < host->addresses->len; i++)
    {
      const SclLinkAddress *address = &g_array_index (host->addresses, SclLinkAddress, i);

      if (address->local != external)
        continue;
      add (host->diagnostics, SCL_SEVERITY_ERROR, path,
           "%s is an address of this host (on %s): take one that nobody has", text,
           link_name (host, address->index));
      return TRUE;
    }
  if (!is_name_server (external))
    return FALSE;
  add (host->diagnostics, SCL_SEVERITY_ERROR, path,
       "%s is this host's DNS server (%s): take an address that nobody has", text, RESOLV_CONF);
  return TRUE;
}

/* A manifest that does not name it has it, too: who did not ask for it is told how to do without. */
static const char *
find_advice (const char *path)
{
  return strcmp (path, "networks.default.externalIP") == 0
             ? "take another address, or, to have no network \"default\", declare networks: {default: null}"
             : "take another address";
}

static gboolean
check_route (const Host *host, const char *path, const char *text, guint32 external,
             const SclRoute *route)
{
  if (route->table == RT_TABLE_LOCAL || is_own (host, route->index)
      || route->protocol == SCL_ROUTE_PROTOCOL)
    return FALSE;
  if (route->gateway == external)
    add (host->diagnostics, SCL_SEVERITY_ERROR, path,
         "%s is the next hop of a route on %s: take an address that nobody has", text,
         link_name (host, route->index));
  else if (route->prefix_length == 0
           || !covers (route->destination, route->prefix_length, external))
    return FALSE;
  else if (route->prefix_length == 32 || route->gateway != 0 || route->type != RTN_UNICAST)
    {
      g_autofree char *owner = _scl_network_links_describe_owner (link_of (host, route->index));

      add (host->diagnostics, SCL_SEVERITY_ERROR, path, "%s is %s: %s", text, owner,
           find_advice (path));
    }
  else
    {
      add (host->diagnostics, SCL_SEVERITY_WARNING, path,
           "%s is inside the subnet of %s: a machine there that has it becomes unreachable from "
           "this host",
           text, link_name (host, route->index));
      return FALSE;
    }
  return TRUE;
}

/* TRUE: an error was added. */
static gboolean
check_uplink (const Host *host, const char *network)
{
  g_autofree char *path = g_strdup_printf ("networks.%s", network);
  g_autofree char *name = _scl_names_link (host->prefix, SCL_LINK_UPLINK, network);
  g_autofree char *mark = _scl_names_mark (host->prefix, network);
  const SclLink *link = _scl_links_find (host->links, name);

  if (link == NULL || _scl_network_links_is_own (link, host->prefix))
    return FALSE;
  if (link->group == SCL_GROUP_UPLINK && link->alias != NULL)
    add (host->diagnostics, SCL_SEVERITY_ERROR, path,
         "link %s has lost SCL's mark, its alias is \"%s\": give it back (ip link set %s alias %s), or "
         "delete the link, and apply again",
         name, link->alias, name, mark);
  else
    add (host->diagnostics, SCL_SEVERITY_ERROR, path,
         "link %s exists and is not ours: remove or rename it", name);
  return TRUE;
}

static void
check_network (const Host *host, SclNetworkSpec *spec)
{
  g_autofree char *path
      = g_strdup_printf ("networks.%s.externalIP", scl_network_spec_get_name (spec));
  g_autofree char *text = g_inet_address_to_string (scl_network_spec_get_external_ip (spec));
  guint32 external = _scl_address_number (scl_network_spec_get_external_ip (spec));

  if (check_uplink (host, scl_network_spec_get_name (spec))
      || check_local (host, path, text, external))
    return;
  for (guint i = 0; i < host->routes->len; i++)
    if (check_route (host, path, text, external, &g_array_index (host->routes, SclRoute, i)))
      return;
}

/* Machines in such a LAN are taken for VMs by the namespace: answers to them never leave it. */
static void
check_subnet (const Host *host, SclNetworkSpec *spec)
{
  g_autofree char *path
      = g_strdup_printf ("networks.%s.gatewayIP", scl_network_spec_get_name (spec));
  guint length = scl_network_spec_get_prefix_length (spec);
  guint32 gateway = _scl_address_number (scl_network_spec_get_gateway_ip (spec));

  for (guint i = 0; i < host->routes->len; i++)
    {
      const SclRoute *route = &g_array_index (host->routes, SclRoute, i);

      if (route->table == RT_TABLE_MAIN && route->gateway == 0 && route->type == RTN_UNICAST
          && route->prefix_length > 0 && route->prefix_length < 32 && !is_own (host, route->index)
          && covers (gateway, length, route->destination))
        add (host->diagnostics, SCL_SEVERITY_WARNING, path,
             "the LAN of %s lies inside the network's own subnet: its machines cannot use the "
             "forwards, and VMs cannot reach them",
             link_name (host, route->index));
    }
}

static void
check_nic (const Host *host, SclVmSpec *vm, guint index)
{
  const char *name = scl_vm_spec_get_name (vm);
  g_autofree char *path = g_strdup_printf ("virtualMachines.%s", name);
  g_autofree char *nic = _scl_names_nic (host->prefix, SCL_LINK_NIC, name, index);
  g_autofree char *macvtap = _scl_names_nic (host->prefix, SCL_LINK_MACVTAP, name, index);
  SclLink *outer = _scl_links_find (host->links, nic);
  SclLink *tap = _scl_links_find (host->links, macvtap);

  if (outer != NULL && !_scl_network_links_is_own (outer, host->prefix))
    add (host->diagnostics, SCL_SEVERITY_ERROR, path,
         "link %s exists and is not ours: remove or rename it", nic);
  if (tap != NULL && (outer == NULL || tap->peer != outer->index))
    add (host->diagnostics, SCL_SEVERITY_ERROR, path,
         "link %s exists and is not this VM's: remove or rename it", macvtap);
}

static void
check_gateway (const Host *host, const char *interface)
{
  if (interface != NULL && _scl_links_find (host->links, interface) == NULL)
    add (host->diagnostics, SCL_SEVERITY_WARNING, "gatewayInterface",
         "interface %s does not exist: no internet for VMs until it does", interface);
}

static void
check_foreign (const Host *host, SclManifest *manifest, GPtrArray *tables)
{
  g_autoptr (GPtrArray) notes = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) uplinks = g_ptr_array_new_with_free_func (g_free);
  SclNetworkSpec *spec;

  for (guint i = 0; (spec = _scl_list_peek (scl_manifest_get_networks (manifest), i)) != NULL; i++)
    g_ptr_array_add (uplinks, _scl_names_link (host->prefix, SCL_LINK_UPLINK,
                                               scl_network_spec_get_name (spec)));
  _scl_foreign_firewall_explain (tables, host->prefix, uplinks,
                                 scl_manifest_get_gateway_interface (manifest), notes);
  _scl_host_ports_explain (notes);
  for (guint i = 0; i < notes->len; i++)
    add (host->diagnostics, SCL_SEVERITY_WARNING, "gatewayInterface", "%s",
         (const char *)notes->pdata[i]);
}

gboolean
_scl_network_preflight_run (const char *prefix, SclManifest *manifest, GPtrArray *tables,
                            GPtrArray *diagnostics, GError **error)
{
  g_auto (Host) host = { .prefix = prefix, .diagnostics = diagnostics };
  SclNetworkSpec *spec;
  SclVmSpec *vm;

  if (!host_init (&host, error))
    return FALSE;
  for (guint i = 0; (spec = _scl_list_peek (scl_manifest_get_networks (manifest), i)) != NULL; i++)
    {
      check_network (&host, spec);
      check_subnet (&host, spec);
    }
  for (guint i = 0; (vm = _scl_list_peek (scl_manifest_get_vms (manifest), i)) != NULL; i++)
    for (guint n = 0; n < g_list_model_get_n_items (scl_vm_spec_get_nics (vm)); n++)
      check_nic (&host, vm, n);
  check_gateway (&host, scl_manifest_get_gateway_interface (manifest));
  if (tables != NULL && scl_manifest_get_gateway_interface (manifest) != NULL)
    check_foreign (&host, manifest, tables);
  return TRUE;
}
