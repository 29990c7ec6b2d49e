/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The settings of links: what is wanted of each kind of link as a table, which both what is written and
 * what observation compares go by. They are read with the links, in the one listing that is made anyway.
 * Those of IPv4 and IPv6 are written as sysctls, because only so the kernel draws the consequences. */

#include "backend/network/scl-netlink-private.h"

typedef struct
{
  SclLinkSetting setting; /* SCL_LINK_N_SETTINGS: end of the table */
  guint32 value;
  gboolean or_more; /* the host's sysctl.d may have the last word, as long as it is no less */
} SclLinkWish;

extern const SclLinkWish _scl_wishes_uplink_host[];
extern const SclLinkWish _scl_wishes_uplink[];
extern const SclLinkWish _scl_wishes_bridge[];
extern const SclLinkWish _scl_wishes_nic[];  /* host end, and the macvtap on it */
extern const SclLinkWish _scl_wishes_port[]; /* its other end */

/* Appends one sentence for each setting of LINK that is another one. PLACE is put behind the link's name:
 * "" or " in the namespace". */
void _scl_link_settings_check (const SclLinkWish *wishes, const SclLink *link, const char *place,
                               GPtrArray *problems);
/* Writes those of the link called NAME that are others. SOCK and NETNS_FD (-1: the caller's) are of
 * its namespace. */
gboolean _scl_link_settings_write (const SclLinkWish *wishes, SclNetlink *sock, int netns_fd,
                                   const char *name, GError **error);
