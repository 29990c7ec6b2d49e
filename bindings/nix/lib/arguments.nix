# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What a function or module of the user is called with: `scl`, and stand-ins for nixpkgs' `pkgs` and
# `lib`, which are enough for manifests; the real ones are taken where nixpkgs is given by -I.
{ nixpkgs }:
let
  inherit (builtins) concatLists concatStringsSep elem filter genList hasAttr isFunction length listToAttrs map pathExists
    substring toJSON;

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
    inherit lib;
    formats = { yaml = format; json = format; };
    writeText = file;
    writeTextFile = { name, text, ... }: file name text;
  };

  override = priority: content: { _type = "override"; inherit priority content; };
  order = priority: content: { _type = "order"; inherit priority content; };

  lib = builtins // rec {
    mkIf = condition: content: { _type = "if"; inherit condition content; };
    mkMerge = contents: { _type = "merge"; inherit contents; };
    mkOverride = override;
    mkForce = override 50;
    mkDefault = override 1000;
    mkOptionDefault = override 1500;
    mkOrder = order;
    mkBefore = order 500;
    mkAfter = order 1500;
    id = x: x;
    flip = f: a: b: f b a;
    const = x: _: x;
    pipe = builtins.foldl' (x: f: f x);
    foldl = builtins.foldl';
    optional = condition: x: if condition then [ x ] else [ ];
    optionals = condition: x: if condition then x else [ ];
    optionalAttrs = condition: x: if condition then x else { };
    optionalString = condition: x: if condition then x else "";
    nameValuePair = name: value: { inherit name value; };
    genAttrs = names: f: listToAttrs (map (name: { inherit name; value = f name; }) names);
    mapAttrsToList = f: set: map (name: f name set.${name}) (builtins.attrNames set);
    mapAttrs' = f: set: listToAttrs (mapAttrsToList f set);
    filterAttrs = keep: set: removeAttrs set (filter (name: !keep name set.${name}) (builtins.attrNames set));
    attrByPath = path: default: set: builtins.foldl' (at: name: if builtins.isAttrs at && hasAttr name at then at.${name} else default) set path;
    recursiveUpdate = a: b: a // builtins.mapAttrs
      (name: new: if builtins.isAttrs new && builtins.isAttrs (a.${name} or null) then recursiveUpdate a.${name} new else new)
      b;
    range = first: last: if first > last then [ ] else genList (n: first + n) (last - first + 1);
    imap0 = f: list: genList (n: f n (builtins.elemAt list n)) (length list);
    imap1 = f: imap0 (n: f (n + 1));
    flatten = x: if builtins.isList x then builtins.concatMap flatten x else [ x ];
    unique = builtins.foldl' (found: x: if elem x found then found else found ++ [ x ]) [ ];
    concatStrings = concatStringsSep "";
    concatMapStrings = f: list: concatStrings (map f list);
    concatMapStringsSep = separator: f: list: concatStringsSep separator (map f list);
    concatLines = concatMapStrings (line: "${line}\n");
    fixedWidthString = width: filler: text:
      if builtins.stringLength text >= width then text else fixedWidthString width filler (filler + text);
    fixedWidthNumber = width: number: fixedWidthString width "0" (toString number);
    hasPrefix = prefix: text: substring 0 (builtins.stringLength prefix) text == prefix;
    importJSON = path: builtins.fromJSON (builtins.readFile path);
    fileContents = path: let text = builtins.readFile path; in builtins.head (builtins.match "(.*[^\n])?\n*" text);
  };

  real = nixpkgs != null;
in
{
  inherit scl;
  lib = if real then import (nixpkgs + "/lib") else lib;
  pkgs = if real && pathExists (nixpkgs + "/pkgs") then import nixpkgs { } else pkgs;
}
