# SPDX-License-Identifier: LGPL-2.1-or-later
{
  imports = [ ./parts/base.nix ./parts/more.nix ];
  disabledModules = [ ./parts/base.nix ];
  lab.vms.enable = true;
}
