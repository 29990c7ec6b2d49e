# SPDX-License-Identifier: LGPL-2.1-or-later
"""scl-nix: what a Nix expression becomes. The snippets are those of the guide, letter for letter."""

import hashlib
import json
import os
import resource
import stat
import subprocess

import scltest
from scltest.guest import SOURCE
from test_scl_nix_case import NixCase

SEED = SOURCE / "tests/nix/seed"


def snippet(name):
    """What stands between the marks: the guide's own text."""
    return (SEED / f"{name}.nix").read_text(encoding="utf-8").split("# >>>\n")[1].split("# <<<\n")[0]


GATEWAY, BASIC, ACCESS, CLOUD_INIT, ON_DISK, EXTENDED = map(
    snippet, ("gateway", "basic", "access", "cloud-init", "cloud-init-files", "extended"))

USER = {"system_info": {"default_user": {"name": "nixos"}}, "password": "nixos", "chpasswd": {"expire": False},
        "ssh_pwauth": True}
NETWORK = {"version": 2, "ethernets": {"id0": {"match": {"name": "enp*"}, "addresses": ["192.168.20.2/24"],
                                               "gateway4": "192.168.20.1"}}}
DEMO = {"image": "/srv/disk.raw", "imageSize": 4096, "cores": 2, "memorySize": 2048}
FORWARD = {"default": {"allowedTCPPorts": ["2222:192.168.20.2:22"]}}
DEMO_NETWORK = {"externalIP": "192.168.44.1", "gatewayIP": "10.0.0.1", "internalNetmask": "255.0.0.0",
                "allowedTCPPorts": ["2222:10.0.0.2:22"], "allowedUDPPorts": ["8000:10.0.0.3:8000"]}


def module(body):
    """A NixOS module around a snippet of the guide."""
    return "{ pkgs, ... }:\nlet imageRaw = /srv/disk.raw; in\n{\n" + body + "}\n"


class Guide(NixCase):
    """Every snippet, to the manifest that it means."""

    def becomes(self, body, wanted):
        found = self.manifest(module(body))
        self.assertEqual(found, {"version": 1, **wanted})
        return found

    def test_gateway(self):
        self.becomes(GATEWAY, {"gatewayInterface": "eth0"})

    def test_basic(self):
        self.becomes(BASIC, {"gatewayInterface": "eth0", "virtualMachines": {"demo": DEMO}})

    def test_access(self):
        self.becomes(ACCESS, {"gatewayInterface": "eth0", "networks": FORWARD})

    def test_cloud_init(self):
        found = self.manifest(module(CLOUD_INIT))
        demo = found["virtualMachines"]["demo"]
        user, network = (demo.pop(key) for key in ("cloudInitUserConfigFile", "cloudInitNetworkConfigFile"))
        self.assertEqual(found, {"version": 1, "gatewayInterface": "eth0", "networks": FORWARD, "virtualMachines": {"demo": DEMO}})
        for path, name, content in ((user, "cloud-init-user-config.yaml", USER),
                                    (network, "cloud-init-network-config.yaml", NETWORK)):
            with open(path, "rb") as file:
                data = file.read()
            self.assertEqual(path, str(self.files / f"{hashlib.sha256(data).hexdigest()}-{name}"))
            self.assertEqual(json.loads(data), content)

    def test_files_on_disk(self):
        """The guide's snippet is an addition to the VM from before."""
        self.write("more.nix", "{\n" + ON_DISK + "}\n")
        found = self.manifest("{ pkgs, ... }:\nlet imageRaw = /srv/disk.raw; in\n{\nimports = [ ./more.nix ];\n" + BASIC + "}\n")
        self.assertEqual(found["virtualMachines"]["demo"], {
            **DEMO, "cloudInitUserConfigFile": "/path/to/cloud-init-user-config.yaml",
            "cloudInitNetworkConfigFile": "/path/to/cloud-init-network-config.yaml"})

    def test_extended(self):
        self.becomes(EXTENDED, {"gatewayInterface": "eth0", "networks": {"default": None, "demo": DEMO_NETWORK}})

    def test_tcp_only_and_udp_only(self):
        tcp = EXTENDED.replace('allowedUDPPorts = [\n"8000:10.0.0.3:8000"\n];\n', "")
        udp = EXTENDED.replace('allowedTCPPorts = [\n"2222:10.0.0.2:22"\n];\n', "")
        for body, other in ((tcp, "allowedUDPPorts"), (udp, "allowedTCPPorts")):
            wanted = {key: value for key, value in DEMO_NETWORK.items() if key != other}
            self.becomes(body, {"gatewayInterface": "eth0", "networks": {"default": None, "demo": wanted}})

    def test_image_of_the_guide_says_what_to_do(self):
        body = 'let image = pkgs.fetchurl { url = "https://x/y.img"; };\nimageRaw = pkgs.runCommand "u.raw" { } "${image}";\nin\n'
        done = self.nix("vms.nix", "{ pkgs, ... }:\n" + body + "{\n" + BASIC + "}\n", status=1)
        self.assertRegex(done.stderr, r"^vms\.nix:\d+:\d+: virtualMachines\.demo\.image: pkgs\.runCommand needs nixpkgs")
        self.assertIn("image = ./disk.raw", done.stderr)
        self.assertIn("-I nixpkgs=PATH --unrestricted --build", done.stderr)


class Forms(NixCase):
    WANTED = {"version": 1, "virtualMachines": {"a": {"image": "/a.raw"}}}

    def test_forms(self):
        plain = "virtualMachines.a.image = /a.raw;"
        vms = "ctrl-os.vms.virtualMachines.a.image = /a.raw;"
        for text in (f"{{ {plain} }}", f"{{ version = 1; {plain} }}", f"{{ ... }}: {{ {plain} }}", f"{{ scl, ... }}: {{ {plain} }}",
                     f"{{ scl }}: {{ {plain} }}", f"x: {{ {plain} }}", f"{{ {vms} }}", f"{{ config.{vms} }}",
                     f"{{ config, pkgs, lib, ... }}: {{ {vms} }}", f"{{ ctrl-os = {{ vms = {{ {plain} }}; }}; }}",
                     f"{{ lib, ... }}: {{ config = lib.mkIf true {{ {vms} }}; }}",
                     f"{{ x ? 1 }}: y: {{ {plain} }}"):
            self.assertEqual(self.manifest(text), self.WANTED, text)

    def test_a_whole_configuration(self):
        """Only ctrl-os.vms is looked at, and the rest can be referred to."""
        self.write("hardware.nix", '{ lib, ... }: { networking.hostName = lib.mkDefault "host"; boot.x = throw "not looked at"; }')
        text = """{ config, lib, pkgs, ... }: {
          imports = [ ./hardware.nix ./hardware.nix { ctrl-os.vms.networks.default.allowedTCPPorts = [ "80:192.168.20.2:80" ]; } ];
          environment.systemPackages = [ pkgs.whatever ];
          networking.hostName = "b";
          ctrl-os.vms.enable = true;
          ctrl-os.vms.networks.default.allowedTCPPorts = lib.mkAfter [ "81:192.168.20.2:81" ];
          ctrl-os.vms.virtualMachines = lib.mkMerge [
            { a.image = "/srv/${config.networking.hostName}.raw"; a.cores = lib.mkDefault 1; }
            { a.cores = lib.mkIf (config.networking.hostName == "b") 3; }
            (lib.mkIf false { c.image = throw "no"; })
            { d = lib.mkForce { image = /d.raw; }; }
            { d.image = /e.raw; }
          ];
        }"""
        found = self.manifest(text)
        self.assertEqual(found["virtualMachines"], {"a": {"image": "/srv/b.raw", "cores": 3}, "d": {"image": "/d.raw"}})
        self.assertEqual(found["networks"]["default"]["allowedTCPPorts"], ["80:192.168.20.2:80", "81:192.168.20.2:81"])

    def test_attribute_and_arguments(self):
        text = '{ n, name ? "x" }: { sets.two = { extra }: { virtualMachines.${name} = { image = "/${extra}"; cores = n; }; }; }'
        done = self.nix("--arg", "n=1 + 1", "--argstr", "extra=a\"${b}''c", "-A", "sets.two", "vms.nix", text)
        self.assertEqual(json.loads(done.stdout)["virtualMachines"], {"x": {"image": "/a\"${b}''c", "cores": 2}})

    def test_options_of_the_nixos_module(self):
        """What `ctrl-os.vms` has beside the manifest is no key of it; null is what is not set."""
        text = """{ host.config.ctrl-os.vms = {
          enable = true; package = throw "p"; hypervisor = "h"; stateDir = "s"; manifest = throw "m"; manifestFile = throw "f";
          gatewayInterface = null; networks.default = { externalIP = "192.168.10.1"; };
          virtualMachines.a = { image = /a.raw; imageSize = null; mac = null; }; }; }"""
        done = self.nix("-A", "host.config.ctrl-os.vms", "vms.nix", text)
        self.assertEqual(json.loads(done.stdout), self.WANTED)
        done = self.nix("vms.nix", "{ ctrl-os.vms.enable = false; }", status=1)
        self.assertIn("ctrl-os.vms.enable is false", done.stderr)

    def test_paths(self):
        """Of the file's folder, wherever one is; nothing is copied to a store."""
        (self.dir / "sub").mkdir()
        self.write("sub/vm.nix", '{ image = ./disk.raw; cloudInitUserConfigFile = "user.yaml"; cores = (import ../n.nix).n; }')
        self.write("n.nix", '{ n = builtins.fromJSON (builtins.readFile ./n.json); }')
        self.write("n.json", "7")
        found = self.manifest("{ virtualMachines.a = import ./sub/vm.nix; }")
        self.assertEqual(found["virtualMachines"]["a"], {"image": f"{self.dir}/sub/disk.raw", "cores": 7,
                                                         "cloudInitUserConfigFile": f"{self.dir}/user.yaml"})
        link = self.dir / "sub/link.nix"
        link.symlink_to("../vms.nix")
        self.assertEqual(json.loads(self.nix(str(link), cwd="/").stdout), found)

    def test_helpers(self):
        text = """{ scl, pkgs, lib, ... }: { virtualMachines.a = { image = /a.raw;
          cloudInitUserConfigFile = scl.cloudConfig { users = lib.genAttrs [ "x" ] (n: n); };
          cloudInitNetworkConfigFile = scl.networkConfig { version = 2; }; };
        virtualMachines.b = { image = /b.raw; cloudInitUserConfigFile = scl.text "user" "#!/bin/sh\\n";
          cloudInitNetworkConfigFile = pkgs.writeText "n.yaml" "version: 2\\n"; }; }"""
        vms = self.manifest(text)["virtualMachines"]
        contents = [self.read(vm[key]) for vm in (vms["a"], vms["b"]) for key in ("cloudInitUserConfigFile", "cloudInitNetworkConfigFile")]
        self.assertEqual(contents, ['#cloud-config\n{"users":{"x":"x"}}\n', '{"version":2}\n', "#!/bin/sh\n", "version: 2\n"])

    def test_hundreds_of_vms(self):
        text = """{ scl, lib, ... }: { networks.default.allowedTCPPorts = map (n: "${toString (2000 + n)}:192.168.20.${toString n}:22") (lib.range 2 201);
          virtualMachines = lib.genAttrs (map (n: "vm${toString n}") (lib.range 2 201)) (name: { image = ./disk.raw; cores = 2;
            cloudInitUserConfigFile = scl.cloudConfig { hostname = name; }; }); }"""
        self.write("vms.nix", text)
        begin = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        done = self.nix("-q", "vms.nix")
        seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - begin
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(self.manifest(text)["virtualMachines"]), 200)
        if "SCL_TEST_SANITIZE" not in os.environ:
            self.assertLess(seconds, 0.5)


class Files(NixCase):
    SECRET = "{ scl, ... }: { virtualMachines.a = { image = /a.raw; cloudInitUserConfigFile = scl.cloudConfig { password = \"marker-of-a-secret\"; }; }; }"

    def test_modes_and_names(self):
        os.umask(0o022)
        path = self.manifest(self.SECRET)["virtualMachines"]["a"]["cloudInitUserConfigFile"]
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(self.files).st_mode), 0o700)
        self.assertEqual(os.listdir(self.files), [os.path.basename(path)])
        before = os.stat(path)
        self.assertEqual(self.manifest(self.SECRET)["virtualMachines"]["a"]["cloudInitUserConfigFile"], path)
        self.assertEqual((os.stat(path).st_ino, os.stat(path).st_mtime_ns), (before.st_ino, before.st_mtime_ns))
        other = self.manifest(self.SECRET.replace("marker", "other"))["virtualMachines"]["a"]["cloudInitUserConfigFile"]
        self.assertNotEqual(other, path)

    def test_a_broken_file_is_written_again(self):
        path = self.manifest(self.SECRET)["virtualMachines"]["a"]["cloudInitUserConfigFile"]
        content = self.read(path)
        victim = self.write("victim", "mine")
        for breaker in (lambda: os.truncate(path, 3), lambda: os.chmod(path, 0o644), lambda: (os.unlink(path), os.symlink(victim, path))):
            breaker()
            self.manifest(self.SECRET)
            self.assertEqual((self.read(path), stat.S_IMODE(os.lstat(path).st_mode)), (content, 0o600))
        self.assertEqual(victim.read_text(), "mine")
        (self.files / ".new").symlink_to(victim)
        os.unlink(path)
        self.manifest(self.SECRET)
        self.assertEqual((self.read(path), victim.read_text()), (content, "mine"))

    def test_folder_of_others(self):
        self.files.symlink_to(self.dir)
        done = self.nix("vms.nix", self.SECRET, status=1)
        self.assertIn("cannot open the folder", done.stderr)
        self.files.unlink()
        for mode in (0o755, 0o750, 0o1700):
            self.files.mkdir()
            self.files.chmod(mode)
            done = self.nix("vms.nix", self.SECRET, status=1)
            self.assertIn(f"must be yours alone (mode 0700); it has mode {mode:04o}", done.stderr)
            self.assertEqual(os.listdir(self.files), [])
            self.files.rmdir()
        if os.geteuid() == 0:
            self.files.mkdir(0o700)
            os.chown(self.files, 65534, 65534)
            self.assertIn("user 65534", self.nix("vms.nix", self.SECRET, status=1).stderr)

    def test_nothing_is_written_for_a_check_or_an_error(self):
        self.nix("-q", "vms.nix", self.SECRET)
        self.nix("--no-files", "vms.nix")
        self.nix("vms.nix", self.SECRET.replace("image = /a.raw", "imag = 1"), status=1)
        self.assertFalse(self.files.exists())

    def test_where_they_go(self):
        given = self.dir / "deep/er"
        done = self.nix("--files", str(given), "vms.nix", self.SECRET)
        self.assertIn(f'"{given}/', done.stdout)
        self.assertEqual(stat.S_IMODE(given.stat().st_mode), 0o700)
        done = self.nix("--files", "relative", "--no-files", "vms.nix")
        self.assertIn(f'"{self.dir}/relative/', done.stdout)
        done = self.nix("--no-files", "vms.nix", SCL_NIX_FILES=None, XDG_CACHE_HOME=str(self.dir / "cache"))
        usual = "/var/lib/scl/nix" if os.geteuid() == 0 else f"{self.dir}/cache/scl/nix"
        self.assertIn(f'"{usual}/', done.stdout)

    def test_secrets_are_in_no_command_line_and_no_output(self):
        """Looked at while Nix is running, which waits for a FIFO: newer Nix for the second, since the first has no size that it would read."""
        text = self.SECRET.replace("/a.raw", "builtins.seq (builtins.readFile ./first + builtins.readFile ./second) /a.raw")
        self.write("vms.nix", text)
        for gate in ("first", "second"):
            os.mkfifo(self.dir / f"wait-{gate}")
            (self.dir / gate).symlink_to(f"wait-{gate}")
        process = subprocess.Popen(self.argv("-q", "vms.nix"), cwd=self.dir, env=self.environment(), stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        with open(self.dir / "wait-first", "wb"):  # opens when somebody reads: the evaluation is running
            lines = b"".join(self.command_line(pid) for pid in os.listdir("/proc") if pid.isdigit())
        (self.dir / "wait-second").write_bytes(b"")
        output = process.communicate(timeout=scltest.bound(60))[0]
        self.assertIn(b"nix-instantiate\0--eval", lines)
        self.assertNotIn(b"marker-of-a-secret", lines + output)
        self.assertNotIn("marker-of-a-secret", self.nix("vms.nix", self.SECRET).stdout)

    @staticmethod
    def command_line(pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                return file.read()
        except OSError:
            return b""


if __name__ == "__main__":
    scltest.main()
