# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `lib.trivial`, `asserts`, `fixedPoints`, `debug`, `versions` and `filesystem` of the stand-in.
{ lib }:
let
  inherit (builtins) all any attrNames compareVersions concatMap elem elemAt filter foldl' functionArgs head isAttrs isFunction isList isString
    length map mapAttrs match readDir readFile splitVersion substring tail toString trace;
  digits = "0123456789abcdef";
  warning = message: trace "warning: ${message}";
in
rec {
  trivial = rec {
    inherit (builtins) add bitAnd bitOr bitXor ceil deepSeq div floor genericClosure isBool isFloat isInt lessThan mul pathExists readFile seq sub;
    id = x: x;
    const = x: _: x;
    flip = f: a: b: f b a;
    pipe = foldl' (x: f: f x);
    concat = a: b: a ++ b;
    and = a: b: a && b;
    "or" = a: b: a || b;
    xor = a: b: a != b;
    bitNot = builtins.sub (-1);
    min = a: b: if a < b then a else b;
    max = a: b: if a > b then a else b;
    mod = a: b: a - b * (a / b);
    compare = a: b: if a < b then -1 else if a > b then 1 else 0;
    boolToString = value: if value then "true" else "false";
    boolToYesNo = value: if value then "yes" else "no";
    mergeAttrs = a: b: a // b;
    mapNullable = f: value: if value == null then null else f value;
    defaultTo = preset: value: if value == null then preset else value;
    isFunction = value: builtins.isFunction value || (value ? __functor && isFunction (value.__functor value));
    functionArgs = f: if f ? __functor then f.__functionArgs or (functionArgs (f.__functor f)) else builtins.functionArgs f;
    setFunctionArgs = f: args: { __functor = _: f; __functionArgs = args; };
    toFunction = value: if isFunction value then value else _: value;
    importJSON = file: builtins.fromJSON (readFile file);
    importTOML = file: builtins.fromTOML (readFile file);
    warn = warning;
    warnIf = condition: message: if condition then warning message else id;
    warnIfNot = condition: message: if condition then id else warning message;
    throwIf = condition: message: if condition then throw message else id;
    throwIfNot = condition: message: if condition then id else throw message;
    checkListOfEnum = what: valid: given: let odd = filter (x: !elem x valid) given; in
      if odd == [ ] then id else throw "${what}: ${builtins.concatStringsSep ", " (map toString odd)} ${if length odd == 1 then "is" else "are"} none of ${builtins.concatStringsSep ", " (map toString valid)}";
    toBaseDigits = base: number:
      let more = n: if n < base then [ n ] else more (n / base) ++ [ (mod n base) ]; in more number;
    toHexString = number: lib.strings.toUpper (builtins.concatStringsSep "" (map (n: substring n 1 digits) (toBaseDigits 16 number)));
    fromHexString = text: (builtins.fromTOML "n = 0x${lib.strings.removePrefix "0x" (lib.strings.toLower text)}").n;
    inNixShell = false;
    inPureEvalMode = !(builtins ? currentSystem);
  };
  asserts = {
    assertMsg = condition: message: condition || throw message;
    assertOneOf = what: value: valid: elem value valid || throw "${what} is ${builtins.toJSON value}, which is none of ${builtins.toJSON valid}";
    assertEachOneOf = what: values: valid: all (value: asserts.assertOneOf what value valid) values;
  };
  fixedPoints = rec {
    fix = f: let self = f self; in self;
    fix' = f: let self = f self // { __unfix__ = f; }; in self;
    converge = f: x: let next = f x; in if next == x then x else converge f next;
    extends = overlay: f: final: let prev = f final; in prev // overlay final prev;
    composeExtensions = f: g: final: prev:
      let first = f final prev; in first // g final (prev // first);
    composeManyExtensions = lib.lists.foldr composeExtensions (_: _: { });
    makeExtensible = makeExtensibleWithCustomName "extend";
    makeExtensibleWithCustomName = name: f: fix' (self: f self // { ${name} = overlay: makeExtensibleWithCustomName name (extends overlay f); });
  };
  debug = rec {
    inherit (builtins) trace addErrorContext unsafeGetAttrPos;
    traceIf = condition: message: value: if condition then trace message value else value;
    traceVal = traceValFn (x: x);
    traceValFn = f: value: trace (f value) value;
    traceSeq = message: value: trace (builtins.deepSeq message message) value;
    traceValSeq = traceValSeqFn (x: x);
    traceValSeqFn = f: value: traceValFn f (builtins.deepSeq value value);
  };
  versions = rec {
    inherit (builtins) compareVersions splitVersion;
    major = text: elemAt (splitVersion text) 0;
    minor = text: elemAt (splitVersion text) 1;
    patch = text: elemAt (splitVersion text) 2;
    majorMinor = text: builtins.concatStringsSep "." (lib.lists.take 2 (splitVersion text));
    pad = width: text:
      let
        parts = lib.lists.take width (splitVersion (head (match "([^-]*).*" text)));
        rest = match "[^-]*(-.*)" text;
      in
      builtins.concatStringsSep "." (parts ++ builtins.genList (_: "0") (width - length parts)) + (if rest == null then "" else head rest);
  };
  filesystem = {
    inherit (builtins) baseNameOf dirOf hashFile isPath readDir;
    pathType = path: if toString path == "/" then "directory" else (readDir (dirOf path)).${baseNameOf path};
    pathIsDirectory = path: builtins.pathExists path && filesystem.pathType path == "directory";
    pathIsRegularFile = path: builtins.pathExists path && filesystem.pathType path == "regular";
    readFileType = filesystem.pathType;
    listFilesRecursive = folder: let found = readDir folder; in concatMap
      (name: if found.${name} == "directory" then filesystem.listFilesRecursive (folder + "/${name}") else [ (folder + "/${name}") ])
      (attrNames found);
  };
}
