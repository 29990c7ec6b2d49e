# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The guide: "Configure the VM Using cloud-init". Between the marks it is word for word.
{ pkgs, imageRaw, ... }:
{
# >>>
ctrl-os.vms = let
yaml = pkgs.formats.yaml { };
in {
gatewayInterface = "eth0";
networks.default.allowedTCPPorts = [
"2222:192.168.20.2:22" # Enable ssh access on host IP 192.168.10.1:2222 to guest virtual machine 192.168.20.2:22
];
virtualMachines = {
demo = {
# As before.
image = imageRaw;
imageSize = 4096;
cores = 2;
memorySize = 2048;
autoStart = true;
network = "default";
cloudInitUserConfigFile = yaml.generate "cloud-init-user-config.yaml" {
system_info.default_user.name = "nixos"; # The user name inside the virtual machine.
password = "nixos"; # The initial password of the nixos user.
# For demo and testing purposes only!
chpasswd.expire = false; # Disable password expiry.
ssh_pwauth = true; # Enable password authentication.
};
cloudInitNetworkConfigFile = yaml.generate "cloud-init-network-config.yaml" {
version = 2;
ethernets.id0 = {
# Configure the VM IP for every ethernet device starting with 'enp'
match.name = "enp*";
addresses = [
# Configure the VM IP to 192.168.20.2 (matches the port forwarding rule from above).
"192.168.20.2/24"
];
# Configure the internalIP of the network as gateway IP to allow internet access.
gateway4 = "192.168.20.1";
};
};
};
};
};
# <<<
}
