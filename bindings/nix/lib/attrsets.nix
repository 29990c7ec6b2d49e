# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `lib.attrsets` of the stand-in.
{ lib }:
let
  inherit (builtins) all attrNames attrValues concatLists concatMap concatStringsSep elem elemAt filter foldl' groupBy hasAttr head isAttrs
    isList isString length listToAttrs map mapAttrs removeAttrs tail zipAttrsWith;
in
rec {
  inherit (builtins) attrNames attrValues catAttrs getAttr hasAttr intersectAttrs isAttrs listToAttrs mapAttrs removeAttrs zipAttrsWith;
  nameValuePair = name: value: { inherit name value; };
  genAttrs = names: f: listToAttrs (map (name: { inherit name; value = f name; }) names);
  genAttrs' = list: f: listToAttrs (map f list);
  mapAttrs' = f: set: listToAttrs (map (name: f name set.${name}) (attrNames set));
  mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
  attrsToList = mapAttrsToList nameValuePair;
  concatMapAttrs = f: set: foldl' (a: b: a // b) { } (mapAttrsToList f set);
  mergeAttrsList = foldl' (a: b: a // b) { };
  filterAttrs = keep: set: removeAttrs set (filter (name: !keep name set.${name}) (attrNames set));
  filterAttrsRecursive = keep: set: mapAttrs (_: value: if isAttrs value then filterAttrsRecursive keep value else value) (filterAttrs keep set);
  optionalAttrs = condition: set: if condition then set else { };
  attrByPath = path: preset: set:
    if path == [ ] then set
    else if isAttrs set && hasAttr (head path) set then attrByPath (tail path) preset set.${head path}
    else preset;
  hasAttrByPath = path: set: path == [ ] || (isAttrs set && hasAttr (head path) set && hasAttrByPath (tail path) set.${head path});
  getAttrFromPath = path: set: attrByPath path (throw "there is no attribute ${concatStringsSep "." path}") set;
  setAttrByPath = path: value: if path == [ ] then value else { ${head path} = setAttrByPath (tail path) value; };
  getAttrs = names: set: genAttrs names (name: set.${name});
  attrVals = names: set: map (name: set.${name}) names;
  foldAttrs = f: start: list: mapAttrs (_: lib.lists.foldr f start) (zipAttrsWith (_: values: values) list);
  foldlAttrs = f: start: set: foldl' (done: name: f done name set.${name}) start (attrNames set);
  collect = wanted: set:
    if wanted set then [ set ] else if isAttrs set then concatMap (collect wanted) (attrValues set) else [ ];
  cartesianProduct = sets: foldl' (done: name: concatMap (set: map (value: set // { ${name} = value; }) sets.${name}) done) [ { } ] (attrNames sets);
  mapCartesianProduct = f: sets: map f (cartesianProduct sets);
  mapAttrsRecursive = mapAttrsRecursiveCond (_: true);
  mapAttrsRecursiveCond = goes: f: set:
    let into = path: mapAttrs (name: value: let at = path ++ [ name ]; in if isAttrs value && goes value then into at value else f at value);
    in into [ ] set;
  mapAttrsToListRecursive = mapAttrsToListRecursiveCond (_: _: true);
  mapAttrsToListRecursiveCond = goes: f: set:
    let into = path: value: if isAttrs value && (path == [ ] || goes path value) then concatLists (mapAttrsToList (name: into (path ++ [ name ])) value) else [ (f path value) ];
    in into [ ] set;
  recursiveUpdateUntil = stops: a: b:
    let
      into = path: zipAttrsWith (name: values:
        let at = path ++ [ name ];
        in if length values == 1 || stops at (elemAt values 1) (head values) then head values else into at values);
    in
    into [ ] [ b a ];
  recursiveUpdate = a: b: a // mapAttrs (name: new: if isAttrs new && isAttrs (a.${name} or null) then recursiveUpdate a.${name} new else new) b;
  matchAttrs = pattern: set: all (name: hasAttr name set && (if isAttrs pattern.${name} && isAttrs set.${name} then matchAttrs pattern.${name} set.${name} else set.${name} == pattern.${name})) (attrNames pattern);
  overrideExisting = set: new: set // builtins.intersectAttrs set new;
  updateManyAttrsByPath = updates: set: foldl'
    (done: one: modify one.path one.update done)
    set
    updates;
  modify = path: f: set: if path == [ ] then f set else set // { ${head path} = modify (tail path) f (set.${head path} or (throw "there is no attribute ${head path}")); };
  zipAttrsWithNames = names: f: sets: genAttrs names (name: f name (builtins.catAttrs name sets));
  zipAttrs = zipAttrsWith (_: values: values);
  unionOfDisjoint = a: b: a // b // mapAttrs (name: _: throw "unionOfDisjoint: \"${name}\" is in both") (builtins.intersectAttrs a b);
  isDerivation = value: value.type or null == "derivation";
  recurseIntoAttrs = set: set // { recurseForDerivations = true; };
  dontRecurseIntoAttrs = set: set // { recurseForDerivations = false; };
  showAttrPath = path: if path == [ ] then "<root attribute path>" else concatStringsSep "." (map lib.strings.escapeNixIdentifier path);
}
