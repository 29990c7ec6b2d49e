# SPDX-License-Identifier: LGPL-2.1-or-later
# Options of one's own beside those of SCL.
{ config, lib, ... }:
{
  options.ctrl-os.vms.site = lib.mkOption { type = lib.types.str; default = "here"; };
  options.ctrl-os.vms.virtualMachines = lib.mkOption {
    type = lib.types.attrsOf (lib.types.submodule ({ name, config, ... }: {
      options.role = lib.mkOption { type = lib.types.enum [ "web" "db" ]; default = "web"; };
      config.cores = lib.mkIf (config.role == "db") 4;
      config.image = lib.mkDefault "/srv/${name}.raw";
    }));
  };
  config.ctrl-os.vms.virtualMachines = {
    a = { };
    b = { role = "db"; image = "/srv/${config.ctrl-os.vms.site}.raw"; };
  };
}
