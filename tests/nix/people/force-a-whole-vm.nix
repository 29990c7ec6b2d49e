# SPDX-License-Identifier: LGPL-2.1-or-later
{ lib, ... }:
{
  imports = [ ./parts/base.nix ];
  ctrl-os.vms.virtualMachines.base = lib.mkForce { image = "/srv/other.raw"; };
}
