# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Definitions of one option as the NixOS module system merges them, without its types: attribute
# sets key by key, lists one after the other, mkIf, mkMerge, mkForce and mkDefault as usual. Every
# definition keeps its place in the source, which a merged value would have lost.
#
# A definition is { value, pos, prio, order }.
let
  inherit (builtins) all attrNames concatMap filter foldl' head isAttrs isList length listToAttrs map sort unsafeGetAttrPos;

  usual = { prio = 100; order = 1000; };

  # What mkIf and the like wrap, as plain definitions.
  discharge = d:
    let kind = if isAttrs d.value then d.value._type or null else null;
    in
    if kind == "if" then
      (if d.value.condition then discharge (d // { value = d.value.content; }) else [ ])
    else if kind == "merge" then concatMap (value: discharge (d // { inherit value; })) d.value.contents
    else if kind == "override" then
      map (inner: inner // { prio = d.value.priority; }) (discharge (d // { value = d.value.content; }))
    else if kind == "order" then
      map (inner: inner // { order = d.value.priority; }) (discharge (d // { value = d.value.content; }))
    else [ d ];

  # A derivation, a file of ours or a flake's source is a value, not a set of options.
  isPlain = value: isAttrs value && !(value ? outPath) && value._type or null != "scl-file";

  show = pos: if pos == null then "an unknown place" else "${pos.file}:${toString pos.line}:${toString pos.column}";

  keyed = definitions: name: map
    (d: usual // {
      value = d.value.${name};
      pos = let own = unsafeGetAttrPos name d.value; in if own == null then d.pos else own;
    })
    (filter (d: d.value ? ${name}) definitions);

  attributes = definitions: listToAttrs (concatMap
    (d: map (name: { inherit name; value = keyed definitions name; }) (attrNames d.value))
    definitions);

  one = definitions:
    let first = head definitions;
    in
    if all (d: d.value == first.value) definitions then { kind = "value"; inherit (first) value pos; }
    else throw "is defined differently at ${show first.pos} and at ${show (head (filter (d: d.value != first.value) definitions)).pos}";

  combine = definitions:
    let
      found = concatMap discharge definitions;
      strongest = foldl' (least: d: if d.prio < least then d.prio else least) 100000 found;
      kept = filter (d: d.prio == strongest) found;
      pos = (head kept).pos;
    in
    if kept == [ ] then { kind = "none"; pos = null; }
    else if all (d: isPlain d.value) kept then { kind = "attrs"; attrs = attributes kept; inherit pos; }
    else if all (d: isList d.value) kept then {
      kind = "list";
      items = concatMap (d: map (value: usual // { inherit value; inherit (d) pos; }) d.value)
        (sort (a: b: a.order < b.order) kept);
      inherit pos;
    }
    else if length kept == 1 then { kind = "value"; inherit (head kept) value pos; }
    else one kept;

  # The merged value for `config`. As lazy as can be: a definition may depend on others.
  plain = path: definitions:
    let found = combine definitions;
    in
    if found.kind == "attrs" then builtins.mapAttrs (name: plain "${path}.${name}") found.attrs
    else if found.kind == "list" then map (item: plain path [ item ]) found.items
    else if found.kind == "value" then found.value
    else throw "${path} is used but not defined";
in
{
  inherit combine plain;
  definition = pos: value: usual // { inherit value pos; };
}
