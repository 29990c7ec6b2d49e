# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The stand-in for nixpkgs' `lib`: its sub-sets, and all of them together. Each is looked at only when
# it is needed. lib: what modules are called with, which may be the real one.
{ files, lib }:
let
  inherit (files) merge;
  parts = rec {
    inherit (files.trivial { lib = parts; }) asserts debug filesystem fixedPoints trivial versions;
    lists = files.lists { lib = parts; };
    attrsets = files.attrsets { lib = parts; };
    strings = files.strings { lib = parts; };
    generators = files.generators { lib = parts; };
    types = files.types { inherit merge engine; lib = parts; };
    inherit (files.options { inherit merge engine; lib = parts; }) modules options;
  };
  engine = files.modules { inherit merge parts lib; };

  way = "is not in scl-nix's stand-in for nixpkgs' lib; use the real one: scl-nix -I nixpkgs=PATH";
  absent = prefix: builtins.mapAttrs (name: _: throw "${prefix}${name} ${way}");
  subset = name: absent "lib.${name}." (files.absent.${name} or { }) // parts.${name};
  flat = with parts; absent "lib." files.absent.top // builtins // filesystem // debug // fixedPoints // asserts // versions
    // lists // strings // trivial // attrsets // options // modules // { inherit (lists) replicate; inherit (trivial) importJSON importTOML; };
in
{
  inherit engine parts;
  lib = flat // builtins.mapAttrs (name: _: subset name) parts // { inherit (parts.types) mkOptionType isOptionType; };
}
