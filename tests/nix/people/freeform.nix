# SPDX-License-Identifier: LGPL-2.1-or-later
{ config, lib, ... }:
{
  options.lab = lib.mkOption {
    type = lib.types.submodule {
      freeformType = lib.types.attrsOf lib.types.int;
      options.base = lib.mkOption { type = lib.types.str; default = "/srv"; };
    };
  };
  config.lab = { web = 2; db = lib.mkForce 3; };
  config.ctrl-os.vms.virtualMachines = lib.mapAttrs (name: cores: { image = "${config.lab.base}/${name}.raw"; inherit cores; })
    (lib.filterAttrs (_: lib.isInt) config.lab);
}
