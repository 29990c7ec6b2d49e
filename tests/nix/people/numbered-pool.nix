# SPDX-License-Identifier: LGPL-2.1-or-later
{ lib, ... }:
{
  ctrl-os.vms.virtualMachines = lib.genAttrs (map (i: "pool-${toString i}") (lib.range 1 3)) (name:
    let index = lib.toInt (lib.removePrefix "pool-" name);
    in {
      image = ./disk.raw;
      mac = "02:00:00:00:83:${lib.fixedWidthString 2 "0" (toString (10 + index))}";
    });
}
