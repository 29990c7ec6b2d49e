# SPDX-License-Identifier: LGPL-2.1-or-later
{ config, lib, ... }:
{
  imports = [
    { options.lab.sizes = lib.mkOption { type = lib.types.attrsOf lib.types.int; }; config.lab.sizes.a = 1; }
    { options.lab.sizes = lib.mkOption { default = { }; description = "Sizes."; }; config.lab.sizes.b = 2; }
    { options.lab.guest = lib.mkOption { type = lib.types.submodule { options.x = lib.mkOption { default = 5; }; }; default = { }; }; }
    { options.lab.guest = lib.mkOption { type = lib.types.submodule { options.y = lib.mkOption { default = 6; }; }; }; }
  ];
  ctrl-os.vms.virtualMachines = lib.mapAttrs (name: cores: { image = "/srv/${name}.raw"; inherit cores; })
    (config.lab.sizes // { c = config.lab.guest.x + config.lab.guest.y; });
}
