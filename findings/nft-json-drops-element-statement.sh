#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# nftables 1.0.6-2+deb12u2 (the same seen with 1.1.3-1 of Debian 13).
#
# Guessed: `nft -j list table | nft -j -f -` gives the table back as it was, as `nft list table | nft -f -` does.
# Seen: an element that a rule has put into a dynamic set carries its own statement ("127.0.0.1 ct count over 3"). The JSON
# listing shows it, the JSON reader takes it without a word (status 0) and loads the element bare. A bare element has nothing
# to count, so the rule `add @per { ip saddr ct count over 3 } … reject` matches always: of six new flows three are accepted
# before and after a round trip through text, and none after the one through JSON. An element added by hand does the same.
# So: tables with dynamic sets are saved as text, or without their elements.
set -euo pipefail
packages='nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 libnftnl11 libmnl0 libjansson4 libxtables12'

# shellcheck source=findings/packages.sh
. "$(dirname "$(readlink -f "$0")")/packages.sh"

ip link set lo up

accepted ()
{
  # Ends with the flows of the run before: their sockets are closed, the new ones come from other ports.
  python3 - <<'PYTHON'
import contextlib, socket
with contextlib.ExitStack() as stack:
    server = stack.enter_context(socket.create_server(("127.0.0.1", 9999), backlog=16))
    accepted = 0
    for _ in range(6):
        client = stack.enter_context(socket.socket())
        client.settimeout(5)
        with contextlib.suppress(ConnectionRefusedError):
            client.connect(("127.0.0.1", 9999))
            accepted += 1
print(accepted)
PYTHON
}

fresh ()
{
  nft flush ruleset
  nft -f - <<'RULES'
table ip t {
	set per { type ipv4_addr; size 1024; flags dynamic; }
	chain out {
		type filter hook output priority 0
		ct state new tcp dport 9999 add @per { ip saddr ct count over 3 } counter reject with tcp reset
	}
}
RULES
}

element ()
{
  nft list set ip t per | sed -n 's/^[[:space:]]*elements = //p'
}

expect "version" "$(nft --version)" "nftables v1.0.6 (Lester Gooch #5)"

fresh
expect "accepted of six, new table" "$(accepted)" 3
expect "its element" "$(element)" "{ 127.0.0.1 ct count over 3 }"
nft list table ip t > "$folder/table.nft"
nft -j list table ip t > "$folder/table.json"

nft flush ruleset
nft -f "$folder/table.nft"
expect "element after text" "$(element)" "{ 127.0.0.1 ct count over 3 }"

nft flush ruleset
nft -j -f "$folder/table.json"
expect "element after JSON" "$(element)" "{ 127.0.0.1 }"
expect "accepted of six after JSON" "$(accepted)" 0

fresh
nft add element ip t per '{ 127.0.0.1 }'
expect "accepted of six, element by hand" "$(accepted)" 0
exit "$failed"
