# SPDX-License-Identifier: LGPL-2.1-or-later
{ lib, ... }:
{
  ctrl-os.vms = {
    gatewayInterface = lib.mkOverride 2000 "eth0";
    networks.default = {
      externalIP = lib.mkOverride 1800 "10.7.7.1";
      gatewayIP = lib.mkOverride 1499 "10.7.8.1";
      allowedTCPPorts = lib.mkOptionDefault [ "2222:10.7.8.2:22" ];
      allowedUDPPorts = lib.mkOverride 1501 [ "53:10.7.8.2:53" ];
    };
    networks.lan = {
      externalIP = lib.mkOverride 1800 "10.7.9.1";
      gatewayIP = lib.mkOptionDefault "10.7.10.1";
      internalNetmask = lib.mkMerge [ (lib.mkOverride 2000 "255.255.0.0") (lib.mkIf false "255.0.0.0") ];
    };
    virtualMachines = {
      plain = {
        image = lib.mkOverride 2000 "/srv/plain.raw";
        cores = lib.mkOverride 2000 4;
        autoStart = lib.mkOverride 1600 false;
        imageSize = lib.mkOverride 1700 64;
        memorySize = lib.mkOptionDefault 1024;
        network = lib.mkMerge [ (lib.mkOverride 1600 "elsewhere") (lib.mkDefault "lan") ];
      };
      called = { name, ... }: {
        image = "/srv/${name}.raw";
        cores = lib.mkOverride 2000 4;
        shutdownTimeout = lib.mkOverride 1499 30;
      };
    };
  };
}
