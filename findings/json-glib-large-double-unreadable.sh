#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# json-glib 1.6.6-1 (Debian 12); the compiler is the machine's.
#
# Guessed: what json_to_string() writes is JSON, and JsonParser reads it back.
# Seen: a double that "%.17g" writes with an exponent and without a point gets ".0" behind the exponent: [1e17] is written as [1e+17.0], which
# JsonParser itself refuses. 1e16 and numbers with a fraction are fine.
# So: a large count that may be a double is written as an integer, or as a string.
set -euo pipefail
packages='libjson-glib-1.0-0=1.6.6-1 libjson-glib-dev=1.6.6-1 libglib2.0-0 libglib2.0-dev libpcre2-8-0'

# shellcheck source=findings/packages.sh
. "$(dirname "$(readlink -f "$0")")/packages.sh"
# shellcheck source=findings/c-program.sh
. "$(dirname "$(readlink -f "$0")")/c-program.sh"

cat > "$folder/twice.c" <<'E'
#include <json-glib/json-glib.h>

/* Reads the argument, writes it, and reads that. */
int
main (int argc, char **argv)
{
  JsonParser *first = json_parser_new ();
  JsonParser *second = json_parser_new ();
  char *text;

  if (!json_parser_load_from_data (first, argv[1], -1, NULL))
    return 1;
  text = json_to_string (json_parser_get_root (first), FALSE);
  g_print ("%s, %s\n", text, json_parser_load_from_data (second, text, -1, NULL) ? "read again" : "refused");
  return 0;
}
E
compile twice -ljson-glib-1.0 -lgio-2.0 -lgobject-2.0

expect "[1e16]" "$("$folder/twice" '[1e16]')" "[10000000000000000.0], read again"
expect "[1.5e17]" "$("$folder/twice" '[1.5e17]')" "[1.5e+17], read again"
expect "[1e17]" "$("$folder/twice" '[1e17]')" "[1e+17.0], refused"
exit "$failed"
