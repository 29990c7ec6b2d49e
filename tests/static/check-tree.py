#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tree as a whole: every folder says what it is for; nothing names the machine that it was written on."""

import re
import unittest

import scltest
from sources import SOURCE, files

# Folders whose purpose another README, or their content, says.
NO_README = {
    ".ci": "one program",
    "bindings/nix/lib": "bindings/nix/README.md",
    "bindings/python/gi": "bindings/python/README.md",
    "bindings/python/gi/overrides": "bindings/python/README.md",
    "include": "HACKING.md",
    "include/scl": "libscl/README.md",
    "doc/api": "HACKING.md",
    "doc/guide": "doc/README.md",
    "doc/how-to": "doc/README.md",
    "doc/man": "manual pages",
    "doc/design": "notes, one per topic",
    "tests/data": "tests/unit/README.md",
    "tests/data/manifest": "tests/unit/README.md",
    "tests/data/manifest/good": "tests/unit/README.md",
    "tests/data/manifest/bad": "tests/unit/README.md",
    "tests/data/nix": "tests/integration/README.md",
    "tests/data/seed": "tests/e2e/README.md",
    "tests/data/vm": "tests/unit/README.md",
    "tests/fuzz/corpus": "tests/fuzz/README.md",
    "tests/fuzz/corpus/manifest": "tests/fuzz/README.md",
    "tests/lab/systemd-host": "tests/lab/README.md",
    "tests/nix/golden": "tests/nix/README.md",
    "tests/nix/people": "tests/nix/README.md",
    "tests/nix/people/parts": "tests/nix/README.md",
    "tests/nix/people/parts/vms": "tests/nix/README.md",
    "tests/nix/seed": "tests/nix/README.md",
    "tests/support/scltest": "its __init__.py",
    "tools/completion": "tools/README.md",
}
# Where a developer's or a builder's machine shows. Written so that the rule does not match itself.
MACHINE = re.compile("|".join([r"(?<![\w.$}])/wo" r"rk/", r"/tmp/s" r"cl/", r"/home/(?!nixos\b|user\b|me\b|demo\b)[a-z]", r"/ro" r"ot/\.",
                               r"\bissue" r"s show\b", r"/mnt/[a-z]+/src"]))
TEXT_MAX = 1 << 20


def folders():
    found = set()
    for name in files():
        parts = name.split("/")[:-1]
        found.update("/".join(parts[:n]) for n in range(1, len(parts) + 1))
    return sorted(found)


def machine_findings():
    found = []
    for name in files():
        if name.startswith("tests/fuzz/corpus/"):
            continue
        data = (SOURCE / name).read_bytes()
        if len(data) > TEXT_MAX or b"\0" in data:
            continue
        for number, line in enumerate(data.decode(errors="replace").split("\n"), 1):
            if MACHINE.search(line):
                found.append(f"{name}:{number}: {line.strip()[:100]}")
    return found


class Tree(scltest.TestCase):
    def test_every_folder_has_a_readme(self):
        missing = [folder for folder in folders() if folder not in NO_README and not (SOURCE / folder / "README.md").exists()]
        self.assertFalse(missing, "\n" + "\n".join(missing))

    def test_exceptions_exist(self):
        gone = [folder for folder in NO_README if not (SOURCE / folder).is_dir()]
        self.assertFalse(gone)

    def test_no_machine_is_named(self):
        findings = machine_findings()
        self.assertFalse(findings, "\n" + "\n".join(findings))

    def test_names_are_plain(self):
        odd = [name for name in files() if not re.fullmatch(r"[A-Za-z0-9_.@/+-]+", name)]
        self.assertFalse(odd)


class Sees(unittest.TestCase):
    def test_machine_paths(self):
        self.assertTrue(MACHINE.search("see /wo" + "rk/main"))
        self.assertFalse(MACHINE.search("${dir}/wo" + "rk/x"))


if __name__ == "__main__":
    scltest.main()
