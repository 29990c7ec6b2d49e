# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The expression that scl-nix gives to nix-instantiate. What the user says arrives as arguments, never
# as a part of the expression.
{ sclFile, sclAttr ? "", sclIsOptions ? false, sclBuild ? false, ... }@arguments:
let
  found = builtins.tryEval <nixpkgs>;
  attr = builtins.filter (part: builtins.isString part && part != "") (builtins.split "\\." sclAttr);
in
import ./evaluate.nix (import ./files.nix)
{
  nixpkgs = if found.success then found.value else null;
  sources = false;
  build = sclBuild;
  isOptions = sclIsOptions;
  inherit attr;
  given = removeAttrs arguments [ "sclFile" "sclAttr" "sclIsOptions" "sclBuild" ];
}
  (import (/. + sclFile))
