# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the rest of a NixOS host has to leave alone, or to have ready. Every value gives way to the
# user's own.
{
  cfg,
  config,
  lib,
}:
let
  inherit (lib) mkDefault mkIf;
  # scl + kind (u: uplink, n: NIC, m: macvtap) + "-" + name: libscl/model/scl-names.c.
  links = "scl?-*";
  routesInternet = cfg.gatewayInterface != null;
in
{
  # UEFI needs nothing here: libvirtd publishes QEMU's firmware by itself (before NixOS 25.11:
  # qemu.ovmf, on by default), and SCL lets libvirt choose. See doc/design/nix.md.
  virtualisation.libvirtd = mkIf cfg.usesLibvirtd {
    enable = mkDefault true;
    qemu.runAsRoot = mkDefault false;
  };

  # Most of them would be loaded on demand, but not under security.lockKernelModules.
  boot.kernelModules = [
    "bridge"
    "macvtap"
    "tun"
    "veth"
    "nf_conntrack_netlink"
    "nf_tables"
    "nft_chain_nat"
    "nft_ct"
    "nft_masq"
    "nft_nat"
    "vhost_net"
  ];

  # Forwarding is switched on per interface by SCL itself, where it is needed: no ip_forward here.
  networking = {
    dhcpcd.denyInterfaces = [ links ];
    networkmanager.unmanaged = [ "interface-name:${links}" ];
    firewall = {
      # Strict, it drops answers that come in by an uplink which does not own the default route.
      checkReversePath = mkIf routesInternet (mkDefault "loose");
      # Only past the host's own filter: what may go where is decided by SCL's own forward chain.
      extraForwardRules =
        mkIf (config.networking.nftables.enable && config.networking.firewall.filterForward)
          ''
            iifname "sclu-*" accept comment "ctrl-os.vms"
            oifname "sclu-*" accept comment "ctrl-os.vms"
          '';
    };
  };

  systemd.network = {
    networks."05-scl" = {
      matchConfig.Name = links;
      linkConfig.Unmanaged = true;
    };
    # networkd would remove the policy routing of an uplink without the default route.
    config.networkConfig = mkIf routesInternet {
      ManageForeignRoutingPolicyRules = mkDefault false;
      ManageForeignRoutes = mkDefault false;
    };
  };
}
