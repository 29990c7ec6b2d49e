# SPDX-License-Identifier: LGPL-2.1-or-later
{ config, lib, ... }:
{
  ctrl-os.vms.enable = true;
  ctrl-os.vms.virtualMachines = lib.mkIf config.ctrl-os.vms.enable { a.image = "/srv/a.raw"; };
  ctrl-os.vms.gatewayInterface = lib.mkIf (config.ctrl-os.vms.virtualMachines ? a) "eth1";
}
