# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Definitions of one option as the NixOS module system merges them, without its types: attribute
# sets key by key, lists one after the other, mkIf, mkMerge, mkForce and mkDefault as usual. Every
# definition keeps its place in the source, which a merged value would have lost.
#
# A definition is { value, pos, prio, order, on }. `on` is what the conditions around it come to; it is
# not looked at before the value is, since a condition may depend on other options.
let
  inherit (builtins) addErrorContext all attrNames concatMap concatStringsSep elemAt filter foldl' head isAttrs isList length
    listToAttrs map mapAttrs match sort toJSON unsafeGetAttrPos zipAttrsWith;

  usual = { prio = 100; order = 1000; on = true; };
  definition = pos: value: usual // { inherit value pos; };

  kindOf = value: if isAttrs value then value._type or null else null;

  # The outer of two priorities wins.
  override = d: if d.prio == usual.prio then d // { prio = d.value.priority; } else d;

  # What is inside of mkIf and the like, with the conditions that are still to be decided.
  open = d:
    let kind = kindOf d.value;
    in
    if kind == "if" then open (d // { value = d.value.content; on = d.on && d.value.condition; })
    else if kind == "merge" then concatMap (value: open (d // { inherit value; })) d.value.contents
    else if kind == "override" then open (override d // { value = d.value.content; })
    else if kind == "order" then open (d // { value = d.value.content; order = d.value.priority; })
    else [ d ];

  # The same, decided: what does not hold is not even looked at.
  discharge = d:
    let kind = kindOf d.value;
    in
    if !d.on then [ ]
    else if kind == "if" then (if d.value.condition then discharge (d // { value = d.value.content; }) else [ ])
    else if kind == "merge" then concatMap (value: discharge (d // { inherit value; })) d.value.contents
    else if kind == "override" then discharge (override d // { value = d.value.content; })
    else if kind == "order" then discharge (d // { value = d.value.content; order = d.value.priority; })
    else [ d ];

  # A definition as one value again, for what takes values only.
  close = d:
    let
      ordered = if d.order == usual.order then d.value else { _type = "order"; priority = d.order; content = d.value; };
      weighed = if d.prio == usual.prio then ordered else { _type = "override"; priority = d.prio; content = ordered; };
    in
    { _type = "if"; condition = d.on; content = weighed; };

  # A derivation, a file of ours or a flake's source is a value, not a set of options.
  isPlain = value: isAttrs value && !(value ? outPath) && value._type or null != "scl-file";

  place = pos: if pos == null then null else [ pos.file pos.line pos.column ];
  show = pos: if pos == null then "an unknown place" else "${pos.file}:${toString pos.line}:${toString pos.column}";

  # The way to a value, as libscl writes it. scl-nix finds it in the trace of an error.
  within = path: pos: addErrorContext "scl-option ${toJSON { inherit path; at = place pos; }}";
  word = name: if match "[A-Za-z_][A-Za-z0-9_'-]*" name != null then name else toJSON name;
  showPath = names: concatStringsSep "." (map word names);
  fail = names: pos: message: within (showPath names) pos (throw message);

  placeOf = name: d: let own = unsafeGetAttrPos name d.value; in if own == null then d.pos else own;

  # The definitions of each attribute. Within a value, priorities and conditions around it are done with;
  # within the tree of options they are handed down.
  keys = inner: definitions: zipAttrsWith (_: found: found)
    (map (d: mapAttrs (name: value: inner d // { inherit value; pos = placeOf name d; }) d.value) definitions);
  attributes = keys (d: if d ? file then usual // { inherit (d) file; } else usual);
  structure = keys (d: d);

  one = definitions:
    let
      first = head definitions;
      others = filter (d: d.value != first.value) definitions;
    in
    if others == [ ] then { kind = "value"; inherit (first) value pos; }
    else throw "is defined differently at ${show first.pos} and at ${show (head others).pos}";

  # The definitions that count, in their order.
  strongest = definitions:
    let
      found = concatMap discharge definitions;
      least = foldl' (least: d: if d.prio < least then d.prio else least) 100000 found;
      kept = filter (d: d.prio == least) found;
    in
    if all (d: d.order == usual.order) kept then kept else sort (a: b: a.order < b.order) kept;

  combine = definitions:
    let
      kept = strongest definitions;
      pos = (head kept).pos;
    in
    if kept == [ ] then { kind = "none"; pos = null; }
    else if all (d: isPlain d.value) kept then { kind = "attrs"; attrs = attributes kept; inherit pos; }
    else if all (d: isList d.value) kept then {
      kind = "list";
      items = concatMap (d: map (value: usual // { inherit value; inherit (d) pos; }) d.value) kept;
      inherit pos;
    }
    else if length kept == 1 then { kind = "value"; inherit (head kept) value pos; }
    else one kept;

  # The merged value of what nobody has declared. As lazy as can be: a definition may depend on others.
  plain = names: definitions:
    let
      opened = concatMap open definitions;
      found = combine definitions;
    in
    if all (d: isPlain d.value) opened then mapAttrs (name: plain (names ++ [ name ])) (structure opened)
    else if found.kind == "attrs" then mapAttrs (name: plain (names ++ [ name ])) found.attrs
    else if found.kind == "list" then map (item: plain names [ item ]) found.items
    else if found.kind == "value" then found.value
    else fail names null "is used but not defined";
in
{ inherit close combine definition discharge fail isPlain kindOf open place plain show showPath strongest structure within; }
