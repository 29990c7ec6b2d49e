# SPDX-License-Identifier: LGPL-2.1-or-later
{
  ctrl-os.vms.networks = {
    default = null;
    lan = { externalIP = "192.168.44.1"; gatewayIP = "10.0.0.1"; internalNetmask = "255.0.0.0"; };
  };
  ctrl-os.vms.virtualMachines.a = { image = "/srv/a.raw"; network = "lan"; };
}
