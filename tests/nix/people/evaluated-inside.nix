# SPDX-License-Identifier: LGPL-2.1-or-later
# A small module system of one's own.
{ lib, ... }:
let
  site = (lib.evalModules {
    modules = [
      { options.guests = lib.mkOption { type = lib.types.attrsOf (lib.types.submodule { options.cores = lib.mkOption { default = 2; }; }); }; }
      { guests.a = { }; guests.b.cores = 5; }
    ];
  }).config;
in
{
  ctrl-os.vms.virtualMachines = lib.mapAttrs (name: guest: { image = "/srv/${name}.raw"; inherit (guest) cores; }) site.guests;
}
