# SPDX-License-Identifier: LGPL-2.1-or-later
{ lib, ... }:
{
  ctrl-os.vms.virtualMachines = lib.genAttrs [ "one" "two" ] (_: { name, config, ... }: {
    image = "/srv/${name}.raw";
    cores = 2;
    memorySize = config.cores * 1024;
  });
}
