#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# nftables 1.0.6-2+deb12u2, on any kernel that has `meta hour`.
#
# Guessed: `meta hour` is turned into UTC when a rule is loaded and back when it is listed, so a listing is what was loaded and loads again.
# Seen: so it is east of Greenwich. Where local time is behind UTC, an hour that is past midnight there ("23:30" in New York, which is 04:30 UTC) is
# listed as "1193045:58:16", 2^32 seconds too late, and nft refuses to load its own listing. The rule itself matches at the right time.
# So: rules with hours are listed, saved and loaded with TZ=UTC.
set -euo pipefail
packages='nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 libnftnl11 libmnl0 libjansson4 libxtables12'

# shellcheck source=findings/packages.sh
. "$(dirname "$(readlink -f "$0")")/packages.sh"

# listed ZONE: the rule for half past eleven in the evening as it is loaded and listed there.
listed ()
{
  TZ=$1 nft 'flush ruleset; add table inet t; add chain inet t c; add rule inet t c meta hour "23:30" accept'
  TZ=$1 nft list ruleset > "$folder/rules"
  grep hour "$folder/rules" | xargs
}

# loads_again ZONE
loads_again ()
{
  nft flush ruleset
  if TZ=$1 nft -f "$folder/rules" 2> "$folder/why"; then echo yes; else sed -n '1s/.*Error: //p' "$folder/why"; fi
}

expect "version" "$(nft --version)" "nftables v1.0.6 (Lester Gooch #5)"
expect "UTC" "$(listed UTC0)" 'meta hour 23:30 accept'
expect "loads again" "$(loads_again UTC0)" yes
expect "an hour east" "$(listed EAST-1)" 'meta hour 23:30 accept'
expect "loads again" "$(loads_again EAST-1)" yes
expect "five hours west" "$(listed WEST5)" 'meta hour 1193045:58:16 accept'
expect "loads again" "$(loads_again WEST5)" "wrong time format"
exit "$failed"
