# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The same host after its owner has edited the configuration: two more forwards, one VM more, one changed, one less.
{ lib, ... }:
let
  guest = import ./guest.nix;
in
{
  imports = [ ./configuration.nix ];
  ctrl-os.vms = {
    networks.default.allowedTCPPorts = [
      "2224:192.168.20.4:22"
      "2280:192.168.20.2:80"
    ];
    virtualMachines = lib.mkForce {
      # Something that stands in its unit.
      demo = guest "demo" // {
        shutdownTimeout = 40;
      };
      extra = guest "extra";
    };
  };
}
