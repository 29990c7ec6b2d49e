# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The guide on a NixOS host, for `nix flake check` or
#
#   pkgs.testers.runNixOSTest (import ./nix/test.nix { module = ./nix/module.nix; })
#
# Boot, ssh through the forward, separation, a new forward without a reboot, a removal that keeps the data.
# It needs KVM or patience. No machine of the developers can run it: what is tested of it there is that it
# evaluates. Treat its first run as a review of it.
{ module }:
let
  # A guest that cloud-init configures: the image of nixpkgs, with an address of its own.
  guestImage =
    pkgs:
    (import "${pkgs.path}/nixos/lib/eval-config.nix" {
      inherit (pkgs.stdenv.hostPlatform) system;
      modules = [
        "${pkgs.path}/nixos/modules/virtualisation/disk-image.nix"
        {
          image.format = "raw";
          image.efiSupport = true;
          services.cloud-init = {
            enable = true;
            network.enable = true;
          };
          services.openssh = {
            enable = true;
            settings.PasswordAuthentication = true;
          };
          networking.useDHCP = false;
          networking.firewall.allowedTCPPorts = [ 8080 ];
          system.stateVersion = "25.11";
        }
      ];
    }).config.system.build.image;

  cloudInit =
    pkgs: address: gateway:
    let
      yaml = pkgs.formats.yaml { };
    in
    {
      cloudInitUserConfigFile = yaml.generate "cloud-init-user-config.yaml" {
        users = [
          {
            name = "nixos";
            plain_text_passwd = "nixos";
            lock_passwd = false;
            sudo = "ALL=(ALL) NOPASSWD:ALL";
          }
        ];
        ssh_pwauth = true;
      };
      cloudInitNetworkConfigFile = yaml.generate "cloud-init-network-config.yaml" {
        version = 2;
        ethernets.id0 = {
          match.name = "enp*";
          addresses = [ address ];
          gateway4 = gateway;
        };
      };
    };
in
{
  name = "ctrl-os-vms";

  nodes.host =
    { lib, pkgs, ... }:
    let
      hardware = {
        image = "${guestImage pkgs}/nixos.img";
        imageSize = 8192;
        cores = 1;
        memorySize = 1024;
      };
    in
    {
      imports = [ module ];

      virtualisation = {
        cores = 2;
        memorySize = 4096;
        diskSize = 32768;
        qemu.options = [ "-cpu max" ];
      };
      environment.systemPackages = [
        pkgs.jq
        pkgs.sshpass
      ];

      ctrl-os.vms = {
        gatewayInterface = "eth0";
        networks.default.allowedTCPPorts = [ "2222:192.168.20.2:22" ];
        networks.other = {
          externalIP = "192.168.44.1";
          gatewayIP = "10.0.0.1";
          internalNetmask = "255.0.0.0";
          allowedTCPPorts = [ "2222:10.0.0.2:22" ];
        };
        virtualMachines.demo = hardware // cloudInit pkgs "192.168.20.2/24" "192.168.20.1";
        virtualMachines.other = hardware // cloudInit pkgs "10.0.0.2/8" "10.0.0.1" // { network = "other"; };
      };

      specialisation.forward.configuration.ctrl-os.vms.networks.default.allowedTCPPorts = [
        "2223:192.168.20.2:22"
      ];
      specialisation.removed.configuration.ctrl-os.vms.virtualMachines = lib.mkForce {
        other = hardware // cloudInit pkgs "10.0.0.2/8" "10.0.0.1" // { network = "other"; };
      };
    };

  testScript = ''
    def guest(ip, command, port=2222):
        options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=5"
        return f"sshpass -p nixos ssh {options} -p {port} nixos@{ip} '{command}'"


    def switch(name):
        host.succeed(f"/run/booted-system/specialisation/{name}/bin/switch-to-configuration test")


    host.start()
    host.wait_for_unit("scl.service", timeout=600)

    with subtest("ssh through the forwards"):
        host.wait_until_succeeds(guest("192.168.10.1", "true"), timeout=900)
        host.wait_until_succeeds(guest("192.168.44.1", "true"), timeout=900)
        host.succeed("systemctl is-active vm-demo.service vm-network-default.service")
        booted = host.succeed(guest("192.168.10.1", "cat /proc/sys/kernel/random/boot_id"))

    with subtest("networks are separated"):
        host.fail(guest("192.168.10.1", "ping -c 1 -W 2 10.0.0.2"))
        host.fail(guest("192.168.10.1", "timeout 5 bash -c \"</dev/tcp/192.168.44.1/2222\""))

    with subtest("a new forward needs no reboot"):
        switch("forward")
        host.wait_until_succeeds(guest("192.168.10.1", "true", 2223), timeout=60)
        assert booted == host.succeed(guest("192.168.10.1", "cat /proc/sys/kernel/random/boot_id"))

    with subtest("a rebuild leaves a guest off that has powered itself off"):
        host.execute(guest("192.168.44.1", "sudo poweroff"))
        host.wait_until_fails("systemctl is-active vm-other.service", timeout=120)
        host.succeed("/run/booted-system/bin/switch-to-configuration test")
        host.fail("systemctl is-active vm-other.service")
        host.succeed("systemctl start vm-other.service")
        host.wait_until_succeeds(guest("192.168.44.1", "true"), timeout=900)

    with subtest("a removed VM keeps its data"):
        host.succeed(guest("192.168.10.1", "echo kept > kept && sync"))
        switch("removed")
        host.fail("sclctl vm show demo")
        host.succeed("sclctl volume show demo")
        host.succeed("/run/booted-system/bin/switch-to-configuration test")
        host.wait_until_succeeds(guest("192.168.10.1", "grep kept kept"), timeout=900)
  '';
}
