#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""scl-nix against nixpkgs' module system with the real module, on files of the kinds that people write (people/)."""

import json
import os
import resource
import subprocess
from pathlib import Path

import scltest
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


class ToolCase(scltest.TestCase):
    def setUp(self):
        nixtest.run("--version")
        self.dir = self.folder()
        self.tool = Path(program()).with_name("scl-nix")


class People(ToolCase):
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


class Library(scltest.TestCase):
    """The stand-in for nixpkgs' lib."""

    STAND_IN = "let files = import ../../bindings/nix/lib/files.nix; library = files.library { inherit files; inherit (library) lib; }; in "
    REAL = "let lib = import ({} + \"/lib\"); in "

    def test_functions(self):
        """Each function, on several inputs, against the answer of nixpkgs that is stored."""
        path = nixtest.HERE / "golden/lib.json"
        if nixtest.updating():
            nixtest.check_golden(self, path.name, nixtest.evaluate(self.REAL.format(nixtest.nixpkgs()) + "import ./lib-cases.nix lib"))
        stored = json.loads(path.read_text(encoding="utf-8"))
        found = nixtest.evaluate(self.STAND_IN + "import ./lib-cases.nix library.lib")
        self.assertEqual(sorted(stored), sorted(found))
        for subset, functions in stored.items():
            for name, answers in functions.items():
                for number, answer in enumerate(answers):
                    with self.subTest(f"{subset}.{name}[{number}]"):
                        self.assertEqual(answer, found[subset][name][number])

    def test_every_name(self):
        """A name that nixpkgs' lib has is there, or says where it is."""
        subsets = "[ " + " ".join(f'"{name}"' for name in ("attrsets", "generators", "lists", "modules", "options", "strings", "trivial", "types")) + " ]"
        names = f"builtins.listToAttrs (map (name: {{ inherit name; value = builtins.attrNames lib.${{name}}; }}) {subsets}) // {{ top = builtins.attrNames lib; }}"
        wanted = nixtest.evaluate(self.REAL.format(nixtest.nixpkgs()) + names)
        found = nixtest.evaluate(self.STAND_IN + f"let inherit (library) lib; in {names}")
        self.assertEqual({}, {subset: sorted(set(wanted[subset]) - set(found[subset])) for subset in wanted if set(wanted[subset]) - set(found[subset])})

    def test_defaults_of_vms(self):
        """What modules read of ctrl-os.vms is what the schema says."""
        found = nixtest.evaluate(self.STAND_IN + """
          let value = (library.engine.evaluate { modules = [ (files.vms { inherit (library) parts; }).module
                { ctrl-os.vms = { networks.lan = { externalIP = "x"; gatewayIP = "y"; }; virtualMachines.a.image = "z"; }; } ]; }).config.ctrl-os.vms;
          in value""")

        def defaults(name):
            return {key: each.get("default") for key, each in KEYS[name]["properties"].items()}

        self.assertEqual(found["networks"], {"default": defaults("network-preset"), "lan": {**defaults("network"), "externalIP": "x", "gatewayIP": "y"}})
        self.assertEqual(found["virtualMachines"], {"a": {**defaults("virtualMachine"), "image": "z"}})


class Speed(ToolCase):
    """200 VMs."""

    COUNT = 200

    def user_time(self, argv):
        begin = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        done = subprocess.run(argv, cwd=FOLDER, capture_output=True, text=True, timeout=scltest.bound(60), check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - begin

    def test_against_nixpkgs(self):
        """The smallest of three, of user time: what else the machine does counts least."""
        scltest.require("SCL_TEST_SANITIZE" not in os.environ, "no sanitizer")
        path = self.dir / "many.nix"
        path.write_text("{ lib, ... }: { ctrl-os.vms.virtualMachines = lib.genAttrs (map (n: \"vm${toString n}\") (lib.range 1 %d)) (name: {\n"
                        "  image = \"/srv/${name}.raw\"; cores = 2; memorySize = 2048; autoStart = true; }); }\n" % self.COUNT, encoding="utf-8")
        whole = min(self.user_time([self.tool, "-q", path]) for _ in range(3))
        self.assertLess(whole, 0.5)
        library = nixtest.HERE.parent.parent / "bindings/nix/lib/file.nix"
        ours = min(self.user_time([*nixtest.TOOL, "--eval", "--strict", "--json", library, "--argstr", "sclFile", path]) for _ in range(3))
        real = [*nixtest.TOOL, "--eval", "--strict", "--json", "--expr",
                f"(import {nixtest.HERE}/eval.nix {{ nixpkgs = {nixtest.nixpkgs()}; modules = [ {path} ]; }}).config.ctrl-os.vms.manifest"]
        theirs = min(self.user_time(real) for _ in range(3))
        print(f"# scl-nix {whole:.2f} s, of which evaluation {ours:.2f} s; nixpkgs' module system {theirs:.2f} s: {ours / theirs:.2f}")
        self.assertLess(ours, 0.7 * theirs)


if __name__ == "__main__":
    scltest.main()
