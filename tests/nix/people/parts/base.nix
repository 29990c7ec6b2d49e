# SPDX-License-Identifier: LGPL-2.1-or-later
{ lib, ... }:
{
  ctrl-os.vms = {
    gatewayInterface = lib.mkDefault "eth0";
    networks.default = { externalIP = "192.168.66.1"; allowedTCPPorts = [ "2222:192.168.20.2:22" ]; };
    virtualMachines.base = { image = "/srv/base.raw"; cores = 2; memorySize = lib.mkDefault 1024; };
  };
}
