# SPDX-License-Identifier: LGPL-2.1-or-later
{ config, lib, ... }:
{
  options.guests = lib.mkOption {
    type = lib.types.attrsOf (lib.types.submodule {
      options.image = lib.mkOption { type = lib.types.str; };
      options.cores = lib.mkOption { type = lib.types.int; default = 2; };
    });
  };
  config.guests.a = { name, config, ... }: { image = "/srv/${name}-${toString config.cores}.raw"; };
  config.guests.b = { image = "/srv/b.raw"; cores = config.guests.a.cores + 1; };
  config.ctrl-os.vms.virtualMachines = lib.mapAttrs (_: guest: { inherit (guest) image cores; }) config.guests;
}
