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

/* Settings that the kernel tells together with the link: thousands of files need not be opened. */
typedef enum
{
  SCL_LINK_PLACE_SELF,
  SCL_LINK_PLACE_IPV4, /* under /proc/sys/net/ipv4/conf … */
  SCL_LINK_PLACE_IPV6, /* … and ipv6/conf */
  SCL_LINK_PLACE_BRIDGE,
  SCL_LINK_PLACE_PORT, /* of a bridge */
  SCL_LINK_N_PLACES
} SclLinkPlace;

typedef enum
{
  SCL_LINK_MTU,
  SCL_LINK_FORWARDING,
  SCL_LINK_ARP_IGNORE,
  SCL_LINK_ARP_ACCEPT,
  SCL_LINK_DISABLE_POLICY,
  SCL_LINK_RP_FILTER,
  SCL_LINK_SEND_REDIRECTS,
  SCL_LINK_ACCEPT_REDIRECTS,
  SCL_LINK_ACCEPT_SOURCE_ROUTE,
  SCL_LINK_ACCEPT_LOCAL,
  SCL_LINK_BC_FORWARDING,
  SCL_LINK_LOG_MARTIANS,
  SCL_LINK_PROXY_ARP,
  SCL_LINK_PROXY_ARP_PVLAN,
  SCL_LINK_ROUTE_LOCALNET,
  SCL_LINK_DROP_UNICAST,
  SCL_LINK_DISABLE_IPV6,
  SCL_BRIDGE_STP_STATE,
  SCL_BRIDGE_FORWARD_DELAY,
  SCL_BRIDGE_AGEING_TIME,
  SCL_BRIDGE_VLAN_FILTERING,
  SCL_BRIDGE_MCAST_SNOOPING,
  SCL_BRIDGE_MCAST_QUERIER,
  SCL_BRIDGE_GROUP_FWD_MASK,
  SCL_BRIDGE_NF_CALL_IPTABLES,
  SCL_BRIDGE_NF_CALL_IP6TABLES,
  SCL_BRIDGE_NF_CALL_ARPTABLES,
  SCL_PORT_STATE, /* unknown while the port has no carrier: the bridge sets it then */
  SCL_PORT_HAIRPIN,
  SCL_PORT_GUARD,
  SCL_PORT_ROOT_BLOCK,
  SCL_PORT_FASTLEAVE,
  SCL_PORT_LEARNING,
  SCL_PORT_FLOOD,
  SCL_PORT_MCAST_FLOOD,
  SCL_PORT_BCAST_FLOOD,
  SCL_PORT_MCAST_TO_UNICAST,
  SCL_PORT_PROXY_ARP,
  SCL_PORT_PROXY_ARP_WIFI,
  SCL_PORT_NEIGH_SUPPRESS,
  SCL_PORT_ISOLATED,
  SCL_PORT_LOCKED,
  SCL_PORT_VLAN_TUNNEL,
  SCL_PORT_GROUP_FWD_MASK,
  SCL_LINK_N_SETTINGS
} SclLinkSetting;
#define SCL_LINK_UNKNOWN G_MAXUINT32

SclLinkPlace _scl_link_setting_get_place (SclLinkSetting setting);
/* As sysctl, ip and bridge call it. */
const char *_scl_link_setting_get_name (SclLinkSetting setting);

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
  guint32 settings[SCL_LINK_N_SETTINGS]; /* SCL_LINK_UNKNOWN: this link or kernel has none */
  guint32 linklocal_learn;               /* of a bridge; SCL_LINK_UNKNOWN as above */
} SclLink;

/* All links, sorted by name (transfer full); SclLink. */
GPtrArray *_scl_netlink_list_links (SclNetlink *self, GError **error);
/* One link by name: *OUT is NULL if there is none. */
gboolean _scl_netlink_lookup_link (SclNetlink *self, const char *name, SclLink **out,
                                   GError **error);
/* One of which it is known that it was there a moment ago. */
gboolean _scl_netlink_need_link (SclNetlink *self, const char *name, SclLink **out, GError **error);
/* In such a list. */
SclLink *_scl_links_find (GPtrArray *links, const char *name);
SclLink *_scl_links_find_index (GPtrArray *links, int index);
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

/* A master's index for a link that shall have none. */
#define SCL_LINK_ALONE (-1)

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
/* SETTING is of any place but IPv4 and IPv6. */
int _scl_netlink_change_setting (SclNetlink *self, int index, SclLinkSetting setting, guint32 value);
/* Fills the settings of LINK from the attributes (by IFLA_*) of its message. */
void _scl_netlink_read_settings (SclLink *link, struct nlattr **attributes);

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
/* Gone by now is 0: a secondary one goes with its primary. */
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
  guint8 shared;  /* one of several next hops, or of an object of them: it cannot be deleted alone */
} SclRoute;

GArray *_scl_netlink_list_routes (SclNetlink *self, GError **error);
/* The message that adds it, if that fails with what is there too. */
struct nl_msg *_scl_netlink_new_route (const SclRoute *route);
/* FALSE if it has more to it than SclRoute says (or is no route of IPv4 that somebody made). */
gboolean _scl_netlink_parse_route (const struct nlmsghdr *header, SclRoute *out_route);
/* The same to the kernel, whoever made it. */
gboolean _scl_route_equal (const SclRoute *a, const SclRoute *b);
/* Before what others have for the same destination, which stays. There by now is 0. */
int _scl_netlink_add_route (SclNetlink *self, const SclRoute *route);
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
struct nl_msg *_scl_netlink_new_rule (const SclPolicyRule *rule);
/* FALSE as above; a rule that asks for no address, mark or link, and has a table to look into. */
gboolean _scl_netlink_parse_rule (const struct nlmsghdr *header, SclPolicyRule *out_rule);
int _scl_netlink_add_rule (SclNetlink *self, const SclPolicyRule *rule);
int _scl_netlink_delete_rule (SclNetlink *self, const SclPolicyRule *rule);

/* A permanent entry. */
struct nl_msg *_scl_netlink_new_neighbour (int index, guint32 address, const char *mac);
/* Addresses (guint32) of MAC in the neighbour table of that link. */
GArray *_scl_netlink_list_neighbours (SclNetlink *self, int index, const char *mac, GError **error);
