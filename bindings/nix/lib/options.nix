# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `lib.options` and `lib.modules` of the stand-in: what declares options, and what modules set them with.
{ merge, engine, lib }:
let
  inherit (builtins) all elemAt filter foldl' head isAttrs isBool isFunction isInt isList isString length map;
  inherit (merge) fail show;

  override = priority: content: { _type = "override"; inherit priority content; };
  order = priority: content: { _type = "order"; inherit priority content; };
  values = map (d: d.value);
  conflict = names: defs:
    let others = filter (d: d.value != (head defs).value) defs;
    in fail names ((head others).pos or null) "is defined differently at ${show ((head defs).pos or null)}";
in
{
  options = rec {
    mkOption = given: given // { _type = "option"; };
    mkEnableOption = name: mkOption {
      type = lib.types.bool;
      default = false;
      example = true;
      description = "Whether to enable ${name}.";
    };
    isOption = value: isAttrs value && value._type or null == "option";
    mkSinkUndeclaredOptions = given: mkOption ({ internal = true; visible = false; default = false; type = lib.types.unspecified // { merge = _: _: null; }; } // given);
    mergeEqualOption = names: defs:
      let first = (head defs).value;
      in
      if length defs == 1 then first
      else if all isFunction (values defs) then argument: mergeEqualOption names (map (d: d // { value = d.value argument; }) defs)
      else if all (d: d.value == first) defs then first
      else conflict names defs;
    mergeOneOption = mergeUniqueOption { message = ""; };
    mergeUniqueOption = { message ? "", merge ? (_: defs: (head defs).value) }: names: defs:
      if length defs == 1 then merge names defs
      else fail names ((elemAt defs 1).pos or null) "is defined more than once, first at ${show ((head defs).pos or null)}${if message == "" then "" else "; ${message}"}";
    mergeDefaultOption = names: defs:
      let list = values defs;
      in
      if length list == 1 then head list
      else if all isFunction list then argument: mergeDefaultOption names (map (d: d // { value = d.value argument; }) defs)
      else if all isList list then builtins.concatLists list
      else if all isAttrs list then foldl' (a: b: a // b) { } list
      else if all isBool list then builtins.any (x: x) list
      else if all isString list then builtins.concatStringsSep "" list
      else if all isInt list && all (x: x == head list) list then head list
      else fail names ((elemAt defs 1).pos or null) "cannot be merged with the definition at ${show ((head defs).pos or null)}";
    getValues = values;
    getFiles = map (d: d.file);
    literalExpression = text: { _type = "literalExpression"; inherit text; };
    literalMD = text: { _type = "literalMD"; inherit text; };
    showOption = merge.showPath;
    showFiles = files: lib.strings.concatStringsSep " and " (map (file: "`${file}'") files);
    unknownModule = "<unknown-file>";
  };
  modules = {
    mkIf = condition: content: { _type = "if"; inherit condition content; };
    mkMerge = contents: { _type = "merge"; inherit contents; };
    mkAssert = condition: message: content: if condition then content else throw message;
    mkOverride = override;
    mkForce = override 50;
    mkVMOverride = override 10;
    mkImageMediaOverride = override 60;
    mkDefault = override 1000;
    mkOptionDefault = override 1500;
    mkOrder = order;
    mkBefore = order 500;
    mkAfter = order 1500;
    defaultOverridePriority = 100;
    defaultOrderPriority = 1000;
    evalModules = { modules, prefix ? [ ], specialArgs ? { }, ... }: engine.evaluate { inherit modules prefix specialArgs; };
    inherit (engine) mergeDefinitions;
    importJSON = file: { _file = file; config = lib.trivial.importJSON file; };
    importTOML = file: { _file = file; config = lib.trivial.importTOML file; };
    importApply = file: argument: lib.modules.setDefaultModuleLocation file (import file argument);
    setDefaultModuleLocation = file: module: { _file = file; imports = [ module ]; };
  };
}
