# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Expressions about `lib`, for any one: the stand-in of scl-nix has to answer as nixpkgs' does.
lib:
let
  inherit (lib) attrsets lists strings trivial generators;
  attempt = value: builtins.tryEval (builtins.deepSeq value value);
  tree = { a = { b = 1; c = { d = 2; }; }; e = [ 1 2 ]; f = "x"; };
  texts = [ "" "a" "-a-" "lab.example.org" "a b  c" " \t x \n" "it's $HOME \"\\" "10" "a.b" ];
in
{
  strings = {
    hasPrefix = map (lib.hasPrefix "a") texts;
    hasSuffix = map (lib.hasSuffix "a") texts ++ [ (lib.hasSuffix "" "a") (lib.hasSuffix ".nix" "x.nix") (lib.hasSuffix "longer" "er") ];
    hasInfix = map (strings.hasInfix ".") texts ++ [ (lib.hasInfix "" "x") (lib.hasInfix "a b" "xa bx") ];
    removePrefix = map (lib.removePrefix "a") texts ++ [ (lib.removePrefix "pool-" "pool-12") ];
    removeSuffix = map (lib.removeSuffix "a") texts ++ [ (lib.removeSuffix "\n" "key\n") (lib.removeSuffix "\n" "key\n\n") ];
    splitString = map (lib.splitString ".") texts ++ [ (lib.splitString "/" "/a//b/") (lib.splitString "ab" "xabyab") (lib.splitString "," "") ];
    concat = [ (lib.concatStrings texts) (lib.concatStringsSep "," texts) (lib.concatMapStrings (x: x + ";") texts) (lib.concatMapStringsSep "-" (x: "<${x}>") [ "a" "b" ]) (lib.concatImapStringsSep "-" (n: x: "${toString n}${x}") [ "a" "b" ]) (lib.concatImapStrings (n: x: "${toString n}${x}") [ "a" "b" ]) (lib.concatLines [ "a" "b" ]) (strings.concatMapAttrsStringSep " " (n: v: "${n}=${v}") { b = "1"; a = "2"; }) ];
    case = map (x: [ (lib.toLower x) (lib.toUpper x) ]) (texts ++ [ "MiXed" ]) ++ [ (lib.toSentenceCase "hELLO w") ];
    toInt = map (x: attempt (lib.toInt x)) [ "0" "12" " 12 " "-3" "007" "1.5" "x" "" "+1" "10 0" ];
    toIntBase10 = map (x: attempt (lib.toIntBase10 x)) [ "0" "007" "-3" "000" " 08 " "x" ];
    fixed = [ (lib.fixedWidthString 5 "0" "42") (lib.fixedWidthNumber 3 7) (lib.fixedWidthString 2 "0" "42") ] ++ [ (attempt (lib.fixedWidthString 1 "0" "42")) ];
    trim = map lib.trim texts ++ map (strings.trimWith { start = true; }) texts ++ map (strings.trimWith { end = true; }) texts;
    escapeShellArg = map lib.escapeShellArg texts ++ [ (lib.escapeShellArg 3) (lib.escapeShellArgs [ "a" "b c" "" ]) ];
    escape = [ (lib.escape [ "a" "b" ] "abc") (lib.escapeRegex "a.b*[c]$") (lib.escapeXML "<a b=\"c'd\">&") (strings.escapeNixString "a\${b}\"\n") ] ++ map strings.escapeNixIdentifier [ "a" "a b" "if" "1" "a-b'" ];
    characters = [ (lib.stringToCharacters "abc") (lib.stringAsChars (x: if x == "a" then "i" else x) "banana") (strings.replicate 3 "ab") (lib.intersperse "-" [ "a" "b" "c" ]) ];
    replaced = [ (lib.replaceStrings [ "a" "b" ] [ "1" "2" ] "abc") (lib.replaceString "a" "b" "banana") ];
    versions = [ (lib.versionAtLeast "1.10" "1.9") (lib.versionOlder "1.10" "1.9") (lib.versions.major "1.2.3") (lib.versions.minor "1.2.3") (lib.versions.patch "1.2.3") (lib.versions.majorMinor "24.05.1") (lib.versions.pad 3 "1.2") (lib.versions.pad 2 "1.2.3-rc1") ];
    names = [ (lib.getName "qemu-9.1") (lib.getVersion "qemu-9.1") (lib.getName { name = "a-1"; }) (lib.getName { pname = "b"; }) (strings.sanitizeDerivationName "..a b/c") (lib.isValidPosixName "a_1") (lib.isValidPosixName "1a") ];
    paths = [ (lib.makeBinPath [ "/a" "/b" ]) (lib.makeSearchPath "share" [ "/a" ]) (lib.fileContents ./people/parts/key.pub) ];
    shell = [ (lib.toShellVar "a" "b c") (lib.toShellVars { a = 1; b = [ "x" "y z" ]; c = { k = "v"; }; }) ];
    common = [ (strings.commonPrefixLength "abcd" "abxy") (strings.commonPrefixLength "" "a") (strings.floatToString 0.5) (strings.isConvertibleWithToString [ 1 "a" null ]) (strings.isConvertibleWithToString { }) ];
    optional = [ (lib.optionalString true "a") (lib.optionalString false "a") ];
  };
  lists = {
    ends = [ (lib.head [ 1 2 3 ]) (lib.last [ 1 2 3 ]) (lib.init [ 1 2 3 ]) (lib.tail [ 1 2 3 ]) (attempt (lib.last [ ])) (attempt (lib.init [ ])) ];
    parts = map (n: [ (lib.take n [ 1 2 3 ]) (lib.drop n [ 1 2 3 ]) (lists.takeEnd n [ 1 2 3 ]) (lists.dropEnd n [ 1 2 3 ]) (lib.sublist 1 n [ 1 2 3 ]) ]) [ 0 1 2 3 5 ];
    range = [ (lib.range 1 4) (lib.range 4 1) (lib.range 3 3) (lib.genList (n: n * n) 4) (lib.replicate 3 "a") ];
    maps = [ (lib.forEach [ 1 2 ] (x: x + 1)) (lib.imap0 (n: x: n * x) [ 5 6 ]) (lib.imap1 (n: x: n * x) [ 5 6 ]) (lists.ifilter0 (n: x: n > 0 && x > 1) [ 5 1 6 ]) ];
    folds = [ (lib.foldr (x: a: a + x) "" [ "a" "b" "c" ]) (lib.foldl (a: x: a + x) "" [ "a" "b" "c" ]) (lib.foldl' (a: x: a - x) 10 [ 1 2 ]) (lib.fold (x: a: x - a) 1 [ 5 7 ]) ];
    find = [ (lib.findFirst (x: x > 1) 0 [ 1 2 3 ]) (lib.findFirst (x: x > 9) 0 [ 1 2 3 ]) (lists.findFirstIndex (x: x == 3) null [ 1 2 3 ]) (lib.findSingle (x: x > 2) "none" "many" [ 1 2 3 ]) (lib.findSingle (x: x > 1) "none" "many" [ 1 2 3 ]) (lib.count (x: x > 1) [ 1 2 3 ]) ];
    sets = [ (lib.unique [ 3 1 3 2 1 ]) (lib.allUnique [ 1 2 ]) (lib.allUnique [ 1 1 ]) (lib.subtractLists [ 1 2 ] [ 3 2 1 4 ]) (lib.intersectLists [ 1 2 3 ] [ 3 2 5 ]) (lib.mutuallyExclusive [ 1 ] [ 2 ]) (lib.uniqueStrings [ "b" "a" "b" ]) (lib.remove 1 [ 1 2 1 3 ]) ];
    sorted = [ (lib.sort (a: b: a < b) [ 3 1 2 ]) (lib.sortOn (x: -x) [ 3 1 2 ]) (lib.naturalSort [ "a10" "a9" "b1" "a1" ]) (lib.reverseList [ 1 2 3 ]) (lib.compareLists lib.compare [ 1 2 ] [ 1 3 ]) (lib.compareLists lib.compare [ 1 ] [ ]) ];
    zip = [ (lib.zipLists [ 1 2 3 ] [ "a" "b" ]) (lib.zipListsWith (a: b: a + b) [ 1 2 ] [ 3 4 ]) (lib.partition (x: x > 1) [ 1 2 3 ]) (lib.groupBy (x: if x > 1 then "big" else "small") [ 1 2 3 ]) (lists.groupBy' (a: b: a + b) 0 (x: if x > 1 then "big" else "small") [ 1 2 3 ]) ];
    optional = [ (lib.optional true 1) (lib.optional false 1) (lib.optionals true [ 1 ]) (lib.optionals false [ 1 ]) (lib.toList 1) (lib.toList [ 1 ]) (lib.singleton 1) (lib.flatten [ 1 [ 2 [ 3 ] ] [ ] ]) (lib.concatLists [ [ 1 ] [ 2 ] ]) ];
    prefix = [ (lists.hasPrefix [ 1 ] [ 1 2 ]) (lists.hasPrefix [ 2 ] [ 1 2 ]) (lists.removePrefix [ 1 ] [ 1 2 ]) (lists.commonPrefix [ 1 2 3 ] [ 1 2 4 ]) (lists.commonPrefix [ ] [ 1 ]) (lib.replaceElemAt [ 1 2 3 ] 1 "a") (lib.elemAt [ 1 2 ] 1) (lib.elem 2 [ 1 2 ]) ];
  };
  attrsets = {
    make = [ (lib.genAttrs [ "a" "b" ] (n: n + n)) (lib.nameValuePair "a" 1) (lib.listToAttrs [ (lib.nameValuePair "a" 1) ]) (lib.setAttrByPath [ "a" "b" ] 1) (attrsets.genAttrs' [ "a" ] (n: lib.nameValuePair "x${n}" n)) ];
    map = [ (lib.mapAttrs (n: v: n + v) { a = "1"; }) (lib.mapAttrs' (n: v: lib.nameValuePair "x-${n}" (v + 1)) { a = 1; b = 2; }) (lib.mapAttrsToList (n: v: "${n}${toString v}") { b = 1; a = 2; }) (lib.attrsToList { b = 1; a = 2; }) (lib.concatMapAttrs (n: v: { ${n} = v; "${n}2" = v; }) { a = 1; }) (lib.mapAttrsRecursive (p: v: lib.concatStringsSep "." p) tree) (lib.mapAttrsRecursiveCond (v: !(v ? d)) (p: v: p) tree) (lib.mapAttrsToListRecursive (p: v: p) { a.b = 1; c = 2; }) ];
    filter = [ (lib.filterAttrs (n: v: v > 1) { a = 1; b = 2; }) (lib.filterAttrsRecursive (n: v: v != null) { a = null; b.c = null; b.d = 1; }) (lib.removeAttrs tree [ "a" "none" ]) (lib.getAttrs [ "e" ] tree) (lib.attrVals [ "f" "e" ] tree) (lib.collect lib.isInt tree) (lib.collect (x: x ? d) tree) ];
    path = [ (lib.attrByPath [ "a" "c" "d" ] 0 tree) (lib.attrByPath [ "a" "x" ] 0 tree) (lib.attrByPath [ "f" "x" ] 0 tree) (lib.hasAttrByPath [ "a" "b" ] tree) (lib.hasAttrByPath [ "a" "z" ] tree) (lib.hasAttrByPath [ ] tree) (lib.getAttrFromPath [ "a" "b" ] tree) (lib.updateManyAttrsByPath [ { path = [ "a" "b" ]; update = x: x + 9; } ] tree) ];
    update = [ (lib.recursiveUpdate tree { a.b = 5; a.c.x = 6; e = [ 9 ]; }) (lib.recursiveUpdate { a = 1; } { a.b = 2; }) (lib.recursiveUpdateUntil (p: l: r: p == [ "a" ] || !lib.isAttrs r) tree { a.z = 1; f = "y"; }) (lib.overrideExisting { a = 1; } { a = 2; b = 3; }) (lib.mergeAttrsList [ { a = 1; } { a = 2; b = 1; } ]) (lib.mergeAttrs { a = 1; } { b = 2; }) (lib.matchAttrs { a.b = 1; } tree) (lib.matchAttrs { a.b = 2; } tree) ];
    fold = [ (lib.foldAttrs (x: a: [ x ] ++ a) [ ] [ { a = 1; } { a = 2; b = 3; } ]) (lib.foldlAttrs (a: n: v: a + n + toString v) "" { b = 1; a = 2; }) (lib.zipAttrs [ { a = 1; } { a = 2; b = 3; } ]) (lib.zipAttrsWith (n: v: lib.length v) [ { a = 1; } { a = 2; b = 3; } ]) (lib.zipAttrsWithNames [ "a" ] (n: v: v) [ { a = 1; } { a = 2; b = 3; } ]) (lib.concatAttrValues { b = [ 1 ]; a = [ 2 ]; }) ];
    product = [ (lib.cartesianProduct { a = [ 1 2 ]; b = [ 10 20 ]; }) (lib.mapCartesianProduct ({ a, b }: "${a}-${b}") { b = [ "x" "y" ]; a = [ "1" "2" ]; }) (lib.crossLists (a: b: a + b) [ [ 1 2 ] [ 10 20 ] ]) ];
    optional = [ (lib.optionalAttrs true { a = 1; }) (lib.optionalAttrs false { a = 1; }) (lib.isDerivation { type = "derivation"; }) (lib.isDerivation 3) (lib.showAttrPath [ "a" "b c" ]) (attempt (attrsets.unionOfDisjoint { a = 1; } { b = 2; })) (attempt (attrsets.unionOfDisjoint { a = 1; } { a = 2; })) ];
  };
  trivial = {
    small = [ (lib.id 1) (lib.const 1 2) (lib.flip (a: b: a - b) 1 5) (lib.pipe 2 [ (x: x + 1) (x: x * 2) ]) (lib.min 1 2) (lib.max 1 2) (lib.mod 7 3) (lib.mod (-7) 3) (lib.compare 1 2) (lib.compare 2 2) (lib.boolToString true) (lib.boolToYesNo false) (trivial.and true false) (trivial.or true false) (lib.xor true true) (lib.bitAnd 6 3) (lib.bitNot 5) (lib.concat [ 1 ] [ 2 ]) ];
    numbers = [ (lib.toHexString 250) (lib.toHexString 0) (lib.fromHexString "ff") (lib.fromHexString "0xFF") (lib.toBaseDigits 2 6) ];
    null = [ (lib.mapNullable (x: x + 1) null) (lib.mapNullable (x: x + 1) 1) (lib.defaultTo 3 null) (lib.defaultTo 3 4) ];
    functions = [ (lib.isFunction (x: x)) (lib.isFunction { __functor = _: x: x; }) (lib.isFunction 3) (lib.functionArgs ({ a, b ? 1 }: a)) (lib.functionArgs (lib.setFunctionArgs (x: x) { c = true; })) (lib.toFunction 3 4) (lib.toFunction (x: x) 4) ];
    throw = [ (attempt (lib.throwIf true "x" 1)) (lib.throwIf false "x" 1) (lib.throwIfNot true "x" 1) (attempt (lib.assertMsg false "x")) (lib.assertMsg true "x") (attempt (lib.assertOneOf "a" 1 [ 2 ])) (lib.assertOneOf "a" 1 [ 1 2 ]) (lib.warnIf false "x" 1) (attempt (lib.checkListOfEnum "what" [ 1 2 ] [ 3 ] 4)) (lib.checkListOfEnum "what" [ 1 2 ] [ 1 ] 4) ];
    fix = [ (lib.fix (self: { a = 1; b = self.a + 1; })) (lib.converge (x: x / 2) 16) ((lib.fix (lib.extends (final: prev: { a = prev.a + 10; }) (self: { a = 1; b = self.a; }))).b) (removeAttrs ((lib.makeExtensible (self: { a = 1; })).extend (final: prev: { b = final.a; })) [ "extend" "__unfix__" ]) ((lib.composeManyExtensions [ (f: p: { a = 1; }) (f: p: { b = p.a + 1; }) ]) { } { }) ];
    folder = [ (map baseNameOf (lib.filesystem.listFilesRecursive ./people/parts/vms)) ];
    json = [ ((lib.importJSON ../../nix/schema.json).properties.version.default) ];
  };
  generators = {
    json = [ (generators.toJSON { } tree) (generators.toYAML { } tree) ];
    ini = [ (generators.toINI { } { b = { x = 1; y = true; }; "a]" = { z = null; "k=v" = "t"; }; }) (generators.toINI { listsAsDuplicateKeys = true; } { s.l = [ 1 2 ]; }) (generators.toINIWithGlobalSection { } { globalSection.g = 1; sections.s.x = 2; }) ];
    keys = [ (generators.toKeyValue { } { b = 1; a = "x y"; c = false; }) (generators.toKeyValue { mkKeyValue = generators.mkKeyValueDefault { } ": "; } { a = 1; }) (generators.mkValueStringDefault { } 1.5) ];
    pretty = [ (generators.toPretty { } tree) (generators.toPretty { multiline = false; } { a = [ ]; b = { }; c = "x\${y}"; d = null; }) ];
  };
  options = {
    check = map (type: map type.check [ null true 0 3 256 65536 (-1) 1.5 "" "a" "/a" "a\n" "a\nb" [ ] [ 1 ] [ "a" ] { } { a = 1; } ])
      (with lib.types; [ raw anything unspecified bool int float number str nonEmptyStr singleLineStr lines commas path port ints.positive ints.unsigned ints.u8 ints.s8 ints.u16 ints.u32 (ints.between 1 5) (numbers.between 0 2) numbers.positive numbers.nonnegative (listOf str) (nonEmptyListOf int) (attrsOf int) (lazyAttrsOf int) attrs (enum [ "a" 3 ]) (nullOr str) (either int str) (oneOf [ bool (listOf int) ]) (submodule { }) (strMatching "[a-z]") (addCheck int (x: x > 2)) (coercedTo int toString str) (uniq int) ]);
    show = [ (lib.isOption (lib.mkOption { })) (lib.isOption { }) (lib.mkEnableOption "x").default (lib.isOptionType lib.types.str) (lib.showOption [ "a" "b" ]) ];
    wrap = [ (lib.mkIf true 1) (lib.mkForce 1) (lib.mkDefault 1) (lib.mkOverride 7 1) (lib.mkBefore [ ]) (lib.mkAfter [ ]) (lib.mkOrder 3 [ ]) (lib.mkMerge [ 1 ]) (lib.mkOptionDefault 1) (lib.mkVMOverride 1) ];
  };
}
