# SPDX-License-Identifier: LGPL-2.1-or-later
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  guest = { name, config, ... }: {
    options = {
      number = mkOption { type = types.ints.between 2 250; };
      size = mkOption { type = types.enum [ "small" "large" ]; default = "small"; };
      ssh = mkOption { type = types.nullOr types.port; default = null; };
      address = mkOption { type = types.str; default = "192.168.20.${toString config.number}"; };
      disk = mkOption { type = types.path; default = "/srv/${name}.raw"; };
    };
  };
  forward = guest: "${toString guest.ssh}:${guest.address}:22";
in
{
  options.guests = mkOption { type = types.attrsOf (types.submodule guest); default = { }; };
  config = {
    guests = {
      web = { number = 11; ssh = 2211; size = "large"; };
      db = { number = 12; };
      log = { number = 13; ssh = 2213; address = "192.168.20.99"; disk = "/data/log.raw"; };
    };
    ctrl-os.vms = {
      networks.default.allowedTCPPorts = map forward (builtins.filter (guest: guest.ssh != null) (lib.attrValues config.guests));
      virtualMachines = lib.mapAttrs (_: guest: {
        image = guest.disk;
        memorySize = { small = 1024; large = 4096; }.${guest.size};
      }) config.guests;
    };
  };
}
