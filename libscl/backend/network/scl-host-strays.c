/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-host-strays-private.h"
#include "backend/network/scl-network-links-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-address-text-private.h"
#include "model/scl-names-private.h"
#include <linux/rtnetlink.h>
#include <string.h>

typedef struct
{
  GHashTable *uplinks, *nics; /* index → SclLink */
} Ends;

static void
ends_clear (Ends *ends)
{
  g_clear_pointer (&ends->uplinks, g_hash_table_unref);
  g_clear_pointer (&ends->nics, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Ends, ends_clear)

static void
ends_init (Ends *ends, const char *prefix, GPtrArray *links)
{
  g_autofree char *uplink = g_strdup_printf ("%s%c-", prefix, SCL_LINK_UPLINK);
  g_autofree char *nic = g_strdup_printf ("%s%c-", prefix, SCL_LINK_NIC);
  g_autofree char *macvtap = g_strdup_printf ("%s%c-", prefix, SCL_LINK_MACVTAP);

  ends->uplinks = g_hash_table_new (g_direct_hash, g_direct_equal);
  ends->nics = g_hash_table_new (g_direct_hash, g_direct_equal);
  for (guint i = 0; i < links->len; i++)
    {
      SclLink *link = links->pdata[i];
      gboolean is_nic = g_str_has_prefix (link->name, nic) || g_str_has_prefix (link->name, macvtap);

      if ((is_nic || g_str_has_prefix (link->name, uplink)) && _scl_network_links_is_own (link, prefix))
        g_hash_table_insert (is_nic ? ends->nics : ends->uplinks, GINT_TO_POINTER (link->index), link);
    }
}

/* Then nobody has to be asked. */
static gboolean
has_none (const Ends *ends)
{
  return g_hash_table_size (ends->uplinks) == 0 && g_hash_table_size (ends->nics) == 0;
}

static const SclLink *
find (GHashTable *table, int index)
{
  return g_hash_table_lookup (table, GINT_TO_POINTER (index));
}

/* A route of a NIC end comes with an address of it, and goes with it. */
static const SclLink *
find_end (const Ends *ends, const SclRoute *route)
{
  const SclLink *uplink = find (ends->uplinks, route->index);

  if (route->prefix_length != 0)
    return NULL;
  return uplink != NULL ? uplink : find (ends->nics, route->index);
}

/* The kernel compares a route that is to go with the first next hop of those that have several. */
static gboolean
is_taken_for_other (GArray *routes, const SclRoute *route)
{
  for (guint i = 0; i < routes->len; i++)
    {
      const SclRoute *other = &g_array_index (routes, SclRoute, i);

      if (other->shared && other->prefix_length == 0 && other->table == route->table
          && other->metric == route->metric)
        return TRUE;
    }
  return FALSE;
}

/* dhcpcd and the scripts of others make routes without saying so ("boot") where they do not say "dhcp". */
static gboolean
is_of_dhcp_client (GArray *routes, const SclRoute *route)
{
  return route->table == RT_TABLE_MAIN && route->type == RTN_UNICAST && !route->shared
         && (route->protocol == RTPROT_DHCP || route->protocol == RTPROT_BOOT)
         && !is_taken_for_other (routes, route);
}

static void
check_routes (const Ends *ends, GArray *routes, GPtrArray *problems, GPtrArray *notes)
{
  for (guint i = 0; i < routes->len; i++)
    {
      const SclRoute *route = &g_array_index (routes, SclRoute, i);
      const SclLink *link = find_end (ends, route);

      if (link == NULL)
        continue;
      if (is_of_dhcp_client (routes, route))
        g_ptr_array_add (problems,
                         g_strdup_printf ("the host has a default route through %s, which is not ours: "
                                          "keep DHCP clients off our links",
                                          link->name));
      else
        g_ptr_array_add (notes, g_strdup_printf ("the host has a default route through %s (table %u) that "
                                                 "no DHCP client made: it is left alone; remove it "
                                                 "unless it is meant",
                                                 link->name, route->table));
    }
}

static void
check_addresses (const Ends *ends, GArray *addresses, GPtrArray *problems)
{
  for (guint i = 0; i < addresses->len; i++)
    {
      const SclLinkAddress *address = &g_array_index (addresses, SclLinkAddress, i);
      const SclLink *link = find (ends->nics, address->index);
      g_autoptr (GInetAddress) local = _scl_address_from_number (address->local);
      g_autofree char *text = link == NULL ? NULL : g_inet_address_to_string (local);

      if (link != NULL)
        g_ptr_array_add (problems,
                         g_strdup_printf ("link %s has the address %s, which is not ours: keep DHCP "
                                          "clients off our links",
                                          link->name, text));
    }
}

void
_scl_host_strays_check (const char *prefix, const SclRootReading *root, GPtrArray *problems,
                        GPtrArray *notes)
{
  g_auto (Ends) ends = { 0 };

  ends_init (&ends, prefix, root->links);
  check_routes (&ends, root->routes, problems, notes);
  check_addresses (&ends, root->addresses, problems);
}

static int
remove_all (SclNetlink *root, const Ends *ends, GArray *addresses, GArray *routes)
{
  int rc = 0;

  for (guint i = 0; rc >= 0 && i < routes->len; i++)
    {
      const SclRoute *route = &g_array_index (routes, SclRoute, i);

      if (find_end (ends, route) != NULL && is_of_dhcp_client (routes, route))
        rc = _scl_netlink_delete_route (root, route);
    }
  for (guint i = 0; rc >= 0 && i < addresses->len; i++)
    if (find (ends->nics, g_array_index (addresses, SclLinkAddress, i).index) != NULL)
      rc = _scl_netlink_delete_address (root, &g_array_index (addresses, SclLinkAddress, i));
  return rc;
}

gboolean
_scl_host_strays_remove (SclNetlink *root, const char *prefix, GError **error)
{
  g_auto (Ends) ends = { 0 };
  g_autoptr (GPtrArray) links = _scl_netlink_list_links (root, error);
  g_autoptr (GArray) addresses = NULL;
  g_autoptr (GArray) routes = NULL;
  int rc;

  if (links == NULL)
    return FALSE;
  ends_init (&ends, prefix, links);
  if (has_none (&ends))
    return TRUE;
  addresses = _scl_netlink_list_addresses (root, error);
  routes = addresses == NULL ? NULL : _scl_netlink_list_routes (root, error);
  if (routes == NULL)
    return FALSE;
  rc = remove_all (root, &ends, addresses, routes);
  return rc >= 0 || scl_throw_errno (error, -rc, "cannot take from our links what others put there");
}
