# SPDX-License-Identifier: LGPL-2.1-or-later
{ lib, ... }:
let
  base = { cores = 2; memorySize = 2048; image = "/srv/base.raw"; };
  guests = lib.recursiveUpdate { a = base; b = base; } { b.cores = 4; b.autoStart = false; c = base // { image = "/srv/c.raw"; }; };
  chosen = lib.optionalAttrs (lib.versionAtLeast "24.11" "24.05") guests;
in
{
  ctrl-os.vms.virtualMachines = lib.pipe chosen [ (lib.filterAttrs (name: _: name != "a")) (lib.mapAttrs (_: guest: guest // { firmware = "bios"; })) ];
}
