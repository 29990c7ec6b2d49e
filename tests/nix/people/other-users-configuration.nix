# SPDX-License-Identifier: LGPL-2.1-or-later
# A host's configuration, of which the VMs are a part.
{ config, lib, pkgs, ... }:
{
  imports = [ ./parts/base.nix ];
  networking.hostName = "host-${lib.toLower "A"}";
  networking.firewall.enable = true;
  environment.systemPackages = [ pkgs.qemu-utils ];
  ctrl-os.vms.virtualMachines.${config.networking.hostName} = { image = "/srv/host.raw"; };
  ctrl-os.vms.networks.default.allowedTCPPorts = lib.optional config.networking.firewall.enable "8080:192.168.20.3:80";
}
