# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The manifest's JSON Schema as attribute sets that are easy to work with. Builtins only.
let
  json = builtins.fromJSON (builtins.readFile ./schema.json);

  typesOf = property: if builtins.isList property.type then property.type else [ property.type ];

  withoutNull = builtins.filter (word: word != null);

  # The pattern that only the paths of files have.
  filePattern = json."$defs".virtualMachine.properties.image.pattern;

  keyOf = required: name: property: {
    inherit name;
    inherit (property) description;
    type = builtins.head (builtins.filter (type: type != "null") (typesOf property));
    nullable = builtins.elem "null" (typesOf property);
    required = builtins.elem name required;
    default = property.default or null;
    hasDefault = property ? default;
    minimum = property.minimum or null;
    maximum = property.maximum or null;
    words = if property ? enum then withoutNull property.enum else null;
    pattern = property.pattern or null;
    examples = property.examples or [ ];
    items = property.items or null;
    isPath = (property.pattern or null) == filePattern;
  };

  keysOf = definition: builtins.mapAttrs (keyOf definition.required) definition.properties;

  # An option has no use for the version: module and library come from one source.
  top = removeAttrs (keysOf json) [ "version" ];
in
{
  inherit json filePattern;
  inherit (json.properties.version) default;
  namePattern = json.properties.networks.propertyNames.pattern;
  network = keysOf json."$defs".network;
  # The network `default`, which has defaults for everything.
  preset = keysOf json."$defs".network-preset;
  virtualMachine = keysOf json."$defs".virtualMachine;
  # The keys that are values, and those that are maps of objects.
  values = removeAttrs top [
    "networks"
    "virtualMachines"
  ];
  inherit (top) networks virtualMachines;

  # "^[a-z]$" -> "[a-z]": builtins.match matches the whole text anyway.
  bare =
    pattern:
    let
      found = builtins.match "\\^(.*)\\$" pattern;
    in
    if found == null then pattern else builtins.head found;
}
