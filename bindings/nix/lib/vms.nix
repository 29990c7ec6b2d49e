# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `ctrl-os.vms` for modules that read it: the options with the defaults of nix/schema.json (a test
# compares), without types, since libscl looks at the values.
{ parts }:
let
  inherit (parts.options) mkOption;
  inherit (parts) types;

  standIn = given: mkOption ({ isStandIn = true; } // given);
  option = value: standIn { default = value; };
  required = standIn { };

  network = { name, ... }: {
    config._module.check = false;
    options = {
      allowedTCPPorts = option [ ];
      allowedUDPPorts = option [ ];
      externalIP = if name == "default" then option "192.168.10.1" else required;
      gatewayIP = if name == "default" then option "192.168.20.1" else required;
      internalNetmask = option "255.255.255.0";
    };
  };
  virtualMachine = {
    config._module.check = false;
    options = builtins.mapAttrs (_: option) {
      accelerator = "auto";
      autoStart = true;
      cloudInitNetworkConfigFile = null;
      cloudInitUserConfigFile = null;
      cores = 1;
      firmware = "uefi";
      imageSize = null;
      mac = null;
      memorySize = 1024;
      network = "default";
      onChange = "nextBoot";
      shutdownTimeout = 90;
    } // { image = required; };
  };
in
{
  inherit network virtualMachine;
  module = {
    _file = "scl-stand-in";
    config.ctrl-os.vms.networks.default = parts.modules.mkDefault { };
    # Of NixOS, and looked at by scl-nix.
    options.assertions = standIn { type = types.listOf types.raw; default = [ ]; };
    options.warnings = standIn { type = types.listOf types.str; default = [ ]; };
    options.ctrl-os.vms = {
      enable = option true;
      gatewayInterface = option null;
      hypervisor = option "qemu:///system";
      stateDir = option "/var/lib/scl";
      networks = standIn { type = types.attrsOf (types.nullOr (types.submodule network)); default = { }; };
      virtualMachines = standIn { type = types.attrsOf (types.submodule virtualMachine); default = { }; };
    };
  };
}
