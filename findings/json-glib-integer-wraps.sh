#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# json-glib 1.6.6-1 (Debian 12); the compiler is the machine's.
#
# Guessed: an integer that does not fit 64 bits with a sign (JSON has no limit) is an error of JsonParser, or becomes a double.
# Seen: it is taken as unsigned, or as the largest unsigned number, and then read with a sign: 2^63 is -2^63, everything from 2^64-1 on is -1, and
# -2^63-1 is 2^63-1, with the other sign. json_node_get_double() gives the same.
# So: a size or an id that another program may write larger is taken as a string, or its sign is judged; "too large" cannot be told from -1.
set -euo pipefail
packages='libjson-glib-1.0-0=1.6.6-1 libjson-glib-dev=1.6.6-1 libglib2.0-0 libglib2.0-dev libpcre2-8-0'

# shellcheck source=findings/packages.sh
. "$(dirname "$(readlink -f "$0")")/packages.sh"
# shellcheck source=findings/c-program.sh
. "$(dirname "$(readlink -f "$0")")/c-program.sh"

cat > "$folder/number.c" <<'E'
#include <json-glib/json-glib.h>

int
main (int argc, char **argv)
{
  JsonParser *parser = json_parser_new ();
  JsonNode *root;

  if (!json_parser_load_from_data (parser, argv[1], -1, NULL))
    return 1;
  root = json_parser_get_root (parser);
  g_print ("%" G_GINT64_FORMAT ", %.0f\n", json_node_get_int (root), json_node_get_double (root));
  return 0;
}
E
compile number -ljson-glib-1.0 -lgio-2.0 -lgobject-2.0

expect "2^63 - 1" "$("$folder/number" 9223372036854775807)" "9223372036854775807, 9223372036854775808"
expect "2^63" "$("$folder/number" 9223372036854775808)" "-9223372036854775808, -9223372036854775808"
expect "2^64 - 1" "$("$folder/number" 18446744073709551615)" "-1, -1"
expect "10^20" "$("$folder/number" 100000000000000000000)" "-1, -1"
expect "-2^63 - 1" "$("$folder/number" -9223372036854775809)" "9223372036854775807, 9223372036854775808"
exit "$failed"
