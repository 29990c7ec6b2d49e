# SPDX-License-Identifier: LGPL-2.1-or-later
{ lib, ... }:
{
  imports = [
    { ctrl-os.vms.networks.default.allowedTCPPorts = [ "2201:192.168.20.11:22" ]; imports = [ { ctrl-os.vms.networks.default.allowedTCPPorts = [ "2202:192.168.20.12:22" ]; } ]; }
    { ctrl-os.vms.networks.default.allowedTCPPorts = lib.mkBefore [ "2203:192.168.20.13:22" ]; }
    { ctrl-os.vms.networks.default.allowedTCPPorts = lib.mkAfter [ "2204:192.168.20.14:22" ]; }
    { ctrl-os.vms.networks.default.allowedTCPPorts = lib.mkOrder 900 [ "2205:192.168.20.15:22" ]; }
  ];
  ctrl-os.vms.networks.default.allowedTCPPorts = [ "2206:192.168.20.16:22" ];
  ctrl-os.vms.virtualMachines.a.image = "/srv/a.raw";
}
