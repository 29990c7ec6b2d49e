#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# cloud-init 22.4.2-1+deb12u4: network-config, version 2.
#
# Guessed: an address without a prefix length is refused, as netplan does, or is a /32; a route to a single address is a route to that host.
# Seen: both silently get /24 (IPv6: /64), whatever the network is. The address works where the network is a /24 and half works elsewhere. The route is
# written as one to the host's whole /24, which networkd takes; ifupdown's line says `route add -net 10.1.0.5/24 … || true`, which `route` refuses for its
# host bits, and nobody is told.
set -euo pipefail

# shellcheck source=findings/cloud-init.sh
. "$(dirname "$(readlink -f "$0")")/cloud-init.sh"

card ()
{
  echo "{version: 2, ethernets: {enp1s0: {addresses: [$1], routes: [{to: $2, via: 10.0.0.1}]}}}"
}

expect "address, networkd" "$(rendered networkd Address= "$(card 10.0.0.2 10.1.0.0/16)")" "Address=10.0.0.2/24"
expect "address, ifupdown" "$(rendered eni address "$(card 10.0.0.2 10.1.0.0/16)")" "address 10.0.0.2/24"
expect "IPv6 address, networkd" "$(rendered networkd Address= "$(card '"2001:db8::2"' 10.1.0.0/16)")" "Address=2001:db8::2/64"
expect "route to a host, networkd" "$(rendered networkd Destination= "$(card 10.0.0.2/16 10.1.0.5)")" "Destination=10.1.0.5/24"
expect "route to a host, ifupdown" "$(rendered eni post-up "$(card 10.0.0.2/16 10.1.0.5)")" "post-up route add -net 10.1.0.5/24 gw 10.0.0.1 || true"
exit "$failed"
