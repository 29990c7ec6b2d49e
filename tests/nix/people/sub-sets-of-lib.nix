# SPDX-License-Identifier: LGPL-2.1-or-later
{ lib, ... }:
let
  names = lib.lists.imap0 (n: name: lib.strings.toLower "${name}${toString n}") [ "Web" "DB" ];
  sizes = lib.attrsets.mapAttrsToList (name: size: { inherit name size; }) { big = 4; tiny = 1; };
  pairs = lib.cartesianProduct { name = names; size = sizes; };
in
{
  ctrl-os.vms.virtualMachines = lib.listToAttrs (map
    (pair: lib.attrsets.nameValuePair "${pair.name}-${pair.size.name}" {
      image = "/srv/${lib.strings.concatMapStringsSep "/" lib.trivial.id [ pair.name pair.size.name ]}.raw";
      cores = lib.trivial.max 2 pair.size.size;
    })
    pairs);
}
