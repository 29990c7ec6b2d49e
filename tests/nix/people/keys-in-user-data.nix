# SPDX-License-Identifier: LGPL-2.1-or-later
{ pkgs, lib, ... }:
{
  ctrl-os.vms.virtualMachines.demo = {
    image = ./disk.raw;
    cloudInitUserConfigFile = pkgs.writeText "user-data" ''
      #cloud-config
      ${builtins.toJSON { ssh_authorized_keys = [ (lib.removeSuffix "\n" (builtins.readFile ./parts/key.pub)) ]; }}
    '';
  };
}
