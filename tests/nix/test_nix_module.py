#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The module, evaluated by nixpkgs' lib: the guide's snippets, wrong configurations, secrets, speed."""

import ast
import json
import subprocess
import time
from pathlib import Path

import nixtest
import scltest
import wrong
from nixtest import SOURCE, anonymous, check_golden, evaluate, module
from scltest.sclctl import program

IMAGE = "{ _module.args.imageRaw = (import ./seed/image.nix { inherit pkgs; }).imageRaw; }"
# The guide in its order; a snippet that says only a part stands beside the one that it extends.
GUIDE = {
    "gateway": ["./seed/gateway.nix"],
    "basic": ["./seed/basic.nix"],
    "access": ["./seed/access.nix"],
    "basic-access": ["./seed/basic.nix", "./seed/access.nix"],
    "cloud-init": ["./seed/cloud-init.nix"],
    "cloud-init-files": ["./seed/basic.nix", "./seed/cloud-init-files.nix"],
    "extended": ["./seed/extended.nix"],
    "udp-only": ["./seed/basic.nix", '{ ctrl-os.vms.networks.default.allowedUDPPorts = [ "53:192.168.20.2:53" ]; }'],
    "network-config-only": ["./seed/basic.nix", '{ ctrl-os.vms.virtualMachines.demo.cloudInitNetworkConfigFile = "/n.yaml"; }'],
}


def guide(name, wanted):
    return module(wanted, *GUIDE[name], "{ pkgs, ... }: " + IMAGE)


def vms(text, wanted="config.ctrl-os.vms.manifest"):
    return module(wanted, f"{{ ctrl-os.vms = {{ {text} }}; }}")


class Guide(scltest.TestCase):
    def test_each_snippet_gives_its_manifest(self):
        for name in GUIDE:
            found = guide(name, "{ inherit (config.ctrl-os.vms) manifest enable; inherit failures; }")
            with self.subTest(name):
                self.assertEqual((found["failures"], found["enable"]), ([], True))
                check_golden(self, f"manifest-{name}.json", anonymous(found["manifest"]))

    def test_sclctl_accepts_each(self):
        folder = self.folder()
        for name in GUIDE:
            path = folder / "vms.json"
            path.write_text(json.dumps(guide(name, "config.ctrl-os.vms.manifest")), encoding="utf-8")
            done = subprocess.run([program(), "validate", "-f", path], capture_output=True, text=True, timeout=scltest.bound(30), check=False)
            with self.subTest(name):
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_nothing_said_is_nothing_done(self):
        found = module("{ inherit (config.ctrl-os.vms) enable; inherit (config) systemd environment boot; }")
        self.assertFalse(found["enable"])
        self.assertEqual((found["systemd"]["services"], found["environment"]["etc"], found["boot"]["kernelModules"]), ({}, {}, []))

    def test_anything_said_enables(self):
        for text in ('gatewayInterface = "eth0";', "networks.default = null;", "networks.default = { };", wrong.vm(),
                     wrong.net(wrong.OTHER, "dmz")):
            self.assertTrue(vms(text, "config.ctrl-os.vms.enable"), text)
        self.assertFalse(vms(wrong.vm() + "enable = false;", 'config.systemd.services ? scl'))

    def test_settings_of_several_modules_merge(self):
        manifest = module("config.ctrl-os.vms.manifest", *[f"{{ ctrl-os.vms = {{ {text} }}; }}" for text in (
            wrong.net('allowedTCPPorts = [ "22:192.168.20.2:22" ];'), wrong.net('allowedTCPPorts = [ "23:192.168.20.2:23" ];'),
            wrong.vm("cores = 2;"), "virtualMachines.demo.memorySize = 512;")])
        self.assertEqual(sorted(manifest["networks"]["default"]["allowedTCPPorts"]), ["22:192.168.20.2:22", "23:192.168.20.2:23"])
        self.assertEqual((manifest["virtualMachines"]["demo"]["cores"], manifest["virtualMachines"]["demo"]["memorySize"]), (2, 512))


class Options(scltest.TestCase):
    def test_same_keys_as_the_schema(self):
        found = module("""
          let schema = import ../../nix/schema.nix; o = options.ctrl-os.vms;
              inner = option: removeAttrs (option.type.getSubOptions [ ]) [ "_module" ];
              names = builtins.attrNames;
          in { options = [ (names (removeAttrs o [ "enable" "package" "hypervisor" "stateDir" "usesLibvirtd" "manifest" "manifestFile" ]))
                           (names (inner o.networks)) (names (inner o.virtualMachines)) ];
               schema = [ (names schema.json.properties) (names schema.network) (names schema.virtualMachine) ]; }""")
        self.assertEqual(found["options"], [[key for key in found["schema"][0] if key != "version"], *found["schema"][1:]])

    def test_hints_are_about_keys_that_exist(self):
        found = evaluate(f"""
          let schema = import ../../nix/schema.nix; lib = import ({nixtest.nixpkgs()} + "/lib");
          in {{ hints = builtins.attrNames (import ../../nix/options.nix {{ inherit lib; }}).hints;
                keys = builtins.attrNames (schema.values // schema.network // schema.virtualMachine); }}""")
        self.assertLessEqual(set(found["hints"]), set(found["keys"]))

    def test_examples_have_their_types(self):
        """An example that the option itself refuses would be copied by everybody."""
        for key, example in evaluate(f"""
              let lib = import ({nixtest.nixpkgs()} + "/lib");
              in (import ../../nix/options.nix {{ inherit lib; }}).examples""").items():
            where = "" if key == "gatewayInterface" else "networks.default." if key in (
                "externalIP", "gatewayIP", "internalNetmask", "allowedTCPPorts", "allowedUDPPorts") else "virtualMachines.demo."
            image = "" if key == "image" else "virtualMachines.demo.image = \"/i.raw\";"
            with self.subTest(key):
                vms(f"{where}{key} = builtins.fromJSON ''{json.dumps(example)}''; {image}", "builtins.deepSeq config.ctrl-os.vms.manifest 0")

    def test_defaults_are_those_of_the_guide(self):
        demo = vms('virtualMachines.demo.image = "/i.raw";')
        self.assertEqual(demo["networks"]["default"], {
            "externalIP": "192.168.10.1", "gatewayIP": "192.168.20.1", "internalNetmask": "255.255.255.0",
            "allowedTCPPorts": [], "allowedUDPPorts": []})
        self.assertEqual(demo["virtualMachines"]["demo"]["network"], "default")
        self.assertTrue(demo["virtualMachines"]["demo"]["autoStart"])


class Wrong(scltest.TestCase):
    def test_assertions(self):
        """All in one evaluation: failures of each."""
        cases = " ".join(f"((of {{ ctrl-os.vms = {{ {text} }}; }}).failures)" for _, text, _ in wrong.CHECKS)
        found = evaluate(f"""
          let of = value: import ./eval.nix {{ nixpkgs = {nixtest.nixpkgs()}; modules = [ value ]; }}; in [ {cases} ]""")
        for (name, _, messages), actual in zip(wrong.CHECKS, found, strict=True):
            with self.subTest(name):
                self.assertEqual(actual, messages)

    def test_types(self):
        for name, text, message in wrong.TYPES:
            with self.subTest(name):
                with self.assertRaises(nixtest.Error) as caught:
                    vms(text, "builtins.deepSeq [ config.ctrl-os.vms.manifest config.ctrl-os.vms.stateDir ] failures")
                self.assertIn(message, str(caught.exception))

    def test_null_and_something_at_once(self):
        with self.assertRaises(nixtest.Error) as caught:
            module("config.ctrl-os.vms.manifest", "{ ctrl-os.vms.networks.default = null; }",
                   '{ ctrl-os.vms.networks.default.gatewayIP = "10.0.0.1"; }')
        self.assertIn("ctrl-os.vms.networks.default` is defined both null and not null", str(caught.exception))


class Files(scltest.TestCase):
    """What becomes a part of the store, and what does not."""

    MARKER = "S3CRET-in-no-store-file"

    def test_no_secret_gets_into_what_is_generated(self):
        secret = self.folder() / "user.yaml"
        secret.write_text(f"#cloud-config\npassword: {self.MARKER}\n", encoding="utf-8")
        found = module("""{ inherit (config.ctrl-os.vms) manifest; inherit (config) systemd;
                            command = config.ctrl-os.vms.manifestFile.command; json = config.ctrl-os.vms.manifestFile.manifest;
                            script = (pkgs.writeShellScript "x" (builtins.readFile ../../nix/scl-service.sh)).text;
                            etc = config.environment.etc."ctrl-os/vms.json".source.manifest;
                            context = builtins.attrNames (builtins.getContext (builtins.toJSON config.ctrl-os.vms.manifest)); }""",
                       f'{{ ctrl-os.vms.virtualMachines.demo = {{ image = "/i.raw"; cloudInitUserConfigFile = "{secret}"; }}; }}')
        self.assertEqual(found["manifest"]["virtualMachines"]["demo"]["cloudInitUserConfigFile"], str(secret))
        self.assertNotIn(self.MARKER, json.dumps(found))
        self.assertEqual(found["context"], [], "a path as text makes no reference to the store")

    def test_what_is_a_path_or_a_derivation_is_referred_to(self):
        found = module("""{ inherit (config.ctrl-os.vms) manifest;
                            context = builtins.attrNames (builtins.getContext config.ctrl-os.vms.manifestFile.manifest); }""",
                       """{ pkgs, ... }: { ctrl-os.vms.virtualMachines.demo = {
                              image = pkgs.writeText "a.raw" "";
                              cloudInitUserConfigFile = ./seed/basic.nix;
                              cloudInitNetworkConfigFile = "${pkgs.writeText "b" ""}/c"; }; }""")
        demo = anonymous(found["manifest"])["virtualMachines"]["demo"]
        self.assertEqual([demo[key] for key in ("image", "cloudInitUserConfigFile", "cloudInitNetworkConfigFile")],
                         ["/nix/store/HASH-a.raw", "/nix/store/HASH-basic.nix", "/nix/store/HASH-b/c"])
        self.assertEqual(len(found["context"]), 3)

    def test_manifest_is_checked_when_it_is_built(self):
        wanted = "config.ctrl-os.vms.manifestFile"
        file = vms(wrong.vm(), f"{{ inherit ({wanted}) name command passAsFile; system = config.environment.etc; }}")
        self.assertIn('/bin/sclctl validate --allow-empty -f "$out"', file["command"])
        self.assertEqual((file["name"], file["passAsFile"]), ("vms.json", ["manifest"]))
        foreign = module(f"{wanted}.command", f"{{ ctrl-os.vms = {{ {wrong.vm()} }}; }}",
                         extra=f"""pkgs = import ./pkgs.nix {{ lib = import ({nixtest.nixpkgs()} + "/lib"); }}
                                   // {{ stdenv = {{ buildPlatform.canExecute = _: false; hostPlatform = {{ }}; }}; }};""")
        self.assertNotIn("validate", foreign)


class Speed(scltest.TestCase):
    def test_200_vms(self):
        text = ("virtualMachines = builtins.listToAttrs (builtins.genList (n: { name = \"vm-${toString n}\"; "
                "value = { image = \"/i.raw\"; memorySize = 512 + n; network = \"n${toString (n / 10)}\"; }; }) 200);"
                "networks = builtins.listToAttrs (builtins.genList (n: { name = \"n${toString n}\"; value = { "
                "externalIP = \"192.168.44.${toString (n + 1)}\"; gatewayIP = \"10.0.0.1\"; internalNetmask = \"255.0.0.0\"; "
                "allowedTCPPorts = builtins.genList (p: \"${toString (p + 1000)}:10.0.0.2:22\") 10; }; }) 20);")
        begin = time.monotonic()
        found = vms(text, "{ inherit failures; inherit (config.ctrl-os.vms) manifest; inherit (config.systemd) services; }")
        seconds = time.monotonic() - begin
        self.assertEqual((found["failures"], len(found["manifest"]["virtualMachines"])), ([], 200))
        self.assertEqual(len([name for name in found["services"] if name.startswith("vm-vm-")]), 200)
        print(f"# 200 VMs in 20 networks: {seconds:.2f} s")
        self.assertLess(seconds, 1)


class Package(scltest.TestCase):
    def test_what_is_substituted_is_there(self):
        """package.nix names the files that run nft; a new one would find it in PATH only."""
        package = (SOURCE / "nix/package.nix").read_text(encoding="utf-8")
        using = {str(path.relative_to(SOURCE)) for path in (SOURCE / "libscl").rglob("*.c")
                 if '"nft"' in path.read_text(encoding="utf-8") and path.name != "scl-spawn.c"}
        self.assertEqual({word for word in package.split() if word.startswith("libscl/")}, using)

    def test_package_evaluates(self):
        found = evaluate(f"""
          let lib = import ({nixtest.nixpkgs()} + "/lib");
              file = import ../../nix/package.nix;
              names = builtins.attrNames (builtins.functionArgs file);
              fake = builtins.listToAttrs (map (name: {{ inherit name; value = "/store/${{name}}"; }}) names);
              fileset = {{ toSource = sources: map toString sources.fileset; unions = list: list; }};
              made = file (fake // {{ lib = lib // {{ inherit fileset; }}; python3 = {{ outPath = "/p"; sitePackages = "lib/python3/site-packages"; }};
                stdenv = {{ mkDerivation = x: x; buildPlatform.canExecute = _: true; hostPlatform = {{ }}; }}; }});
          in {{ inherit (made) pname version buildInputs cmakeFlags postPatch postFixup src;
                meta = {{ inherit (made.meta) mainProgram license; }}; }}""")
        self.assertEqual([path for path in found["src"] if not Path(path).exists()], [])
        self.assertIn("-DSCL_PYTHON_OVERRIDES_DIR:STRING=", found["cmakeFlags"][2])
        self.assertEqual((found["pname"], found["meta"]["mainProgram"], found["meta"]["license"]["spdxId"]),
                         ("scl", "sclctl", "LGPL-2.1-or-later"))
        version = (SOURCE / "CMakeLists.txt").read_text(encoding="utf-8").split("project (scl VERSION ")[1].split()[0]
        self.assertEqual(found["version"], version)

    def test_libraries_are_those_of_cmake(self):
        """Every pkg-config module that libscl and sclctl want comes from one of the inputs."""
        source = {"gio-2.0": "glib", "gio-unix-2.0": "glib", "gobject-2.0": "glib", "glib-2.0": "glib", "libvirt": "libvirt",
                  "libxml-2.0": "libxml2", "libnl-3.0": "libnl", "libnl-nf-3.0": "libnl", "libnl-route-3.0": "libnl",
                  "json-glib-1.0": "json-glib", "libarchive": "libarchive", "yaml-0.1": "libyaml",
                  "gobject-introspection-1.0": "gobject-introspection"}
        package = (SOURCE / "nix/package.nix").read_text(encoding="utf-8").split()
        for path in [SOURCE / "CMakeLists.txt", *(SOURCE / "libscl").rglob("*CMakeLists.txt"), *(SOURCE / "libscl").glob("*.cmake"),
                     *(SOURCE / "tools").rglob("CMakeLists.txt"), *(SOURCE / "bindings").rglob("CMakeLists.txt")]:
            for line in path.read_text(encoding="utf-8").splitlines():
                if not line.startswith("pkg_check_modules"):
                    continue
                words = line.split("(")[1].rstrip(")").split()
                for word in words[1:]:
                    if word not in ("REQUIRED", "IMPORTED_TARGET"):
                        self.assertIn(source[word.split(">")[0]], package, f"{path}: {word}")


class NixosTest(scltest.TestCase):
    """nix/test.nix cannot run here; its configuration and its script are at least well-formed."""

    def test_evaluates(self):
        folder = self.folder()
        (folder / "nixos/lib").mkdir(parents=True)
        (folder / "nixos/lib/eval-config.nix").write_text('_: { config.system.build.image = "/image"; }', encoding="utf-8")
        found = evaluate(f"""
          let lib = import ({nixtest.nixpkgs()} + "/lib");
              pkgs = import ./pkgs.nix {{ inherit lib; }} // {{ path = "{folder}"; sshpass = 1; stdenv.hostPlatform.system = "x"; }};
              test = import ../../nix/test.nix {{ module = ./stubs.nix; }};
              host = test.nodes.host {{ inherit lib pkgs; }};
              of = values: import ./eval.nix {{ nixpkgs = {nixtest.nixpkgs()}; modules = [ {{ ctrl-os.vms = values; }} ] ++ [
                {{ ctrl-os.vms = host.ctrl-os.vms; }} ]; }};
          in {{ script = test.testScript; failures = map (values: (of values).failures)
                  ([ {{ }} ] ++ map (one: one.configuration.ctrl-os.vms) (builtins.attrValues host.specialisation));
                vms = builtins.attrNames (of host.specialisation.removed.configuration.ctrl-os.vms).config.ctrl-os.vms.virtualMachines; }}""")
        self.assertEqual(found["failures"], [[], [], []])
        self.assertEqual(found["vms"], ["other"])
        ast.parse(found["script"])


class Flake(scltest.TestCase):
    def test_outputs(self):
        found = evaluate(f"""
          let lib = import ({nixtest.nixpkgs()} + "/lib");
              pkgs = {{ callPackage = _: _: "scl"; mkShell = x: x; testers.runNixOSTest = test: test.name; clang-tools = 1; cmocka = 1;
                        gi-docgen = 1; nftables = 1; qemu = 1; shellcheck = 1; python3.withPackages = _: 1;
                        stdenv.hostPlatform.system = "x86_64-linux"; runCommand = name: _: command: command; }};
              flake = import ../../flake.nix;
              self = flake.outputs {{ inherit self; nixpkgs = {{ inherit lib; legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (_: pkgs); }}; }};
          in {{ inherit (self) packages checks devShells; module = builtins.isFunction (import self.nixosModules.default);
                overlay = self.overlays.default pkgs {{ }}; inputs = flake.inputs;
                plain = builtins.mapAttrs (_: builtins.typeOf) (import ../../default.nix {{ inherit pkgs; }}); }}""")
        self.assertEqual(found["packages"], {system: {"scl": "scl", "default": "scl"} for system in ("x86_64-linux", "aarch64-linux")})
        self.assertEqual(sorted(found["checks"]["aarch64-linux"]), ["options-doc", "package", "vms"])
        self.assertIn("options.md", found["checks"]["x86_64-linux"]["options-doc"])
        self.assertTrue(found["module"])
        self.assertEqual(found["overlay"], {"scl": "scl"})
        self.assertEqual(found["plain"], {"scl": "string", "module": "path", "overlay": "lambda"})


if __name__ == "__main__":
    scltest.main()
