#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# cloud-init 22.4.2-1+deb12u4: network-config, version 2.
#
# Guessed: `dhcp4: "no"`, as templates and JSON converters write it, is refused or means no.
# Seen: the text is true because it is not empty, so DHCP is switched on: beside a static address the card then asks for a second one. The word is not even
# looked at: "false" switches it on as well. A text below `dhcp4-overrides`, of the same card, is taken by its words.
set -euo pipefail

# shellcheck source=findings/cloud-init.sh
. "$(dirname "$(readlink -f "$0")")/cloud-init.sh"

card ()
{
  rendered networkd "DHCP= UseDNS=" "{version: 2, ethernets: {enp1s0: {addresses: [10.0.0.2/24], $1}}}"
}

expect "no" "$(card 'dhcp4: no')" "DHCP=no"
expect "no in quotes" "$(card 'dhcp4: "no"')" "DHCP=ipv4"
expect "false in quotes" "$(card 'dhcp4: "false"')" "DHCP=ipv4"
expect "false in quotes below overrides" "$(card 'dhcp4: yes, dhcp4-overrides: {use-dns: "false"}')" "UseDNS=false DHCP=ipv4"
expect "ifupdown, no in quotes" "$(rendered eni iface '{version: 2, ethernets: {enp1s0: {addresses: [10.0.0.2/24], dhcp4: "no"}}}')" \
  "iface lo inet loopback iface enp1s0 inet dhcp iface enp1s0 inet static"
exit "$failed"
