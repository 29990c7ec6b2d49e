# SPDX-License-Identifier: LGPL-2.1-or-later
{ lib, ... }:
{
  config = lib.mkMerge [
    { ctrl-os.vms.networks.default.allowedUDPPorts = [ "53:192.168.20.2:53" ]; }
    { ctrl-os.vms.networks.default.allowedUDPPorts = lib.mkIf false [ "54:192.168.20.2:53" ]; }
    { ctrl-os.vms.networks.default.allowedUDPPorts = lib.mkMerge [ [ "55:192.168.20.2:53" ] (lib.mkBefore [ "56:192.168.20.2:53" ]) ]; }
  ];
}
