#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# cloud-init 22.4.2-1+deb12u4 with PyYAML 6.0-3+b2: network-config, version 2.
#
# Guessed: `match: {macaddress: 52:54:00:12:34:56}` needs no quotes, since every example writes it so, and nothing in it looks like a number.
# Seen: where all six groups are decimal and below 60, YAML 1.1 reads a number in base 60. What follows depends on what else is set: without `set-name` the
# network configuration ends with "'int' object has no attribute 'lower'", with it the networkd renderer writes that number as the MAC address, without a
# warning, and the card is never found. One letter anywhere in the address, or quotes, and all is well.
# So: of random addresses one in some thousand fails, on one machine of many with the same file. SCL warns of it.
set -euo pipefail

# shellcheck source=findings/cloud-init.sh
. "$(dirname "$(readlink -f "$0")")/cloud-init.sh"

# match MAC MORE: how networkd shall find the card.
match ()
{
  rendered networkd "MACAddress= Name=" "{version: 2, ethernets: {lan: {match: {macaddress: $1}, dhcp4: true$2}}}"
}

expect "a letter, set-name" "$(match 52:54:00:12:34:5a ', set-name: lan')" "MACAddress=52:54:00:12:34:5a Name=lan"
expect "no letter, set-name" "$(match 52:54:00:12:34:56 ', set-name: lan')" "MACAddress=41135085296 Name=lan"
expect "no letter, set-name, quotes" "$(match '"52:54:00:12:34:56"' ', set-name: lan')" "MACAddress=52:54:00:12:34:56 Name=lan"
expect "no letter, no set-name" "$(match 52:54:00:12:34:56 '')" "'int' object has no attribute 'lower'"
expect "no letter, but a group of 60" "$(match 52:54:00:12:34:60 ', set-name: lan')" "MACAddress=52:54:00:12:34:60 Name=lan"
exit "$failed"
