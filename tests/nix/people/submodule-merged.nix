# SPDX-License-Identifier: LGPL-2.1-or-later
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  guest.options = {
    tags = mkOption { type = types.listOf types.str; default = [ ]; };
    cores = mkOption { type = types.int; default = 1; };
  };
in
{
  imports = [
    { guests.a = { tags = [ "x" ]; cores = lib.mkDefault 2; }; }
    { guests.a = { tags = lib.mkBefore [ "y" ]; }; guests.b = lib.mkIf false { cores = 9; }; }
  ];
  options.guests = mkOption { type = types.attrsOf (types.submodule guest); };
  config.guests.a = { tags = [ "z" ]; cores = 3; };
  config.ctrl-os.vms.virtualMachines = lib.mapAttrs (name: guest: {
    image = "/srv/${lib.concatStringsSep "-" guest.tags}.raw";
    inherit (guest) cores;
  }) config.guests;
}
