# SPDX-License-Identifier: LGPL-2.1-or-later
rec {
  ctrl-os.vms.virtualMachines.a = { image = "/srv/a.raw"; cores = 3; };
  ctrl-os.vms.virtualMachines.b = ctrl-os.vms.virtualMachines.a // { image = "/srv/b.raw"; };
}
