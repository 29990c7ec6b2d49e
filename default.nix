# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Without flakes: (import ./. { }).scl, and in a NixOS configuration imports = [ (import ./. { }).module ].
{
  pkgs ? import <nixpkgs> { },
}:
{
  scl = pkgs.callPackage ./nix/package.nix { };
  # A path, so that a module that is imported twice is one module.
  module = ./nix/module.nix;
  overlay = final: _previous: { scl = final.callPackage ./nix/package.nix { }; };
}
