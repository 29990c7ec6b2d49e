# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The module's units as plain files, for a host that is not NixOS: the tests of the units in a booted
# container. The text is what NixOS' own systemd-lib.nix makes of the same attributes.
#
#   nix-instantiate --store dummy:// --eval --strict --json render-units.nix \
#     --argstr nixpkgs DIR --arg configuration ./some-module.nix [--argstr package /usr/local]
#
# gives { units = { "vm-demo.service" = TEXT; … };          for /etc/systemd/system
#         links = { "multi-user.target.wants/scl.target" = "../scl.target"; … };   beside them
#         files = { "/etc/ctrl-os/vms.json" = TEXT; … };    the script is to be executable
#       }
{
  nixpkgs,
  configuration,
  package ? "/usr/local",
  scriptDir ? "${package}/libexec/scl",
}:
let
  lib = import (nixpkgs + "/lib");
  plain = import ./pkgs.nix { inherit lib; };
  scripts = "${scriptDir}/scl-service";

  evaluated = import ./eval.nix {
    inherit nixpkgs;
    modules = [
      configuration
      { ctrl-os.vms.package.outPath = package; }
    ];
    # A script has its place outside of the store.
    pkgs = plain // {
      writeShellScript = name: _: "${scriptDir}/${name}";
    };
  };
  inherit (evaluated) config;

  toText = value: if builtins.isBool value then lib.boolToString value else toString value;

  section =
    attributes:
    lib.concatStrings (
      lib.concatLists (
        lib.mapAttrsToList (name: value: map (item: "${name}=${toText item}\n") (lib.toList value)) attributes
      )
    );

  words = name: list: lib.optionalAttrs (list != [ ]) { ${name} = toString list; };

  unitSection =
    unit:
    section (
      unit.unitConfig
      // words "Description" (lib.optional (unit.description != "") unit.description)
      // words "Documentation" unit.documentation
      // words "Wants" unit.wants
      // words "Requires" unit.requires
      // words "PartOf" unit.partOf
      // words "After" unit.after
      // words "Before" unit.before
      // words "X-Reload-Triggers" (unit.reloadTriggers or [ ])
    );

  pathOf = unit: lib.optionalAttrs (unit.path != [ ]) {
    PATH = "${lib.makeBinPath unit.path}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  };

  environmentLines =
    unit:
    lib.concatStrings (
      lib.mapAttrsToList (name: value: "Environment=${builtins.toJSON "${name}=${value}"}\n") (
        pathOf unit // unit.environment
      )
    );

  switchLines =
    unit:
    (
      if unit.reloadIfChanged then
        "X-ReloadIfChanged=true\n"
      else
        lib.optionalString (!unit.restartIfChanged) "X-RestartIfChanged=false\n"
    )
    + lib.optionalString (!unit.stopIfChanged) "X-StopIfChanged=false\n";

  targetText = unit: "[Unit]\n${unitSection unit}";

  serviceText =
    unit:
    "${targetText unit}\n[Service]\n${environmentLines unit}${switchLines unit}${section unit.serviceConfig}";

  linksOf =
    name: unit: map (target: lib.nameValuePair "${target}.wants/${name}" "../${name}") unit.wantedBy;

  named =
    suffix: lib.mapAttrs' (name: lib.nameValuePair "${name}${suffix}");
  targets = named ".target" config.systemd.targets;
  services = named ".service" config.systemd.services;
in
{
  units = builtins.mapAttrs (_: targetText) targets // builtins.mapAttrs (_: serviceText) services;
  links = builtins.listToAttrs (lib.concatLists (lib.mapAttrsToList linksOf (targets // services)));
  files = {
    "/etc/ctrl-os/vms.json" = builtins.toJSON config.ctrl-os.vms.manifest;
    ${scripts} = builtins.readFile ../../nix/scl-service.sh;
  };
}
