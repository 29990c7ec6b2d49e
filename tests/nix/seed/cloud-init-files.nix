# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The guide: "files on disk", beside the basic VM. Between the marks it is word for word.
_:
{
# >>>
ctrl-os.vms.virtualMachines.demo = {
cloudInitUserConfigFile = "/path/to/cloud-init-user-config.yaml";
cloudInitNetworkConfigFile = "/path/to/cloud-init-network-config.yaml";
};
# <<<
}
