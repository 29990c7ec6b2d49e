# SPDX-License-Identifier: LGPL-2.1-or-later
{ site, lib, ... }:
{
  imports = [ ({ extra, ... }: { ctrl-os.vms.virtualMachines.b.image = "${extra}/b.raw"; }) ];
  _module.args.site = "north";
  _module.args.extra = "/extra";
  ctrl-os.vms.virtualMachines.a = { image = "/srv/${site}.raw"; };
}
