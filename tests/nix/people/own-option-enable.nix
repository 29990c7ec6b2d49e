# SPDX-License-Identifier: LGPL-2.1-or-later
{ config, lib, ... }:
let cfg = config.lab;
in
{
  options.lab = {
    enable = lib.mkEnableOption "the lab";
    memory = lib.mkOption { type = lib.types.ints.positive; default = 2048; };
  };
  config = lib.mkMerge [
    { lab.enable = true; }
    (lib.mkIf cfg.enable {
      ctrl-os.vms.virtualMachines.web = { image = "/srv/web.raw"; memorySize = cfg.memory; };
    })
  ];
}
