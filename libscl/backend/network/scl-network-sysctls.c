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
  { "ipv4/conf/all/accept_local", "0", SCL_SYSCTL_CHECKED },
  { "ipv4/conf/all/arp_accept", "0", SCL_SYSCTL_CHECKED },
  { "ipv4/conf/all/log_martians", "0", SCL_SYSCTL_CHECKED },
  { "ipv4/conf/all/proxy_arp", "0", SCL_SYSCTL_CHECKED },
  { "ipv4/conf/all/route_localnet", "0", SCL_SYSCTL_CHECKED },
  { "bridge/bridge-nf-call-iptables", "0", SCL_SYSCTL_OPTIONAL },
  { "bridge/bridge-nf-call-ip6tables", "0", SCL_SYSCTL_OPTIONAL },
  { "bridge/bridge-nf-call-arptables", "0", SCL_SYSCTL_OPTIONAL },
  { NULL, NULL, SCL_SYSCTL_CHECKED },
};

/* A namespace is born with the host's own settings of IPv4, and its links with its defaults. */
const SclNetworkSysctl _scl_sysctls_birth[] = {
  { "ipv4/conf/default/rp_filter", "1", SCL_SYSCTL_CHECKED },
  { "ipv4/conf/default/arp_ignore", "0", SCL_SYSCTL_CHECKED },
  { "ipv4/conf/default/arp_accept", "0", SCL_SYSCTL_CHECKED },
  { "ipv4/conf/default/accept_redirects", "0", SCL_SYSCTL_CHECKED },
  { "ipv4/conf/default/accept_source_route", "0", SCL_SYSCTL_CHECKED },
  { "ipv4/conf/default/accept_local", "0", SCL_SYSCTL_CHECKED },
  { "ipv4/conf/default/bc_forwarding", "0", SCL_SYSCTL_CHECKED },
  { "ipv4/conf/default/log_martians", "0", SCL_SYSCTL_CHECKED },
  { "ipv4/conf/default/proxy_arp", "0", SCL_SYSCTL_CHECKED },
  { "ipv4/conf/default/proxy_arp_pvlan", "0", SCL_SYSCTL_CHECKED },
  { "ipv4/conf/default/route_localnet", "0", SCL_SYSCTL_CHECKED },
  { NULL, NULL, SCL_SYSCTL_CHECKED },
};

gboolean
_scl_sysctls_write (const SclNetworkSysctl *table, GError **error)
{
  for (const SclNetworkSysctl *entry = table; entry->path != NULL; entry++)
    if (entry->mode == SCL_SYSCTL_OPTIONAL
            ? !_scl_sysctl_write_optional (entry->path, entry->value, error)
            : !_scl_sysctl_write (entry->path, entry->value, error))
      return FALSE;
  return TRUE;
}

void
_scl_sysctls_check (const SclNetworkSysctl *table, GPtrArray *problems)
{
  for (const SclNetworkSysctl *entry = table; entry->path != NULL; entry++)
    {
      g_autofree char *value = _scl_sysctl_read (entry->path);

      if (value != NULL && strcmp (value, entry->value) != 0)
        g_ptr_array_add (problems, _scl_sysctl_explain (entry->path, value, entry->value));
    }
}
