# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Modules -> config and options, as the NixOS module system has them: declared options with their types
# and defaults, conditions handed down to the options they are about. What nobody has declared is
# merged without types where `open` says so, since a NixOS configuration sets options that are not here.
# parts: our own sub-sets of lib; lib: what modules are called with.
{ merge, parts, lib }:
let
  inherit (builtins) any attrNames concatLists concatMap elem elemAt filter foldl' functionArgs genList genericClosure head isAttrs
    isFunction isPath isString length listToAttrs map mapAttrs removeAttrs seq toString unsafeGetAttrPos zipAttrsWith;
  inherit (merge) fail show;

  isCallable = value: isFunction value || (isAttrs value && value ? __functor);
  formalsOf = value: if isFunction value then functionArgs value else value.__functionArgs or (functionArgs (value.__functor value));
  isOption = value: isAttrs value && value._type or null == "option";

  # What a module with `options` or `config` may have beside them.
  known = [ "_class" "_file" "config" "disabledModules" "freeformType" "imports" "key" "meta" "options" ];
  notConfig = [ "_class" "_file" "disabledModules" "freeformType" "imports" "key" "require" ];

  settingsOf = file: module:
    let
      odd = removeAttrs module known;
      name = head (attrNames odd);
    in
    if elem (module._type or null) [ "if" "merge" "override" "order" ] then module
    else if !(module ? config || module ? options) then removeAttrs module notConfig
    else if odd == { } then module.config or { }
    else fail [ name ] (unsafeGetAttrPos name module) "stands beside \"config\" or \"options\" of a module; move it into \"config\"";

  withFreeform = module: settings:
    if !(module ? freeformType) then settings
    else { _type = "merge"; contents = [ settings { _module = { inherit (module) freeformType; }; } ]; };

  # What the module itself is called with. A default in the function's head does not count, as in NixOS.
  argumentsFor = given: args: function:
    let
      missing = name: throw "the function wants the argument \"${name}\"; there are scl, pkgs, lib and config, and what --arg, --argstr and _module.args give";
      find = name: _: given.${name} or (args.${name} or (missing name));
      formals = formalsOf function;
    in
    if formals == { } then given else mapAttrs find formals;

  # { key, file, module } with the module called and taken apart.
  load = call: item:
    let
      source = item.module;
      isFile = isPath source || isString source;
      file = if isFile then toString source else item.file;
      value = if isFile then import source else source;
      module = if isCallable value then call value else value;
      own = module._file or file;
    in
    if !isAttrs module then fail [ "imports" ] (item.pos or null) "an import is ${describe module}, not a module"
    else if isOption module || module._type or null == "configuration" then fail [ "imports" ] (item.pos or null) "an import is a value of type ${module._type}, not a module"
    else {
      key = module.key or (if isFile then file else item.key);
      file = toString own;
      imports = module.imports or [ ];
      importsPos = if module ? imports then unsafeGetAttrPos "imports" module else null;
      disabled = module.disabledModules or [ ];
      options = module.options or { };
      optionsPos = if module ? options then unsafeGetAttrPos "options" module else null;
      settings = withFreeform module (settingsOf own module);
      settingsPos = if module ? config then unsafeGetAttrPos "config" module else null;
    };

  describe = value: {
    bool = "true or false"; float = "a number"; int = "a number"; lambda = "a function"; list = "a list"; null = "null";
    path = "a path"; set = "an attribute set"; string = "a text";
  }.${builtins.typeOf value} or "something else";

  collect = call: modules:
    let
      number = key: file: pos: list: genList
        (n: load call { key = "${key}:${toString n}"; module = elemAt list n; inherit file pos; })
        (length list);
      imported = item: number item.key item.file item.importsPos (merge.within "imports" item.importsPos item.imports);
      start = number "" "an unknown file" null modules;
      closure = allowed: genericClosure { startSet = filter allowed start; operator = item: filter allowed (imported item); };
      all = closure (_: true);
      keyOf = module: if isAttrs module then module.key else toString module;
      disabled = map keyOf (concatMap (item: item.disabled) all);
    in
    # Definitions of what is imported come before those of who imports it.
    reverse (if disabled == [ ] then all else closure (item: !elem item.key disabled));

  reverse = list: genList (n: elemAt list (length list - n - 1)) (length list);

  # Two declarations of one option: the second adds what the first has not said.
  joinTypes = names: pos: a: b:
    let joined = if a ? typeMerge && b ? functor then a.typeMerge b.functor else null;
    in if joined != null then joined else fail names pos "is declared as ${a.description or "something"} and as ${b.description or "something"}";
  join = names: a: b:
    let
      twice = filter (key: a.option ? ${key} && b.option ? ${key}) [ "default" "apply" ];
      type = if a.option ? type && b.option ? type then { type = joinTypes names b.pos a.option.type b.option.type; } else { };
    in
    if twice != [ ] then fail names b.pos "is declared twice, and both say \"${head twice}\"; the other place is ${show a.pos}"
    else a // { option = a.option // b.option // type; };

  # A declaration of the user's takes the place of a stand-in, or adds to it what is below a submodule.
  chosen = declarations:
    let
      own = filter (d: !(d.option.isStandIn or false)) declarations;
      standIn = head (filter (d: d.option.isStandIn or false) declarations);
      type = (head own).option.type or null;
      joined = if type ? functor && standIn.option ? type then standIn.option.type.typeMerge type.functor else null;
    in
    if own == [ ] || length own == length declarations then declarations
    else if joined == null then [ (head own // { option = (head own).option // { isExtended = true; }; }) ] ++ builtins.tail own
    else [ (head own // { option = standIn.option // (head own).option // { type = joined; isExtended = true; }; }) ] ++ builtins.tail own;

  # The definitions of an option, to one value.
  mergeDefinitions = names: type: definitions:
    let
      kept = merge.strongest definitions;
      first = head kept;
      wrong = filter (d: !(type.check d.value)) kept;
      # Only types of ours take a place.
      given = d: { inherit (d) value; file = d.file or "an unknown file"; } // (if type ? takesPlace then { inherit (d) pos; } else { });
      value =
        if kept == [ ] then type.emptyValue.value or (throw "is used but not defined")
        else if wrong != [ ] then fail names (head wrong).pos "is not of the type: ${type.description or type.name}"
        else type.merge names (map given kept);
    in
    { inherit value kept; isDefined = kept != [ ]; highestPrio = if kept == [ ] then 9999 else first.prio; pos = if kept == [ ] then null else first.pos; };

  option = names: declarations: definitions:
    let
      declared = foldl' (join names) (head declarations) (builtins.tail declarations);
      opt = declared.option;
      type = opt.type or parts.types.unspecified;
      preset = if !(opt ? default) then [ ] else [
        (merge.definition (unsafeGetAttrPos "default" opt) { _type = "override"; priority = 1500; content = opt.default; } // { inherit (declared) file; })
      ];
      all = definitions ++ preset;
      merged = mergeDefinitions names type all;
      pos = if merged.pos == null then declared.pos else merged.pos;
      set = builtins.concatMap merge.discharge definitions;
      readOnly = opt.readOnly or false && length set + length preset > 1;
      value = if readOnly then fail names (head set).pos "is read-only, and set" else merged.value;
    in
    opt // {
      inherit type;
      loc = names;
      value = merge.within (merge.showPath names) pos (if opt ? apply then opt.apply value else value);
      inherit (merged) isDefined highestPrio;
      definitions = map (d: d.value) merged.kept;
      definitionsWithLocations = map (d: { inherit (d) value; file = d.file or "an unknown file"; }) merged.kept;
      files = map (d: d.file or "an unknown file") merged.kept;
      declarations = map (d: d.file) declarations;
      __toString = _: merge.showPath names;
    };

  declarationsBelow = names: declarations:
    let
      below = d: if isAttrs d.option then
        mapAttrs (name: option: { inherit option; inherit (d) file; pos = let own = unsafeGetAttrPos name d.option; in if own == null then d.pos else own; }) d.option
      else fail names d.pos "is declared as ${describe d.option}, where mkOption is needed";
    in
    zipAttrsWith (_: found: found) (map below declarations);

  # Each name below to { option }, { tree } or { free }: its definitions.
  tree = names: declarations: definitions:
    let
      declared = declarationsBelow names declarations;
      odd = d: if isAttrs d.value then d else fail names d.pos "is ${describe d.value}, where an attribute set is needed";
      given = merge.structure (map odd (concatMap merge.open definitions));
      node = name: found:
        let
          path = names ++ [ name ];
          options = filter (d: isOption d.option) found;
          mine = given.${name} or [ ];
        in
        if options == [ ] then { tree = tree path found mine; }
        else if length options == length found then { option = option path (chosen options) mine; }
        else fail path (head options).pos "is an option, but others are declared below it";
    in
    mapAttrs (_: free: { inherit free; }) (removeAttrs given (attrNames declared)) // mapAttrs node declared;

  configOf = names: mapAttrs (name: node:
    if node ? option then node.option.value
    else if node ? tree then configOf (names ++ [ name ]) node.tree
    else merge.plain (names ++ [ name ]) node.free);
  optionsOf = nodes: mapAttrs (_: node: node.option or (optionsOf node.tree))
    (removeAttrs nodes (filter (name: nodes.${name} ? free) (attrNames nodes)));

  # What is set, but not declared: [ { path, found } ].
  unmatched = names: nodes: concatMap
    (name:
      let node = nodes.${name};
      in
      if node ? tree then unmatched (names ++ [ name ]) node.tree
      else if node ? free then map (found: { path = names ++ [ name ]; inherit found; }) node.free
      else [ ])
    (attrNames nodes);

  setPath = path: value: if path == [ ] then value else { ${head path} = setPath (builtins.tail path) value; };
  update = a: b: a // mapAttrs (name: new: if isAttrs new && !(new ? outPath) && isAttrs (a.${name} or null) then update a.${name} new else new) b;

  internal = {
    options._module = {
      args = parts.options.mkOption { type = parts.types.lazyAttrsOf parts.types.raw; };
      check = parts.options.mkOption { type = parts.types.bool; default = true; };
      freeformType = parts.options.mkOption { type = parts.types.raw; default = null; };
    };
  };

  # isKnown: whether what is not declared at a path is a mistake (null: nothing is).
  evaluate = { modules, prefix ? [ ], specialArgs ? { }, args ? { }, isMistake ? (_: _: true) }:
    let
      given = { inherit lib options specialArgs; config = settled; } // specialArgs;
      items = collect (function: function (argumentsFor given (config._module.args // args) function)) ([ internal ] ++ modules);
      root = map (item: merge.definition item.settingsPos item.settings // { inherit (item) file; }) items;
      declarations = map (item: { option = item.options; pos = item.optionsPos; inherit (item) file; }) (reverse items);
      nodes = tree prefix declarations root;
      options = optionsOf nodes;
      config = configOf prefix nodes;
      left = unmatched [ ] nodes;
      freeform = config._module.freeformType.merge prefix
        (map (u: { inherit (u.found) pos file; value = setPath u.path (merge.close u.found); }) left);
      hasFreeform = config._module.freeformType != null;
      all = if hasFreeform && left != [ ] then update freeform (configOf prefix (declaredOnly nodes)) else config;
      settled = removeAttrs all [ "_module" ];
      mistakes = if hasFreeform || !config._module.check then [ ] else filter (u: isMistake options u.path) left;
      checked = if mistakes == [ ] then settled else fail (prefix ++ (head mistakes).path) (head mistakes).found.pos "there is no such option";
    in
    { _type = "configuration"; config = checked; inherit options; inherit (config) _module; inherit root nodes; };

  declaredOnly = nodes: mapAttrs (_: node: if node ? tree then { tree = declaredOnly node.tree; } else node)
    (removeAttrs nodes (filter (name: nodes.${name} ? free) (attrNames nodes)));
in
{ inherit evaluate isOption load mergeDefinitions; call = argumentsFor; inherit isCallable; }
