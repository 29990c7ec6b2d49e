# SPDX-License-Identifier: LGPL-2.1-or-later
{
  imports = [ ./parts/lab.nix ./parts/more.nix ];
  lab.vms.enable = true;
  lab.vms.names = [ "first" ];
}
