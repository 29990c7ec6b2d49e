# SPDX-License-Identifier: LGPL-2.1-or-later
{
  imports = [ ./parts/lab.nix ];
  lab.vms.enable = true;
  lab.vms.cores = 3;
}
