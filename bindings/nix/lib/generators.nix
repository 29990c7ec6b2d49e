# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `lib.generators` of the stand-in.
{ lib }:
let
  inherit (builtins) concatStringsSep isAttrs isBool isFloat isFunction isInt isList isPath isString mapAttrs toJSON toString typeOf;
  inherit (lib.attrsets) mapAttrsToList;
  inherit (lib.strings) escape removeSuffix;
in
rec {
  mkValueStringDefault = _: value:
    if isInt value || isString value || isPath value then toString value
    else if isAttrs value && value ? outPath then toString value
    else if isBool value then lib.trivial.boolToString value
    else if value == null then "null"
    else if isFloat value then lib.strings.floatToString value
    else throw "generators: a value of type ${typeOf value} cannot be written";
  mkKeyValueDefault = { mkValueString ? mkValueStringDefault { } }: separator: key: value:
    "${escape [ separator ] key}${separator}${mkValueString value}";
  toKeyValue = { mkKeyValue ? mkKeyValueDefault { } "=", listsAsDuplicateKeys ? false, indent ? "" }: set:
    let
      line = key: value: "${indent}${mkKeyValue key value}\n";
      lines = key: value: if listsAsDuplicateKeys && isList value then map (line key) value else [ (line key value) ];
    in
    concatStringsSep "" (builtins.concatLists (mapAttrsToList lines set));
  toINI = { mkSectionName ? escape [ "[" "]" ], mkKeyValue ? mkKeyValueDefault { } "=", listsAsDuplicateKeys ? false }: sections:
    concatStringsSep "\n" (mapAttrsToList
      (name: values: "[${mkSectionName name}]\n${toKeyValue { inherit mkKeyValue listsAsDuplicateKeys; } values}")
      sections);
  toINIWithGlobalSection = given: { globalSection, sections ? { } }:
    (if globalSection == { } then "" else toKeyValue (removeAttrs given [ "mkSectionName" ]) globalSection + "\n") + toINI given sections;
  toJSON = _: builtins.toJSON;
  # JSON is YAML.
  toYAML = toJSON;
  toPretty = { multiline ? true, allowPrettyValues ? false, indent ? "" }@given: value:
    let
      deeper = toPretty (given // { indent = "${indent}  "; });
      gap = if multiline then "\n${indent}  " else " ";
      end = if multiline then "\n${indent}" else " ";
      enclose = open: close: items: if items == [ ] then "${open} ${close}" else "${open}${gap}${concatStringsSep gap items}${end}${close}";
    in
    if value == null then "null"
    else if isInt value then toString value
    else if isFloat value then "~${lib.strings.floatToString value}"
    else if isBool value then lib.trivial.boolToString value
    else if isString value then lib.strings.escapeNixString value
    else if isPath value then toString value
    else if isFunction value then "<function>"
    else if isList value then enclose "[" "]" (map deeper value)
    else if value.type or null == "derivation" then "<derivation ${value.name or "???"}>"
    else enclose "{" "}" (mapAttrsToList (name: x: "${lib.strings.escapeNixIdentifier name} = ${deeper x};") value);
}
