# SPDX-License-Identifier: LGPL-2.1-or-later
{ config, lib, ... }:
{
  options.lab.settings = lib.mkOption { type = lib.types.anything; default = { }; };
  config = lib.mkMerge [
    { lab.settings = { web.memory = 3000; web.on = true; db.memory = lib.mkDefault 1; }; }
    { lab.settings = { db.memory = 5000; db.on = lib.mkIf true false; db.left = lib.mkIf false 3; }; }
    {
      ctrl-os.vms.virtualMachines = lib.mapAttrs (name: guest: {
        image = "/srv/${name}-${toString (lib.length (lib.attrNames guest))}.raw";
        memorySize = guest.memory;
        autoStart = guest.on;
      }) config.lab.settings;
    }
  ];
}
