/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-network-sysctls-private.h"
#include "backend/network/scl-sysctl-private.h"
#include <string.h>

/* "all" and "default" before the first link is made: links are born with them. With br_netfilter
 * the bridge would hand frames to the IPv4 chains, and hairpin would break. */
const SclNetworkSysctl _scl_sysctls_namespace[] = {
  { "ipv6/conf/all/disable_ipv6", "1", SCL_SYSCTL_OPTIONAL },
  { "ipv6/conf/default/disable_ipv6", "1", SCL_SYSCTL_OPTIONAL },
  { "ipv4/ip_forward", "1", SCL_SYSCTL_CHECKED },
  { "ipv4/conf/all/rp_filter", "1", SCL_SYSCTL_CHECKED },
  { "ipv4/conf/all/arp_ignore", "0", SCL_SYSCTL_CHECKED },
  { "ipv4/conf/all/send_redirects", "0", SCL_SYSCTL_CHECKED },
  { "ipv4/conf/default/send_redirects", "0", SCL_SYSCTL_CHECKED },
  { "ipv4/conf/all/accept_redirects", "0", SCL_SYSCTL_CHECKED },
  { "ipv4/conf/all/accept_source_route", "0", SCL_SYSCTL_CHECKED },
  { "ipv4/conf/all/log_martians", "0", SCL_SYSCTL_CHECKED },
  { "bridge/bridge-nf-call-iptables", "0", SCL_SYSCTL_OPTIONAL },
  { "bridge/bridge-nf-call-ip6tables", "0", SCL_SYSCTL_OPTIONAL },
  { "bridge/bridge-nf-call-arptables", "0", SCL_SYSCTL_OPTIONAL },
  { NULL, NULL, SCL_SYSCTL_CHECKED },
};

/* Guests learn of no address but the gateway's. Not for the uplink: with 1 the kernel does not
 * answer for an address that has a peer. */
const SclNetworkSysctl _scl_sysctls_bridge[] = {
  { "arp_ignore", "1", SCL_SYSCTL_CHECKED },
  { NULL, NULL, SCL_SYSCTL_CHECKED },
};

/* With disable_policy the kernel does not ask its IPsec policies about what comes in here, and those
 * are the guard that is left when nft's rules are gone. */
const SclNetworkSysctl _scl_sysctls_uplink[] = {
  { "disable_ipv6", "1", SCL_SYSCTL_IPV6 },
  { "forwarding", "1", SCL_SYSCTL_CHECKED },
  { "arp_ignore", "0", SCL_SYSCTL_CHECKED },
  { "disable_policy", "0", SCL_SYSCTL_CHECKED },
  { "rp_filter", "1", SCL_SYSCTL_SET_ONLY },
  { "send_redirects", "0", SCL_SYSCTL_SET_ONLY },
  { "accept_redirects", "0", SCL_SYSCTL_SET_ONLY },
  { NULL, NULL, SCL_SYSCTL_CHECKED },
};

/* Deaf even while the host's nft rules are gone: no ARP answer, nothing routed, no IPv4 packet from
 * a source that is not routed there (and none is), no IPv6. */
const SclNetworkSysctl _scl_sysctls_nic[] = {
  { "disable_ipv6", "1", SCL_SYSCTL_IPV6 },
  { "forwarding", "0", SCL_SYSCTL_CHECKED },
  { "arp_ignore", "8", SCL_SYSCTL_CHECKED },
  { "drop_unicast_in_l2_multicast", "1", SCL_SYSCTL_SET_ONLY },
  { "rp_filter", "1", SCL_SYSCTL_SET_ONLY },
  { "accept_redirects", "0", SCL_SYSCTL_SET_ONLY },
  { NULL, NULL, SCL_SYSCTL_CHECKED },
};

static char *
full_path (const SclNetworkSysctl *entry, const char *link)
{
  if (link == NULL)
    return g_strdup (entry->path);
  return g_strdup_printf ("%s/conf/%s/%s", entry->mode == SCL_SYSCTL_IPV6 ? "ipv6" : "ipv4", link,
                          entry->path);
}

gboolean
_scl_sysctls_write (const SclNetworkSysctl *table, const char *link, GError **error)
{
  for (const SclNetworkSysctl *entry = table; entry->path != NULL; entry++)
    {
      g_autofree char *path = full_path (entry, link);
      gboolean optional = entry->mode == SCL_SYSCTL_OPTIONAL || entry->mode == SCL_SYSCTL_IPV6;

      if (optional ? !_scl_sysctl_write_optional (path, entry->value, error)
                   : !_scl_sysctl_write (path, entry->value, error))
        return FALSE;
    }
  return TRUE;
}

void
_scl_sysctls_check (const SclNetworkSysctl *table, GPtrArray *problems)
{
  for (const SclNetworkSysctl *entry = table; entry->path != NULL; entry++)
    {
      g_autofree char *value
          = entry->mode == SCL_SYSCTL_SET_ONLY ? NULL : _scl_sysctl_read (entry->path);

      if (value != NULL && g_strcmp0 (value, entry->value) != 0)
        g_ptr_array_add (problems, _scl_sysctl_explain (entry->path, value, entry->value));
    }
}

/* SCL_LINK_UNKNOWN if nobody looks at it. */
static int
setting_of (const SclLink *link, const SclNetworkSysctl *entry)
{
  static const char *const names[SCL_LINK_N_SETTINGS]
      = { [SCL_LINK_FORWARDING] = "forwarding",
          [SCL_LINK_ARP_IGNORE] = "arp_ignore",
          [SCL_LINK_DISABLE_IPV6] = "disable_ipv6",
          [SCL_LINK_DISABLE_POLICY] = "disable_policy" };

  for (gsize i = 0; i < G_N_ELEMENTS (names) && entry->mode != SCL_SYSCTL_SET_ONLY; i++)
    if (strcmp (names[i], entry->path) == 0)
      return link->settings[i];
  return SCL_LINK_UNKNOWN;
}

void
_scl_sysctls_check_link (const SclNetworkSysctl *table, const SclLink *link, GPtrArray *problems)
{
  for (const SclNetworkSysctl *entry = table; entry->path != NULL; entry++)
    {
      int value = setting_of (link, entry);
      g_autofree char *path = NULL;
      g_autofree char *text = NULL;

      if (value == SCL_LINK_UNKNOWN || value == g_ascii_strtoll (entry->value, NULL, 10))
        continue;
      path = full_path (entry, link->name);
      text = g_strdup_printf ("%d", value);
      g_ptr_array_add (problems, _scl_sysctl_explain (path, text, entry->value));
    }
}
