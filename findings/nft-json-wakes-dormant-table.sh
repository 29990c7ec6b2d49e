#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# nftables 1.0.6-2+deb12u2, on any kernel; 1.1.3 lists the flags rightly.
#
# Guessed: `nft -j list ruleset` says of a table what `nft list ruleset` says, so what is saved as JSON and loaded again is the same ruleset.
# Seen: where the text says "flags dormant", the JSON has the table's own name as its flags. Loaded again the table is awake, and its rules, which were
# switched off, are in force. Of a dormant table that holds nothing the document breaks off in the middle, and nft ends with 0.
# So: whoever compares or saves rulesets as JSON asks for the flags of tables otherwise (text, or netlink's NFTA_TABLE_FLAGS), and reads what nft prints
# as something that may be no JSON.
set -euo pipefail
packages='nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 libnftnl11 libmnl0 libjansson4 libxtables12'

# shellcheck source=findings/packages.sh
. "$(dirname "$(readlink -f "$0")")/packages.sh"

# flags: those that the text has.
flags ()
{
  nft list table inet abc | sed -n 's/^\tflags \(.*\)/\1/p'
}

expect "version" "$(nft --version)" "nftables v1.0.6 (Lester Gooch #5)"
nft 'flush ruleset; add table inet abc { flags dormant; chain c { type filter hook input priority 0; tcp dport 9 drop; }; }'
expect "flags in the text" "$(flags)" dormant
nft -j list ruleset > "$folder/rules"
expect "flags in JSON" "$(grep -o '"flags": "[^"]*"' "$folder/rules")" '"flags": "abc"'
nft flush ruleset
nft -j -f "$folder/rules"
expect "flags when it is loaded again" "$(flags)" ""
nft 'flush ruleset; add table inet abc { flags dormant; }'
nft -j list ruleset > "$folder/rules"
expect "the end of the document of an empty one" "$(grep -o '"flags":.*' "$folder/rules")" '"flags": '
exit "$failed"
