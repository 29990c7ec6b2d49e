# SPDX-License-Identifier: LGPL-2.1-or-later
{ config, lib, ... }:
{
  options.lab.count = lib.mkOption { type = lib.types.int; default = 2; };
  config = {
    assertions = [
      { assertion = config.lab.count < 5; message = "too many VMs"; }
      { assertion = config.ctrl-os.vms.virtualMachines != { }; message = "no VM"; }
    ];
    ctrl-os.vms.virtualMachines = builtins.listToAttrs (map (n: lib.nameValuePair "vm${toString n}" { image = "/srv/${toString n}.raw"; }) (lib.range 1 config.lab.count));
  };
}
