/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The lab of the traffic tests: a host with a LAN and an internet behind it. */

#include "network-traffic.h"

#define LAN_IP "198.51.100.2"
#define CLIENT_IP "198.51.100.9"
#define SERVER_IP "203.0.113.80"

#define MAC1 "52:00:00:00:00:01"
#define MAC2 "52:00:00:00:00:02"
#define MAC3 "52:00:00:00:00:03"

/* The host's uplink "gw0" (198.51.100.2/24) with a LAN client (.9) and a router (.1) behind it,
 * which has an internet server at 203.0.113.80. A second uplink "alt0" (10.77.0.2/24) with a client
 * (.9). */
static inline void
make_lab (void)
{
  sh ("ip netns add client && ip netns add server && ip netns add altclient");
  sh ("ip netns add switch && ip -n switch link add br0 type bridge && ip -n switch link set br0 "
      "up");
  sh ("ip link add gw0 type veth peer name p1 netns switch && "
      "ip -n client link add eth0 type veth peer name p2 netns switch && "
      "ip -n server link add eth0 type veth peer name p3 netns switch && "
      "for l in p1 p2 p3; do ip -n switch link set $l master br0 up; done");
  sh ("ip addr add 198.51.100.2/24 dev gw0 && ip link set gw0 up");
  sh ("ip -n client addr add 198.51.100.9/24 dev eth0 && ip -n client link set eth0 up && "
      "ip -n client route add 192.168.10.0/24 via 198.51.100.2");
  sh ("ip -n server addr add 198.51.100.1/24 dev eth0 && ip -n server link set eth0 up && "
      "ip -n server link set lo up && ip -n server addr add 203.0.113.80/32 dev lo");
  sh ("ip link add alt0 type veth peer name eth0 netns altclient && "
      "ip addr add 10.77.0.2/24 dev alt0 && ip link set alt0 up && "
      "ip -n altclient addr add 10.77.0.9/24 dev eth0 && ip -n altclient link set eth0 up && "
      "ip -n altclient route add default via 10.77.0.2");
}

static inline int
udp_at (const char *netns, const char *ip, guint16 port)
{
  return serve (netns, SOCK_DGRAM, ip, port);
}

static inline GPtrArray *
two_networks (void)
{
  return make_targets (
      make_target (make_spec ("a", "192.168.10.1", "192.168.20.1", 24, "tcp:2222:192.168.20.11:22",
                              "udp:5353:192.168.20.11:53", NULL),
                   "one=" MAC1, "two=" MAC2, NULL),
      make_target (
          make_spec ("b", "192.168.10.2", "192.168.20.1", 24, "tcp:2222:192.168.20.11:22", NULL),
          "three=" MAC3, NULL),
      NULL);
}

static inline GPtrArray *
start (Fixture *f, const char *gateway)
{
  GPtrArray *targets = two_networks ();

  make_lab ();
  sh ("ip route add default via 198.51.100.1 dev gw0");
  assert_ok (apply_networks (f->backend, gateway, targets, &error));
  assert_observed (f->backend, targets);
  start_guest ("one", "192.168.20.11", "192.168.20.1");
  start_guest ("two", "192.168.20.12", "192.168.20.1");
  start_guest ("three", "192.168.20.11", "192.168.20.1");
  return targets;
}

/* As somebody does who loads a firewall of his own. The wires of "one" and "three" are back then. */
static inline void
flush_host (void)
{
  sh ("nft flush ruleset");
  wire_guest ("one");
  wire_guest ("three");
}
