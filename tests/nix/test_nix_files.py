#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""All Nix files of the tree: they parse, carry the licence, are short; the schema is that of sclctl."""

import subprocess

import nixtest
import scltest
from nixtest import SOURCE
from scltest.sclctl import program

LINES_MAX = 600
SPDX = "# SPDX-License-Identifier: LGPL-2.1-or-later"


def nix_files():
    found = [SOURCE / "flake.nix", SOURCE / "default.nix", *(SOURCE / "nix").rglob("*.nix"), *nixtest.HERE.rglob("*.nix")]
    return sorted(path for path in found if path.is_file())


class Files(scltest.TestCase):
    def test_found(self):
        self.assertGreater(len(nix_files()), 20)

    def test_parse(self):
        done = nixtest.run("--parse", *map(str, nix_files()))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_licence(self):
        missing = [path.name for path in nix_files() if path.read_text(encoding="utf-8").split("\n")[0] != SPDX]
        self.assertFalse(missing)

    def test_length(self):
        long = [path.name for path in nix_files() if path.read_text(encoding="utf-8").count("\n") > LINES_MAX]
        self.assertFalse(long)


class Schema(scltest.TestCase):
    def test_is_that_of_sclctl(self):
        path = SOURCE / "nix/schema.json"
        current = subprocess.run([program(), "schema"], capture_output=True, text=True, timeout=scltest.bound(30), check=True).stdout
        if nixtest.updating():
            path.write_text(current, encoding="utf-8")
        self.assertEqual(path.read_text(encoding="utf-8"), current, "nix/schema.json (SCL_TEST_UPDATE=1 writes it)")

    def test_both_kinds_of_networks_have_the_same_keys(self):
        keys = nixtest.evaluate("""
          let schema = import ../../nix/schema.nix; in map builtins.attrNames [ schema.network schema.preset ]""")
        self.assertEqual(*keys)

    def test_every_pattern_is_understood(self):
        """A pattern that builtins.match cannot compile would throw; its own default must match it."""
        found = nixtest.evaluate("""
          let schema = import ../../nix/schema.nix;
              patterns = keys: builtins.concatMap (key: let k = keys.${key}; in
                (if k.pattern == null then [ ] else [ [ key k.pattern k.default ] ])
                ++ (if k.items == null then [ ] else [ [ key k.items.pattern null ] ])) (builtins.attrNames keys);
              try = p: { name = builtins.elemAt p 0; nothing = builtins.match (schema.bare (builtins.elemAt p 1)) "~" != null;
                         own = let d = builtins.elemAt p 2; in d == null || builtins.match (schema.bare (builtins.elemAt p 1)) d != null; };
          in map try (patterns schema.values ++ patterns schema.network ++ patterns schema.preset ++ patterns schema.virtualMachine)""")
        self.assertGreater(len(found), 10)
        self.assertFalse([entry for entry in found if entry["nothing"] or not entry["own"]])


if __name__ == "__main__":
    scltest.main()
