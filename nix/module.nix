# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The NixOS module ctrl-os.vms. It joins its parts: options.nix, checks.nix, manifest.nix, units.nix,
# host.nix.
{
  config,
  lib,
  options,
  pkgs,
  ...
}:
let
  inherit (lib) mkDefault mkIf mkOption types;
  cfg = config.ctrl-os.vms;
  manifestOptions = (import ./options.nix { inherit lib; }).options;
  units = import ./units.nix { inherit config lib pkgs; };
  json = builtins.toJSON cfg.manifest;

  packageType = types.mkOptionType {
    name = "package";
    description = "package";
    descriptionClass = "noun";
    check = value: lib.isDerivation value || (builtins.isAttrs value && value ? outPath);
    merge = lib.mergeOneOption;
  };

  # More than this module's own definition of the network `default`.
  saysNetworks =
    builtins.length (builtins.filter (value: value != { }) options.ctrl-os.vms.networks.definitions)
    > 1;

  # A program for another platform cannot run here; the host will check again before it changes anything.
  canCheck = pkgs.stdenv.buildPlatform.canExecute pkgs.stdenv.hostPlatform;

  manifestFile =
    pkgs.runCommand "vms.json"
      {
        manifest = json;
        passAsFile = [ "manifest" ];
        preferLocalBuild = true;
      }
      ''
        cp "$manifestPath" "$out"
        ${lib.optionalString canCheck ''
          ${cfg.package}/bin/sclctl validate --allow-empty -f "$out"
        ''}
      '';

  moduleOptions = {
    enable = mkOption {
      type = types.bool;
      default = cfg.gatewayInterface != null || cfg.virtualMachines != { } || saysNetworks;
      defaultText = lib.literalMD "`true` if any other of the options that describe VMs and networks is set";
      description = ''
        Whether this host runs the declared virtual machines and networks.

        To remove the last VM together with its network, leave this at `true`: without it the
        service that removes them is gone, and what there is stays (switched off).
      '';
    };
    package = mkOption {
      type = packageType;
      default = pkgs.callPackage ./package.nix { };
      defaultText = lib.literalMD "SCL of the same source as the module";
      description = "SCL, with `bin/sclctl`.";
    };
    hypervisor = mkOption {
      type = types.nonEmptyStr;
      default = "qemu:///system";
      example = "qemu+unix:///system?socket=/run/libvirt/libvirt-sock";
      description = ''
        URI of the libvirt that runs the VMs. The default, and every other `system` URI of QEMU on this host,
        switches libvirtd on.
      '';
    };
    stateDir = mkOption {
      type = 
        types.addCheck types.str (text: builtins.match "/[A-Za-z0-9._/@:+-]*[A-Za-z0-9._@:+-]" text != null)
        // {
          description = "absolute path of a folder, as text of letters, digits and ._/@:+-";
        };
      default = "/var/lib/scl";
      example = "/srv/vms";
      description = ''
        Folder for the volumes of the VMs and what else lasts. Moving it is up to you: SCL makes new volumes
        where it finds none.
      '';
    };
    usesLibvirtd = mkOption {
      type = types.bool;
      internal = true;
      readOnly = true;
      default = builtins.match "qemu(\\+unix)?:///system.*" cfg.hypervisor != null;
      description = "Whether the VMs are run by the libvirtd of this host.";
    };
    manifest = mkOption {
      type = types.raw;
      internal = true;
      readOnly = true;
      default = import ./manifest.nix cfg;
      description = "The manifest, as it is given to `sclctl apply`.";
    };
    manifestFile = mkOption {
      type = types.raw;
      internal = true;
      readOnly = true;
      default = manifestFile;
      description = "The manifest as a file, checked when it is built.";
    };
  };
in
{
  options.ctrl-os.vms = manifestOptions // moduleOptions;

  config = lib.mkMerge [
    # There unless it is null; settings merge with its defaults, which come from its name.
    { ctrl-os.vms.networks.default = mkDefault { }; }
    (mkIf cfg.enable (
      lib.mkMerge [
        (import ./host.nix { inherit cfg config lib; })
        {
          assertions = map (message: {
            assertion = false;
            inherit message;
          }) (import ./checks.nix cfg);
          environment = {
            systemPackages = [ cfg.package ];
            etc."ctrl-os/vms.json".source = cfg.manifestFile;
            # For sclctl under sudo too, which gets its variables from PAM.
            sessionVariables =
              mkIf (cfg.hypervisor != "qemu:///system" || cfg.stateDir != "/var/lib/scl")
                { SCL_URI = units.uri; };
          };
          systemd = { inherit (units) targets services; };
        }
      ]
    ))
  ];
}
