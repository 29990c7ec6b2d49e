# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What nixpkgs' module system makes of each of FILES with the real module: { manifest, failures }.
{ nixpkgs, files }:
let
  lib = import (nixpkgs + "/lib");

  # A generated file, as test_nix_people.py writes down one of scl-nix.
  file = name: text: { outPath = "/file/${name}:${builtins.toJSON text}"; };

  pkgs = {
    inherit lib;
    formats.yaml = _: { generate = name: value: file name "${builtins.toJSON value}\n"; };
    writeText = file;
    qemu-utils = file "qemu-utils" "";
  };

  # What NixOS has, and the files set or read.
  host.options.networking.hostName = lib.mkOption {
    type = lib.types.str;
    default = "nixos";
  };
in
lib.genAttrs files (
  name:
  let
    evaluated = import ./eval.nix {
      inherit nixpkgs pkgs;
      modules = [
        host
        (./people + "/${name}.nix")
      ];
    };
  in
  {
    inherit (evaluated) failures;
    inherit (evaluated.config.ctrl-os.vms) manifest;
  }
)
