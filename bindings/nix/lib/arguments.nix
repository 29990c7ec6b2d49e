# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What a function or module of the user is called with: `scl`, and stand-ins for nixpkgs' `pkgs` and
# `lib`, which are enough for manifests; the real ones are taken where nixpkgs is given by -I.
{ nixpkgs, standIn }:
let
  inherit (builtins) listToAttrs map pathExists toJSON;

  file = name: content: { _type = "scl-file"; inherit name content; __toString = self: throw intoText; };
  intoText = "a generated file cannot be a part of a text; use it as the value itself";

  scl = {
    cloudConfig = value: file "cloud-config.yaml" "#cloud-config\n${toJSON value}\n";
    networkConfig = value: file "network-config.yaml" "${toJSON value}\n";
    text = file;
  };

  # JSON is YAML.
  format = _: { generate = name: value: file name "${toJSON value}\n"; };

  ways = "give the image as a path (image = ./disk.raw;), or use nixpkgs: scl-nix -I nixpkgs=PATH --unrestricted --build";
  missing = name: { inherit name; value = throw "pkgs.${name} needs nixpkgs, which is not given; ${ways}"; };

  pkgs = listToAttrs (map missing [
    "appendOverlays" "applyPatches" "bash" "buildEnv" "busybox" "callPackage" "cdrkit" "cloud-utils" "concatText" "coreutils"
    "curl" "dockerTools" "extend" "fetchFromGitHub" "fetchgit" "fetchpatch" "fetchtarball" "fetchurl" "fetchzip" "gnutar" "gzip"
    "hello" "linkFarm" "linuxPackages" "mkShell" "nixos" "nixosTest" "OVMF" "openssh" "python3" "qemu" "qemu-utils" "qemu_kvm"
    "qemu_full" "remarshal" "requireFile" "runCommand" "runCommandCC" "runCommandLocal" "runCommandWith" "srcOnly" "stdenv"
    "stdenvNoCC" "substituteAll" "symlinkJoin" "unzip" "util-linux" "vmTools" "wget" "writeScript" "writeScriptBin"
    "writeShellApplication" "writeShellScript" "writeShellScriptBin" "xz" "zstd"
  ]) // {
    lib = standIn;
    formats = { yaml = format; json = format; };
    writeText = file;
    writeTextFile = { name, text, ... }: file name text;
  };

  real = nixpkgs != null;
in
{
  inherit scl;
  lib = if real then import (nixpkgs + "/lib") else standIn;
  pkgs = if real && pathExists (nixpkgs + "/pkgs") then import nixpkgs { } else pkgs;
}
