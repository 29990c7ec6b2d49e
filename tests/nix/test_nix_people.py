#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""scl-nix against nixpkgs' module system with the real module, on files of the kinds that people write (people/)."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import scltest
from scltest.guest import SOURCE
from scltest.sclctl import program

import nixtest

FOLDER = nixtest.HERE / "people"
NAMES = sorted(path.stem for path in FOLDER.glob("*.nix"))
SCHEMA = json.loads((nixtest.MODULE / "schema.json").read_text(encoding="utf-8"))
KEYS = SCHEMA["$defs"]


def spare(value, keys):
    """Without what is the default."""
    return {name: each for name, each in value.items() if name not in keys["properties"] or each != keys["properties"][name].get("default")}


def bare(manifest):
    """Without defaults; paths as they are on every machine."""
    text = nixtest.STORE_PATH.sub("", json.dumps(manifest)).replace(f"{FOLDER}/", "")
    manifest = json.loads(text)
    networks = {"default": {}, **manifest.get("networks", {})}
    return {**{name: value for name, value in manifest.items() if value is not None},
            "networks": {name: value and spare(value, KEYS["network-preset" if name == "default" else "network"]) for name, value in networks.items()},
            "virtualMachines": {name: spare(value, KEYS["virtualMachine"]) for name, value in manifest.get("virtualMachines", {}).items()}}


class People(scltest.TestCase):
    def setUp(self):
        nixtest.run("--version")
        self.dir = self.folder()
        self.tool = Path(program()).with_name("scl-nix")

    def call(self, name, *words):
        return subprocess.run([self.tool, *words, "--files", self.dir / "files", f"{name}.nix"], cwd=FOLDER, capture_output=True, text=True,
                              timeout=scltest.bound(60), check=False, env={key: value for key, value in os.environ.items() if not key.startswith("NIX_")})

    def content(self, path):
        """A generated file as people.nix writes it down."""
        return f"/file/{path.name[65:]}:{json.dumps(path.read_text(encoding='utf-8'), separators=(',', ':'))}"

    def answer(self, name, *words):
        done = self.call(name, *words)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        manifest = json.loads(done.stdout)
        for vm in manifest.get("virtualMachines", {}).values():
            for key, value in vm.items():
                if isinstance(value, str) and value.startswith(f"{self.dir}/"):
                    vm[key] = self.content(Path(value))
        return bare(manifest)

    def test_as_nixpkgs(self):
        """Each file, against the answer of nixpkgs that is stored."""
        path = nixtest.HERE / "golden/people.json"
        if nixtest.updating():
            names = " ".join(f'"{name}"' for name in NAMES)
            found = nixtest.evaluate(f"import ./people.nix {{ nixpkgs = {nixtest.nixpkgs()}; files = [ {names} ]; }}")
            self.assertEqual({}, {name: each["failures"] for name, each in found.items() if each["failures"]})
            nixtest.check_golden(self, path.name, {name: bare(each["manifest"]) for name, each in found.items()})
        stored = json.loads(path.read_text(encoding="utf-8"))
        self.assertEqual(sorted(stored), NAMES)
        self.assertGreaterEqual(len(NAMES), 40)
        for name in NAMES:
            with self.subTest(name):
                self.assertEqual(stored[name], self.answer(name))


if __name__ == "__main__":
    scltest.main()
