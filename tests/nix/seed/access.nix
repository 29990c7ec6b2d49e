# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The guide: "Allow Access to the VM network". Between the marks it is word for word.
_:
{
# >>>
ctrl-os.vms = {
gatewayInterface = "eth0";
networks.default.allowedTCPPorts = [
"2222:192.168.20.2:22" # Enable ssh access on host IP 192.168.10.1:2222 to VM 192.168.20.2:22
];
# ...
};
# <<<
}
