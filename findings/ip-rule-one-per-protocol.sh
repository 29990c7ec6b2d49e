#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# iproute2 6.1.0-3 on Linux 6.18 (the kernel decides; the script prints which one it ran on).
#
# Guessed: a policy routing rule is known by its preference, selectors and action, so that the same rule from another program
# (another `protocol`) is "File exists", as it is for a route.
# Seen: each protocol number may have its own copy; only the very same number is refused. For routes the protocol is no part of the key
# and the second is refused. A deletion that names no protocol takes the copy that was added first, whoever added it.
# So: whoever removes a rule names its protocol, or removes somebody else's.
set -euo pipefail
packages='iproute2=6.1.0-3 libbpf1 libelf1 libmnl0 libcap2 libxtables12'

# shellcheck source=findings/packages.sh
. "$(dirname "$(readlink -f "$0")")/packages.sh"

# said COMMAND…: ok, or the error.
said ()
{
  if text=$("$@" 2>&1); then echo ok; else echo "${text##*: }"; fi
}

# The protocols that the rule has copies of, in the order of the kernel.
copies ()
{
  ip -details rule show preference 100 | sed -n 's/.*proto \([a-z0-9]*\).*/\1/p' | xargs
}

echo "kernel: $(uname -r)"
expect "version" "$(ip -V)" "ip utility, iproute2-6.1.0, libbpf 1.1.2"
rule='preference 100 iif lo lookup 100'
# shellcheck disable=SC2086
{
  expect "rule, protocol 50" "$(said ip rule add $rule protocol 50)" ok
  expect "the same, protocol 50" "$(said ip rule add $rule protocol 50)" "File exists"
  expect "the same, protocol 51" "$(said ip rule add $rule protocol 51)" ok
  expect "copies" "$(copies)" "50 51"
  expect "deleted without a protocol" "$(said ip rule del $rule)" ok
  expect "copies that are left" "$(copies)" "51"
}
ip link set lo up
expect "route, protocol 50" "$(said ip route add 10.9.0.0/24 dev lo protocol 50)" ok
expect "route, protocol 51" "$(said ip route add 10.9.0.0/24 dev lo protocol 51)" "File exists"
exit "$failed"
