#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# nftables 1.0.6-2+deb12u2 on Linux 6.18 (the kernel decides; the script prints which one it ran on).
#
# Guessed: `add element` of an element that is there changes nothing, as `add table` and `add chain` do, or is refused.
# Seen: it succeeds and changes a part. Another timeout replaces the old one; no timeout takes it away, so that what was to expire stays for ever; a timeout
# on an element without one makes it expire. A comment and a counter stay as they were, without a word. Only another value of a map's key is refused.
# So: whoever repeats a list of elements without their timeouts makes them permanent, and whoever wants a new comment has to delete first.
set -euo pipefail
packages='nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 libnftnl11 libmnl0 libjansson4 libxtables12'

# shellcheck source=findings/packages.sh
. "$(dirname "$(readlink -f "$0")")/packages.sh"

# elements SET: what is in it, without the time that is left.
elements ()
{
  nft list set inet t "$1" | tr -d '\n\t' | sed 's/.*elements = { //; s/ }.*//; s/ expires [0-9a-z]*//g'
}

echo "kernel: $(uname -r)"
expect "version" "$(nft --version)" "nftables v1.0.6 (Lester Gooch #5)"
nft add table inet t
nft 'add set inet t timed { type ipv4_addr; flags timeout; }'
nft 'add set inet t counted { type ipv4_addr; counter; }'
nft 'add map inet t named { type ipv4_addr : ipv4_addr; }'

nft 'add element inet t timed { 10.0.0.1 timeout 1h }'
nft 'add element inet t timed { 10.0.0.1 timeout 2h }'
expect "another timeout" "$(elements timed)" "10.0.0.1 timeout 2h"
nft 'add element inet t timed { 10.0.0.1 }'
expect "no timeout" "$(elements timed)" "10.0.0.1"
nft 'add element inet t timed { 10.0.0.1 timeout 5m }'
expect "a timeout again" "$(elements timed)" "10.0.0.1 timeout 5m"
nft 'delete element inet t timed { 10.0.0.1 }'
nft 'add element inet t timed { 10.0.0.1 comment "one" }'
nft 'add element inet t timed { 10.0.0.1 comment "two" }'
expect "another comment" "$(elements timed)" '10.0.0.1 comment "one"'
nft 'add element inet t counted { 10.0.0.1 counter packets 5 bytes 50 }'
nft 'add element inet t counted { 10.0.0.1 counter packets 7 bytes 70 }'
expect "another counter" "$(elements counted)" "10.0.0.1 counter packets 5 bytes 50"
nft 'add element inet t named { 10.0.0.1 : 10.1.0.1 }'
expect "another value" "$(nft 'add element inet t named { 10.0.0.1 : 10.1.0.2 }' 2>&1 | sed -n '1s/.*: //p')" "File exists"
exit "$failed"
