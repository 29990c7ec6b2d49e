#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every manifest of the pages is right, or wrong where it says so; Nix and YAML side by side say the same."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import scltest
from scltest.guest import SOURCE
from scltest.sclctl import Sclctl, program

import cloudconfig
import pages

sys.path.insert(0, str(SOURCE / "tests/nix"))
import nixtest  # noqa: E402

FILES = ("cloudInitUserConfigFile", "cloudInitNetworkConfigFile")
# What pages use and this machine has not.
IMAGES = {"doc/nix-anywhere.md": ["ubuntu.raw", "debian.raw"]}


def normal(manifest):
    """Without defaults: both sides may say them or not."""
    networks = {name: None if value is None else {key: each for key, each in value.items() if each not in ([], "255.255.255.0")
                                                  and (name, each) not in (("default", "192.168.10.1"), ("default", "192.168.20.1"))}
                for name, value in {"default": {}, **manifest.get("networks", {})}.items()}
    usual = {"network": "default", "autoStart": True, "cores": 1, "memorySize": 1024, "firmware": "uefi", "accelerator": "auto",
             "shutdownTimeout": 90, "onChange": "nextBoot"}
    vms = {name: {key: each for key, each in vm.items() if usual.get(key) != each} for name, vm in manifest.get("virtualMachines", {}).items()}
    return {"gatewayInterface": manifest.get("gatewayInterface"), "networks": networks, "virtualMachines": vms}


def without(manifest, keys):
    for vm in manifest["virtualMachines"].values():
        for key in keys:
            vm.pop(key, None)
    return manifest


def short(path):
    """The name of a file: one of a store has 33 characters in front of it."""
    return Path(path).name[33:] if path.startswith("/nix/store/") else Path(path).name


class PageCase(scltest.TestCase):
    def setUp(self):
        self.dir = self.folder()
        self.ctl = Sclctl(self.dir / "state", "memory")

    def place(self, block):
        """A folder with the files that the page has made up to this block."""
        folder = Path(self.dir) / re.sub(r"[^a-z0-9]", "-", block.place)
        folder.mkdir(exist_ok=True)
        for name in IMAGES.get(block.page, []):
            (folder / name).write_bytes(bytes(1 << 20))
        for other in pages.page(block.page).blocks:
            name = other.options.get("file", "")
            if other.line <= block.line and name and not name.startswith("/"):
                (folder / name).write_text(other.text, encoding="utf-8")
        for name in ("user.yaml", "net.yaml"):
            if not (folder / name).exists():
                (folder / name).write_text("{}", encoding="utf-8")
        path = folder / block.options.get("file", f"block.{'nix' if block.language == 'nix' else block.language}")
        path.write_text(block.text, encoding="utf-8")
        return path

    def nix(self, path):
        """What scl-nix makes of it."""
        scltest.require(shutil.which("nix-instantiate"), "nix-bin")
        environment = {**self.ctl.environment(), "SCL_NIX_FILES": str(path.parent / "files")}
        done = subprocess.run([Path(program()).with_name("scl-nix"), path.name], cwd=path.parent, capture_output=True, text=True,
                              timeout=scltest.bound(60), check=False, env=environment)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)


class Manifests(PageCase):
    def test_right_ones(self):
        found = [block for block in pages.blocks("yaml", "json") if block.kind == "manifest"]
        self.assertGreater(len(found), 20)
        for block in found:
            with self.subTest(block.place):
                path = self.place(block)
                self.ctl.run("validate", "--allow-empty", "-f", path, check=0)
                done = self.ctl.run("plan", "--allow-empty", "-f", path)
                self.assertIn(done.returncode, (0, 2), done.stderr)

    def test_wrong_ones(self):
        found = [block for block in pages.blocks("yaml", "json") if block.kind == "wrong"]
        self.assertGreater(len(found), 0)
        for block in found:
            with self.subTest(block.place):
                self.ctl.run("validate", "-f", self.place(block), check=1)

    def test_data_files(self):
        for block in pages.blocks("yaml", "json"):
            if block.kind == "data":
                with self.subTest(block.place):
                    self.assertTrue(cloudconfig.read(block.text))


class SideBySide(PageCase):
    """Blocks of a page with one `same=`."""

    def module(self, path):
        done = nixtest.evaluate(f"let page = import {SOURCE}/tests/doc/eval-page.nix {{ nixpkgs = {nixtest.nixpkgs()}; pages = [ {path} ]; }}; "
                                "in { inherit (page) manifest failures; }")
        self.assertEqual([], done["failures"])
        return done["manifest"]

    @staticmethod
    def yaml(path):
        return cloudconfig.read(path.read_text(encoding="utf-8"))

    def groups(self):
        found = {}
        for block in pages.blocks("yaml", "nix"):
            if "same" in block.options:
                found.setdefault((block.page, block.options["same"]), []).append(block)
        return found

    def content(self, vm, key, folder):
        """What cloud-init gets to see, or the path of a file that the page does not make."""
        path = Path(vm[key]) if vm[key].startswith("/") else folder / vm[key]
        return cloudconfig.read(path.read_text(encoding="utf-8")) if path.exists() else vm[key]

    def seen(self, manifest, path, inside=True):
        for vm in manifest["virtualMachines"].values():
            for key in set(FILES) & set(vm):
                vm[key] = self.content(vm, key, path.parent) if inside else short(vm[key])
        return manifest

    def test_scl_nix(self):
        compared = 0
        for (page, name), blocks in self.groups().items():
            yaml = [block for block in blocks if block.language == "yaml"]
            for block in [block for block in blocks if block.kind == "nixos"]:
                with self.subTest(f"{page} {name}"):
                    self.assertEqual(len(yaml), 1, "one YAML block beside it")
                    other, path = self.place(yaml[0]), self.place(block)
                    self.assertEqual(self.seen(normal(self.yaml(other)), other), self.seen(normal(self.nix(path)), path))
                    compared += 1
        self.assertGreater(compared, 10)

    def test_module(self):
        nixtest.nixpkgs()
        for (page, name), blocks in self.groups().items():
            yaml = [block for block in blocks if block.language == "yaml"]
            for block in [block for block in blocks if block.language == "nix"]:
                with self.subTest(f"{block.place} {name}"):
                    path, keys = self.place(block), block.options.get("but", "").split(",")
                    found = without(self.seen(normal(self.module(path)), path, False), keys)
                    if yaml:
                        other = self.place(yaml[0])
                        self.assertEqual(without(self.seen(normal(self.yaml(other)), other, False), keys), found)
                    else:
                        self.assertTrue(found["virtualMachines"])

    def test_every_nix_block_has_its_twin_or_says_why(self):
        alone = [block.place for block in pages.blocks("nix") if block.kind == "nixos" and "same" not in block.options
                 and block.page not in pages.ELSEWHERE]
        self.assertEqual([], alone)


class OtherNix(PageCase):
    def test_pages_of_others(self):
        """doc/nix-anywhere.md: each block as it stands. doc/options.md: each example as the value of its option."""
        for block in pages.blocks("nix"):
            if block.page in pages.ELSEWHERE and block.kind == "nixos":
                with self.subTest(block.place):
                    self.assertTrue(self.nix(self.place(block))["virtualMachines"])

    def test_examples_of_options(self):
        found = [block for block in pages.blocks("nix") if block.kind == "option"]
        self.assertGreater(len(found), 0)
        for block in found:
            with self.subTest(block.place):
                option = block.heading.strip("`").replace("networks.<name>", "networks.default").replace("<name>", "demo")
                block.text = f"{{ {option} = {block.text}; ctrl-os.vms.virtualMachines.demo.image = /disk.raw; }}" \
                    if option.count(".") != 2 else f"{{ {option} = {block.text}; }}"
                self.assertIn(f'"{option.rpartition(".")[2]}":', json.dumps(self.nix(self.place(block))))

    def test_flake(self):
        [block] = [block for block in pages.blocks("nix") if block.options.get("file") == "flake.nix"]
        folder = self.place(block).parent
        (folder / "configuration.nix").write_text("{ }", encoding="utf-8")
        (folder / "vms.nix").write_text("{ ctrl-os.vms.gatewayInterface = \"eth0\"; }", encoding="utf-8")
        found = nixtest.evaluate(f"let lib = {nixtest.nixpkgs()}; page = modules: import {SOURCE}/tests/doc/eval-page.nix "
                                 "{ nixpkgs = lib; pages = modules; }; "
                                 f"in (page ((page [ ]).hosts (import {folder}/flake.nix)).host).manifest")
        self.assertEqual(found["gatewayInterface"], "eth0")


if __name__ == "__main__":
    scltest.main()
