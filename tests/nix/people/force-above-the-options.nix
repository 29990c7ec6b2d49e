# SPDX-License-Identifier: LGPL-2.1-or-later
{ lib, ... }:
{
  imports = [ ./parts/base.nix ];
  ctrl-os.vms = lib.mkForce { gatewayInterface = "wlan0"; virtualMachines.base.cores = 5; virtualMachines.base.image = "/srv/forced.raw"; };
}
