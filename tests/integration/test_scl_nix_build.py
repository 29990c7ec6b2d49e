# SPDX-License-Identifier: LGPL-2.1-or-later
"""scl-nix --build and FLAKE#ATTR, which need a real store: one of the test's own."""

import json
import os
import shutil
import subprocess

import scltest
from scltest.guest import SOURCE
from test_scl_nix_case import NixCase

IMAGE = 'derivation { name = "disk.raw"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo disk > $out" ]; }'
CONFIG = "sandbox = false\nbuild-users-group =\nsubstitute = false\nsystem = x86_64-linux"


class StoreCase(NixCase):
    def setUp(self):
        super().setUp()
        self.store = self.dir / "nix"
        (self.store / "home").mkdir(parents=True)
        self.addCleanup(subprocess.run, ["chmod", "-R", "u+w", self.store], check=False)

    def environment(self, **changes):
        values = {"NIX_STORE_DIR": str(self.store / "store"), "NIX_STATE_DIR": str(self.store / "var"), "NIX_LOG_DIR": str(self.store / "log"),
                  "NIX_CONF_DIR": str(self.store / "etc"), "NIX_CONFIG": CONFIG, "HOME": str(self.store / "home")}
        return super().environment(**{**values, **changes})

    def needs_builds(self):
        probe = self.dir / "probe.nix"
        probe.write_text(IMAGE, encoding="utf-8")
        done = subprocess.run(["nix-build", "--no-out-link", probe], capture_output=True, text=True, timeout=scltest.bound(120), check=False,
                              env=self.environment(), cwd=self.dir)
        scltest.require(done.returncode == 0, f"Nix cannot build here: {done.stderr.strip()[-200:]}")


class Build(StoreCase):
    def test_images(self):
        self.needs_builds()
        self.write("user.yaml", "{}\n")
        text = f"""let image = {IMAGE}; in {{ virtualMachines.a = {{ inherit image; cloudInitUserConfigFile = "${{./user.yaml}}"; }};
          virtualMachines.b.image = "${{image}}"; }}"""
        found = json.loads(self.nix("--build", "vms.nix", text).stdout)["virtualMachines"]
        self.assertEqual(self.read(found["a"]["image"]), "disk\n")
        self.assertEqual(found["b"]["image"], found["a"]["image"])
        self.assertEqual(self.read(found["a"]["cloudInitUserConfigFile"]), "{}\n")
        collected = subprocess.run(["nix-store", "--gc"], capture_output=True, timeout=scltest.bound(60), check=False, env=self.environment())
        self.assertEqual(collected.returncode, 0)
        for path in (found["a"]["image"], found["a"]["cloudInitUserConfigFile"]):
            self.assertTrue(os.path.exists(path), "collected, though a manifest uses it")
        shutil.rmtree(self.files)
        subprocess.run(["nix-store", "--gc"], capture_output=True, timeout=scltest.bound(60), check=True, env=self.environment())
        self.assertFalse(os.path.exists(found["a"]["image"]))

    def test_build_that_fails(self):
        self.needs_builds()
        text = f"{{ virtualMachines.a.image = {IMAGE.replace('echo disk > $out', 'echo reason; exit 3')}; }}"
        done = self.nix("--build", "vms.nix", text, status=1)
        self.assertIn("reason", done.stderr)
        self.assertRegex(done.stderr.splitlines()[-1], r"^vms\.nix: cannot build .*-disk\.raw\.drv!out: see above$")

    def test_nothing_is_built_for_a_wrong_manifest(self):
        done = self.nix("--build", "vms.nix", f"{{\n  virtualMachines.a = {{ image = {IMAGE}; coers = 1; }};\n}}", status=1)
        self.assertIn("virtualMachines.a.coers", done.stderr)
        self.assertFalse(self.files.exists())
        self.assertFalse(any(name.endswith("-disk.raw") for name in os.listdir(self.store / "store")))

    def test_import_from_derivation(self):
        self.needs_builds()
        text = f'{{ virtualMachines.a = {{ image = /a; network = builtins.substring 0 4 (builtins.readFile ({IMAGE})); }}; networks.disk = {{\n' \
               ' externalIP = "192.168.44.1"; gatewayIP = "10.0.0.1"; }; }'
        self.assertIn("import from derivation", self.nix("--build", "vms.nix", text, status=1).stderr)
        self.nix("--build", "--unrestricted", "vms.nix", text)

    def test_pkgs_of_nixpkgs(self):
        """With -I nixpkgs=…, its pkgs and lib are the ones that a module gets."""
        self.needs_builds()
        nixpkgs = self.dir / "nixpkgs"
        (nixpkgs / "lib").mkdir(parents=True)
        (nixpkgs / "pkgs").mkdir()
        (nixpkgs / "lib/default.nix").write_text('{ marker = 3; }', encoding="utf-8")
        (nixpkgs / "default.nix").write_text(f"{{ ... }}: {{ image = {IMAGE}; }}", encoding="utf-8")
        text = "{ pkgs, lib, ... }: { ctrl-os.vms.virtualMachines.a = { image = pkgs.image; cores = lib.marker; }; }"
        found = json.loads(self.nix("-I", "nixpkgs=nixpkgs", "--build", "vms.nix", text).stdout)["virtualMachines"]["a"]
        self.assertEqual((self.read(found["image"]), found["cores"]), ("disk\n", 3))


class RealLib(NixCase):
    def nixpkgs(self):
        path = os.environ.get("SCL_NIXPKGS_LIB")
        if path is None:
            self.skipTest("SCL_NIXPKGS_LIB is not set to a copy of nix-community/nixpkgs.lib")
        return path if os.path.isdir(f"{path}/lib") else os.path.dirname(path.rstrip("/"))

    def test_nixos_module(self):
        """What the real module has under ctrl-os.vms, beside the manifest, is left out."""
        path = self.nixpkgs()
        text = f"""{{ nixpkgs }}: {{ host = import {SOURCE}/tests/nix/eval.nix {{ inherit nixpkgs; modules = [
          {{ ctrl-os.vms = {{ gatewayInterface = "eth0"; networks.default.allowedTCPPorts = [ "2222:192.168.20.2:22" ];
            virtualMachines.a = {{ image = "/a.raw"; cores = 2; }}; }}; }} ]; }}; }}"""
        done = self.nix("-I", str(SOURCE), "-I", f"nixpkgs={path}", "--arg", f"nixpkgs={path}", "-A", "host.config.ctrl-os.vms", "vms.nix", text)
        self.assertEqual(json.loads(done.stdout), {"version": 1, "gatewayInterface": "eth0", "networks": {
            "default": {"allowedTCPPorts": ["2222:192.168.20.2:22"]}}, "virtualMachines": {"a": {"image": "/a.raw", "cores": 2}}})

    def test_lib_of_nixpkgs(self):
        path = self.nixpkgs()
        text = """{ lib, pkgs, ... }: { ctrl-os.vms.virtualMachines = lib.mkMerge [ (lib.genAttrs [ "a" "b" ] (name: { image = /a; cores = lib.mkDefault 1; }))
          { b.cores = lib.mkForce 2; a.cores = lib.mkIf (lib.versionAtLeast "1.10" "1.9") 4; }
          { a.cloudInitUserConfigFile = (pkgs.formats.yaml { }).generate "u" { }; } ]; }"""
        done = self.nix("-I", f"nixpkgs={path}", "--no-files", "vms.nix", text)
        found = json.loads(done.stdout)["virtualMachines"]
        self.assertEqual((found["a"]["cores"], found["b"]["cores"]), (4, 2))


class Flakes(StoreCase):
    FLAKE = """{
  outputs = { self }: {
    vms.virtualMachines.a = { image = ./disk.raw; cores = 3; };
    module = { pkgs, lib, ... }: { ctrl-os.vms.virtualMachines.a = { image = ./disk.raw;
      cloudInitUserConfigFile = (pkgs.formats.yaml { }).generate "user.yaml" { password = "x"; }; }; };
    nixosConfigurations.host.config.ctrl-os.vms = { enable = true; package = throw "p"; manifestFile = throw "m"; gatewayInterface = null;
      virtualMachines.a = { image = ./disk.raw; imageSize = null; }; };
    bad.virtualMachines.a = { image = ./disk.raw;
      coers = 2; };
    wrong = { networks = 1 + "x"; };
    net = { gatewayInterface = builtins.readFile (builtins.fetchurl { url = "http://127.0.0.1:1/x"; sha256 = "%s"; }); };
    built.virtualMachines.a.image = %s;
  };
}
""" % ("0" * 64, IMAGE)

    def setUp(self):
        super().setUp()
        self.flake = self.dir / "flake"
        self.flake.mkdir()
        (self.flake / "flake.nix").write_text(self.FLAKE, encoding="utf-8")
        (self.flake / "disk.raw").write_text("disk", encoding="utf-8")
        scltest.require(shutil.which("nix"), "nix-bin")

    def vm(self, *words):
        return json.loads(self.nix(*words).stdout)["virtualMachines"]["a"]

    def test_values(self):
        """Paths are those of the user's folder, not of its copy in the store."""
        image = f"{self.flake}/disk.raw"
        for reference in ("./flake", f"path:{self.flake}", str(self.flake)):
            self.assertEqual(self.vm(f"{reference}#vms"), {"image": image, "cores": 3})
        found = self.vm("./flake#module")
        self.assertEqual(self.read(found["cloudInitUserConfigFile"]), '{"password":"x"}\n')
        self.assertEqual(self.vm("./flake#nixosConfigurations.host.config.ctrl-os.vms"), {"image": image})
        done = self.nix("#vms", cwd=self.flake)
        self.assertIn(image, done.stdout)
        self.assertFalse((self.flake / "flake.lock").exists())

    def test_git(self):
        scltest.require(shutil.which("git"), "git")
        git = ["git", "-c", "user.name=x", "-c", "user.email=x@x", "-C", self.flake]
        subprocess.run([*git, "init", "-q"], check=True, env=self.environment())
        subprocess.run([*git, "add", "."], check=True, env=self.environment())
        self.assertEqual(self.vm("./flake#vms")["image"], f"{self.flake}/disk.raw")

    def test_errors(self):
        for attr, wanted in (("bad", f"{self.flake}/flake.nix:9:7: virtualMachines.a.coers: unknown key"),
                             ("wrong", f"{self.flake}/flake.nix:10:30: networks: cannot add a string to an integer"),
                             ("net", "is forbidden in restricted mode; --unrestricted allows it"),
                             ("built", f"{self.flake}/flake.nix:12:5: virtualMachines.a.image: is made by a derivation"),
                             ("none", "./flake#none: flake 'path:"), ("", "./flake#: which attribute of the flake?")):
            with self.subTest(attr):
                done = self.nix(f"./flake#{attr}", status=1)
                self.assertIn(wanted, done.stderr.splitlines()[0])

    def test_only_what_is_here(self):
        for reference in ("github:a/b#c", "nixpkgs#hello", "https://x/y.tar.gz#z", "git+https://x/y#z"):
            done = self.nix(reference, status=1)
            self.assertIn("is not a flake on this machine", done.stderr)
        self.assertIn("not for flakes", self.nix("-A", "x", "./flake#vms", status=1).stderr)
        self.assertIn("name the file, or the flake as FOLDER#ATTR", self.nix("flake", status=1).stderr)

    def test_inputs_are_not_fetched(self):
        (self.flake / "flake.nix").write_text('{ inputs.x.url = "https://127.0.0.1:1/x.tar.gz"; outputs = { self, x }: { vms = { }; }; }', encoding="utf-8")
        self.assertIn("unable to download", self.nix("./flake#vms", status=1).stderr)

    def test_build(self):
        self.needs_builds()
        self.assertEqual(self.read(self.vm("--build", "./flake#built")["image"]), "disk\n")

    def test_odd_references(self):
        for reference in ("./flake#a\"b", "./flake#${x}", "./flake#--option", "--help#x", "./fl\"ake#vms"):
            done = self.nix("--", reference, status=1)
            self.assertRegex(done.stderr, r"^[^\n]+\n$")


if __name__ == "__main__":
    scltest.main()
