# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The real module with the modules of a page. The options of sops-nix and agenix are as much of them as pages use.
{
  nixpkgs,
  pages,
}:
let
  lib = import (nixpkgs + "/lib");
  secretsIn =
    folder:
    lib.mkOption {
      default = { };
      type = lib.types.attrsOf (
        lib.types.submodule (
          { name, ... }:
          {
            freeformType = lib.types.attrsOf lib.types.raw;
            options.path = lib.mkOption { default = "${folder}/${name}"; };
          }
        )
      );
    };
  secrets = {
    options.sops.secrets = secretsIn "/run/secrets";
    options.age.secrets = secretsIn "/run/agenix";
  };
  evaluated = import ../nix/eval.nix {
    inherit nixpkgs;
    modules = [ secrets ] ++ pages;
  };

  # A flake's outputs, with inputs as the page names them.
  hosts =
    flake:
    (flake.outputs {
      nixpkgs.lib.nixosSystem = { modules }: modules;
      scl.nixosModules.default = ../../nix/module.nix;
    }).nixosConfigurations;
in
{
  inherit (evaluated.config.ctrl-os.vms) manifest;
  inherit (evaluated) failures;
  inherit hosts;
}
