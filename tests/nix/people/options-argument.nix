# SPDX-License-Identifier: LGPL-2.1-or-later
{ config, options, lib, ... }:
{
  options.lab.image = lib.mkOption { type = lib.types.str; };
  options.lab.cores = lib.mkOption { type = lib.types.int; default = 2; };
  config.lab.cores = lib.mkDefault 3;
  config.ctrl-os.vms.virtualMachines = lib.mkMerge [
    (lib.mkIf options.lab.image.isDefined { a.image = config.lab.image; })
    (lib.mkIf options.lab.cores.isDefined { b = { image = "/srv/b.raw"; cores = options.lab.cores.value; memorySize = options.lab.cores.highestPrio; }; })
  ];
}
