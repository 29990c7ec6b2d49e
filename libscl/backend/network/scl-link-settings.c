/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-link-settings-private.h"
#include "backend/network/scl-netns-private.h"
#include "backend/network/scl-sysctl-private.h"
#include "base/scl-throw-private.h"
#include <linux/if_bridge.h>
#include <net/ethernet.h>

#define END { SCL_LINK_N_SETTINGS, 0, FALSE }

/* The uplink's host end. With disable_policy the kernel does not ask its IPsec policies about what comes
 * in here, and those are the guard that is left when nft's rules are gone. */
const SclLinkWish _scl_wishes_uplink_host[] = {
  { SCL_LINK_MTU, ETH_DATA_LEN, FALSE },
  { SCL_LINK_DISABLE_IPV6, 1, FALSE },
  { SCL_LINK_FORWARDING, 1, FALSE },
  { SCL_LINK_ARP_IGNORE, 0, FALSE },
  { SCL_LINK_DISABLE_POLICY, 0, FALSE },
  { SCL_LINK_RP_FILTER, 1, TRUE },
  { SCL_LINK_SEND_REDIRECTS, 0, FALSE },
  { SCL_LINK_ACCEPT_REDIRECTS, 0, FALSE },
  { SCL_LINK_PROXY_ARP, 0, FALSE },
  { SCL_LINK_PROXY_ARP_PVLAN, 0, FALSE },
  { SCL_LINK_ROUTE_LOCALNET, 0, FALSE },
  { SCL_LINK_ACCEPT_LOCAL, 0, FALSE },
  END,
};

/* Links of a namespace are born with the host's own settings of IPv4. Where the kernel takes the link's
 * or that of all links, whichever says more, "all" is in the namespace's table; where both must agree,
 * this one is enough. arp_ignore: with 1 the kernel does not answer for an address that has a peer. */
#define INNER_IPV4                                                                                 \
  { SCL_LINK_FORWARDING, 1, FALSE }, { SCL_LINK_RP_FILTER, 1, FALSE },                             \
      { SCL_LINK_SEND_REDIRECTS, 0, FALSE }, { SCL_LINK_ACCEPT_REDIRECTS, 0, FALSE },              \
      { SCL_LINK_ACCEPT_SOURCE_ROUTE, 0, FALSE }, { SCL_LINK_BC_FORWARDING, 0, FALSE },            \
      { SCL_LINK_LOG_MARTIANS, 0, FALSE }, { SCL_LINK_PROXY_ARP, 0, FALSE },                       \
      { SCL_LINK_PROXY_ARP_PVLAN, 0, FALSE }, { SCL_LINK_ROUTE_LOCALNET, 0, FALSE },               \
      { SCL_LINK_ACCEPT_LOCAL, 0, FALSE }, { SCL_LINK_ARP_ACCEPT, 0, FALSE }

const SclLinkWish _scl_wishes_uplink[] = {
  { SCL_LINK_MTU, ETH_DATA_LEN, FALSE },
  { SCL_LINK_DISABLE_IPV6, 1, FALSE },
  { SCL_LINK_ARP_IGNORE, 0, FALSE },
  INNER_IPV4,
  END,
};

/* Guests learn of no address but the gateway's. Frames pass as they came, by MAC alone, and never by the
 * IPv4 chains. */
const SclLinkWish _scl_wishes_bridge[] = {
  { SCL_LINK_MTU, ETH_DATA_LEN, FALSE },
  { SCL_LINK_DISABLE_IPV6, 1, FALSE },
  { SCL_LINK_ARP_IGNORE, 1, FALSE },
  INNER_IPV4,
  { SCL_BRIDGE_STP_STATE, 0, FALSE },
  { SCL_BRIDGE_FORWARD_DELAY, 0, FALSE },
  { SCL_BRIDGE_AGEING_TIME, 30000, FALSE },
  { SCL_BRIDGE_VLAN_FILTERING, 0, FALSE },
  { SCL_BRIDGE_MCAST_SNOOPING, 0, FALSE },
  { SCL_BRIDGE_MCAST_QUERIER, 0, FALSE },
  { SCL_BRIDGE_GROUP_FWD_MASK, 0, FALSE },
  { SCL_BRIDGE_NF_CALL_IPTABLES, 0, FALSE },
  { SCL_BRIDGE_NF_CALL_IP6TABLES, 0, FALSE },
  { SCL_BRIDGE_NF_CALL_ARPTABLES, 0, FALSE },
  END,
};

/* Deaf even while the host's nft rules are gone: no ARP answer, nothing routed, no IPv4 packet from
 * a source that is not routed there (and none is), no IPv6. */
const SclLinkWish _scl_wishes_nic[] = {
  { SCL_LINK_MTU, ETH_DATA_LEN, FALSE },
  { SCL_LINK_DISABLE_IPV6, 1, FALSE },
  { SCL_LINK_FORWARDING, 0, FALSE },
  { SCL_LINK_ARP_IGNORE, 8, FALSE },
  { SCL_LINK_DROP_UNICAST, 1, FALSE },
  { SCL_LINK_RP_FILTER, 1, TRUE },
  { SCL_LINK_ACCEPT_REDIRECTS, 0, FALSE },
  { SCL_LINK_ROUTE_LOCALNET, 0, FALSE },
  { SCL_LINK_ACCEPT_LOCAL, 0, FALSE },
  END,
};

/* A port as it becomes one. IPv4 never sees its frames: the bridge takes them. */
const SclLinkWish _scl_wishes_port[] = {
  { SCL_LINK_MTU, ETH_DATA_LEN, FALSE },
  { SCL_LINK_DISABLE_IPV6, 1, FALSE },
  { SCL_PORT_STATE, BR_STATE_FORWARDING, FALSE },
  { SCL_PORT_HAIRPIN, 0, FALSE },
  { SCL_PORT_GUARD, 0, FALSE },
  { SCL_PORT_ROOT_BLOCK, 0, FALSE },
  { SCL_PORT_FASTLEAVE, 0, FALSE },
  { SCL_PORT_LEARNING, 1, FALSE },
  { SCL_PORT_FLOOD, 1, FALSE },
  { SCL_PORT_MCAST_FLOOD, 1, FALSE },
  { SCL_PORT_BCAST_FLOOD, 1, FALSE },
  { SCL_PORT_MCAST_TO_UNICAST, 0, FALSE },
  { SCL_PORT_PROXY_ARP, 0, FALSE },
  { SCL_PORT_PROXY_ARP_WIFI, 0, FALSE },
  { SCL_PORT_NEIGH_SUPPRESS, 0, FALSE },
  { SCL_PORT_ISOLATED, 0, FALSE },
  { SCL_PORT_LOCKED, 0, FALSE },
  { SCL_PORT_VLAN_TUNNEL, 0, FALSE },
  { SCL_PORT_GROUP_FWD_MASK, 0, FALSE },
  END,
};

static gboolean
is_met (const SclLinkWish *wish, const SclLink *link)
{
  guint32 value = link->settings[wish->setting];

  return value == SCL_LINK_UNKNOWN || value == wish->value || (wish->or_more && value > wish->value);
}

static char *
sysctl_path (SclLinkSetting setting, const char *link)
{
  return g_strdup_printf ("%s/conf/%s/%s",
                          _scl_link_setting_get_place (setting) == SCL_LINK_PLACE_IPV6 ? "ipv6" : "ipv4",
                          link, _scl_link_setting_get_name (setting));
}

static gboolean
is_sysctl (SclLinkSetting setting)
{
  SclLinkPlace place = _scl_link_setting_get_place (setting);

  return place == SCL_LINK_PLACE_IPV4 || place == SCL_LINK_PLACE_IPV6;
}

static char *
explain (const SclLinkWish *wish, const SclLink *link, const char *place)
{
  guint32 value = link->settings[wish->setting];
  g_autofree char *path = sysctl_path (wish->setting, link->name);

  if (is_sysctl (wish->setting))
    return g_strdup_printf ("sysctl %s%s is %u, not %u", path, place, value, wish->value);
  return g_strdup_printf ("link %s%s has %s %u, not %u", link->name, place,
                          _scl_link_setting_get_name (wish->setting), value, wish->value);
}

void
_scl_link_settings_check (const SclLinkWish *wishes, const SclLink *link, const char *place,
                          GPtrArray *problems)
{
  for (const SclLinkWish *wish = wishes; wish->setting != SCL_LINK_N_SETTINGS; wish++)
    if (!is_met (wish, link))
      g_ptr_array_add (problems, explain (wish, link, place));
}

/* What is to be written into which link. */
typedef struct
{
  const SclLinkWish *wishes;
  const SclLink *link;
} Writing;

static gboolean
write_sysctls (gpointer data, GError **error)
{
  const Writing *writing = data;

  for (const SclLinkWish *wish = writing->wishes; wish->setting != SCL_LINK_N_SETTINGS; wish++)
    {
      g_autofree char *value = g_strdup_printf ("%u", wish->value);
      g_autofree char *path = sysctl_path (wish->setting, writing->link->name);

      if (is_sysctl (wish->setting) && !is_met (wish, writing->link)
          && !_scl_sysctl_write (path, value, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
needs_sysctls (const Writing *writing)
{
  for (const SclLinkWish *wish = writing->wishes; wish->setting != SCL_LINK_N_SETTINGS; wish++)
    if (is_sysctl (wish->setting) && !is_met (wish, writing->link))
      return TRUE;
  return FALSE;
}

/* All that is set by netlink, one by one: the bridge refuses some together. */
static gboolean
change_settings (SclNetlink *sock, const Writing *writing, gboolean *out_changed, GError **error)
{
  for (const SclLinkWish *wish = writing->wishes; wish->setting != SCL_LINK_N_SETTINGS; wish++)
    {
      gboolean differs = !is_sysctl (wish->setting) && !is_met (wish, writing->link);
      int rc = differs ? _scl_netlink_change_setting (sock, writing->link->index, wish->setting,
                                                      wish->value)
                       : 0;

      if (rc < 0)
        return scl_throw_errno (error, -rc, "link %s: cannot set %s to %u", writing->link->name,
                                _scl_link_setting_get_name (wish->setting), wish->value);
      *out_changed = *out_changed || differs;
    }
  return TRUE;
}

static gboolean
look_up (SclNetlink *sock, const char *name, SclLink **out, GError **error)
{
  g_clear_pointer (out, _scl_link_free);
  return _scl_netlink_need_link (sock, name, out, error);
}

gboolean
_scl_link_settings_write (const SclLinkWish *wishes, SclNetlink *sock, int netns_fd,
                          const char *name, GError **error)
{
  g_autoptr (SclLink) link = NULL;
  Writing writing = { wishes, NULL };
  gboolean changed = FALSE;

  if (!look_up (sock, name, &link, error))
    return FALSE;
  writing.link = link;
  if (!change_settings (sock, &writing, &changed, error))
    return FALSE;
  /* A link that was too small for IPv4 comes back with new settings of it. */
  if (changed && !look_up (sock, name, &link, error))
    return FALSE;
  writing.link = link;
  return !needs_sysctls (&writing) || _scl_netns_run (netns_fd, write_sysctls, &writing, error);
}
