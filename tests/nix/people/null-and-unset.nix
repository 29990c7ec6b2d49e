# SPDX-License-Identifier: LGPL-2.1-or-later
{ lib, ... }:
{
  ctrl-os.vms = {
    gatewayInterface = null;
    virtualMachines.a = { image = "/srv/a.raw"; imageSize = null; mac = null; cloudInitUserConfigFile = null; };
    virtualMachines.b = lib.mkIf false { };
    virtualMachines.c = { image = "/srv/c.raw"; mac = lib.mkIf false "52:54:00:12:34:56"; };
  };
}
