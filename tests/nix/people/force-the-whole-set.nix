# SPDX-License-Identifier: LGPL-2.1-or-later
{ lib, ... }:
{
  imports = [ ./parts/base.nix ];
  ctrl-os.vms.virtualMachines = lib.mkForce { only.image = "/srv/only.raw"; };
}
