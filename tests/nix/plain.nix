# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the options make of a configuration, without nixpkgs: the values of ctrl-os.vms with their defaults.
# Only for configurations whose types are right.
let
  schema = import ../../nix/schema.nix;
  defaultsOf =
    keys:
    builtins.mapAttrs (_: key: key.default) (
      removeAttrs keys (builtins.filter (name: keys.${name}.required) (builtins.attrNames keys))
    );
  networkOf =
    name: values:
    let
      keys = if name == "default" then schema.preset else schema.network;
    in
    if values == null then null else defaultsOf keys // values;
in
values:
defaultsOf schema.values
// values
// {
  networks = builtins.mapAttrs networkOf ({ default = { }; } // values.networks or { });
  virtualMachines = builtins.mapAttrs (_: vm: defaultsOf schema.virtualMachine // vm) (
    values.virtualMachines or { }
  );
}
