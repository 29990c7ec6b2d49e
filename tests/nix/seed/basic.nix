# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The guide: "Configuring a Basic VM". Between the marks it is word for word.
{ imageRaw, ... }:
{
# >>>
ctrl-os.vms = {
gatewayInterface = "eth0";
virtualMachines = {
demo = {
# The image to boot (must be a RAW image for now).
image = imageRaw; # We use the previously prepared disk image.
imageSize = 4096; # Specify the disk size (MiB) of the virtual machine image here.
# The characteristics of the VM.
cores = 2; # Specify the amount of CPU cores the VM should have.
memorySize = 2048; # MiB
network = "default";
# Start the VM at boot time.
autoStart = true;
};
};
};
# <<<
}
