# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `lib.types` of the stand-in: the types of options, with the interface that nixpkgs' types have, so
# that either kind works with modules.nix.
{ merge, engine, lib }:
let
  inherit (builtins) all any attrNames concatLists concatMap elem filter foldl' head isAttrs isBool isFloat isFunction isInt isList isPath
    isString length listToAttrs map mapAttrs match removeAttrs stringLength substring toJSON toString;
  inherit (merge) fail;
  inherit (lib.options) mergeDefaultOption mergeEqualOption mergeOneOption;
  inherit (lib.lists) imap0 imap1;

  isText = value: isString value || (isAttrs value && (value ? outPath || value ? __toString));
  isPathLike = value: isPath value || (isText value && substring 0 1 (toString value) == "/");

  mkOptionType = { name, description ? name, check ? (_: true), merge ? mergeDefaultOption, emptyValue ? { }, nested ? null, join ? null, ... }@given:
    let
      type = removeAttrs given [ "nested" "join" ] // {
        _type = "option-type";
        takesPlace = true;
        inherit name description check merge emptyValue;
        descriptionClass = given.descriptionClass or null;
        getSubOptions = given.getSubOptions or (_: { });
        getSubModules = given.getSubModules or null;
        substSubModules = given.substSubModules or (_: null);
        nestedTypes = given.nestedTypes or (if nested == null then { } else { elemType = nested; });
        functor = given.functor or { inherit name; self = type; wrapped = nested; };
        # With a second declaration of the same option; null: they do not fit.
        typeMerge = given.typeMerge or (other:
          if other.name or null != name then null
          else if join == null then type
          else join other.self);
      };
    in
    type;

  # Of a type around another one.
  joinNested = make: nested: other:
    let joined = nested.typeMerge other.nestedTypes.elemType.functor;
    in if joined == null then null else make joined;

  simple = name: description: check: mkOptionType { inherit name description check; merge = mergeEqualOption; };
  whole = low: high: description: simple "intBetween" description (value: isInt value && value >= low && value <= high);
  signed = bits: let half = foldl' (n: _: n * 2) 1 (builtins.genList (n: n) (bits - 1)); in whole (-half) (half - 1) "${toString bits} bit signed integer";
  unsigned = bits: let size = foldl' (n: _: n * 2) 1 (builtins.genList (n: n) bits); in whole 0 (size - 1) "${toString bits} bit unsigned integer";
  betweenText = low: high: "between ${toString low} and ${toString high} (both inclusive)";

  separated = separator: mkOptionType {
    name = "separatedString";
    description = "text";
    check = isString;
    merge = _: defs: builtins.concatStringsSep separator (map (d: d.value) defs);
  };

  item = d: name: value: { inherit (d) file; inherit value; pos = let own = builtins.unsafeGetAttrPos name d.value; in if own == null then d.pos or null else own; };
  asDefinition = d: merge.definition (d.pos or null) d.value // { inherit (d) file; };
  inner = names: type: defs: engine.mergeDefinitions names type (map asDefinition defs);

  attrsLike = isLazy: name: elemType: mkOptionType rec {
    inherit name;
    description = "attribute set of ${elemType.description or elemType.name}";
    check = value: isAttrs value;
    emptyValue.value = { };
    nested = elemType;
    join = joinNested (attrsLike isLazy name) elemType;
    merge = names: defs:
      let
        found = builtins.zipAttrsWith (key: list: inner (names ++ [ key ]) elemType list)
          (map (d: mapAttrs (key: value: item d key value) d.value) defs);
        kept = if isLazy then found else removeAttrs found (filter (key: !found.${key}.isDefined) (attrNames found));
      in
      mapAttrs (_: one: if one.isDefined then one.value else elemType.emptyValue.value or one.value) kept;
    getSubOptions = prefix: elemType.getSubOptions (prefix ++ [ "<name>" ]);
    getSubModules = elemType.getSubModules or null;
    substSubModules = m: attrsLike isLazy name (elemType.substSubModules m);
  };

  listOf = elemType: mkOptionType rec {
    name = "listOf";
    description = "list of ${elemType.description or elemType.name}";
    check = isList;
    emptyValue.value = [ ];
    nested = elemType;
    join = joinNested listOf elemType;
    merge = names: defs:
      let
        one = d: number: value: inner (names ++ [ "[definition ${toString d.number}-entry ${toString number}]" ]) elemType [{ inherit (d) file; pos = d.pos or null; inherit value; }];
        found = concatLists (imap1 (number: d: imap1 (one (d // { inherit number; })) d.value) defs);
      in
      map (entry: entry.value) (filter (entry: entry.isDefined) found);
    getSubOptions = prefix: elemType.getSubOptions (prefix ++ [ "*" ]);
    getSubModules = elemType.getSubModules or null;
    substSubModules = m: listOf (elemType.substSubModules m);
  };

  addCheck = type: check: type // { check = value: type.check value && check value; };

  enum = values: mkOptionType {
    name = "enum";
    description = "one of ${builtins.concatStringsSep ", " (map (value: if isString value then toJSON value else toString value) values)}";
    check = value: elem value values;
    merge = mergeEqualOption;
    functor = { name = "enum"; self = { inherit values; }; payload = { inherit values; }; };
    join = other: enum (lib.lists.unique (values ++ other.values));
  };

  nullOr = elemType: mkOptionType rec {
    name = "nullOr";
    description = "null or ${elemType.description or elemType.name}";
    check = value: value == null || elemType.check value;
    emptyValue.value = null;
    nested = elemType;
    join = joinNested nullOr elemType;
    merge = names: defs:
      let nulls = filter (d: d.value == null) defs;
      in
      if nulls == [ ] then elemType.merge names defs
      else if length nulls == length defs then null
      else fail names ((head nulls).pos or null) "is null here and a value elsewhere";
    getSubOptions = elemType.getSubOptions;
    getSubModules = elemType.getSubModules or null;
    substSubModules = m: nullOr (elemType.substSubModules m);
  };

  either = a: b: mkOptionType {
    name = "either";
    description = "${a.description or a.name} or ${b.description or b.name}";
    check = value: a.check value || b.check value;
    merge = names: defs:
      if all (d: a.check d.value) defs then a.merge names defs
      else if all (d: b.check d.value) defs then b.merge names defs
      else mergeOneOption names defs;
    nestedTypes = { left = a; right = b; };
  };

  coercedTo = from: convert: to: mkOptionType {
    name = "coercedTo";
    description = "${to.description or to.name} or ${from.description or from.name} convertible to it";
    check = value: (from.check value && to.check (convert value)) || to.check value;
    merge = names: defs:
      to.merge names (map (d: if from.check d.value then d // { value = convert d.value; } else d) defs);
    emptyValue = to.emptyValue or { };
    getSubOptions = to.getSubOptions;
    getSubModules = to.getSubModules or null;
  };

  isModule = value: isAttrs value || isFunction value || isPathLike value;

  submoduleWith = { modules, specialArgs ? { }, shorthandOnlyDefinesConfig ? false, description ? null, ... }@given:
    let
      asModule = d: { _file = d.file; } // (
        if isAttrs d.value && shorthandOnlyDefinesConfig then { config = d.value; } else { imports = [ d.value ]; }
      );
      evaluate = names: defs: evaluateModules names (modules ++ map asModule defs);
      evaluateModules = names: list: engine.evaluate {
        modules = list;
        prefix = names;
        inherit specialArgs;
        args = { name = if names == [ ] then "" else lib.lists.last names; };
      };
    in
    mkOptionType {
      name = "submodule";
      description = if description == null then "submodule" else description;
      check = isModule;
      emptyValue.value = { };
      merge = names: defs: (evaluate names defs).config;
      getSubOptions = prefix: (evaluateModules prefix modules).options;
      getSubModules = modules;
      substSubModules = m: submoduleWith (given // { modules = m; });
      join = other: submoduleWith (given // { modules = modules ++ other.getSubModules; });
    };

  anything = mkOptionType {
    name = "anything";
    merge = names: defs:
      let
        first = (head defs).value;
        same = builtins.all (d: builtins.typeOf d.value == builtins.typeOf first && isText d.value == isText first) defs;
      in
      if !same then fail names (lib.lists.last defs).pos "has values of several types"
      else if isAttrs first && !isText first then (attrsLike false "attrsOf" anything).merge names defs
      else if isAttrs first then mergeOneOption names defs
      else if isFunction first then argument: anything.merge names (map (d: d // { value = d.value argument; }) defs)
      else mergeEqualOption names defs;
  };

  deferredModuleWith = { staticModules ? [ ] }: mkOptionType {
    name = "deferredModule";
    description = "module";
    check = isModule;
    merge = names: defs: { imports = staticModules ++ map (d: { _file = d.file; imports = [ d.value ]; }) defs; };
  };

  types = rec {
    inherit mkOptionType addCheck listOf enum nullOr either coercedTo submoduleWith anything deferredModuleWith;
    isOptionType = value: isAttrs value && value._type or null == "option-type";
    raw = mkOptionType { name = "raw"; description = "raw value"; merge = mergeOneOption; };
    unspecified = mkOptionType { name = "unspecified"; description = "unspecified value"; };
    bool = simple "bool" "boolean" isBool;
    boolByOr = bool // { name = "boolByOr"; merge = _: defs: any (d: d.value) defs; };
    int = simple "int" "signed integer" isInt;
    float = simple "float" "floating point number" isFloat;
    number = either int float;
    ints = {
      between = low: high: whole low high "integer ${betweenText low high}";
      positive = simple "positiveInt" "positive integer, meaning >0" (value: isInt value && value > 0);
      unsigned = simple "unsignedInt" "unsigned integer, meaning >=0" (value: isInt value && value >= 0);
      u8 = unsigned 8;
      u16 = unsigned 16;
      u32 = unsigned 32;
      s8 = signed 8;
      s16 = signed 16;
      s32 = signed 32;
    };
    numbers = {
      between = low: high: addCheck number (value: value >= low && value <= high) // { description = "number ${betweenText low high}"; };
      positive = addCheck number (value: value > 0) // { description = "positive number, meaning >0"; };
      nonnegative = addCheck number (value: value >= 0) // { description = "nonnegative number, meaning >=0"; };
    };
    port = ints.u16;
    str = simple "str" "text" isString;
    nonEmptyStr = simple "nonEmptyStr" "text that is not empty" (value: isString value && match "[ \t\n]*" value == null);
    singleLineStr = mkOptionType {
      name = "singleLineStr";
      description = "text of one line";
      check = value: isString value && match "[^\n]*\n?" value != null;
      merge = names: defs: let text = mergeEqualOption names defs; in lib.strings.removeSuffix "\n" text;
    };
    strMatching = pattern: simple "strMatching ${toJSON pattern}" "text matching the pattern ${pattern}" (value: isString value && match pattern value != null);
    separatedString = separated;
    string = separated "";
    lines = separated "\n";
    commas = separated ",";
    envVar = separated ":";
    passwdEntry = type: addCheck type (value: match "[^:\n]*" value != null) // { name = "passwdEntry"; };
    path = simple "path" "absolute path" isPathLike;
    pathInStore = simple "pathInStore" "path in the Nix store" (value: isPathLike value && match "${lib.strings.escapeRegex (toString builtins.storeDir)}/[^.].*" (toString value) != null);
    package = mkOptionType {
      name = "package";
      check = value: isAttrs value && value.type or null == "derivation" || (isPathLike value && match "${lib.strings.escapeRegex (toString builtins.storeDir)}/[^.].*" (toString value) != null);
      merge = mergeOneOption;
    };
    shellPackage = addCheck package (value: value ? shellPath);
    attrsOf = attrsLike false "attrsOf";
    lazyAttrsOf = attrsLike true "lazyAttrsOf";
    attrsWith = { elemType, lazy ? false, ... }: if lazy then lazyAttrsOf elemType else attrsOf elemType;
    attrs = mkOptionType {
      name = "attrs";
      description = "attribute set";
      check = isAttrs;
      emptyValue.value = { };
      merge = _: defs: foldl' (set: d: set // d.value) { } defs;
    };
    nonEmptyListOf = type: addCheck (listOf type) (list: list != [ ]) // { description = "list, not empty, of ${type.description or type.name}"; emptyValue = { }; };
    oneOf = list: foldl' either (head list) (builtins.tail list);
    submodule = modules: submoduleWith { shorthandOnlyDefinesConfig = true; modules = if isList modules then modules else [ modules ]; };
    deferredModule = deferredModuleWith { };
    functionTo = elemType: mkOptionType {
      name = "functionTo";
      description = "function that gives ${elemType.description or elemType.name}";
      check = lib.trivial.isFunction;
      nested = elemType;
      merge = names: defs: argument: (inner (names ++ [ "<function body>" ]) elemType (map (d: d // { value = d.value argument; }) defs)).value;
    };
    uniq = unique { message = ""; };
    unique = { message }: type: type // {
      merge = names: defs:
        if length defs == 1 then type.merge names defs
        else fail names (lib.lists.last defs).pos "is defined more than once${if message == "" then "" else ": ${message}"}";
    };
    optionType = mkOptionType { name = "optionType"; check = isOptionType; merge = mergeOneOption; };
  };
in
types
