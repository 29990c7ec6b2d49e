/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker.h"

#include "backend/network/scl-link-settings-private.h"
#include "backend/network/scl-network-sysctls-private.h"
#include "backend/network/scl-nft-table-private.h"
#include "model/scl-names-private.h"
#include <fcntl.h>
#include <linux/if.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* The floor: the same network with nothing around it. Addresses, sysctls and rules are those of the
 * backend; there is no look at what is there, no mark that is checked, no repair, no undo. */

#define FLOOR_PREFIX "sclf"
#define FLOOR_NETNS "/run/netns/" FLOOR_PREFIX "-default"
#define FLOOR_LINK FLOOR_PREFIX "u-default"

typedef gboolean (*InsideFunc) (gpointer data, GError **error);

typedef struct
{
  int fd; /* -1: a new namespace */
  InsideFunc func;
  gpointer data;
  GError **error;
} Inside;

static gpointer
inside_thread (gpointer data)
{
  Inside *inside = data;

  if (inside->fd < 0 ? unshare (CLONE_NEWNET) < 0 : setns (inside->fd, CLONE_NEWNET) < 0)
    return GINT_TO_POINTER (scl_throw_errno (inside->error, errno, "cannot enter the namespace"));
  return GINT_TO_POINTER (inside->func (inside->data, inside->error));
}

static gboolean
run_inside (int fd, InsideFunc func, gpointer data, GError **error)
{
  Inside inside = { fd, func, data, error };

  return GPOINTER_TO_INT (g_thread_join (g_thread_new ("floor", inside_thread, &inside)));
}

static gboolean
check (int rc, const char *what, GError **error)
{
  return rc >= 0 || scl_throw (error, SCL_ERROR_BACKEND, "floor: %s: %s", what, nl_geterror (rc));
}

/* All of these work in the namespace of the calling thread. */

static struct nl_sock *
open_route (void)
{
  struct nl_sock *sock = nl_socket_alloc ();

  nl_connect (sock, NETLINK_ROUTE);
  return sock;
}

static int
add_address (struct nl_sock *sock, int link, const char *local, const char *peer)
{
  struct rtnl_addr *address = rtnl_addr_alloc ();
  struct nl_addr *at = NULL;
  struct nl_addr *to = NULL;
  int rc;

  nl_addr_parse (local, AF_INET, &at);
  rtnl_addr_set_ifindex (address, link);
  rtnl_addr_set_local (address, at);
  if (peer != NULL && nl_addr_parse (peer, AF_INET, &to) == 0)
    rtnl_addr_set_peer (address, to);
  rc = rtnl_addr_add (sock, address, 0);
  nl_addr_put (at);
  nl_addr_put (to);
  rtnl_addr_put (address);
  return rc;
}

static int
raise_link (struct nl_sock *sock, int link)
{
  struct rtnl_link *old = rtnl_link_alloc ();
  struct rtnl_link *change = rtnl_link_alloc ();
  int rc;

  rtnl_link_set_ifindex (old, link);
  rtnl_link_set_flags (change, IFF_UP);
  rc = rtnl_link_change (sock, old, change, 0);
  rtnl_link_put (old);
  rtnl_link_put (change);
  return rc;
}

static int
index_of (struct nl_sock *sock, const char *name)
{
  struct rtnl_link *link = NULL;
  int index = rtnl_link_get_kernel (sock, 0, name, &link);

  if (index < 0)
    return index;
  index = rtnl_link_get_ifindex (link);
  rtnl_link_put (link);
  return index;
}

static int
add_bridge (struct nl_sock *sock)
{
  struct rtnl_link *link = rtnl_link_alloc ();
  int rc;

  rtnl_link_set_type (link, "bridge");
  rtnl_link_set_name (link, SCL_NS_BRIDGE);
  rc = rtnl_link_add (sock, link, NLM_F_CREATE | NLM_F_EXCL);
  rtnl_link_put (link);
  return rc;
}

static int
add_default_route (struct nl_sock *sock, int link)
{
  struct rtnl_route *route = rtnl_route_alloc ();
  struct rtnl_nexthop *hop = rtnl_route_nh_alloc ();
  struct nl_addr *to = NULL;
  struct nl_addr *via = NULL;
  int rc;

  nl_addr_parse ("default", AF_INET, &to);
  nl_addr_parse (SCL_HOST_ADDRESS, AF_INET, &via);
  rtnl_route_nh_set_ifindex (hop, link);
  rtnl_route_nh_set_gateway (hop, via);
  rtnl_route_set_dst (route, to);
  rtnl_route_add_nexthop (route, hop);
  rc = rtnl_route_add (sock, route, NLM_F_CREATE);
  nl_addr_put (to);
  nl_addr_put (via);
  rtnl_route_put (route);
  return rc;
}

static int
add_veth (struct nl_sock *sock, int netns)
{
  struct rtnl_link *link = rtnl_link_veth_alloc ();
  struct rtnl_link *peer = rtnl_link_veth_get_peer (link);
  int rc;

  rtnl_link_set_name (link, FLOOR_LINK);
  rtnl_link_set_name (peer, SCL_NS_UPLINK);
  rtnl_link_set_ns_fd (peer, netns);
  rc = rtnl_link_add (sock, link, NLM_F_CREATE | NLM_F_EXCL);
  rtnl_link_put (peer);
  rtnl_link_put (link);
  return rc;
}

static gboolean
run_nft (const char *rules, GError **error)
{
  char *argv[] = { "nft", "-f", "-", NULL };

  return bench_run (argv, rules, error);
}

static gboolean
make_namespace (gpointer data, GError **error)
{
  int fd = open (FLOOR_NETNS, O_CREAT | O_EXCL | O_RDONLY | O_CLOEXEC, 0);

  if (fd < 0)
    return scl_throw_errno (error, errno, "%s", FLOOR_NETNS);
  (void) close (fd);
  if (mount ("/proc/thread-self/ns/net", FLOOR_NETNS, "none", MS_BIND, NULL) != 0)
    return scl_throw_errno (error, errno, "%s", FLOOR_NETNS);
  return _scl_sysctls_write (_scl_sysctls_namespace, error);
}

static gboolean
write_settings (const SclLinkWish *wishes, const char *link, GError **error)
{
  g_autoptr (SclNetlink) sock = _scl_netlink_open (-1, NETLINK_ROUTE, error);

  return sock != NULL && _scl_link_settings_write (wishes, sock, -1, link, error);
}

/* DATA: the manifest's first network. */
static gboolean
fill_namespace (gpointer data, GError **error)
{
  SclNetworkSpec *spec = data;
  g_autofree char *external = g_inet_address_to_string (scl_network_spec_get_external_ip (spec));
  g_autofree char *gateway = g_inet_address_to_string (scl_network_spec_get_gateway_ip (spec));
  g_autofree char *lan
      = g_strdup_printf ("%s/%u", gateway, scl_network_spec_get_prefix_length (spec));
  g_autofree char *rules = bench_network_rules (FLOOR_PREFIX);
  struct nl_sock *sock = open_route ();
  int uplink = index_of (sock, SCL_NS_UPLINK);
  int rc = uplink < 0 ? uplink : add_bridge (sock);
  int bridge = rc < 0 ? rc : index_of (sock, SCL_NS_BRIDGE);

  rc = bridge < 0 ? bridge : add_address (sock, bridge, lan, NULL);
  rc = rc < 0 ? rc : add_address (sock, uplink, external, SCL_HOST_ADDRESS);
  rc = rc < 0 ? rc : raise_link (sock, index_of (sock, "lo"));
  rc = rc < 0 ? rc : raise_link (sock, bridge);
  rc = rc < 0 ? rc : raise_link (sock, uplink);
  rc = rc < 0 ? rc : add_default_route (sock, uplink);
  nl_socket_free (sock);
  return check (rc, "inside", error)
         && write_settings (_scl_wishes_bridge, SCL_NS_BRIDGE, error)
         && run_nft (rules, error);
}

static gboolean
fill_host (SclNetworkSpec *spec, int netns, GError **error)
{
  g_autofree char *external = g_inet_address_to_string (scl_network_spec_get_external_ip (spec));
  g_autofree char *rules = bench_host_rules (FLOOR_PREFIX);
  struct nl_sock *sock = open_route ();
  int rc = add_veth (sock, netns);
  int link = rc < 0 ? rc : index_of (sock, FLOOR_LINK);
  gboolean done;

  rc = link < 0 ? link : add_address (sock, link, SCL_HOST_ADDRESS, external);
  done = check (rc, "host", error) && write_settings (_scl_wishes_uplink_host, FLOOR_LINK, error)
         && check (raise_link (sock, link), "host end", error) && run_nft (rules, error);
  nl_socket_free (sock);
  return done;
}

static gboolean
do_create (char **words, GError **error)
{
  SclNetworkSpec *spec = scl_manifest_lookup_network (bench_manifest, "default");
  gboolean done;
  int netns;

  if (!run_inside (-1, make_namespace, NULL, error))
    return FALSE;
  netns = open (FLOOR_NETNS, O_RDONLY | O_CLOEXEC);
  done = fill_host (spec, netns, error) && run_inside (netns, fill_namespace, spec, error);
  (void) close (netns);
  return done;
}

static gboolean
do_delete (char **words, GError **error)
{
  struct nl_sock *sock = open_route ();
  struct rtnl_link *link = rtnl_link_alloc ();
  int rc;

  rtnl_link_set_name (link, FLOOR_LINK);
  rc = rtnl_link_delete (sock, link);
  rtnl_link_put (link);
  nl_socket_free (sock);
  if (umount2 (FLOOR_NETNS, MNT_DETACH) != 0 || unlink (FLOOR_NETNS) != 0)
    return scl_throw_errno (error, errno, "%s", FLOOR_NETNS);
  return check (rc, "delete", error) && run_nft ("delete table inet " FLOOR_PREFIX "\n", error);
}

const BenchCommand bench_floor_commands[] = {
  { "floor-create", 0, do_create },
  { "floor-delete", 0, do_delete },
  { NULL, 0, NULL },
};
