/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-conntrack-private.h"
#include "backend/network/scl-netlink-private.h"
#include "backend/network/scl-netns-private.h"
#include "backend/network/scl-sysctl-private.h"
#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netlink.h>
#include <netlink/cache.h>
#include <netlink/netfilter/ct.h>
#include <string.h>

enum
{
  ORIGINAL = 0,
  REPLY = 1
};

static guint32
number (struct nl_addr *addr)
{
  guint32 value = 0;

  if (addr == NULL || nl_addr_get_len (addr) != sizeof value)
    return 0;
  memcpy (&value, nl_addr_get_binary_addr (addr), sizeof value);
  return ntohl (value);
}

static void
flow_init (SclFlow *flow, struct nfnl_ct *ct)
{
  guint32 status = nfnl_ct_get_status (ct);

  flow->source = number (nfnl_ct_get_src (ct, ORIGINAL));
  flow->destination = number (nfnl_ct_get_dst (ct, ORIGINAL));
  flow->reply_source = number (nfnl_ct_get_src (ct, REPLY));
  flow->reply_destination = number (nfnl_ct_get_dst (ct, REPLY));
  flow->destination_port
      = nfnl_ct_test_dst_port (ct, ORIGINAL) ? nfnl_ct_get_dst_port (ct, ORIGINAL) : 0;
  flow->reply_source_port
      = nfnl_ct_test_src_port (ct, REPLY) ? nfnl_ct_get_src_port (ct, REPLY) : 0;
  flow->protocol = nfnl_ct_get_proto (ct);
  flow->translated_source = (status & IPS_SRC_NAT) != 0;
  flow->translated_destination = (status & IPS_DST_NAT) != 0;
}

/* A listing walks the kernel's whole table, of all namespaces: 10 ms even if there is nothing. */
static gboolean
has_flows (gpointer data, GError **error)
{
  gboolean *found = data;
  g_autofree char *count = _scl_sysctl_read ("netfilter/nf_conntrack_count");

  *found = g_strcmp0 (count, "0") != 0;
  return TRUE;
}

gboolean
_scl_conntrack_end (int netns_fd, SclFlowFunc func, gconstpointer data, GError **error)
{
  g_autoptr (SclNetlink) sock = NULL;
  struct nl_cache *cache = NULL;
  gboolean found = FALSE;

  if (!_scl_netns_run (netns_fd, has_flows, &found, error))
    return FALSE;
  if (!found)
    return TRUE;
  sock = _scl_netlink_open (netns_fd, NETLINK_NETFILTER, error);
  if (sock == NULL)
    return FALSE;
  nl_socket_enable_auto_ack (sock);
  if (nfnl_ct_alloc_cache (sock, &cache) < 0)
    return TRUE;
  for (struct nl_object *object = nl_cache_get_first (cache); object != NULL;
       object = nl_cache_get_next (object))
    {
      struct nfnl_ct *ct = (struct nfnl_ct *)object;
      SclFlow flow;

      if (nfnl_ct_get_family (ct) != AF_INET)
        continue;
      flow_init (&flow, ct);
      /* An entry that ended by itself in between is as good. */
      if (func (&flow, data))
        (void)nfnl_ct_del (sock, ct, 0);
    }
  nl_cache_free (cache);
  return TRUE;
}
