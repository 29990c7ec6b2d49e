# SPDX-License-Identifier: LGPL-2.1-or-later
{ config, lib, ... }:
lib.mkIf (config.ctrl-os.vms.gatewayInterface == null) {
  ctrl-os.vms.virtualMachines.a.image = "/srv/a.raw";
}
