# SPDX-License-Identifier: LGPL-2.1-or-later
{ lib, ... }:
with lib;
{
  options.lab.extra = mkOption { type = with types; attrsOf (nullOr (either int str)); default = { a = 1; b = null; c = "x"; }; };
  config.ctrl-os.vms = mkMerge [
    { gatewayInterface = mkDefault "eth0"; }
    { virtualMachines = mapAttrs' (name: value: nameValuePair "vm-${name}" (mkMerge [ { image = "/srv/${name}.raw"; } (mkIf (name == "b") { cores = 2; }) ])) { a = 1; b = 2; }; }
  ];
}
