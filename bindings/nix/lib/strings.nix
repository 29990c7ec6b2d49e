# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `lib.strings` of the stand-in.
{ lib }:
let
  inherit (builtins) attrNames compareVersions concatStringsSep elem elemAt filter fromJSON genList head isAttrs isInt isList isPath
    isString length listToAttrs map match readFile replaceStrings split stringLength substring tail toJSON toString typeOf;
  inherit (lib.lists) imap0 imap1 last;
  letters = characters "abcdefghijklmnopqrstuvwxyz";
  capitals = characters "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  characters = text: genList (n: substring n 1 text) (stringLength text);
  number = what: text:
    let found = match "[[:space:]]*(-?[[:digit:]]+)[[:space:]]*" text;
    in if found == null then throw "${what}: ${toJSON text} is not a whole number" else head found;
  bare = text: head (match "(-?)0*([[:digit:]].*)" text) + elemAt (match "(-?)0*([[:digit:]].*)" text) 1;
in
rec {
  inherit (builtins) compareVersions concatStringsSep elem elemAt filter fromJSON genList head isAttrs isInt isList isPath isString length match
    parseDrvName readFile replaceStrings split storeDir stringLength substring tail toJSON typeOf unsafeDiscardStringContext getContext;
  optionalString = condition: text: if condition then text else "";
  concatStrings = concatStringsSep "";
  concatMapStrings = f: list: concatStrings (map f list);
  concatImapStrings = f: list: concatStrings (imap1 f list);
  concatMapStringsSep = separator: f: list: concatStringsSep separator (map f list);
  concatImapStringsSep = separator: f: list: concatStringsSep separator (imap1 f list);
  concatMapAttrsStringSep = separator: f: set: concatStringsSep separator (lib.attrsets.mapAttrsToList f set);
  concatLines = concatMapStrings (line: "${line}\n");
  intersperse = separator: list: builtins.concatLists (imap0 (n: x: if n == 0 then [ x ] else [ separator x ]) list);
  join = concatStringsSep;
  replicate = n: text: concatStrings (genList (_: text) n);
  replaceString = from: to: replaceStrings [ from ] [ to ];
  lowerChars = letters;
  upperChars = capitals;
  toLower = replaceStrings capitals letters;
  toUpper = replaceStrings letters capitals;
  toSentenceCase = text: toUpper (substring 0 1 text) + toLower (substring 1 (stringLength text) text);
  stringToCharacters = characters;
  stringAsChars = f: text: concatStrings (map f (characters text));
  hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
  hasSuffix = suffix: text:
    let rest = stringLength text - stringLength suffix; in rest >= 0 && substring rest (stringLength suffix) text == suffix;
  hasInfix = infix: text: infix == "" || length (split (escapeRegex infix) "${text}") > 1;
  removePrefix = prefix: text: if hasPrefix prefix text then substring (stringLength prefix) (stringLength text) text else text;
  removeSuffix = suffix: text: if hasSuffix suffix text then substring 0 (stringLength text - stringLength suffix) text else text;
  splitString = separator: text: filter isString (split (escapeRegex (toString separator)) (toString text));
  trim = trimWith { start = true; end = true; };
  trimWith = { start ? false, end ? false }: text:
    let
      blank = "[ \t\r\n]*";
      front = if start then head (match "${blank}(.*)" text) else text;
      found = match "(.*[^ \t\r\n])${blank}" front;
    in
    if !end then front else if found == null then "" else head found;
  fixedWidthString = width: filler: text:
    let missing = width - stringLength text;
    in
    if missing < 0 then throw "fixedWidthString: \"${text}\" is longer than ${toString width} characters"
    else if missing == 0 then text else "${filler}${fixedWidthString (width - stringLength filler) filler text}";
  fixedWidthNumber = width: value: fixedWidthString width "0" (toString value);
  escape = list: replaceStrings list (map (character: "\\${character}") list);
  escapeRegex = escape (characters "\\[{()^$?*+|.");
  escapeShellArg = value:
    let text = toString value; in
    if match "[[:alnum:],._+:@%/-]+" text != null then text else "'${replaceStrings [ "'" ] [ "'\\''" ] text}'";
  escapeShellArgs = concatMapStringsSep " " escapeShellArg;
  escapeNixString = text: escape [ "$" ] (toJSON text);
  escapeNixIdentifier = text: if match "[a-zA-Z_][a-zA-Z0-9_'-]*" text != null && !elem text [ "assert" "else" "if" "in" "inherit" "let" "or" "rec" "then" "with" ] then text else escapeNixString text;
  escapeXML = replaceStrings [ "\"" "'" "<" ">" "&" ] [ "&quot;" "&apos;" "&lt;" "&gt;" "&amp;" ];
  isConvertibleWithToString = value: isStringLike value || elem (typeOf value) [ "null" "int" "float" "bool" ] || (isList value && builtins.all isConvertibleWithToString value);
  isStringLike = value: isString value || isPath value || value ? outPath || value ? __toString;
  isValidPosixName = text: match "[a-zA-Z_][a-zA-Z0-9_]*" text != null;
  toInt = text:
    let found = number "lib.toInt" text;
    in
    if match "-?0[[:digit:]]+" found != null then throw "lib.toInt: ${toJSON text} may be meant as octal; lib.toIntBase10 takes it as decimal"
    else fromJSON found;
  toIntBase10 = text: fromJSON (bare (number "lib.toIntBase10" text));
  floatToString = toString;
  fileContents = file: removeSuffix "\n" (readFile file);
  versionAtLeast = a: b: compareVersions a b >= 0;
  versionOlder = a: b: compareVersions b a == 1;
  getName = x: let name = text: (builtins.parseDrvName text).name; in if isString x then name x else x.pname or (name x.name);
  getVersion = x: let version = text: (builtins.parseDrvName text).version; in if isString x then version x else x.version or (version x.name);
  makeSearchPath = folder: paths: concatStringsSep ":" (map (path: "${path}/${folder}") (filter (path: path != null) paths));
  makeBinPath = makeSearchPath "bin";
  makeLibraryPath = makeSearchPath "lib";
  commonPrefixLength = a: b:
    let n = lib.lists.findFirstIndex (n: substring n 1 a != substring n 1 b) null (genList (n: n) (lib.trivial.min (stringLength a) (stringLength b)));
    in if n == null then lib.trivial.min (stringLength a) (stringLength b) else n;
  sanitizeDerivationName = text:
    let clean = replaceStrings [ " " ] [ "-" ] (concatMapStrings (part: if isList part then "-" else part) (split "[^[:alnum:]+._?=-]+" (head (match "\\.*(.*)" text))));
    in if clean == "" then "unknown" else clean;
  toShellVar = name: value:
    if isAttrs value && !isStringLike value then "declare -A ${name}=(${concatStringsSep " " (lib.attrsets.mapAttrsToList (key: x: "[${escapeShellArg key}]=${escapeShellArg x}") value)})"
    else if isList value then "declare -a ${name}=(${escapeShellArgs value})"
    else "${name}=${escapeShellArg value}";
  toShellVars = set: concatStringsSep "\n" (lib.attrsets.mapAttrsToList toShellVar set);
}
