/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-network-addresses-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-address-text-private.h"
#include "model/scl-names-private.h"
#include <linux/rtnetlink.h>
#include <string.h>

static gboolean
sync_address (SclNetlink *sock, const SclLinkAddress *wanted, GError **error)
{
  g_autoptr (GArray) all = _scl_netlink_list_addresses (sock, error);
  gboolean found = FALSE;
  int rc = 0;

  if (all == NULL)
    return FALSE;
  /* Removal first: the new address must not become a secondary one of the old, which goes with it.
   */
  for (guint i = 0; rc == 0 && i < all->len; i++)
    {
      const SclLinkAddress *address = &g_array_index (all, SclLinkAddress, i);

      if (address->index != wanted->index)
        continue;
      if (memcmp (address, wanted, sizeof *wanted) == 0)
        found = TRUE;
      else
        rc = _scl_netlink_delete_address (sock, address);
    }
  if (rc == 0 && !found)
    rc = _scl_netlink_add_address (sock, wanted);
  return rc == 0 || scl_throw_errno (error, -rc, "cannot set an address");
}

static guint32
host_address (void)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (SCL_HOST_ADDRESS);

  return _scl_address_number (address);
}

gboolean
_scl_network_addresses_make (SclNetworkLinks *self, int bridge, GError **error)
{
  SclNetworkSpec *spec = self->target->spec;
  guint32 external = _scl_address_number (scl_network_spec_get_external_ip (spec));
  guint32 gateway = _scl_address_number (scl_network_spec_get_gateway_ip (spec));
  g_autoptr (SclLink) outer = NULL;
  g_autoptr (SclLink) inner = NULL;

  if (!_scl_netlink_lookup_link (self->root, self->uplink, &outer, error)
      || !_scl_netlink_lookup_link (self->inner, SCL_NS_UPLINK, &inner, error))
    return FALSE;
  if (outer == NULL || inner == NULL)
    return scl_throw (error, SCL_ERROR_BACKEND, "link %s: vanished while it was set up",
                      self->uplink);
  return sync_address (self->root, &(SclLinkAddress){ host_address (), external, 32, outer->index },
                       error)
         && sync_address (self->inner,
                          &(SclLinkAddress){ external, host_address (), 32, inner->index }, error)
         && sync_address (self->inner,
                          &(SclLinkAddress){ gateway, gateway,
                                             scl_network_spec_get_prefix_length (spec), bridge },
                          error);
}

/* The only default route of the namespace. */
static gboolean
make_default_route (SclNetworkLinks *self, int uplink, GError **error)
{
  g_autoptr (GArray) routes = _scl_netlink_list_routes (self->inner, error);
  SclRoute wanted = { .gateway = host_address (),
                      .table = RT_TABLE_MAIN,
                      .index = uplink,
                      .protocol = SCL_ROUTE_PROTOCOL,
                      .type = RTN_UNICAST };
  gboolean found = FALSE;
  int rc = 0;

  for (guint i = 0; routes != NULL && rc == 0 && i < routes->len; i++)
    {
      const SclRoute *route = &g_array_index (routes, SclRoute, i);

      if (route->table != RT_TABLE_MAIN || route->prefix_length != 0)
        continue;
      if (route->gateway == wanted.gateway && route->index == uplink && route->metric == 0)
        found = TRUE;
      else
        rc = _scl_netlink_delete_route (self->inner, route);
    }
  if (routes != NULL && rc == 0 && !found)
    rc = _scl_netlink_replace_route (self->inner, &wanted);
  if (routes == NULL)
    return FALSE;
  return rc == 0 || scl_throw_errno (error, -rc, "cannot set the default route");
}

/* Not asked for by ARP: a host that answers only for some of its addresses (arp_ignore, as
 * Kubernetes sets it) would not answer for one that has a peer. */
static gboolean
make_neighbour (SclNetworkLinks *self, int uplink, GError **error)
{
  const char *network = scl_network_spec_get_name (self->target->spec);
  g_autofree char *mac = _scl_network_links_mac (self->prefix, "uplink-host", network);

  int rc = _scl_netlink_set_neighbour (self->inner, uplink, host_address (), mac);

  return rc == 0
         || scl_throw_errno (error, -rc, "link %s: cannot set its neighbour", SCL_NS_UPLINK);
}

gboolean
_scl_network_addresses_make_way_out (SclNetworkLinks *self, int uplink, GError **error)
{
  return make_neighbour (self, uplink, error) && make_default_route (self, uplink, error);
}
