# SPDX-License-Identifier: LGPL-2.1-or-later
{ config, lib, ... }:
{
  options.lab.extra.enable = lib.mkEnableOption "more VMs";
  config = {
    ctrl-os.vms = {
      gatewayInterface = "eth0";
      virtualMachines = lib.mkMerge [
        { one.image = "/srv/one.raw"; }
        (lib.mkIf config.lab.extra.enable { two.image = "/srv/two.raw"; })
      ];
    };
  };
}
