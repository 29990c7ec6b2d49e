#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""bindings/python/examples/small-fleet.py on simulated hosts, with and without asyncio; and what doc/python.md shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import scltest
from scltest.gi import HYPERVISORS, TEXT, GiCase

SOURCE = Path(os.environ["SCL_SOURCE_DIR"])
PROGRAM = SOURCE / "bindings/python/examples/small-fleet.py"
WAYS = ([], ["--async"])
LISTED = f"{'demo':16} {'running':10} -\n{'web':16} {'stopped':10} -\n"


def python(*words, **options):
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=scltest.bound(60), check=False, **options)


class Example(GiCase):
    def each(self):
        for hypervisor in HYPERVISORS:
            for way in WAYS:
                with self.subTest(f"{hypervisor} {way}"):
                    yield hypervisor, way

    def call(self, hypervisor, text, *words):
        path = self.dir / "demo.yaml"
        path.write_text(text, encoding="utf-8")
        return python(str(PROGRAM), "--connect", self.uri(hypervisor), *words, str(path))

    def test_apply(self):
        for hypervisor, way in self.each():
            done = self.call(hypervisor, TEXT, *way)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            plan, _, rest = done.stdout.partition(" 14%\n")
            self.assertTrue(plan.startswith("7 steps\n"), plan)
            self.assertIn('  start vm "demo": new, with autoStart\n', plan)
            self.assertTrue(rest.endswith("100%\n" + LISTED), rest)

    def test_nothing_to_watch(self):
        for hypervisor, way in self.each():
            done = self.call(hypervisor, TEXT.replace("cores: 2", "autoStart: false"), "--watch", *way)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(done.stdout.count("stopped"), 4, done.stdout)

    def test_errors(self):
        for hypervisor, way in self.each():
            done = self.call(hypervisor, "version: 1\nvirtualMachine: {}\n", *way)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("virtualMachines", done.stderr)
            done = self.call(f"{hypervisor}&wrong=1", TEXT, *way)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("wrong", done.stderr)


class Documentation(GiCase):
    def test_each_block_runs(self):
        blocks = re.findall(r"^```python\n(.*?)^```", (SOURCE / "doc/python.md").read_text(encoding="utf-8"), re.M | re.S)
        self.assertGreater(len(blocks), 5)
        for block in blocks:
            with self.subTest(block):
                done = python("-W", "error::RuntimeWarning", "-c", block, cwd=self.dir)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertTrue(done.stdout)


if __name__ == "__main__":
    scltest.main()
