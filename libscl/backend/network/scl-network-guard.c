/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-network-guard-private.h"
#include "backend/network/scl-netlink-private.h"
#include "backend/network/scl-sysctl-private.h"
#include "model/scl-address-text-private.h"
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <netlink/msg.h>

#define FLOWS_PATH "netfilter/nf_conntrack_max"
/* No network has more than one part in that many. */
#define FLOWS_SHARE 4
#define FLOWS_MIN 1024
/* A kernel that does not tell, or has no bound (0): its own default for little memory. */
#define FLOWS_MAX_UNKNOWN 65536

#define LOOPBACK 0x7f000000u
#define LINK_LOCAL 0xa9fe0000u

static void
add_host (GPtrArray *hosts, guint32 number)
{
  g_autoptr (GInetAddress) address = _scl_address_from_number (number);

  g_ptr_array_add (hosts, g_inet_address_to_string (address));
}

/* Link-local ones (our own uplinks have one each) are no destination at all, loopback never is. */
static gboolean
is_reached_otherwise (guint32 address)
{
  return (address & 0xff000000u) == LOOPBACK || (address & 0xffff0000u) == LINK_LOCAL;
}

/* A packet to a subnet's broadcast address (the old all-zeros one too) is the host's own as well. */
static void
add_hosts (GPtrArray *hosts, const SclLinkAddress *address)
{
  guint32 mask = _scl_address_mask (address->prefix_length);

  if (is_reached_otherwise (address->local))
    return;
  add_host (hosts, address->local);
  if (address->peer != address->local || address->prefix_length == 0
      || address->prefix_length > 30)
    return;
  add_host (hosts, address->local & mask);
  add_host (hosts, address->local | ~mask);
}

/* The module comes with the first question about its table: the number must not be another one
 * after the first rules. */
static void
load_conntrack (void)
{
  g_autoptr (SclNetlink) sock = _scl_netlink_open (-1, NETLINK_NETFILTER, NULL);
  struct nfgenmsg payload = { .version = NFNETLINK_V0 };
  struct nl_msg *msg;

  if (sock == NULL)
    return;
  msg = nlmsg_alloc_simple (NFNL_SUBSYS_CTNETLINK << 8 | 0xff, 0);
  nlmsg_append (msg, &payload, sizeof payload, NLMSG_ALIGNTO);
  (void)_scl_netlink_talk (sock, msg);
}

static guint
read_flows (void)
{
  g_autofree char *text = _scl_sysctl_read (FLOWS_PATH);
  guint64 all = 0;

  if (text == NULL)
    {
      load_conntrack ();
      text = _scl_sysctl_read (FLOWS_PATH);
    }
  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 1, G_MAXUINT32, &all, NULL))
    all = FLOWS_MAX_UNKNOWN;
  return MAX ((guint)(all / FLOWS_SHARE), FLOWS_MIN);
}

SclNetworkGuard *
_scl_network_guard_new (GArray *addresses)
{
  SclNetworkGuard *self = g_new0 (SclNetworkGuard, 1);

  self->hosts = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < addresses->len; i++)
    add_hosts (self->hosts, &g_array_index (addresses, SclLinkAddress, i));
  self->flows = read_flows ();
  return self;
}

void
_scl_network_guard_free (SclNetworkGuard *self)
{
  g_ptr_array_unref (self->hosts);
  g_free (self);
}
