# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The options of NixOS that the module sets or reads, with the names and types that NixOS gives them.
# Strict: a misspelt option, or an attribute of a unit that NixOS does not know, is an error here too.
{ lib, ... }:
let
  inherit (lib) mkOption types;
  option =
    type: default:
    mkOption {
      inherit type default;
      description = "A stub.";
    };
  bool = option types.bool;
  text = option types.str;
  lines = option types.lines "";
  list = option (types.listOf types.str) [ ];
  raws = option (types.listOf types.raw) [ ];

  # A list is merged, anything else must be the same wherever it is said; as systemd's unitOption.
  settings = option (types.attrsOf (
    types.oneOf [
      (types.listOf types.str)
      types.bool
      types.int
      types.str
    ]
  )) { };

  common = {
    description = text "";
    documentation = list;
    wantedBy = list;
    wants = list;
    requires = list;
    partOf = list;
    after = list;
    before = list;
    unitConfig = settings;
  };

  service.options = common // {
    environment = option (types.attrsOf types.str) { };
    path = raws;
    serviceConfig = settings;
    restartIfChanged = bool true;
    stopIfChanged = bool true;
    reloadIfChanged = bool false;
    reloadTriggers = raws;
    restartTriggers = raws;
  };

  network.options = {
    matchConfig = settings;
    linkConfig = settings;
  };

  etc.options.source = mkOption {
    type = types.raw;
    description = "A stub.";
  };
in
{
  options = {
    assertions = raws;
    warnings = list;
    boot.kernelModules = list;
    environment = {
      etc = option (types.attrsOf (types.submodule etc)) { };
      systemPackages = raws;
      sessionVariables = option (types.attrsOf types.str) { };
    };
    networking = {
      dhcpcd.denyInterfaces = list;
      networkmanager.unmanaged = list;
      nftables.enable = bool false;
      firewall = {
        enable = bool true;
        filterForward = bool false;
        extraForwardRules = lines;
        checkReversePath = option (types.either types.bool (types.enum [
          "strict"
          "loose"
        ])) true;
      };
    };
    systemd = {
      package = option types.raw { outPath = "/usr"; };
      targets = option (types.attrsOf (types.submodule { options = common; })) { };
      services = option (types.attrsOf (types.submodule service)) { };
      network = {
        config.networkConfig = settings;
        networks = option (types.attrsOf (types.submodule network)) { };
      };
    };
    virtualisation = {
      docker.enable = bool false;
      libvirtd = {
        enable = bool false;
        qemu = option (types.submodule { options.runAsRoot = bool true; }) { };
      };
    };
  };
}
