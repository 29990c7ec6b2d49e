# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The systemd units. How they behave at boot, rebuild and shutdown: doc/design/nix.md.
{
  config,
  lib,
  pkgs,
}:
let
  cfg = config.ctrl-os.vms;
  sclctl = "${cfg.package}/bin/sclctl";
  manifestPath = "/etc/ctrl-os/vms.json";
  # Beyond the guest's own time: to switch it off, and to write down that it is off.
  graceSeconds = 30;

  # "/" and ":" may stay in a query, and then the usual URI can be read.
  encode =
    text: builtins.replaceStrings [ "%2F" "%3A" ] [ "/" ":" ] (lib.escapeURL text);

  uri = "local:?hypervisor=${encode cfg.hypervisor}&state=${encode cfg.stateDir}";

  # systemd reads %x in a unit as one of its own variables.
  environment.SCL_URI = builtins.replaceStrings [ "%" ] [ "%%" ] uri;

  script = pkgs.writeShellScript "scl-service" (builtins.readFile ./scl-service.sh);
  run = verb: "${script} ${verb} ${manifestPath}";

  # Those who may flush our rules from the host's ruleset, or who must have their chains before we look.
  firewalls =
    lib.optional config.networking.nftables.enable "nftables.service"
    ++ lib.optional (
      config.networking.firewall.enable && !config.networking.nftables.enable
    ) "firewall.service"
    ++ lib.optional (config.services.firewalld.enable or false) "firewalld.service"
    ++ lib.optional config.virtualisation.docker.enable "docker.service";

  # libvirt-guests suspends what it finds running at shutdown: ours must be off by then.
  hypervisorUnits = lib.optionals cfg.usesLibvirtd [
    "libvirtd.service"
    "libvirt-guests.service"
  ];

  # Only what needs no mount namespace: the names of network namespaces are mounts under /run/netns,
  # and made in a namespace of ours they would exist for nobody else. This rules out PrivateTmp,
  # PrivateMounts, Protect{System,Home,Proc,ControlGroups,KernelTunables,KernelModules,KernelLogs},
  # PrivateDevices and every *Paths=. ProtectClock and DeviceAllow would take /dev/kvm away from the probe;
  # MemoryDenyWriteExecute would stop QEMU's own emulation in it.
  hardening = {
    NoNewPrivileges = true;
    LockPersonality = true;
    RestrictRealtime = true;
    RestrictSUIDSGID = true;
    SystemCallArchitectures = "native";
  };

  longestShutdown = lib.foldl' lib.max 0 (
    lib.mapAttrsToList (_: vm: vm.shutdownTimeout) cfg.virtualMachines
  );

  networks = lib.filterAttrs (_: network: network != null) cfg.networks;

  sclService = {
    description = "Virtual machines and their networks as declared in ctrl-os.vms";
    documentation = [ "man:sclctl(1)" ];
    wantedBy = [ "scl.target" ];
    partOf = [ "scl.target" ];
    wants = lib.optional cfg.usesLibvirtd "libvirtd.service";
    after = [ "network.target" ] ++ hypervisorUnits ++ firewalls;
    reloadIfChanged = true;
    reloadTriggers = [ cfg.manifestFile ];
    inherit environment;
    path = [ cfg.package ];
    unitConfig = {
      RequiresMountsFor = [ cfg.stateDir ];
    }
    // lib.optionalAttrs (firewalls != [ ]) { ReloadPropagatedFrom = firewalls; };
    serviceConfig = hardening // {
      Type = "oneshot";
      RemainAfterExit = true;
      ExecStart = run "start";
      ExecReload = run "reload";
      ExecStop = run "stop";
      # New VMs get copies of their images: 100 GiB at 30 MB/s. What is cut off is done by the next apply.
      TimeoutStartSec = "1h";
      TimeoutStopSec = longestShutdown + graceSeconds;
    };
  };

  # A restart, unlike a reload, is not propagated: this unit is restarted with them, and asks for one.
  firewallService = {
    description = "Rules of virtual machines after a restart of the host's firewall";
    wantedBy = firewalls;
    partOf = firewalls;
    after = firewalls;
    serviceConfig = {
      Type = "oneshot";
      RemainAfterExit = true;
      ExecStart = "${config.systemd.package}/bin/systemctl try-reload-or-restart --no-block scl.service";
    };
  };

  networkService = name: {
    description = "Network ${name} of ctrl-os.vms";
    documentation = [ "man:sclctl(1)" ];
    wantedBy = [ "scl.target" ];
    partOf = [ "scl.target" ];
    wants = [ "scl.service" ];
    after = [ "scl.service" ];
    inherit environment;
    serviceConfig = hardening // {
      Type = "oneshot";
      RemainAfterExit = true;
      ExecStart = "${sclctl} network show ${name}";
      TimeoutStartSec = "1min";
    };
  };

  # Nothing of the VM's hardware may stand here. Not wanted by scl.target: every rebuild starts all
  # targets again, and with them what a user or a guest has switched off. scl.service starts it.
  vmService = name: vm: {
    description = "Virtual machine ${name}";
    documentation = [ "man:sclctl(1)" ];
    partOf = [ "scl.target" ];
    wants = [
      "scl.service"
      "vm-network-${vm.network}.service"
    ];
    after = [
      "scl.service"
      "vm-network-${vm.network}.service"
    ]
    ++ hypervisorUnits;
    restartIfChanged = false;
    stopIfChanged = false;
    inherit environment;
    unitConfig = {
      StartLimitIntervalSec = "10min";
      StartLimitBurst = 5;
    };
    serviceConfig = hardening // {
      Type = "exec";
      ExecStart = "${sclctl} vm attach ${name} --start --stop-on-term";
      KillMode = "mixed";
      TimeoutStopSec = vm.shutdownTimeout + graceSeconds;
      # 0: the guest has powered itself off, and stays off. 1: it crashed.
      Restart = "on-failure";
      RestartSec = 5;
    };
  };

  prefixNames = prefix: lib.mapAttrs' (name: lib.nameValuePair "${prefix}${name}");
in
{
  inherit uri manifestPath;
  targets.scl = {
    description = "Virtual machines of ctrl-os.vms";
    wantedBy = [ "multi-user.target" ];
  };
  services = {
    scl = sclService;
  }
  // lib.optionalAttrs (firewalls != [ ]) { scl-firewall = firewallService; }
  // prefixNames "vm-network-" (lib.mapAttrs (name: _: networkService name) networks)
  // prefixNames "vm-" (lib.mapAttrs vmService cfg.virtualMachines);
}
