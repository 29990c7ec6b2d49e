# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A value of the user's (attribute set, function, NixOS module) -> the tree that scl-nix reads.
# This file imports nothing, so that it also works in a flake's pure evaluation. files: the others.
files:
# attr: names of the way to the value. isOptions: it is all of `ctrl-os.vms`, also what is no key of a
# manifest. given: more arguments, which win.
{ nixpkgs, sources, build, attr, isOptions, given }:
value:
let
  inherit (builtins) all any attrNames attrValues concatMap concatStringsSep elem filter foldl' functionArgs head intersectAttrs isAttrs
    isFunction isPath isString length map mapAttrs removeAttrs seq trace typeOf;
  inherit (files) merge;

  keys = [ "version" "gatewayInterface" "networks" "virtualMachines" ];
  # Options of the NixOS module that say how it runs, not what.
  extras = [ "enable" "package" "hypervisor" "stateDir" "usesLibvirtd" "manifest" "manifestFile" ];
  # Below these NixOS has options of its own, which nobody has declared here.
  nixos = [
    "assertions" "boot" "console" "containers" "ctrl-os" "documentation" "environment" "fileSystems" "fonts" "hardware" "home-manager" "i18n"
    "networking" "nix" "nixpkgs" "power" "powerManagement" "programs" "security" "services" "specialisation" "swapDevices" "system" "systemd"
    "time" "users" "virtualisation" "warnings" "xdg" "zramSwap"
  ];

  describe = value: {
    bool = "true or false"; float = "a number"; int = "a number"; lambda = "a function"; list = "a list"; null = "null";
    path = "a path"; set = "an attribute set"; string = "a text";
  }.${typeOf value} or "something else";

  base = files.arguments { inherit nixpkgs; standIn = library.lib; };
  library = files.library { inherit files; inherit (base) lib; };
  standIn = files.vms { inherit (library) parts; };
  special = base // { modulesPath = throw "modulesPath is not known outside of NixOS"; } // given;
  known = special // { inherit (evaluated) config options; specialArgs = special; };

  # A function, which need not be a module: what has a default is left to it.
  wanted = function:
    let formals = functionArgs function;
    in
    if formals == { } then known
    else mapAttrs (name: _: known.${name} or (argument name)) (removeAttrs formals (filter (name: formals.${name} && !(known ? ${name})) (attrNames formals)));
  argument = name: evaluated._module.args.${name} or
    (throw "the function wants the argument \"${name}\"; there are scl, pkgs, lib and config, and what --arg and --argstr give");
  call = value: if isFunction value then call (value (wanted value)) else value;

  select = set: name:
    if isAttrs set && set ? ${name} then call set.${name}
    else throw "there is no attribute \"${name}\" (of \"${concatStringsSep "." attr}\")${if isAttrs set then "; there are: ${concatStringsSep ", " (attrNames set)}" else ""}";
  selected = foldl' select (call value) attr;

  # The user's module as it is; what had to be selected or called more than once, as it came out.
  isOneFunction = attr == [ ] && isFunction value && !isFunction (value (wanted value));
  evaluated = library.engine.evaluate {
    modules = [ standIn.module (if isOneFunction then value else selected) ];
    specialArgs = special;
    isMistake = options: path: options ? ${head path} && !elem (head path) nixos;
  };
  inherit (evaluated) config;

  isModule = selected ? ctrl-os || selected ? imports || selected ? config || selected ? options
    || elem (selected._type or null) [ "if" "merge" "override" "order" ];
  both = filter (key: selected ? ${key}) keys;

  inside = definitions: name:
    let opened = concatMap merge.open definitions;
    in (merge.structure (filter (d: isAttrs d.value) opened)).${name} or [ ];
  ours = filter (d: d.file != standIn.module._file) evaluated.root;
  vms = concatMap merge.open (foldl' inside ours [ "ctrl-os" "vms" ]);

  # Options of the user's own below ctrl-os.vms are no keys of a manifest.
  declared = evaluated.options.ctrl-os.vms;
  own = filter (name: !elem name keys) (attrNames declared);
  names = type: attrNames (removeAttrs (type.getSubOptions [ ]) [ "_module" ]);
  ownIn = mapAttrs (key: preset: filter (name: !elem name (attrNames preset)) (names declared.${key}.type)) {
    networks = (standIn.network { name = ""; }).options;
    virtualMachines = standIn.virtualMachine.options;
  };
  without = unwanted: d: if isAttrs d.value && !(d.value ? _type) then d // { value = removeAttrs d.value unwanted; } else d;

  # Of a network or VM, which is a submodule for NixOS: each definition is a module, so that the last one
  # comes first. Functions and files are called, and options of the user's own may add definitions.
  resolve = path: definitions:
    let
      key = head path;
      kept = merge.strongest definitions;
      asModule = d: { _file = d.file or "an unknown file"; } // (if isAttrs d.value then { config = d.value; } else { imports = [ d.value ]; });
      found = library.engine.evaluate {
        modules = library.parts.lists.toList declared.${key}.type.getSubModules ++ map asModule kept;
        prefix = [ "ctrl-os" "vms" ] ++ path;
        args.name = library.parts.lists.last path;
      };
      called = map (without (ownIn.${key} ++ [ "_module" ])) (concatMap merge.open found.root);
      isCalled = isModule && (declared.${key}.isExtended or false || any (d: isFunction d.value || isPath d.value || isString d.value) kept);
    in
    if !elem key [ "networks" "virtualMachines" ] then definitions
    else if isCalled && all (d: d.value != null) kept then called
    else library.parts.lists.reverseList kept;

  # The option of a key as the NixOS module has it; null: none.
  optionOf = path:
    let
      name = library.parts.lists.last path;
      options =
        if length path == 1 then standIn.module.options.ctrl-os.vms
        else if head path == "networks" then (standIn.network { name = builtins.elemAt path 1; }).options
        else standIn.virtualMachine.options;
    in
    options.${name} or null;

  # A default is a definition, too, which wins over weaker ones; libscl puts in what is left out. Lists and
  # sets that are as strong are merged with it, and those of all defaults are empty.
  beside = default: found:
    let least = foldl' (least: d: if d.prio < least then d.prio else least) 100000 found;
    in
    if found == [ ] || least < 1500 then found
    else if least > 1500 then [ ]
    else if isAttrs default || builtins.isList default || all (d: d.value == default) (merge.strongest found) then found
    else [ ((head found) // { prio = 100; value = throw "is as strong as its default, ${builtins.toJSON default}, but is another; mkDefault makes it stronger"; }) ];
  isWeighed = d: d.prio != 100 || merge.kindOf d.value != null;
  settle = path: definitions:
    let option = optionOf path;
    in
    if !any isWeighed definitions || option == null || !(option ? default) then definitions
    else beside option.default (concatMap merge.discharge definitions);

  # Without what is no key of a manifest; on the definitions, which have the places.
  trim = definitions:
    let enabled = (merge.combine ((merge.structure (filter (d: isAttrs d.value) definitions)).enable or [ ])).value or true;
    in
    if !enabled then throw "ctrl-os.vms.enable is false: there is nothing to run"
    else map (without (extras ++ (if isModule then own else [ ]))) definitions;

  # What NixOS makes of `assertions` and `warnings`.
  failed = filter (one: !one.assertion) config.assertions;
  assertion = merge.fail [ ] (builtins.unsafeGetAttrPos "message" (head failed))
    "assertion failed: ${concatStringsSep "; " (map (one: one.message) failed)}";
  warned = tree: foldl' (done: text: trace "warning: ${text}" done) tree config.warnings;
  asserted = tree: if failed == [ ] then warned tree else assertion;

  chosen =
    if !isAttrs selected then throw "it is ${describe selected}; an attribute set, a function that gives one, or a NixOS module is needed"
    else if isModule && both != [ ] then throw "sets ${head both} beside ctrl-os.vms; it belongs into ctrl-os.vms"
    else if isModule then seq config (if vms == [ ] then throw "the module does not set ctrl-os.vms" else trim vms)
    else if isOptions then trim [ (merge.definition null selected) ]
    else [ (merge.definition null selected) ];
  tree = files.manifest { inherit merge; } { inherit resolve settle; } { inherit sources build; } chosen;
in
if isModule && isAttrs selected then asserted tree else tree
