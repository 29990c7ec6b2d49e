# SPDX-License-Identifier: LGPL-2.1-or-later
{ lib, ... }:
{
  imports = [ ./parts/base.nix ];
  ctrl-os.vms = {
    gatewayInterface = "enp3s0";
    virtualMachines.base = { cores = lib.mkForce 8; memorySize = lib.mkOverride 900 4096; };
    networks.default.externalIP = lib.mkForce "192.168.77.1";
  };
}
