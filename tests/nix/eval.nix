# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Evaluates the real module with modules of a test.
{
  nixpkgs,
  modules,
  pkgs ? import ./pkgs.nix { lib = import (nixpkgs + "/lib"); },
}:
let
  lib = import (nixpkgs + "/lib");
  evaluated = lib.evalModules {
    modules = [
      ./stubs.nix
      ../../nix/module.nix
      { _module.args.pkgs = pkgs; }
    ]
    ++ modules;
  };
in
{
  inherit lib pkgs;
  inherit (evaluated) config options;
  # What NixOS makes of failed assertions: nothing is built.
  failures = map (entry: entry.message) (
    builtins.filter (entry: !entry.assertion) evaluated.config.assertions
  );
}
