# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The reference of the options: `list` for programs, `markdown` for doc/options.md. Needs nixpkgs' lib only.
{ lib }:
let
  evaluated = lib.evalModules {
    modules = [
      ./module.nix
      {
        # Only the declarations are looked at: the rest of NixOS is not there.
        _module.check = false;
        _module.args.pkgs = throw "the documentation of the options needs no package";
      }
    ];
  };

  list = builtins.filter (option: option.visible && !option.internal) (
    lib.optionAttrSetToDocList { inherit (evaluated.options) ctrl-os; }
  );

  isLong = text: lib.hasInfix "\n" (lib.removeSuffix "\n" text);

  code = text: if isLong text then "\n\n```nix\n${lib.removeSuffix "\n" text}\n```" else " `${text}`";

  render = value: if value._type or "" == "literalMD" then " ${value.text}" else code value.text;

  line = title: option: key: lib.optionalString (option ? ${key}) "\n\n*${title}:*${render option.${key}}";

  entry = option: ''
    ## `${option.name}`

    ${lib.removeSuffix "\n" option.description}

    *Type:* ${option.type}${line "Default" option "default"}${line "Example" option "example"}
  '';

  header = ''
    # Options of the NixOS module

    <!-- made by nix/options-doc.nix, do not edit -->

    Under `ctrl-os.vms`. Networks and VMs are the keys of [the manifest](manifest.md); what their values must be beyond
    their type stands there too. A wrong configuration is refused when it is evaluated, or at the latest when it is built.
  '';
in
{
  inherit list;
  markdown = lib.concatStringsSep "\n" ([ header ] ++ map entry list);
}
