# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The values of the options -> the manifest, as an attribute set for builtins.toJSON. Builtins only.
let
  schema = import ./schema.nix;

  # A derivation or a Nix path becomes the text of its store path, and the store path a reference.
  # Text stays as it is: what it names is read when the manifest is applied and never copied.
  pathText = value: if builtins.isString value then value else "${value}";

  valueOf = key: value: if key.isPath && value != null then pathText value else value;

  withoutNulls =
    set: removeAttrs set (builtins.filter (name: set.${name} == null) (builtins.attrNames set));

  objectOf =
    keys: values:
    withoutNulls (
      builtins.mapAttrs (name: key: valueOf key values.${name}) (builtins.intersectAttrs values keys)
    );

  networkOf = values: if values == null then null else objectOf schema.network values;
in
config:
{
  version = schema.default;
  networks = builtins.mapAttrs (_: networkOf) config.networks;
  virtualMachines = builtins.mapAttrs (_: objectOf schema.virtualMachine) config.virtualMachines;
}
// objectOf schema.values config
