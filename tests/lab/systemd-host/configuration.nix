# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the host of test_systemd_host.py declares.
let
  guest = import ./guest.nix;
in
{
  networking.nftables.enable = true;
  ctrl-os.vms = {
    gatewayInterface = "eth0";
    networks.default.allowedTCPPorts = [
      "2222:192.168.20.2:22"
      "2223:192.168.20.3:22"
    ];
    virtualMachines = {
      demo = guest "demo";
      spare = guest "spare" // {
        autoStart = false;
      };
    };
  };
}
