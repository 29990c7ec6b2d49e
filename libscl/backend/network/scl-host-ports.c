/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-host-ports-private.h"
#include "backend/network/scl-netlink-private.h"
#include "backend/network/scl-ruleset-private.h"
#include "backend/network/scl-sysctl-private.h"
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>

/* What comes to the port of an address of the host: not where only IPv6 or only the host itself is heard. */
static gboolean
hears_guests (const struct nlmsghdr *header, const struct inet_diag_msg *message)
{
  const guint8 *address = (const guint8 *)message->id.idiag_src;
  const struct in6_addr *ipv6 = (const struct in6_addr *)message->id.idiag_src;
  const struct nlattr *v6only;

  if (message->idiag_family == AF_INET)
    return address[0] != 127;
  if (IN6_IS_ADDR_V4MAPPED (ipv6))
    return address[12] != 127;
  v6only = nla_find (nlmsg_attrdata (header, sizeof *message),
                     nlmsg_attrlen (header, sizeof *message), INET_DIAG_SKV6ONLY);
  return IN6_IS_ADDR_UNSPECIFIED (ipv6) && (v6only == NULL || nla_get_u8 (v6only) == 0);
}

/* A port may be heard by many sockets, of both families. */
static void
add_listener (const struct nlmsghdr *header, gpointer data)
{
  GHashTable *ports = data;
  const struct inet_diag_msg *message = nlmsg_data (header);
  guint port;

  if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY
      || nlmsg_datalen (header) < (int)sizeof *message)
    return;
  port = g_ntohs (message->id.idiag_sport);
  if (port >= SCL_MASQUERADE_FIRST && port <= SCL_MASQUERADE_LAST && hears_guests (header, message))
    g_hash_table_add (ports, GUINT_TO_POINTER (port));
}

/* A UDP socket that is connected hears only its peer; such a one the kernel would not have given
 * one of these ports. */
static void
list_listeners (SclNetlink *sock, guint8 family, guint8 protocol, GHashTable *ports)
{
  struct inet_diag_req_v2 request
      = { .sdiag_family = family,
          .sdiag_protocol = protocol,
          .idiag_states = 1u << (protocol == IPPROTO_TCP ? TCP_LISTEN : TCP_CLOSE) };
  struct nl_msg *msg = nlmsg_alloc_simple (SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);

  nlmsg_append (msg, &request, sizeof request, NLMSG_ALIGNTO);
  /* A kernel that cannot tell has nothing to warn of. */
  (void)_scl_netlink_dump (sock, msg, add_listener, ports, "sockets", NULL);
}

static int
compare_ports (gconstpointer a, gconstpointer b)
{
  return (int)GPOINTER_TO_UINT (a) - (int)GPOINTER_TO_UINT (b);
}

static void
explain_listeners (SclNetlink *sock, guint8 protocol, GPtrArray *notes)
{
  g_autoptr (GHashTable) ports = g_hash_table_new (g_direct_hash, g_direct_equal);
  g_autoptr (GList) sorted = NULL;

  list_listeners (sock, AF_INET, protocol, ports);
  list_listeners (sock, AF_INET6, protocol, ports);
  sorted = g_list_sort (g_hash_table_get_keys (ports), compare_ports);
  for (GList *l = sorted; l != NULL; l = l->next)
    g_ptr_array_add (
        notes, g_strdup_printf ("a program of the host listens on %s port %u, one of those that "
                                "connections of guests get (%u-%u): a guest could receive what is "
                                "meant for it; move it to another port",
                                protocol == IPPROTO_TCP ? "TCP" : "UDP", GPOINTER_TO_UINT (l->data),
                                SCL_MASQUERADE_FIRST, SCL_MASQUERADE_LAST));
}

static void
explain_range (GPtrArray *notes)
{
  g_autofree char *text = _scl_sysctl_read ("ipv4/ip_local_port_range");
  guint first = 0, last = 0;

  if (text != NULL && sscanf (text, "%u %u", &first, &last) == 2 && last >= SCL_MASQUERADE_FIRST)
    g_ptr_array_add (
        notes, g_strdup_printf ("net.ipv4.ip_local_port_range is %u to %u: connections that the "
                                "host began before %u-%u were reserved for guests may have such a "
                                "port",
                                first, last, SCL_MASQUERADE_FIRST, SCL_MASQUERADE_LAST));
}

void
_scl_host_ports_explain (GPtrArray *notes)
{
  g_autoptr (SclNetlink) sock = _scl_netlink_open (-1, NETLINK_SOCK_DIAG, NULL);

  if (sock != NULL)
    {
      explain_listeners (sock, IPPROTO_TCP, notes);
      explain_listeners (sock, IPPROTO_UDP, notes);
    }
  explain_range (notes);
}
