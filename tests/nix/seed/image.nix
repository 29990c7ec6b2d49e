# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The guide: the image, for the modules beside this file. Between the marks it is word for word.
{ pkgs }:
let
# >>>
image = pkgs.fetchurl {
# You can pick any image here. We use a specific version (not "current"), so we can pin the dependency.
url = "https://cloud-images.ubuntu.com/noble/20260108/noble-server-cloudimg-amd64.img";
sha256 = "sha256-AHhsCTan3ZGmsHlBymC7VmUpdeDnL52s9zyIetpCCWY=";
};
imageRaw = pkgs.runCommand "ubuntu-image.raw" {
nativeBuildInputs = [ pkgs.qemu-utils ];
} ''
qemu-img convert -O raw ${image} $out
'';
# <<<
in
{
  inherit image imageRaw;
}
