/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-network-addresses-private.h"
#include "backend/network/scl-host-lock-private.h"
#include "backend/network/scl-netns-tables-private.h"
#include "backend/network/scl-uplink-routes-private.h"
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

/* Two networks of this instance may be about to change theirs. */
static gboolean
check_free (SclNetworkLinks *self, const SclLinkAddress *wanted, GError **error)
{
  g_autoptr (GPtrArray) links = _scl_netlink_list_links (self->root, error);
  g_autoptr (GArray) all = links != NULL ? _scl_netlink_list_addresses (self->root, error) : NULL;

  for (guint i = 0; all != NULL && i < all->len; i++)
    {
      const SclLinkAddress *address = &g_array_index (all, SclLinkAddress, i);
      SclLink *link = _scl_links_find_index (links, address->index);
      g_autofree char *owner = NULL;

      if (address->index == wanted->index || (address->peer != wanted->peer && address->local != wanted->peer)
          || (link != NULL && _scl_network_links_is_own (link, self->prefix)))
        continue;
      owner = _scl_network_links_describe_owner (link);
      return scl_throw (error, SCL_ERROR_EXISTS, "its external address is %s by now: take another address", owner);
    }
  return all != NULL;
}

/* Whoever looked before may not have seen who took it meanwhile. */
static gboolean
take_external (SclNetworkLinks *self, const SclLinkAddress *wanted, GError **error)
{
  g_auto (SclOwnFd) lock = _scl_host_lock (self->run_dir, NULL, error);

  return lock >= 0 && check_free (self, wanted, error) && sync_address (self->root, wanted, error);
}

gboolean
_scl_network_addresses_make (SclNetworkLinks *self, int bridge, GError **error)
{
  SclNetworkSpec *spec = self->target->spec;
  guint32 external = _scl_address_number (scl_network_spec_get_external_ip (spec));
  guint32 gateway = _scl_address_number (scl_network_spec_get_gateway_ip (spec));
  g_autoptr (SclLink) outer = NULL;
  g_autoptr (SclLink) inner = NULL;

  if (!_scl_netlink_need_link (self->root, self->uplink, &outer, error)
      || !_scl_netlink_need_link (self->inner, SCL_NS_UPLINK, &inner, error))
    return FALSE;
  return take_external (self, &(SclLinkAddress){ host_address (), external, 32, outer->index }, error)
         && sync_address (self->inner,
                          &(SclLinkAddress){ external, host_address (), 32, inner->index }, error)
         && sync_address (self->inner,
                          &(SclLinkAddress){ gateway, gateway,
                                             scl_network_spec_get_prefix_length (spec), bridge },
                          error);
}

static gboolean
make_host_routes (SclNetworkLinks *self, GError **error)
{
  SclNetworkSpec *spec = self->target->spec;
  guint32 external = _scl_address_number (scl_network_spec_get_external_ip (spec));
  g_autoptr (SclLink) outer = NULL;
  SclLinkAddress address = { host_address (), external, 32, 0 };

  if (!_scl_netlink_need_link (self->root, self->uplink, &outer, error))
    return FALSE;
  address.index = outer->index;
  return _scl_uplink_routes_ensure (self->root, outer, &address, error);
}

/* The way out among them. The host's end is not asked for by ARP: a host that answers only for some of
 * its addresses (arp_ignore, as Kubernetes sets it) would not answer for one that has a peer. */
gboolean
_scl_network_addresses_make_tables (SclNetworkLinks *self, GError **error)
{
  g_autoptr (GPtrArray) links = _scl_netlink_list_links (self->inner, error);
  g_auto (SclNetnsTables) wanted = { 0 };

  if (links == NULL || !make_host_routes (self, error))
    return FALSE;
  _scl_netns_tables_init (&wanted, self->prefix, self->target->spec, links);
  return _scl_netns_tables_repair (self->inner, &wanted, error);
}
