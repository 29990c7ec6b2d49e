# SPDX-License-Identifier: LGPL-2.1-or-later
#
# IPv4 addresses as numbers, as libscl/model/scl-address-text.c has them. Builtins only.
let
  octet = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
  pattern = "${octet}\\.${octet}\\.${octet}\\.${octet}";

  all = 4294967295;

  join = builtins.foldl' (number: part: number * 256 + builtins.fromJSON part) 0;

  # Null if TEXT is no address.
  parse =
    text:
    let
      parts = builtins.match pattern text;
    in
    if parts == null then null else join parts;

  part = number: size: toString (builtins.bitAnd (number / size) 255);

  format =
    number: "${part number 16777216}.${part number 65536}.${part number 256}.${part number 1}";

  ones = number: if number == 0 then 0 else builtins.bitAnd number 1 + ones (number / 2);

  starts = number: size: first: number / size == first;
in
{
  inherit parse format;

  # The subnet that a gateway is in; null if one of both is not well-formed.
  subnet =
    gatewayText: maskText:
    let
      gateway = parse gatewayText;
      mask = parse maskText;
      first = builtins.bitAnd gateway mask;
    in
    if gateway == null || mask == null then
      null
    else
      {
        inherit gateway first mask;
        last = first + (all - mask);
        text = "${format first}/${toString (ones mask)}";
      };

  contains = subnet: number: builtins.bitAnd number subnet.mask == subnet.first;

  # Why nobody can have this address, or null.
  unusable =
    number:
    if starts number 16777216 0 then
      "is in 0.0.0.0/8 (\"this network\")"
    else if starts number 16777216 127 then
      "is in 127.0.0.0/8 (loopback)"
    else if starts number 65536 43518 then
      "is in 169.254.0.0/16 (link-local, used by SCL itself)"
    else if starts number 268435456 14 then
      "is in 224.0.0.0/4 (multicast)"
    else if starts number 268435456 15 then
      "is in 240.0.0.0/4 (reserved)"
    else
      null;
}
