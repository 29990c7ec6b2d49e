# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Definitions -> what scl-nix reads: the manifest as a tree in which every value carries its place in
# the source. A node is { at, … } with one of: attrs, items, value, path (a Nix path), file (to be
# written by scl-nix). `refs` names what has to be realised in the Nix store for it.
{ merge }:
# resolve: what a VM or network is defined by, where that is a function or a file. settle: what a key is
# defined by, beside its default. Both get the names on the way to it.
{ resolve ? (_: definitions: definitions), settle ? (_: definitions: definitions) }:
# sources: "${./path}" really copies to the store. build: derivations are to be realised.
{ sources, build }:
let
  inherit (builtins) addErrorContext attrNames concatMap deepSeq elemAt filter genList getContext isAttrs isFunction isPath isString
    length listToAttrs match toJSON unsafeDiscardStringContext;

  ways = "give a path to a file that is there, or let Nix build it: scl-nix --build";

  reference = context: name:
    if context.${name} ? outputs then map (output: "${name}!${output}") context.${name}.outputs else [ name ];

  # Store paths in a text exist only if somebody makes them.
  references = text:
    let
      context = getContext text;
      names = attrNames context;
      derivations = filter (name: match ".*\\.drv" name != null) names;
    in
    if derivations != [ ] && !build then throw "is made by a derivation, which is not built here; ${ways}"
    else if names != [ ] && !build && !sources then
      throw "would be copied to the Nix store, because the path is in a text; write the path alone (./file without quotes), or use scl-nix --build"
    else if build then concatMap (reference context) names
    else [ ];

  text = value: { value = unsafeDiscardStringContext value; refs = references value; };

  file = value:
    if match "[A-Za-z0-9_][A-Za-z0-9+._?=-]{0,99}" value.name == null then
      throw "\"${unsafeDiscardStringContext value.name}\" is no name of a file: letters, digits and + . _ ? = - only"
    else { file = { inherit (value) name; content = unsafeDiscardStringContext value.content; }; refs = references value.content; };

  # Older versions of Nix print 2.0 as 2, which it is not for NixOS either.
  number = value: let printed = toJSON value; in if match "-?[0-9]+" printed == null then value else "${printed}.0";

  scalar = value:
    if isString value then text value
    else if builtins.isFloat value then { value = number value; }
    else if isPath value then { path = toString value; }
    else if isAttrs value && value._type or null == "scl-file" then file value
    else if isAttrs value then (if isPath value.outPath then { path = toString value.outPath; } else text value.outPath)
    else if isFunction value then throw "is a function, where a value is needed"
    else { inherit value; };

  # As libscl allows; a value without end is told instead of eating the memory.
  deepest = 16;

  inherit (merge) place within;

  # Keys with defaults are those of all and those of a VM or network.
  definitionsOf = level: if level == 1 then resolve else if level == 0 || level == 2 then settle else (_: definitions: definitions);

  children = level: names: path: attrs: listToAttrs (concatMap
    (name:
      let
        inner = if path == "" then name else "${path}.${name}";
        way = names ++ [ name ];
        found = within inner (builtins.head attrs.${name}).pos (merge.combine (definitionsOf level way attrs.${name}));
      in
      if found.kind == "none" then [ ] else [{ inherit name; value = node (level + 1) way inner found; }])
    (attrNames attrs));

  element = level: names: path: items: index:
    node (level + 1) names "${path}[${toString index}]" (merge.combine [ (elemAt items index) ]);

  node = level: names: path: found: within path found.pos ({ at = place found.pos; } // (
    if level > deepest then throw "is nested deeper than ${toString deepest} levels"
    else if found.kind == "attrs" then { attrs = children level names path found.attrs; }
    else if found.kind == "list" then { items = genList (element level names path found.items) (length found.items); }
    else if found.kind == "none" then { value = null; }
    # Here and now, while the trace knows what it is about.
    else let leaf = scalar found.value; in deepSeq leaf leaf));
in
definitions:
let
  opened = builtins.concatMap merge.open definitions;
  # The keys are options, to which conditions and priorities are handed down.
  found = if builtins.all (d: merge.isPlain d.value) opened
    then { kind = "attrs"; attrs = merge.structure opened; pos = if opened == [ ] then null else (builtins.head opened).pos; }
    else within "" null (merge.combine definitions);
in node 0 [ ] "" found
