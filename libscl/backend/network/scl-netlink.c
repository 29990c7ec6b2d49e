/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-netlink-private.h"
#include "backend/network/scl-netns-private.h"
#include "base/scl-throw-private.h"
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAC_BYTES 6

typedef struct
{
  int protocol;
  struct nl_sock *sock;
} Opening;

static gboolean
open_socket (gpointer data, GError **error)
{
  Opening *opening = data;
  g_autoptr (SclNetlink) sock = nl_socket_alloc ();
  int rc = nl_connect (sock, opening->protocol);

  if (rc == -NLE_PROTO_MISMATCH)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "this kernel has no netlink of number %d",
                      opening->protocol);
  if (rc < 0)
    return scl_throw (error, SCL_ERROR_BACKEND, "cannot open a netlink socket: %s",
                      nl_geterror (rc));
  nl_socket_disable_auto_ack (sock);
  (void)nl_socket_set_buffer_size (sock, 1 << 20, 1 << 16);
  (void)nl_socket_set_msg_buf_size (sock, 1 << 16);
  opening->sock = g_steal_pointer (&sock);
  return TRUE;
}

SclNetlink *
_scl_netlink_open (int netns_fd, int protocol, GError **error)
{
  Opening opening = { .protocol = protocol };

  return _scl_netns_run (netns_fd, open_socket, &opening, error) ? opening.sock : NULL;
}

static int
on_error (struct sockaddr_nl *address, struct nlmsgerr *reply, void *data)
{
  int *result = data;

  *result = reply->error;
  return NL_STOP;
}

static int
on_ack (struct nl_msg *msg, void *data)
{
  return NL_STOP;
}

int
_scl_netlink_talk (SclNetlink *self, struct nl_msg *msg)
{
  struct nl_cb *cb = nl_cb_alloc (NL_CB_DEFAULT);
  int result = 0;
  int rc;

  nlmsg_hdr (msg)->nlmsg_flags |= NLM_F_ACK;
  nl_cb_err (cb, NL_CB_CUSTOM, on_error, &result);
  nl_cb_set (cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, NULL);
  rc = nl_send_auto_complete (self, msg);
  if (rc >= 0)
    rc = nl_recvmsgs (self, cb);
  if (rc < 0 && result == 0)
    result = -EIO;
  nl_cb_put (cb);
  nlmsg_free (msg);
  return result;
}

/* A table that changes while it is dumped is dumped again, that often. */
#define DUMP_ATTEMPTS 8

/* What takes the messages of a dump as they come. */
typedef struct
{
  void (*begin) (gpointer data); /* nothing, again: what was taken before is not to be relied on */
  SclNetlinkFunc take;
  gpointer data;
} Listing;

static int
on_valid (struct nl_msg *msg, void *data)
{
  const Listing *listing = data;

  listing->take (nlmsg_hdr (msg), listing->data);
  return NL_OK;
}

/* 0, -errno in *OUT_RESULT, or an error of libnl. */
static int
dump_once (SclNetlink *self, struct nl_msg *request, Listing *listing, int *out_result)
{
  struct nl_cb *cb = nl_cb_alloc (NL_CB_DEFAULT);
  int rc;

  listing->begin (listing->data);
  *out_result = 0;
  nlmsg_hdr (request)->nlmsg_seq = NL_AUTO_SEQ;
  nl_cb_set (cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, listing);
  nl_cb_err (cb, NL_CB_CUSTOM, on_error, out_result);
  rc = nl_send_auto_complete (self, request);
  if (rc >= 0)
    rc = nl_recvmsgs (self, cb);
  nl_cb_put (cb);
  return rc;
}

/* Takes REQUEST. */
static gboolean
list (SclNetlink *self, struct nl_msg *request, Listing listing, const char *what, GError **error)
{
  int rc = -NLE_DUMP_INTR;
  int result = 0;

  for (int i = 0; i < DUMP_ATTEMPTS && rc == -NLE_DUMP_INTR && result == 0; i++)
    rc = dump_once (self, request, &listing, &result);
  nlmsg_free (request);
  if (result < 0)
    return scl_throw_errno (error, -result, "cannot list %s", what);
  if (rc < 0)
    return scl_throw (error, SCL_ERROR_BACKEND, "cannot list %s: %s", what, nl_geterror (rc));
  return TRUE;
}

static void
begin_array (gpointer array)
{
  g_ptr_array_set_size (array, 0);
}

static void
keep_message (const struct nlmsghdr *header, gpointer messages)
{
  g_ptr_array_add (messages, g_memdup2 (header, header->nlmsg_len));
}

gboolean
_scl_netlink_dump (SclNetlink *self, struct nl_msg *request, SclNetlinkFunc func, gpointer data,
                   const char *what, GError **error)
{
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func (g_free);

  if (!list (self, request, (Listing){ begin_array, keep_message, messages }, what, error))
    return FALSE;
  for (guint i = 0; i < messages->len; i++)
    func (messages->pdata[i], data);
  return TRUE;
}

void
_scl_link_free (SclLink *link)
{
  g_free (link->name);
  g_free (link->kind);
  g_free (link->alias);
  g_free (link->mac);
  g_free (link);
}

static char *
mac_to_text (struct nlattr *attr)
{
  const guint8 *b;

  if (attr == NULL || nla_len (attr) != MAC_BYTES)
    return NULL;
  b = nla_data (attr);
  return g_strdup_printf ("%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
}

static char *
text_of (struct nlattr *attr)
{
  return attr == NULL ? NULL : g_strndup (nla_data (attr), (gsize)nla_len (attr));
}

static char *
kind_of (struct nlattr *info)
{
  struct nlattr *kind = info == NULL ? NULL : nla_find (nla_data (info), nla_len (info), IFLA_INFO_KIND);

  return text_of (kind);
}

static void
add_link (const struct nlmsghdr *header, gpointer data)
{
  GPtrArray *links = data;
  const struct ifinfomsg *info = nlmsg_data (header);
  struct nlattr *tb[IFLA_MAX + 1];
  SclLink *link;

  if (header->nlmsg_type != RTM_NEWLINK
      || nlmsg_parse ((struct nlmsghdr *)header, sizeof *info, tb, IFLA_MAX, NULL) < 0)
    return;
  link = g_new0 (SclLink, 1);
  link->index = info->ifi_index;
  link->flags = info->ifi_flags;
  link->name = text_of (tb[IFLA_IFNAME]);
  link->alias = text_of (tb[IFLA_IFALIAS]);
  link->mac = mac_to_text (tb[IFLA_ADDRESS]);
  link->kind = kind_of (tb[IFLA_LINKINFO]);
  link->master = tb[IFLA_MASTER] != NULL ? (int)nla_get_u32 (tb[IFLA_MASTER]) : 0;
  link->peer = tb[IFLA_LINK] != NULL ? (int)nla_get_u32 (tb[IFLA_LINK]) : 0;
  link->group = tb[IFLA_GROUP] != NULL ? nla_get_u32 (tb[IFLA_GROUP]) : 0;
  _scl_netlink_read_settings (link, tb);
  g_ptr_array_add (links, link);
}

static struct nl_msg *
new_link_msg (int type, int flags, int index)
{
  struct nl_msg *msg = nlmsg_alloc_simple (type, flags);
  struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = index };

  nlmsg_append (msg, &info, sizeof info, NLMSG_ALIGNTO);
  return msg;
}

static int
compare_links (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 ((*(SclLink *const *) a)->name, (*(SclLink *const *) b)->name);
}

GPtrArray *
_scl_netlink_list_links (SclNetlink *self, GError **error)
{
  g_autoptr (GPtrArray) links = g_ptr_array_new_with_free_func ((GDestroyNotify)_scl_link_free);
  struct nl_msg *msg = new_link_msg (RTM_GETLINK, NLM_F_DUMP, 0);

  /* Bit 3: without the counters, which are most of the message. */
  nla_put_u32 (msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  /* Hundreds of messages of more than a KiB: what is wanted of them is a tenth. */
  if (!list (self, msg, (Listing){ begin_array, add_link, links }, "links", error))
    return NULL;
  g_ptr_array_sort (links, compare_links);
  return g_steal_pointer (&links);
}

gboolean
_scl_netlink_lookup_link (SclNetlink *self, const char *name, SclLink **out, GError **error)
{
  g_autoptr (GPtrArray) links = g_ptr_array_new ();
  g_autoptr (GError) local = NULL;
  struct nl_msg *msg = new_link_msg (RTM_GETLINK, 0, 0);

  *out = NULL;
  nla_put_string (msg, IFLA_IFNAME, name);
  nla_put_u32 (msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  if (_scl_netlink_dump (self, msg, add_link, links, name, &local))
    *out = links->len > 0 ? g_ptr_array_index (links, 0) : NULL;
  else if (!g_error_matches (local, SCL_ERROR, SCL_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  return TRUE;
}

gboolean
_scl_netlink_need_link (SclNetlink *self, const char *name, SclLink **out, GError **error)
{
  return _scl_netlink_lookup_link (self, name, out, error)
         && (*out != NULL
             || scl_throw (error, SCL_ERROR_BACKEND, "link %s: vanished while it was set up", name));
}

SclLink *
_scl_links_find (GPtrArray *links, const char *name)
{
  SclLink key = { .name = (char *) name };
  SclLink *wanted = &key;
  SclLink **found = bsearch (&wanted, links->pdata, links->len, sizeof wanted, compare_links);

  return found != NULL ? *found : NULL;
}

SclLink *
_scl_links_find_index (GPtrArray *links, int index)
{
  for (guint i = 0; i < links->len; i++)
    if (((SclLink *)links->pdata[i])->index == index)
      return links->pdata[i];
  return NULL;
}

gboolean
_scl_netlink_parse_mac (const char *text, guint8 out[6])
{
  guint b[MAC_BYTES] = { 0 };

  if (text == NULL
      || sscanf (text, "%2x:%2x:%2x:%2x:%2x:%2x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5])
             != MAC_BYTES)
    return FALSE;
  for (gsize i = 0; i < MAC_BYTES; i++)
    out[i] = (guint8)b[i];
  return TRUE;
}

static void
put_mac (struct nl_msg *msg, const char *mac)
{
  guint8 bytes[MAC_BYTES];

  if (_scl_netlink_parse_mac (mac, bytes))
    nla_put (msg, IFLA_ADDRESS, MAC_BYTES, bytes);
}

static void
put_end (struct nl_msg *msg, const SclVethEnd *end)
{
  nla_put_string (msg, IFLA_IFNAME, end->name);
  put_mac (msg, end->mac);
  if (end->group != 0)
    nla_put_u32 (msg, IFLA_GROUP, end->group);
}

int
_scl_netlink_add_veth (SclNetlink *self, const SclVethEnd *here, const SclVethEnd *there,
                       int there_fd)
{
  struct nl_msg *msg = nlmsg_alloc_simple (RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  struct ifinfomsg info = { .ifi_flags = here->flags, .ifi_change = here->flags };
  struct ifinfomsg peer_info = { .ifi_flags = there->flags, .ifi_change = there->flags };
  struct nlattr *link_info, *data, *peer;

  nlmsg_append (msg, &info, sizeof info, NLMSG_ALIGNTO);
  put_end (msg, here);
  link_info = nla_nest_start (msg, IFLA_LINKINFO);
  nla_put_string (msg, IFLA_INFO_KIND, "veth");
  data = nla_nest_start (msg, IFLA_INFO_DATA);
  peer = nla_nest_start (msg, VETH_INFO_PEER);
  nlmsg_append (msg, &peer_info, sizeof peer_info, NLMSG_ALIGNTO);
  put_end (msg, there);
  nla_put_u32 (msg, IFLA_NET_NS_FD, (guint32)there_fd);
  nla_nest_end (msg, peer);
  nla_nest_end (msg, data);
  nla_nest_end (msg, link_info);
  return _scl_netlink_talk (self, msg);
}

static void
put_no_linklocal_learn (struct nl_msg *msg)
{
  struct br_boolopt_multi options = { .optval = 1u << BR_BOOLOPT_NO_LL_LEARN,
                                      .optmask = 1u << BR_BOOLOPT_NO_LL_LEARN };

  nla_put (msg, IFLA_BR_MULTI_BOOLOPT, sizeof options, &options);
}

int
_scl_netlink_add_bridge (SclNetlink *self, const char *name, const char *mac)
{
  struct nl_msg *msg = new_link_msg (RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
  struct nlattr *link_info, *data;

  nla_put_string (msg, IFLA_IFNAME, name);
  put_mac (msg, mac);
  link_info = nla_nest_start (msg, IFLA_LINKINFO);
  nla_put_string (msg, IFLA_INFO_KIND, "bridge");
  data = nla_nest_start (msg, IFLA_INFO_DATA);
  nla_put_u32 (msg, IFLA_BR_STP_STATE, 0);
  nla_put_u32 (msg, IFLA_BR_FORWARD_DELAY, 0);
  nla_put_u8 (msg, IFLA_BR_MCAST_SNOOPING, 0);
  put_no_linklocal_learn (msg);
  nla_nest_end (msg, data);
  nla_nest_end (msg, link_info);
  return _scl_netlink_talk (self, msg);
}

int
_scl_netlink_stop_linklocal_learn (SclNetlink *self, int bridge)
{
  struct nl_msg *msg = new_link_msg (RTM_NEWLINK, 0, bridge);
  struct nlattr *link_info = nla_nest_start (msg, IFLA_LINKINFO);
  struct nlattr *data;

  nla_put_string (msg, IFLA_INFO_KIND, "bridge");
  data = nla_nest_start (msg, IFLA_INFO_DATA);
  put_no_linklocal_learn (msg);
  nla_put_flag (msg, IFLA_BR_FDB_FLUSH);
  nla_nest_end (msg, data);
  nla_nest_end (msg, link_info);
  return _scl_netlink_talk (self, msg);
}

int
_scl_netlink_add_macvtap (SclNetlink *self, const char *name, int lower, const char *mac, guint group)
{
  struct nl_msg *msg = new_link_msg (RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
  struct nlattr *link_info, *data;

  nla_put_string (msg, IFLA_IFNAME, name);
  nla_put_u32 (msg, IFLA_LINK, (guint32)lower);
  nla_put_u32 (msg, IFLA_GROUP, group);
  put_mac (msg, mac);
  link_info = nla_nest_start (msg, IFLA_LINKINFO);
  nla_put_string (msg, IFLA_INFO_KIND, "macvtap");
  data = nla_nest_start (msg, IFLA_INFO_DATA);
  nla_put_u32 (msg, IFLA_MACVLAN_MODE, MACVLAN_MODE_PASSTHRU);
  nla_nest_end (msg, data);
  nla_nest_end (msg, link_info);
  return _scl_netlink_talk (self, msg);
}

int
_scl_netlink_change_link (SclNetlink *self, int index, const SclLinkChange *change)
{
  struct nl_msg *msg = nlmsg_alloc_simple (RTM_NEWLINK, 0);
  struct ifinfomsg info
      = { .ifi_index = index, .ifi_flags = change->flags, .ifi_change = change->flags_mask };

  nlmsg_append (msg, &info, sizeof info, NLMSG_ALIGNTO);
  if (change->alias != NULL)
    nla_put (msg, IFLA_IFALIAS, (int)strlen (change->alias), change->alias);
  put_mac (msg, change->mac);
  if (change->master != 0)
    nla_put_u32 (msg, IFLA_MASTER, change->master == SCL_LINK_ALONE ? 0 : (guint32)change->master);
  if (change->group != 0)
    nla_put_u32 (msg, IFLA_GROUP, change->group);
  if (change->netns_fd > 0)
    nla_put_u32 (msg, IFLA_NET_NS_FD, (guint32)change->netns_fd);
  return _scl_netlink_talk (self, msg);
}

int
_scl_netlink_delete_link (SclNetlink *self, int index)
{
  int rc = _scl_netlink_talk (self, new_link_msg (RTM_DELLINK, 0, index));

  return rc == -ENODEV ? 0 : rc;
}

int
_scl_netlink_delete_group (SclNetlink *self, guint group)
{
  struct nl_msg *msg = new_link_msg (RTM_DELLINK, 0, 0);
  int rc;

  nla_put_u32 (msg, IFLA_GROUP, group);
  rc = _scl_netlink_talk (self, msg);
  return rc == -ENODEV ? 0 : rc;
}
