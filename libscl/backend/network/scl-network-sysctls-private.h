/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kernel settings of a namespace and of host ends, as tables: one place says what is written
 * and what observation compares. */

#include "backend/network/scl-netlink-private.h"

typedef struct
{
  const char *path;  /* below /proc/sys/net, or the setting's name if it belongs to a link */
  const char *value; /* NULL: end of the table */
  enum
  {
    SCL_SYSCTL_CHECKED,
    SCL_SYSCTL_OPTIONAL, /* this kernel may not have it */
    SCL_SYSCTL_SET_ONLY, /* the host's sysctl.d may have the last word */
    SCL_SYSCTL_IPV6      /* of the link under ipv6/conf; optional */
  } mode;
} SclNetworkSysctl;

extern const SclNetworkSysctl _scl_sysctls_namespace[];
extern const SclNetworkSysctl _scl_sysctls_bridge[];
extern const SclNetworkSysctl _scl_sysctls_uplink[]; /* host end */
extern const SclNetworkSysctl _scl_sysctls_nic[];    /* host end */

/* In the calling thread's namespace. LINK NULL: paths are complete. */
gboolean _scl_sysctls_write (const SclNetworkSysctl *table, const char *link, GError **error);
/* Appends one sentence for each value of the calling thread's namespace that differs. */
void _scl_sysctls_check (const SclNetworkSysctl *table, GPtrArray *problems);
/* The same for the settings of a link that was read, in whatever namespace. Those that SclLink does
 * not have are not checked. */
void _scl_sysctls_check_link (const SclNetworkSysctl *table, const SclLink *link,
                              GPtrArray *problems);
