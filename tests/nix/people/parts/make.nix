# SPDX-License-Identifier: LGPL-2.1-or-later
name:
{ config, ... }:
{
  ctrl-os.vms.virtualMachines.${name} = { image = "/srv/made.raw"; cores = config.ctrl-os.vms.virtualMachines.b.cores * 2; };
}
