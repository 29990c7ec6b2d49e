# SPDX-License-Identifier: LGPL-2.1-or-later
{ config, lib, ... }:
let cfg = config.lab.vms;
in
{
  options.lab.vms = {
    enable = lib.mkEnableOption "the VMs of the lab";
    cores = lib.mkOption { type = lib.types.ints.between 1 16; default = 1; };
    names = lib.mkOption { type = with lib.types; listOf str; default = [ "a" "b" ]; };
  };
  config = lib.mkIf cfg.enable {
    ctrl-os.vms.virtualMachines = lib.genAttrs cfg.names (name: { image = "/srv/${name}.raw"; inherit (cfg) cores; });
  };
}
