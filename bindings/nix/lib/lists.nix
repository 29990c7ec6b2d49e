# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `lib.lists` of the stand-in.
{ lib }:
let
  inherit (builtins) all any attrNames concatLists concatMap elem elemAt filter foldl' genList groupBy head isList length lessThan listToAttrs map
    mapAttrs partition sort tail;
in
rec {
  inherit (builtins) all any concatLists concatMap elem elemAt filter foldl' genList groupBy head isList length map partition sort tail;
  singleton = x: [ x ];
  forEach = list: f: map f list;
  foldl = f: start: list: let step = n: if n < 0 then start else f (step (n - 1)) (elemAt list n); in step (length list - 1);
  foldr = f: last: list: let step = n: if n == length list then last else f (elemAt list n) (step (n + 1)); in step 0;
  fold = foldr;
  imap0 = f: list: genList (n: f n (elemAt list n)) (length list);
  imap1 = f: list: genList (n: f (n + 1) (elemAt list n)) (length list);
  ifilter0 = keep: list: map (n: elemAt list n) (filter (n: keep n (elemAt list n)) (genList (n: n) (length list)));
  flatten = x: if isList x then concatMap flatten x else [ x ];
  remove = x: filter (y: y != x);
  findFirstIndex = matches: preset: list: let found = filter (n: matches (elemAt list n)) (genList (n: n) (length list)); in if found == [ ] then preset else head found;
  findFirst = matches: preset: list: let n = findFirstIndex matches null list; in if n == null then preset else elemAt list n;
  findSingle = matches: none: several: list:
    let found = filter matches list; in if found == [ ] then none else if length found == 1 then head found else several;
  count = matches: list: length (filter matches list);
  optional = condition: x: if condition then [ x ] else [ ];
  optionals = condition: x: if condition then x else [ ];
  toList = x: if isList x then x else [ x ];
  range = first: last: if first > last then [ ] else genList (n: first + n) (last - first + 1);
  replicate = n: x: genList (_: x) n;
  reverseList = list: genList (n: elemAt list (length list - n - 1)) (length list);
  compareLists = order: a: b:
    if a == [ ] then (if b == [ ] then 0 else -1)
    else if b == [ ] then 1
    else let found = order (head a) (head b); in if found == 0 then compareLists order (tail a) (tail b) else found;
  sortOn = key: list: map (pair: pair.x) (sort (a: b: a.key < b.key) (map (x: { inherit x; key = key x; }) list));
  naturalSort = list:
    let
      key = text: map (part: if isList part then lib.strings.toIntBase10 (head part) else part) (builtins.split "(0|[1-9][0-9]*)" text);
      order = lib.trivial.compare;
    in
    map (pair: pair.x) (sort (a: b: compareLists order a.key b.key < 0) (map (x: { inherit x; key = key x; }) list));
  sublist = start: count: list:
    let left = length list - start; in genList (n: elemAt list (n + start)) (if left <= 0 then 0 else if count < left then count else left);
  take = count: sublist 0 count;
  takeEnd = count: list: let start = length list - count; in drop (if start < 0 then 0 else start) list;
  drop = count: list: sublist count (length list) list;
  dropEnd = count: list: let left = length list - count; in take (if left < 0 then 0 else left) list;
  last = list: if list == [ ] then throw "lib.last: the list is empty" else elemAt list (length list - 1);
  init = list: if list == [ ] then throw "lib.init: the list is empty" else take (length list - 1) list;
  hasPrefix = a: b: take (length a) b == a;
  removePrefix = a: b: if hasPrefix a b then drop (length a) b else throw "lib.lists.removePrefix: the first list is not how the second one begins";
  commonPrefix = a: b:
    let n = findFirstIndex (n: elemAt a n != elemAt b n) null (genList (n: n) (lib.trivial.min (length a) (length b)));
    in take (if n == null then lib.trivial.min (length a) (length b) else n) a;
  unique = foldl' (found: x: if elem x found then found else found ++ [ x ]) [ ];
  uniqueStrings = list: attrNames (groupBy (x: x) list);
  allUnique = list: length (unique list) == length list;
  intersectLists = a: filter (x: elem x a);
  subtractLists = a: filter (x: !elem x a);
  mutuallyExclusive = a: b: !any (x: elem x a) b;
  zipListsWith = f: a: b: genList (n: f (elemAt a n) (elemAt b n)) (lib.trivial.min (length a) (length b));
  zipLists = zipListsWith (fst: snd: { inherit fst snd; });
  crossLists = f: foldl (done: list: concatMap (g: map g list) done) [ f ];
  replaceElemAt = list: at: x: if at < 0 || at >= length list then throw "lib.replaceElemAt: there is no element ${toString at}" else imap0 (n: old: if n == at then x else old) list;
  groupBy' = f: start: key: list: mapAttrs (_: foldl f start) (groupBy key list);
  concatAttrValues = set: concatLists (map (name: set.${name}) (attrNames set));
}
