# SPDX-License-Identifier: LGPL-2.1-or-later
{ config, lib, ... }:
{
  options.lab = {
    number = lib.mkOption { type = lib.types.int; default = 7; apply = toString; };
    prefix = lib.mkOption { type = lib.types.str; readOnly = true; default = "10.9.8."; };
    address = lib.mkOption { type = lib.types.str; readOnly = true; };
  };
  config.lab.address = config.lab.prefix + config.lab.number;
  config.ctrl-os.vms.networks.lan = { externalIP = "192.168.44.1"; gatewayIP = config.lab.address; };
}
