# SPDX-License-Identifier: LGPL-2.1-or-later
#
# As much of nixpkgs as the seed's snippets and the module use. The derivations are real, so that what
# refers to a store path is seen to; nobody builds them.
{ lib }:
let
  derivationOf =
    name: attributes:
    derivation (
      {
        inherit name;
        system = "x86_64-linux";
        builder = "/bin/sh";
      }
      // attributes
    );
  package = name: derivationOf name { };
in
rec {
  runCommand = name: attributes: command: derivationOf name (attributes // { inherit command; });
  writeText = name: text: derivationOf name { inherit text; };
  writeShellScript = name: text: derivationOf name { inherit text; };
  fetchurl = { url, sha256 }: derivationOf (baseNameOf url) { inherit url sha256; };
  formats.yaml = { }: { generate = name: value: writeText name (builtins.toJSON value); };
  callPackage = _path: _overrides: package "scl";
  qemu-utils = package "qemu-utils";
  stdenv = {
    buildPlatform.canExecute = _: true;
    hostPlatform = { };
  };
  inherit lib;
}
