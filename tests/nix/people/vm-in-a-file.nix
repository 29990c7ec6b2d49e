# SPDX-License-Identifier: LGPL-2.1-or-later
{
  ctrl-os.vms.virtualMachines.web = ./parts/web.nix;
  ctrl-os.vms.virtualMachines.mixed = { name, lib, ... }: { imports = [ ./parts/web.nix ]; cores = lib.mkForce 6; };
}
