# SPDX-License-Identifier: LGPL-2.1-or-later
# What the options of ctrl-os.vms default to can be used for something else.
{ config, lib, pkgs, ... }:
let
  vms = config.ctrl-os.vms;
in
{
  ctrl-os.vms.virtualMachines.web = {
    image = "/srv/web.raw";
    cores = 2 * vms.virtualMachines.db.cores;
    memorySize = vms.virtualMachines.db.memorySize + 512;
    cloudInitNetworkConfigFile = (pkgs.formats.yaml { }).generate "network.yaml" {
      version = 2;
      ethernets.enp1s0 = { addresses = [ "192.168.20.2/24" ]; gateway4 = vms.networks.default.gatewayIP; };
    };
  };
  ctrl-os.vms.virtualMachines.db = { image = "/srv/db.raw"; network = vms.virtualMachines.web.network; };
}
