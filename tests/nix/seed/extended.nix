# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The guide: "Extended Networking for Virtual Machines". Between the marks it is word for word.
_:
{
# >>>
ctrl-os.vms = {
gatewayInterface = "eth0";
networks = {
default = null;
demo = {
externalIP = "192.168.44.1";
gatewayIP = "10.0.0.1";
internalNetmask = "255.0.0.0";
allowedTCPPorts = [
"2222:10.0.0.2:22"
];
allowedUDPPorts = [
"8000:10.0.0.3:8000"
];
};
};
};
# <<<
}
