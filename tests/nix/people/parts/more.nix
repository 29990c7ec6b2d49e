# SPDX-License-Identifier: LGPL-2.1-or-later
{
  imports = [ ./lab.nix ];
  lab.vms.names = [ "second" "third" ];
}
