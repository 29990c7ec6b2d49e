/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* rtnetlink: what SCL needs of links, addresses, routes, policy rules and neighbours, IPv4 only.
 * A socket stays in the namespace where it was opened and may be used by any one thread at a time.
 * Plain data in and out; addresses are numbers in host byte order. Knows no names of SCL. */

#include <glib.h>
#include <netlink/netlink.h>

typedef struct nl_sock SclNetlink;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclNetlink, nl_socket_free)

/* A socket of NETLINK_ROUTE (or another PROTOCOL) in that namespace (-1: the caller's).
 * SCL_ERROR_UNSUPPORTED: this kernel has none of that protocol, and only that. */
SclNetlink *_scl_netlink_open (int netns_fd, int protocol, GError **error);

/* Sends MSG, waits for the acknowledgement; 0 or -errno. Takes MSG. */
int _scl_netlink_talk (SclNetlink *self, struct nl_msg *msg);

/* Called for each message of a dump; PAYLOAD is behind the nlmsghdr. */
typedef void (*SclNetlinkFunc) (const struct nlmsghdr *header, gpointer data);
gboolean _scl_netlink_dump (SclNetlink *self, struct nl_msg *request, SclNetlinkFunc func,
                            gpointer data, const char *what, GError **error);

/* FALSE if TEXT is not a MAC. */
gboolean _scl_netlink_parse_mac (const char *text, guint8 out[6]);

/* A setting under /proc/sys/net/ipv4/conf or ipv6/conf that the kernel tells together with the
 * link: thousands of files need not be opened. */
typedef enum
{
  SCL_LINK_FORWARDING,
  SCL_LINK_ARP_IGNORE,
  SCL_LINK_DISABLE_IPV6,
  SCL_LINK_DISABLE_POLICY,
  SCL_LINK_N_SETTINGS
} SclLinkSetting;
#define SCL_LINK_UNKNOWN -1

/* Links. */
typedef struct
{
  char *name;
  char *kind;  /* "veth", "bridge" …; NULL: a device */
  char *alias; /* may be NULL */
  char *mac;   /* lower case; may be NULL */
  int index;
  int master; /* 0: none */
  int peer;   /* the index (in its own namespace) of what it is linked to; 0: none */
  guint flags;
  guint group;
  int settings[SCL_LINK_N_SETTINGS]; /* SCL_LINK_UNKNOWN: this kernel has none */
  int linklocal_learn;               /* of a bridge; SCL_LINK_UNKNOWN as above */
} SclLink;

/* All links, sorted by name (transfer full); SclLink. */
GPtrArray *_scl_netlink_list_links (SclNetlink *self, GError **error);
/* One link by name: *OUT is NULL if there is none. */
gboolean _scl_netlink_lookup_link (SclNetlink *self, const char *name, SclLink **out,
                                   GError **error);
/* In such a list. */
SclLink *_scl_links_find (GPtrArray *links, const char *name);
void _scl_link_free (SclLink *link);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclLink, _scl_link_free)

/* One end of a veth pair. */
typedef struct
{
  const char *name;
  const char *mac;
  guint group;
  guint flags;
} SclVethEnd;

/* HERE is made in the socket's namespace, THERE in that of THERE_FD. Both are down. -errno */
int _scl_netlink_add_veth (SclNetlink *self, const SclVethEnd *here, const SclVethEnd *there,
                           int there_fd);
/* Without STP, forward delay, multicast snooping, learning from link-local frames. -errno */
int _scl_netlink_add_bridge (SclNetlink *self, const char *name, const char *mac);
/* Ends learning from frames to 01:80:c2:00:00:0x, and forgets what was learned. -errno */
int _scl_netlink_stop_linklocal_learn (SclNetlink *self, int bridge);
/* In passthrough mode on the link with index LOWER. -errno */
int _scl_netlink_add_macvtap (SclNetlink *self, const char *name, int lower, const char *mac,
                              guint group);

/* What to change of a link; fields that are NULL or 0 are left as they are. */
typedef struct
{
  const char *alias;
  const char *mac;
  int master;
  guint group;
  guint flags;      /* bits to set … */
  guint flags_mask; /* … of these */
  int netns_fd;     /* > 0: moved there */
} SclLinkChange;

int _scl_netlink_change_link (SclNetlink *self, int index, const SclLinkChange *change);
/* Returns when the link is gone; absent is 0. */
int _scl_netlink_delete_link (SclNetlink *self, int index);
int _scl_netlink_delete_group (SclNetlink *self, guint group);

/* Addresses. */
typedef struct
{
  guint32 local;
  guint32 peer; /* = local unless point to point */
  guint prefix_length;
  int index;
} SclLinkAddress;

GArray *_scl_netlink_list_addresses (SclNetlink *self, GError **error);
int _scl_netlink_add_address (SclNetlink *self, const SclLinkAddress *address);
int _scl_netlink_delete_address (SclNetlink *self, const SclLinkAddress *address);

/* Routes; one that has several next hops is listed once for each. */
typedef struct
{
  guint32 destination;
  guint32 gateway; /* 0: on link */
  guint32 source;  /* preferred; 0: none */
  guint prefix_length;
  guint32 table;
  guint32 metric;
  int index; /* 0: none */
  guint8 protocol;
  guint8 type;
  guint8 scope;
  guint8 on_link; /* RTNH_F_ONLINK */
} SclRoute;

GArray *_scl_netlink_list_routes (SclNetlink *self, GError **error);
int _scl_netlink_replace_route (SclNetlink *self, const SclRoute *route);
int _scl_netlink_delete_route (SclNetlink *self, const SclRoute *route);

/* Policy rules. */
typedef struct
{
  guint32 priority;
  guint32 table;
  guint32 mark;
  guint32 mask;
  char iif[16];
  guint8 protocol;
} SclPolicyRule;

GArray *_scl_netlink_list_rules (SclNetlink *self, GError **error);
int _scl_netlink_add_rule (SclNetlink *self, const SclPolicyRule *rule);
int _scl_netlink_delete_rule (SclNetlink *self, const SclPolicyRule *rule);

/* A permanent entry. */
int _scl_netlink_set_neighbour (SclNetlink *self, int index, guint32 address, const char *mac);
/* Addresses (guint32) of MAC in the neighbour table of that link. */
GArray *_scl_netlink_list_neighbours (SclNetlink *self, int index, const char *mac, GError **error);
