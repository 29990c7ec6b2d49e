# SPDX-License-Identifier: LGPL-2.1-or-later
{ lib, ... }:
let
  files = lib.filterAttrs (name: kind: kind == "regular" && lib.hasSuffix ".nix" name) (builtins.readDir ./parts/vms);
  guests = lib.mapAttrs' (name: _: lib.nameValuePair (lib.removeSuffix ".nix" name) (import (./parts/vms + "/${name}"))) files;
  address = guest: lib.head (lib.splitString "/" guest.address);
  port = guest: "22${lib.last (lib.splitString "." (address guest))}:${address guest}:22";
in
{
  ctrl-os.vms.networks.default.allowedTCPPorts = lib.mapAttrsToList (_: port) guests;
  ctrl-os.vms.virtualMachines = lib.mapAttrs (_: guest: { image = "/srv/disk.raw"; inherit (guest) cores; }) guests;
}
