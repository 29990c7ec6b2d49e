# SPDX-License-Identifier: LGPL-2.1-or-later
{ lib, ... }:
let
  guest = name: cores: { lib, ... }: { ctrl-os.vms.virtualMachines.${name} = { image = lib.mkDefault "/srv/${name}.raw"; inherit cores; }; };
in
{
  imports = [ (guest "a" 2) (guest "b" 3) (import ./parts/make.nix "c") ] ++ map (n: guest "n${toString n}" n) (lib.range 1 3);
  ctrl-os.vms.virtualMachines.b.image = "/srv/special.raw";
}
