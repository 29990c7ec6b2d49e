/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All that the kernel holds of a network, each changed by hand: observation says what and where, the next
 * apply puts it right, and no link is made anew for it. */
#include "network-fixture.h"
#include "backend/network/scl-netlink-private.h"
#include "backend/network/scl-nft-private.h"
#include <linux/netlink.h>

#define MAC1 "52:00:00:00:00:01"
#define MAC2 "52:00:00:00:00:02"
#define IN "ip netns exec " PREFIX "-default "
#define PORT IN "bridge link set dev tknn-demo-0 "
#define LAN IN "ip link set lan type bridge "
#define HERE " in the namespace"

/* Of somebody else, for links to be put together with. They stay. */
#define STRANGE_LINKS                                                                              \
  "ip link add strange type bridge; ip link set strange up; "                                      \
  "ip -n " PREFIX "-default link add strange type veth peer name stranger"

#define LAN_MAC "mac=$(ip -n " PREFIX "-default -br link show lan | awk '{print $3}'); "

typedef struct
{
  const char *command;
  const char *problem; /* all of it */
} Change;

static const Change changes[] = {
  /* links */
  { "ip link set tknu-default mtu 1400", "link tknu-default has mtu 1400, not 1500" },
  { IN "ip link set uplink mtu 1400", "link uplink" HERE " has mtu 1400, not 1500" },
  { IN "ip link set lan mtu 1280", "link lan" HERE " has mtu 1280, not 1500" },
  { IN "ip link set lan mtu 68", "link lan" HERE " has mtu 68, not 1500" },
  { "ip link set tknn-demo-0 mtu 1400", "link tknn-demo-0 has mtu 1400, not 1500" },
  { "ip link set tknm-demo-0 mtu 1400", "link tknm-demo-0 has mtu 1400, not 1500" },
  { IN "ip link set tknn-demo-0 mtu 1400", "link tknn-demo-0" HERE " has mtu 1400, not 1500" },
  { IN "ip link set lo down", "link lo is down" },
  { "ip link set tknu-default arp off", "link tknu-default does not speak ARP" },
  { IN "ip link set uplink arp off", "link uplink" HERE " does not speak ARP" },
  { IN "ip link set lan arp off", "link lan" HERE " does not speak ARP" },
  { IN "ip link set uplink alias ''", "link uplink" HERE " has lost its mark" },
  { "ip link set tknn-demo-0 group 7", "link tknn-demo-0 has another group" },
  { "ip link set tknm-demo-0 group 7", "link tknm-demo-0 has another group" },
  { "ip link set tknu-default master strange",
    "link tknu-default has a master (link " },
  { IN "ip link set uplink master lan", "link uplink" HERE " has a master (link " },
  { IN "ip link set strange master lan", "link strange" HERE " is a port of lan, and not ours" },
  /* the bridge */
  { LAN "stp_state 1", "link lan" HERE " has stp_state 1, not 0" },
  { LAN "ageing_time 0", "link lan" HERE " has ageing_time 0, not 30000" },
  { LAN "mcast_snooping 1", "link lan" HERE " has mcast_snooping 1, not 0" },
  { LAN "mcast_querier 1", "link lan" HERE " has mcast_querier 1, not 0" },
  { LAN "group_fwd_mask 8", "link lan" HERE " has group_fwd_mask 8, not 0" },
  /* its ports */
  { PORT "state 0", "link tknn-demo-0" HERE " has state 0, not 3" },
  { PORT "hairpin on", "link tknn-demo-0" HERE " has hairpin 1, not 0" },
  { PORT "guard on", "link tknn-demo-0" HERE " has guard 1, not 0" },
  { PORT "root_block on", "link tknn-demo-0" HERE " has root_block 1, not 0" },
  { PORT "learning off", "link tknn-demo-0" HERE " has learning 0, not 1" },
  { PORT "flood off", "link tknn-demo-0" HERE " has flood 0, not 1" },
  { PORT "mcast_flood off", "link tknn-demo-0" HERE " has mcast_flood 0, not 1" },
  { PORT "bcast_flood off", "link tknn-demo-0" HERE " has bcast_flood 0, not 1" },
  { PORT "neigh_suppress on", "link tknn-demo-0" HERE " has neigh_suppress 1, not 0" },
  { PORT "isolated on", "link tknn-demo-0" HERE " has isolated 1, not 0" },
  { PORT "locked on", "link tknn-demo-0" HERE " has locked 1, not 0" },
  /* settings of IPv4 and IPv6, of the namespace, … */
  { IN "sysctl -qw net.ipv4.ip_forward=0", "sysctl ipv4/ip_forward is 0, not 1" },
  { IN "sysctl -qw net.ipv4.conf.all.rp_filter=0", "sysctl ipv4/conf/all/rp_filter is 0, not 1" },
  { IN "sysctl -qw net.ipv4.conf.all.proxy_arp=1", "sysctl ipv4/conf/all/proxy_arp is 1, not 0" },
  { IN "sysctl -qw net.ipv4.conf.all.route_localnet=1",
    "sysctl ipv4/conf/all/route_localnet is 1, not 0" },
  { IN "sysctl -qw net.ipv4.conf.all.accept_local=1", "sysctl ipv4/conf/all/accept_local is 1, not 0" },
  { IN "sysctl -qw net.ipv4.conf.all.arp_accept=1", "sysctl ipv4/conf/all/arp_accept is 1, not 0" },
  /* … its links, … */
  { IN "sysctl -qw net.ipv4.conf.lan.forwarding=0",
    "sysctl ipv4/conf/lan/forwarding" HERE " is 0, not 1" },
  { IN "sysctl -qw net.ipv4.conf.uplink.forwarding=0",
    "sysctl ipv4/conf/uplink/forwarding" HERE " is 0, not 1" },
  { IN "sysctl -qw net.ipv4.conf.lan.rp_filter=2",
    "sysctl ipv4/conf/lan/rp_filter" HERE " is 2, not 1" },
  { IN "sysctl -qw net.ipv4.conf.uplink.arp_ignore=1",
    "sysctl ipv4/conf/uplink/arp_ignore" HERE " is 1, not 0" },
  { IN "sysctl -qw net.ipv4.conf.lan.proxy_arp=1",
    "sysctl ipv4/conf/lan/proxy_arp" HERE " is 1, not 0" },
  { IN "sysctl -qw net.ipv4.conf.lan.proxy_arp_pvlan=1",
    "sysctl ipv4/conf/lan/proxy_arp_pvlan" HERE " is 1, not 0" },
  { IN "sysctl -qw net.ipv4.conf.lan.route_localnet=1",
    "sysctl ipv4/conf/lan/route_localnet" HERE " is 1, not 0" },
  { IN "sysctl -qw net.ipv4.conf.lan.accept_local=1",
    "sysctl ipv4/conf/lan/accept_local" HERE " is 1, not 0" },
  { IN "sysctl -qw net.ipv4.conf.lan.arp_accept=1",
    "sysctl ipv4/conf/lan/arp_accept" HERE " is 1, not 0" },
  { IN "sysctl -qw net.ipv4.conf.lan.bc_forwarding=1",
    "sysctl ipv4/conf/lan/bc_forwarding" HERE " is 1, not 0" },
  { IN "sysctl -qw net.ipv4.conf.lan.send_redirects=1",
    "sysctl ipv4/conf/lan/send_redirects" HERE " is 1, not 0" },
  { IN "sysctl -qw net.ipv4.conf.lan.accept_redirects=1",
    "sysctl ipv4/conf/lan/accept_redirects" HERE " is 1, not 0" },
  { IN "sysctl -qw net.ipv4.conf.lan.accept_source_route=1",
    "sysctl ipv4/conf/lan/accept_source_route" HERE " is 1, not 0" },
  { IN "sysctl -qw net.ipv4.conf.lan.log_martians=1",
    "sysctl ipv4/conf/lan/log_martians" HERE " is 1, not 0" },
  { IN "sysctl -qw net.ipv6.conf.lan.disable_ipv6=0",
    "sysctl ipv6/conf/lan/disable_ipv6" HERE " is 0, not 1" },
  { IN "sysctl -qw net.ipv6.conf.uplink.disable_ipv6=0",
    "sysctl ipv6/conf/uplink/disable_ipv6" HERE " is 0, not 1" },
  { IN "sysctl -qw net.ipv6.conf.tknn-demo-0.disable_ipv6=0",
    "sysctl ipv6/conf/tknn-demo-0/disable_ipv6" HERE " is 0, not 1" },
  /* … and the host ends */
  { "sysctl -qw net.ipv4.conf.tknu-default.rp_filter=0",
    "sysctl ipv4/conf/tknu-default/rp_filter is 0, not 1" },
  { "sysctl -qw net.ipv4.conf.tknu-default.proxy_arp=1",
    "sysctl ipv4/conf/tknu-default/proxy_arp is 1, not 0" },
  { "sysctl -qw net.ipv4.conf.tknu-default.route_localnet=1",
    "sysctl ipv4/conf/tknu-default/route_localnet is 1, not 0" },
  { "sysctl -qw net.ipv4.conf.tknu-default.send_redirects=1",
    "sysctl ipv4/conf/tknu-default/send_redirects is 1, not 0" },
  { "sysctl -qw net.ipv4.conf.tknu-default.accept_redirects=1",
    "sysctl ipv4/conf/tknu-default/accept_redirects is 1, not 0" },
  { "sysctl -qw net.ipv4.conf.tknu-default.disable_policy=1",
    "sysctl ipv4/conf/tknu-default/disable_policy is 1, not 0" },
  { "sysctl -qw net.ipv4.conf.tknn-demo-0.rp_filter=0",
    "sysctl ipv4/conf/tknn-demo-0/rp_filter is 0, not 1" },
  { "sysctl -qw net.ipv4.conf.tknm-demo-0.rp_filter=0",
    "sysctl ipv4/conf/tknm-demo-0/rp_filter is 0, not 1" },
  { "sysctl -qw net.ipv4.conf.tknn-demo-0.drop_unicast_in_l2_multicast=0",
    "sysctl ipv4/conf/tknn-demo-0/drop_unicast_in_l2_multicast is 0, not 1" },
  { "sysctl -qw net.ipv4.conf.tknn-demo-0.accept_local=1",
    "sysctl ipv4/conf/tknn-demo-0/accept_local is 1, not 0" },
  /* routes */
  { IN "ip route add 10.0.0.0/8 via 192.168.20.9",
    "the route to 10.0.0.0/8 via 192.168.20.9 through lan" HERE " is not ours" },
  { IN "ip route add blackhole 10.1.0.0/16", "the route to 10.1.0.0/16" HERE " is not ours" },
  { IN "ip route add default via 192.168.20.9 metric 7",
    "the default route via 192.168.20.9 through lan" HERE " is not ours" },
  { IN "ip route add 10.2.0.0/16 via 192.168.20.9 table 99",
    "the route to 10.2.0.0/16 via 192.168.20.9 through lan (table 99)" HERE " is not ours" },
  { IN "ip route add local 10.3.0.0/16 dev lan",
    "the route to 10.3.0.0/16 through lan (table 255)" HERE " is not ours" },
  { IN "ip route change default via 169.254.77.1 mtu 900",
    "the default route via 169.254.77.1 through uplink" HERE " is not ours" },
  { "ip -n tkn-default nexthop add id 7 dev uplink; ip -n tkn-default route add 10.4.0.0/16 nhid 7",
    "the route to 10.4.0.0/16 through uplink" HERE " is not ours" },
  { "ip -n tkn-default nexthop add id 8 via 192.168.20.9 dev lan; ip -n tkn-default nexthop add id 9 group 7/8; "
    "ip -n tkn-default route add 10.5.0.0/16 nhid 9 metric 5",
    "the route to 10.5.0.0/16" HERE " is not ours" },
  { IN "ip route del default",
    "the default route via 169.254.77.1 through uplink is missing" HERE },
  { IN "ip route del 192.168.20.0/24", "the route to 192.168.20.0/24 through lan is missing" HERE },
  { IN "ip route del local 192.168.20.1 table local",
    "the route to 192.168.20.1/32 through lan (table 255) is missing" HERE },
  /* policy rules */
  { IN "ip rule add pref 100 table 99", "the policy rule 100" HERE " is not ours" },
  { IN "ip rule add pref 100 from 192.168.20.2 prohibit", "the policy rule 100" HERE " is not ours" },
  { IN "ip rule add pref 32766 from 10.0.0.1 lookup main", "the policy rule 32766" HERE " is not ours" },
  { IN "ip rule del pref 32766", "the policy rule 32766 is missing" HERE },
  /* neighbours */
  { IN "ip neigh del 169.254.77.1 dev uplink",
    "link uplink" HERE " has not the fixed neighbour 169.254.77.1 with the MAC " },
  { IN "ip neigh replace 169.254.77.1 lladdr 02:00:00:00:00:99 dev uplink nud permanent",
    "link uplink" HERE " has not the fixed neighbour 169.254.77.1 with the MAC " },
  { IN "ip neigh replace 192.168.20.2 lladdr " MAC2 " dev lan nud permanent",
    "link lan" HERE " has the fixed neighbour 192.168.20.2, which is not ours" },
  { IN "ip neigh replace 192.168.20.3 lladdr " MAC2 " dev lan nud noarp",
    "link lan" HERE " has the fixed neighbour 192.168.20.3, which is not ours" },
  { IN "ip neigh replace 192.168.20.4 lladdr " MAC2 " dev lan nud reachable extern_learn",
    "link lan" HERE " has the fixed neighbour 192.168.20.4, which is not ours" },
  { IN "ip neigh add proxy 192.168.20.77 dev lan",
    "link lan" HERE " has the fixed neighbour 192.168.20.77, which is not ours" },
  /* forwarding entries */
  { IN "bridge fdb replace " MAC1 " dev tknn-web-0 master static",
    "link tknn-web-0" HERE " has the fixed forwarding entry " MAC1 ", which is not ours" },
  { IN "bridge fdb replace " MAC1 " dev lan self local",
    "link lan" HERE " has the fixed forwarding entry " MAC1 ", which is not ours" },
  { IN "bridge fdb replace " MAC2 " dev tknn-web-0 master dynamic extern_learn",
    "link tknn-web-0" HERE " has the fixed forwarding entry " MAC2 ", which is not ours" },
  { IN "bridge fdb add " MAC1 " dev tknn-web-0 master dynamic sticky",
    "link tknn-web-0" HERE " has the fixed forwarding entry " MAC1 ", which is not ours" },
  { LAN_MAC IN "bridge fdb replace $mac dev tknn-web-0 master static",
    "link lan" HERE " has lost the forwarding entry of its own MAC" },
  { LAN_MAC IN "bridge fdb replace $mac dev tknn-web-0 master permanent",
    "link lan" HERE " has lost the forwarding entry of its own MAC" },
  { LAN_MAC IN "bridge fdb del $mac dev lan self",
    "link lan" HERE " has lost the forwarding entry of its own MAC" },
  { "mac=$(ip -n tkn-default -br link show tknn-demo-0 | awk '{print $3}'); "
    IN "bridge fdb replace $mac dev tknn-web-0 master permanent",
    "link tknn-demo-0" HERE " has lost the forwarding entry of its own MAC" },
  /* queueing disciplines */
  { IN "tc qdisc add dev lan root pfifo limit 1",
    "link lan" HERE " has the queueing discipline pfifo, which is not ours" },
  { IN "tc qdisc add dev tknn-demo-0 clsact",
    "link tknn-demo-0" HERE " has the queueing discipline clsact, which is not ours" },
};

/* Which a kernel can be built without. */
static const Change optional_changes[] = {
  { IN "ip xfrm policy add dir fwd src 0.0.0.0/0 dst 0.0.0.0/0 action block",
    "the namespace has IPsec policies, which are not ours" },
  { LAN "vlan_filtering 1", "link lan" HERE " has vlan_filtering 1, not 0" },
  { LAN "nf_call_iptables 1", "link lan" HERE " has nf_call_iptables 1, not 0" },
  { IN "ip link set tknn-demo-0 type bridge_slave proxy_arp on", "link tknn-demo-0" HERE " has proxy_arp 1, not 0" },
  { PORT "mcast_to_unicast on", "link tknn-demo-0" HERE " has mcast_to_unicast 1, not 0" },
};

static GPtrArray *
demo (void)
{
  return make_targets (
      make_target (make_spec ("default", "192.168.10.1", "192.168.20.1", 24,
                              "tcp:2222:192.168.20.2:22", NULL),
                   "demo=" MAC1, "web=" MAC2, NULL),
      NULL);
}

static void
append_identities (GString *text, int netns_fd)
{
  g_autoptr (SclNetlink) route = _scl_netlink_open (netns_fd, NETLINK_ROUTE, NULL);
  g_autoptr (SclNetlink) netfilter = _scl_netlink_open (netns_fd, NETLINK_NETFILTER, NULL);
  g_autoptr (GPtrArray) links = _scl_netlink_list_links (route, NULL);

  for (guint i = 0; i < links->len; i++)
    {
      const SclLink *link = links->pdata[i];

      g_string_append_printf (text, "%d %s\n", link->index, link->name);
    }
  g_string_append_printf (text, "%u\n", _scl_nft_read_generation (netfilter));
}

/* Numbers of links, generations of rulesets: another one means that something was made anew. */
static char *
identities (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  int fd = -1;

  assert_int_equal (_scl_netns_open (PREFIX "-default", &fd), SCL_NETNS_FOUND);
  append_identities (text, -1);
  append_identities (text, fd);
  close (fd);
  return g_strdup (text->str);
}

static gboolean
says (const char *problems, const char *problem)
{
  g_autofree char *line = g_strdup_printf ("default: %s", problem);

  return strstr (problems, line) != NULL;
}

/* FALSE: the command failed, and the kernel may be one that has no such thing. */
static gboolean
try_change (Fixture *f, GPtrArray *targets, const Change *change)
{
  g_autofree char *before = identities ();
  g_autofree char *after = NULL;
  g_autofree char *problems = NULL;
  g_autofree char *left = NULL;

  int status = 0;
  g_autofree char *output = shell_output (change->command, &status);

  (void)output;
  if (status != 0)
    return FALSE;
  problems = list_problems (f->backend);
  if (!says (problems, change->problem))
    fail_msg ("after \"%s\" the problems were \"%s\"", change->command, problems);
  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  left = list_problems (f->backend);
  if (left[0] != '\0')
    fail_msg ("\"%s\" was not repaired: %s", change->command, left);
  after = identities ();
  if (strcmp (before, after) != 0)
    fail_msg ("after \"%s\" something was made anew:\n%s\n%s", change->command, before, after);
  return TRUE;
}

static void
test_each (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  assert_clean (f->backend);
  sh (STRANGE_LINKS);
  for (gsize i = 0; i < G_N_ELEMENTS (changes); i++)
    if (!try_change (f, targets, &changes[i]))
      fail_msg ("failed: %s", changes[i].command);
  assert_observed (f->backend, targets);
}

static void
test_each_optional (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();
  guint n = 0;

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  for (gsize i = 0; i < G_N_ELEMENTS (optional_changes); i++)
    n += try_change (f, targets, &optional_changes[i]);
  assert_true (n > 0);
}

/* They go, and ours are not made anew for it. */
static void
test_strange_tables (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();
  g_autofree char *before = NULL;
  g_autofree char *problems = NULL;
  g_autofree char *after = NULL;

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  before = sh_output (IN "nft -as list ruleset");
  sh (IN "nft 'add table inet other; add chain inet other f { type filter hook forward priority 0; policy drop; }'");
  sh (IN "nft add table ip " PREFIX);
  problems = list_problems (f->backend);
  assert_true (says (problems, "nft table inet other" HERE " is not ours"));
  assert_true (says (problems, "nft table ip " PREFIX HERE " is not ours"));
  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  assert_clean (f->backend);
  after = sh_output (IN "nft -as list ruleset");
  assert_string_equal (after, before);
}

/* All rules are there, and none of them is in force: it is made anew. PLACE: "ip netns exec N " or "". */
static void
check_dormant (Fixture *f, GPtrArray *targets, const char *place, const char *table, const char *where)
{
  g_autofree char *line
      = g_strdup_printf ("%s: nft table %s is dormant: none of its rules is in force\n", where, table);
  g_autofree char *problems = NULL;
  g_autofree char *left = NULL;

  sh ("%snft 'add table %s { flags dormant; }'", place, table);
  problems = list_problems (f->backend);
  assert_string_equal (problems, line);
  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  assert_clean (f->backend);
  left = sh_output ("%snft list ruleset | grep -c dormant", place);
  assert_string_equal (left, "0");
}

static void
test_dormant_tables (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  check_dormant (f, targets, IN, "inet " PREFIX, "default");
  check_dormant (f, targets, IN, "bridge " PREFIX, "default");
  check_dormant (f, targets, "", "inet " PREFIX, "host");
  /* Beside somebody else's rules the program nft is asked, which says nothing of it. */
  sh ("nft add table inet other");
  check_dormant (f, targets, "", "inet " PREFIX, "host");
}

/* nft 1.0.6 does not list it, newer ones do. */
static void
test_dormant_table_of_others (void **state)
{
  Fixture *f = *state;
  g_autoptr (SclObservation) seen = _scl_observation_new ();
  g_autoptr (GError) why = NULL;

  sh ("nft 'add table inet other { flags dormant; }'");
  if (!_scl_network_backend_observe (f->backend, NULL, seen, NULL, &why)
      && strstr (why->message, "nft table inet other is dormant") == NULL)
    fail_msg ("%s", why->message);
  sh ("nft add table inet other");
  assert_clean (f->backend);
}

/* An edit of what they hold does not leave them so. */
static void
test_edit_of_dormant_tables (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();
  g_autoptr (GPtrArray) edited = make_targets (
      make_target (make_spec ("default", "192.168.10.1", "192.168.20.1", 24, "tcp:2223:192.168.20.2:22",
                              NULL),
                   "demo=" MAC1, NULL),
      NULL);

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  sh (IN "nft 'add table inet " PREFIX " { flags dormant; }; add table bridge " PREFIX " { flags dormant; }'");
  assert_ok (apply_networks (f->backend, NULL, edited, &error));
  assert_observed (f->backend, edited);
  sh (IN "nft list ruleset | grep -q dormant && exit 1 || exit 0");
}

/* All of them at once are put right by one apply. */
static void
test_all_together (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();
  g_autofree char *problems = NULL;

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  sh (STRANGE_LINKS);
  for (gsize i = 0; i < G_N_ELEMENTS (changes); i++)
    {
      int status = 0;
      g_autofree char *output = shell_output (changes[i].command, &status);

      (void)output; /* One may be in the way of another. */
    }
  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  problems = list_problems (f->backend);
  assert_string_equal (problems, "");
}

/* A namespace is born with the host's settings of IPv4: whatever they are, a new network is right at
 * once, and stays so when the host changes them later. */
static void
test_hosts_own_settings (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();
  static const char *const settings[]
      = { "arp_ignore=1", "rp_filter=2", "proxy_arp=1", "route_localnet=1", "accept_local=1",
          "log_martians=1", "send_redirects=1", "accept_source_route=1", "bc_forwarding=1" };

  for (gsize i = 0; i < G_N_ELEMENTS (settings); i++)
    sh ("sysctl -qw net.ipv4.conf.default.%s net.ipv4.conf.all.%s", settings[i], settings[i]);
  /* As with net.core.devconf_inherit_init_net=1, whose namespace is not ours to change here. */
  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  assert_observed (f->backend, targets);
}

/* A host's sysctl.d has the last word on new links: 2 is less strict than 1, but not off. */
static void
test_loose_host_end (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  sh ("sysctl -qw net.ipv4.conf.tknu-default.rp_filter=2 net.ipv4.conf.tknn-demo-0.rp_filter=2");
  assert_clean (f->backend);
}

/* Guests' own entries, learned by the kernel, are nobody's change. */
static void
test_learned_entries (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = demo ();

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  sh (IN "ip neigh replace 192.168.20.2 lladdr " MAC1 " dev lan nud reachable");
  sh (IN "bridge fdb replace " MAC1 " dev tknn-demo-0 master dynamic");
  /* Those of groups and broadcasts are the kernel's. */
  sh (IN "ip neigh replace 224.0.0.22 lladdr 01:00:5e:00:00:16 dev lan nud noarp");
  sh (IN "ip neigh replace 192.168.20.255 lladdr ff:ff:ff:ff:ff:ff dev lan nud noarp");
  assert_clean (f->backend);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    network_test (test_each),           network_test (test_each_optional),
    network_test (test_strange_tables), network_test (test_all_together),   network_test (test_hosts_own_settings),
    network_test (test_loose_host_end), network_test (test_learned_entries),
    network_test (test_dormant_tables), network_test (test_dormant_table_of_others), network_test (test_edit_of_dormant_tables),
  };

  if (fixture_enter () < 0)
    return skip_program ("root");
  return cmocka_run_group_tests (tests, NULL, NULL);
}
