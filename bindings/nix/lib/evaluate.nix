# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A value of the user's (attribute set, function, NixOS module) -> the tree that scl-nix reads.
# This file imports nothing, so that it also works in a flake's pure evaluation.
{ merge, manifest, arguments }:
# attr: names of the way to the value. isOptions: it is all of `ctrl-os.vms`, also what is no key of a
# manifest. given: more arguments, which win.
{ nixpkgs, sources, build, attr, isOptions, given }:
value:
let
  inherit (builtins) attrNames concatStringsSep elem filter foldl' functionArgs genList genericClosure head intersectAttrs isAttrs
    isFunction isPath isString length elemAt map removeAttrs typeOf;

  keys = [ "version" "gatewayInterface" "networks" "virtualMachines" ];
  # Options of the NixOS module that say how it runs, not what.
  extras = [ "enable" "package" "hypervisor" "stateDir" "usesLibvirtd" "manifest" "manifestFile" ];
  notConfig = [ "imports" "options" "disabledModules" "_file" "_class" "_module" "key" ];

  describe = value: {
    bool = "true or false"; float = "a number"; int = "a number"; lambda = "a function"; list = "a list"; null = "null";
    path = "a path"; set = "an attribute set"; string = "a text";
  }.${typeOf value} or "something else";

  base = arguments { inherit nixpkgs; };
  known = base // { inherit config; options = throw "options are not known outside of NixOS"; modulesPath = throw "modulesPath is not known outside of NixOS"; } // given;

  wanted = function:
    let
      formals = functionArgs function;
      unknown = filter (name: !formals.${name} && !(known ? ${name})) (attrNames formals);
    in
    if unknown != [ ] then
      throw "the function wants the argument \"${head unknown}\"; there are scl, pkgs, lib and config, and what --arg and --argstr give"
    else if formals == { } then known
    else intersectAttrs formals known;
  call = value: if isFunction value then call (value (wanted value)) else value;

  select = set: name:
    if isAttrs set && set ? ${name} then call set.${name}
    else throw "there is no attribute \"${name}\" (of \"${concatStringsSep "." attr}\")${if isAttrs set then "; there are: ${concatStringsSep ", " (attrNames set)}" else ""}";
  selected = foldl' select (call value) attr;

  # A module and what it imports, each once.
  load = module: call (if isPath module || isString module then import module else module);
  imported = item:
    let list = item.module.imports or [ ];
    in genList
      (n:
        let module = elemAt list n;
        in {
          key = if isPath module || isString module then toString module else "${item.key}:${toString n}";
          module = load module;
        })
      (length list);
  settings = { module, ... }:
    if !isAttrs module then throw "an import is ${describe module}, not a module"
    else if module ? config || module ? options then module.config or { }
    else removeAttrs module notConfig;
  definitions = map (item: merge.definition null (settings item))
    (genericClosure { startSet = [{ key = ""; module = selected; }]; operator = imported; });
  config = merge.plain "config" definitions;

  isModule = selected ? ctrl-os || selected ? imports || selected ? config;
  both = filter (key: selected ? ${key}) keys;

  inside = name: definitions:
    let found = merge.combine definitions;
    in if found.kind == "attrs" then found.attrs.${name} or [ ] else [ ];
  vms = inside "vms" (inside "ctrl-os" definitions);

  # Without what is no key of a manifest; on the definitions, which have the places.
  trim = definitions:
    let
      found = merge.combine definitions;
      enabled = found.kind != "attrs" || !(found.attrs ? enable) || (merge.combine found.attrs.enable).value or true;
      cut = d: if isAttrs d.value && !(d.value ? _type) then d // { value = removeAttrs d.value extras; } else d;
    in
    if !enabled then throw "ctrl-os.vms.enable is false: there is nothing to run"
    else map cut definitions;

  chosen =
    if !isAttrs selected then throw "it is ${describe selected}; an attribute set, a function that gives one, or a NixOS module is needed"
    else if isModule && both != [ ] then throw "sets ${head both} beside ctrl-os.vms; it belongs into ctrl-os.vms"
    else if isModule && vms == [ ] then throw "the module does not set ctrl-os.vms"
    else if isModule then trim vms
    else if isOptions then trim [ (merge.definition null selected) ]
    else [ (merge.definition null selected) ];
in
manifest { inherit merge; } { inherit sources build; } chosen
