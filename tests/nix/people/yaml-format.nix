# SPDX-License-Identifier: LGPL-2.1-or-later
{ pkgs, lib, ... }:
let
  yaml = pkgs.formats.yaml { };
  user = name: yaml.generate "user.yaml" {
    hostname = name;
    users = [ "default" { inherit name; sudo = "ALL=(ALL) NOPASSWD:ALL"; } ];
    write_files = lib.imap1 (n: text: { path = "/etc/${toString n}"; content = lib.generators.toINI { } { main.text = text; }; }) [ "a" "b" ];
  };
in
{
  ctrl-os.vms.virtualMachines = lib.genAttrs [ "web" "db" ] (name: { image = "/srv/${name}.raw"; cloudInitUserConfigFile = user name; });
}
