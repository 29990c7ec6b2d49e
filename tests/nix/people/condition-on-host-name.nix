# SPDX-License-Identifier: LGPL-2.1-or-later
{ config, lib, ... }:
{
  config = lib.mkMerge [
    { networking.hostName = "k1"; }
    (lib.mkIf (config.networking.hostName == "k1") { ctrl-os.vms.virtualMachines.k.image = "/srv/k.raw"; })
    (lib.mkIf (config.networking.hostName == "k2") { ctrl-os.vms.virtualMachines.l.image = "/srv/l.raw"; })
  ];
}
