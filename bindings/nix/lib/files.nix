# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The parts of the library, each read only when it is needed. scl-nix makes the same of this folder for a
# flake, whose evaluation reads no file.
{
  absent = import ./absent.nix;
  arguments = import ./arguments.nix;
  attrsets = import ./attrsets.nix;
  generators = import ./generators.nix;
  library = import ./library.nix;
  lists = import ./lists.nix;
  manifest = import ./manifest.nix;
  merge = import ./merge.nix;
  modules = import ./modules.nix;
  options = import ./options.nix;
  strings = import ./strings.nix;
  trivial = import ./trivial.nix;
  types = import ./types.nix;
  vms = import ./vms.nix;
}
