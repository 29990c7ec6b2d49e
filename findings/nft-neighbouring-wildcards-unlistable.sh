#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# nftables 1.0.6-2+deb12u2 (the same seen with 1.1.3-1 of Debian 13).
#
# Guessed: a rule with interface wildcards in an anonymous set (`oifname { "ab*", "ac*" }`) is listed as it was written.
# Seen: where the names follow each other in the alphabet ("ab*" ends where "ac*" or "ac" begins), nft joins them to one range of
# 16-byte values and cannot write that range as names: the listing says { ""-"" } or { ""/7 }, which no nft takes back ("Empty
# string is not allowed"), so `nft list ruleset > file` makes a file that the next boot refuses as a whole. The rule itself matches
# what it should. A named set with the same elements, and an anonymous one with other letters between them, are listed right.
# So: interface names stand in named sets, or as exact names.
set -euo pipefail
packages='nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 libnftnl11 libmnl0 libjansson4 libxtables12'

# shellcheck source=findings/packages.sh
. "$(dirname "$(readlink -f "$0")")/packages.sh"

# load NAMES: a table with the names in a named and in an anonymous set.
load ()
{
  nft flush ruleset
  nft -f - <<RULES
table inet t {
	set named { type ifname; flags interval; elements = { $1 }; }
	chain c {
		type filter hook postrouting priority 0
		oifname { $1 } counter
	}
}
RULES
}

anonymous ()
{
  nft list chain inet t c | sed -n 's/^[[:space:]]*oifname \({.*}\) counter.*/\1/p'
}

reload ()
{
  nft list ruleset > "$folder/list.nft"
  nft flush ruleset
  if nft -f "$folder/list.nft" 2> "$folder/said"; then echo taken; else sed -n '1s/.*Error: //p' "$folder/said"; fi
}

expect "version" "$(nft --version)" "nftables v1.0.6 (Lester Gooch #5)"

load '"ab*", "zz"'
expect "apart" "$(anonymous)" '{ "ab*", "zz" }'
expect "apart, loaded again" "$(reload)" taken

load '"ab*", "ac"'
expect "neighbours" "$(anonymous)" '{ ""-"" }'
expect "the named set beside it" "$(nft list set inet t named | tr -d '\n\t ' | sed 's/.*elements=//; s/}}$//')" '{"ab*","ac"}'
sysctl -qw net.ipv6.conf.default.disable_ipv6=1
ip link add abc type veth peer name other
ip link set abc up
ip link set other up
ip address add 10.0.0.1/24 dev abc
python3 - <<'PYTHON'
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sender.sendto(b"x", ("10.0.0.255", 9))
PYTHON
expect "matches abc" "$(nft list chain inet t c | awk '/counter packets/ { print (/packets 0 / ? "no" : "yes") }')" yes
expect "neighbours, loaded again" "$(reload)" "Empty string is not allowed"

load '"p*", "q*"'
expect "two wildcards" "$(anonymous)" '{ ""/7 }'
exit "$failed"
