# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A tiny guest. Paths are those in the container.
name: {
  image = "/srv/tiny.raw";
  memorySize = 96;
  firmware = "bios";
  accelerator = "tcg";
  shutdownTimeout = 30;
  cloudInitUserConfigFile = "/srv/${name}.user";
}
