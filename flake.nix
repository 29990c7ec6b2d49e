# SPDX-License-Identifier: LGPL-2.1-or-later
{
  description = "Separation Control Layer: virtual machines, disks and separated networks, as declared";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      eachSystem = make: lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
      packageOf = pkgs: pkgs.callPackage ./nix/package.nix { };
    in
    {
      packages = eachSystem (pkgs: rec {
        scl = packageOf pkgs;
        default = scl;
      });

      overlays.default = final: _previous: { scl = packageOf final; };

      nixosModules = {
        vms = ./nix/module.nix;
        default = self.nixosModules.vms;
      };

      devShells = eachSystem (pkgs: {
        default = pkgs.mkShell {
          inputsFrom = [ self.packages.${pkgs.stdenv.hostPlatform.system}.scl ];
          packages = [
            pkgs.clang-tools
            pkgs.cmocka
            pkgs.gi-docgen
            pkgs.nftables
            (pkgs.python3.withPackages (python: [ python.pygobject3 ]))
            pkgs.qemu
            pkgs.shellcheck
          ];
        };
      });

      checks = eachSystem (pkgs: {
        package = self.packages.${pkgs.stdenv.hostPlatform.system}.scl;
        vms = pkgs.testers.runNixOSTest (import ./nix/test.nix { module = self.nixosModules.vms; });
        options-doc = pkgs.runCommand "options-doc" {
          text = (import ./nix/options-doc.nix { inherit lib; }).markdown;
          passAsFile = [ "text" ];
        } ''diff -u ${./doc/options.md} "$textPath" && touch "$out"'';
      });
    };
}
